"""What the ledger itself asks of a command, whatever it is about. Pure."""

from __future__ import annotations

from collections.abc import Container

import msgspec

from hall.core.command import Actor, Command, Draft
from hall.core.errors import Refused

#: topic of lines that change nothing: refusals, views, exports, sign-ins
AUDIT = "audit"
#: ms a sender's clock may be ahead of the hall's
AHEAD_MS = 60_000
_LONGEST = {"id": 200, "subject": 500, "move": 100, "reason": 20_000, "correlation": 200}


def check_command(command: Command) -> None:
    """Raises Refused for what no database and no screen could keep."""
    for name, longest in _LONGEST.items():
        _check_text(name, getattr(command, name), longest)
    for name in ("id", "subject", "move"):
        if not getattr(command, name):
            raise Refused("command-unusable", f"{name} is empty")
    if command.revision is not None and not 0 <= command.revision < 2**53:
        raise Refused("command-unusable", f"no stream is at revision {command.revision}")


def key_of(command: Command, actor: Actor) -> str:
    """Under which name a command's outcome is kept. The hall names its own commands by their cause, which anybody can guess:
    people's ids are kept apart from them, or whoever takes an id first would keep the hall from climbing a ladder."""
    return f"{'hall' if actor.kind == 'system' else 'asked'}:{command.id}"


def check_draft(draft: Draft) -> None:
    """Raises Refused: what a decision wants written may have come from who asked."""
    for name in ("subject", "move", "reason"):
        _check_text(name, getattr(draft, name), _LONGEST[name])


def actor_of(actor: Actor) -> Actor:
    """Who acts as it can be kept: a desk is named by the browser that sits there."""
    texts = {name: _cleaned(getattr(actor, name), 200) for name in ("name", "role", "kind", "desk", "unit", "crew")}
    return msgspec.structs.replace(actor, **texts)


def _check_text(name: str, text: str, longest: int) -> None:
    if len(text) > longest:
        raise Refused("command-unusable", f"{name} is longer than {longest} characters")
    if "\x00" in text or any("\ud800" <= character <= "\udfff" for character in text):
        raise Refused("command-unusable", f"{name} holds a character that cannot be stored")


def note_of(draft: Draft, aggregates: Container[str]) -> Draft:
    """A note as it can be kept: what somebody tried to send must not keep the refusal of it from being written down.

    Raises Refused for one that would look like a move of something that is kept.
    """
    topic = draft.subject.partition("/")[0]
    if topic != AUDIT or topic in aggregates:
        raise Refused("note-unusable", f"notes are kept under {AUDIT}/, not under {draft.subject}")
    texts = {name: _cleaned(getattr(draft, name), _LONGEST[name]) for name in ("subject", "move", "reason")}
    return msgspec.structs.replace(draft, **texts)


def _cleaned(text: str, longest: int) -> str:
    return text.replace("\x00", "\ufffd").encode("utf-8", "replace").decode()[:longest]


def happened_at(command: Command, now: int) -> int:
    """The time of a command's entries, ms: when it happened, at most `now`."""
    if command.time is None:
        return now
    if command.time > now + AHEAD_MS:
        raise Refused("time-in-future", f"it says it happened {(command.time - now) // 1000} s from now")
    if command.time < 0:
        raise Refused("time-unusable", "it says it happened before 1970")
    return min(command.time, now)
