"""What a decision means for other streams: crews, parents, merged cases. And undo, which takes all of it back. Pure."""

from __future__ import annotations

import functools

import msgspec

from dispatch.aggregate import View
from dispatch.casefile.fold import evolve
from dispatch.casefile.model import CaseFile
from hall.core.command import Actor, Command, Draft
from hall.core.errors import Refused


def at_work(file: CaseFile) -> list[str]:
    return [work.crew for work in file.crews if work.state != "clear"]


def assigned(view: View, file: CaseFile, crews: list[str], subject: str, now: int) -> list[Draft]:
    """Drafts that give the case to crews; each must exist and be free."""
    busy = set(at_work(file))
    drafts = []
    for crew in crews:
        found = view.get(f"crew/{crew}")
        if found is None or found.ended:
            raise Refused("unknown-crew", f"there is no crew {crew}", 404)
        if crew in busy:
            raise Refused("crew-on-case", f"{crew} is on this case already", 409)
        if found.state != "available":
            raise Refused("crew-busy", f"{crew} is {found.state}", 409)
        drafts.append(Draft(subject=f"crew/{crew}", move="assigned", data={"subject": subject}))
    return drafts


def released(file: CaseFile, subject: str, crews: list[str] | None = None) -> list[Draft]:
    chosen = at_work(file) if crews is None else crews
    return [Draft(subject=f"crew/{crew}", move="released", data={"subject": subject}) for crew in chosen]


def parent_told(file: CaseFile, subject: str, move: str) -> list[Draft]:
    return [Draft(subject=file.parent, move=move, data={"child": subject})] if file.parent else []


def at_end(file: CaseFile, subject: str) -> list[Draft]:
    return [*released(file, subject), *parent_told(file, subject, "child_ended")]


def undone(view: View, file: CaseFile, command: Command, actor: Actor) -> list[Draft]:
    """Takes the newest command back as a new entry: the state before it, its crews as they were."""
    history = view.history(command.subject)
    last = history[-1]
    if last.command != file.last.get("command") or last.who != actor.name:
        raise Refused("changed-since", f"{last.who} did {last.move} since", 409)
    first = len(history)
    while first > 0 and history[first - 1].command == last.command:
        first -= 1
    back = functools.reduce(evolve, history[:first], None)
    if back is None:
        raise Refused("not-undoable", "the file begins with it", 409)
    taken = [entry.move for entry in history[first:]]
    data = {"of": [entry.revision for entry in history[first:]], "moves": taken, "back": msgspec.to_builtins(back)}
    drafts = [Draft(subject=command.subject, move="undo", data=data, reason=command.reason.strip())]
    now_at, then_at = set(at_work(file)), set(at_work(back))
    drafts += released(file, command.subject, sorted(now_at - then_at))
    drafts += assigned(view, file, sorted(then_at - now_at), command.subject, view.now)
    if file.merged_into and not back.merged_into:
        drafts.append(Draft(subject=file.merged_into, move="unabsorbed", data={"from": command.subject}))
    if file.ended and not back.ended:
        drafts += parent_told(file, command.subject, "child_reopened")
    return drafts
