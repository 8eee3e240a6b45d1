"""A notice: what was told to whom, by which way, and whether it was received and read. The delivery ledger of the hall. Pure.

Stream `notice/<id>`. A notice is addressed to one person, role, unit, crew or desk. Its text is a key of the catalogue with
values, never prose, so that every reader gets it in his own language.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import Any

import msgspec

from dispatch.aggregate import View
from hall.core.command import Actor, Command, Draft, Entry
from hall.core.errors import Refused

ADDRESSEES = ("person", "role", "unit", "crew", "desk")
#: how a notice gets there: shown on a console, on a crew's phone, posted to a department's own system, heard
WAYS = ("console", "field", "webhook", "sound")
STAMPS = ("sent", "received", "read", "failed")
URGENCIES = ("normal", "urgent", "emergency")
#: people of a role or unit whose reading is kept one by one; later ones are only counted
READERS_BOUND = 100
VALUE_BOUND, VALUES_BOUND = 300, 20
#: what everybody who follows the topic is told of a notice
_ON_THE_STREAM = ("notice_id", "to", "urgency", "district", "made", "revision")


class Way(msgspec.Struct, kw_only=True, omit_defaults=True):
    """City ms of each step by one way, None = not (yet); `reason` says why it failed, `tries` how often it was sent."""

    sent: int | None = None
    received: int | None = None
    read: int | None = None
    failed: int | None = None
    reason: str = ""
    tries: int = 0


class Reader(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What one of several addressees did with it, city ms."""

    received: int | None = None
    read: int | None = None


class Notice(msgspec.Struct, kw_only=True, omit_defaults=True):
    """State of `notice/<id>`. `to` has one of ADDRESSEES; `about` is the stream it speaks of; `cause` the ledger line."""

    notice_id: str = ""
    to: dict[str, str] = {}
    about: str = ""
    key: str = ""
    values: dict[str, str] = {}
    urgency: str = "normal"
    district: str = ""
    ask: int = 0  # number of the question on the case file that it asks to answer
    cause: int = 0
    made: int = 0
    ways: dict[str, Way] = {}
    readers: dict[str, Reader] = {}
    more_readers: int = 0
    revision: int = 0
    ended: bool = False


class Notices:
    """Aggregate of topic `notice`."""

    topic = "notice"
    State = Notice

    def decide(self, view: View, command: Command, actor: Actor) -> list[Draft]:
        notice: Notice | None = view.get(command.subject)
        if command.move == "tell":
            return _tell(notice, command, actor)
        if command.move not in (*STAMPS, "withdraw"):
            raise Refused("unknown-move", f"a notice knows no move {command.move[:40]!r}", 422)
        if notice is None:
            raise Refused("unknown-notice", f"there is no {command.subject[:120]}", 404)
        if command.move == "withdraw":
            _by_hall(actor)
            return [] if notice.ended else [Draft(subject=command.subject, move="withdraw", reason=command.reason)]
        return _stamp(notice, command, actor)

    def evolve(self, state: Notice | None, entry: Entry) -> Notice:
        made = msgspec.structs.replace(state) if state is not None else Notice(notice_id=entry.subject.partition("/")[2])
        made.revision = entry.revision
        if entry.move == "tell":
            _told(made, entry)
        elif entry.move in STAMPS:
            _stamped(made, entry)
        elif entry.move == "withdraw":
            made.ended = True
        return made

    def document(self, state: Notice) -> dict[str, Any] | None:
        """That there is one and for whom (`for`: `<kind>:<name>`): what it says is asked for by those it is for. None once read
        by the one it was for, withdrawn or old."""
        if state.ended:
            return None
        kind, name = next(iter(state.to.items()), ("", ""))
        whole = msgspec.to_builtins(state)
        return {field: whole[field] for field in _ON_THE_STREAM if field in whole} | {"for": f"{kind}:{name}"}

    def needs_revision(self, move: str) -> bool:
        """A stamp says what happened: it can be told late, and twice."""
        return False


def about_prefix(about: str) -> str:
    """How the streams of all notices about one thing begin."""
    return f"notice/{blake2b(about.encode(), digest_size=6).hexdigest()}-"


def subject_for(cause: int, about: str, to: dict[str, str]) -> str:
    """The stream of the notice that ledger line `cause` means to `to`: the same line told again is the same notice."""
    kind, name = next(iter(to.items()))
    return about_prefix(about) + blake2b(f"{cause}\n{kind}\n{name}".encode(), digest_size=9).hexdigest()


def is_for(notice: Notice, actor: Actor) -> bool:
    """Whether a notice is addressed to somebody; a role's notice of a district is not for those of other districts."""
    kind, name = next(iter(notice.to.items()), ("", ""))
    if kind == "role":
        near = not actor.districts or not notice.district or notice.district in actor.districts
        return actor.role == name and near and actor.kind == "person"
    of = {"person": actor.name, "unit": actor.unit, "crew": actor.crew, "desk": actor.desk}.get(kind, "")
    return bool(of) and of == name


def alone(notice: Notice) -> bool:
    """Addressed to one pair of eyes: read once, it is done."""
    return not notice.to.keys().isdisjoint(("person", "crew"))


def unread_by(notice: Notice, actor: Actor) -> bool:
    return not notice.ended and (actor.name not in notice.readers or notice.readers[actor.name].read is None)


def _by_hall(actor: Actor) -> None:
    if actor.kind != "system":
        raise Refused("role", "only the hall itself tells and withdraws notices", 403)


def _tell(notice: Notice | None, command: Command, actor: Actor) -> list[Draft]:
    _by_hall(actor)
    if notice is not None:
        return []
    data = command.data
    to, values = data.get("to"), data.get("values", {})
    if not isinstance(to, dict) or len(to) != 1 or next(iter(to)) not in ADDRESSEES or not all(to.values()):
        raise Refused("bad-field", f"to: one of {', '.join(ADDRESSEES)} and a name", 422)
    if not data.get("about") or not data.get("key") or data.get("urgency", "normal") not in URGENCIES:
        raise Refused("bad-field", "a notice has `about`, `key` and an urgency", 422)
    if len(values) > VALUES_BOUND:
        raise Refused("bad-field", f"at most {VALUES_BOUND} values", 422)
    kept = {name: str(value)[:VALUE_BOUND] for name, value in values.items()}
    return [Draft(subject=command.subject, move="tell", data={**data, "values": kept})]


def _stamp(notice: Notice, command: Command, actor: Actor) -> list[Draft]:
    """`received` and `read` are the addressee's to say; `sent` and `failed` the hall's."""
    move, way = command.move, command.data.get("way", "console")
    if way not in WAYS:
        raise Refused("bad-field", f"way: one of {', '.join(WAYS)}", 422)
    if actor.kind != "system":
        if move not in ("received", "read"):
            _by_hall(actor)
        if not is_for(notice, actor):
            raise Refused("not-for-you", "this notice is for somebody else", 403)
    if notice.ended or _known(notice, move, way, actor):
        return []
    return [Draft(subject=command.subject, move=move, data={"way": way}, reason=command.reason.strip()[:500])]


def _known(notice: Notice, move: str, way: str, actor: Actor) -> bool:
    if move in ("sent", "failed"):
        return False
    if actor.kind == "system":
        return way in notice.ways and getattr(notice.ways[way], move) is not None
    reader = notice.readers.get(actor.name)
    return reader is not None and getattr(reader, move) is not None


def _told(made: Notice, entry: Entry) -> None:
    data = entry.data
    made.to, made.about, made.key = data["to"], data["about"], data["key"]
    made.values, made.urgency = data.get("values", {}), data.get("urgency", "normal")
    made.district, made.ask, made.cause = data.get("district", ""), data.get("ask", 0), data.get("cause", 0)
    made.made = entry.time


def _stamped(made: Notice, entry: Entry) -> None:
    name, move = entry.data.get("way", "console"), entry.move
    way = msgspec.structs.replace(made.ways.get(name, Way()))
    if move == "sent":
        way.tries += 1
    if getattr(way, move) is None or move == "failed":
        setattr(way, move, entry.time)
    if move == "read" and way.received is None:
        way.received = entry.time
    if move == "failed":
        way.reason = entry.reason
    elif move == "received":
        way.failed, way.reason = None, ""  # it got there after all
    made.ways = {**made.ways, name: way}
    if entry.kind != "system":
        _read_by(made, entry)


def _read_by(made: Notice, entry: Entry) -> None:
    reader = msgspec.structs.replace(made.readers.get(entry.who, Reader()))
    if getattr(reader, entry.move) is None:
        setattr(reader, entry.move, entry.time)
    if entry.who in made.readers or len(made.readers) < READERS_BOUND:
        made.readers = {**made.readers, entry.who: reader}
    else:
        made.more_readers += 1
    made.ended = made.ended or (entry.move == "read" and alone(made))
