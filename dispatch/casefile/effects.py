"""What a decision means for other streams: crews, parents, tasks, merged cases. And undo, which takes all of it back. Pure."""

from __future__ import annotations

import functools
from typing import Any

import msgspec

from dispatch.aggregate import View
from dispatch.casefile.deciding import Deciding
from dispatch.casefile.fold import evolve
from dispatch.casefile.model import CaseFile, CrewWork
from dispatch.crews.aggregate import assignment_draft, release_draft
from hall.core.command import Actor, Draft
from hall.core.errors import Refused


def at_work(file: CaseFile) -> list[str]:
    return [work.crew for work in file.crews if work.state != "clear"]


def assigned(view: View, actor: Actor, crews: list[str], subject: str) -> list[Draft]:
    """Drafts that give the case to crews; Refused (the crew's own word) where one cannot take it."""
    return [assignment_draft(view.get(f"crew/{crew}"), subject, actor) for crew in crews]


def released(file: CaseFile, subject: str, crews: list[str] | None = None) -> list[Draft]:
    return [release_draft(crew, subject) for crew in (at_work(file) if crews is None else crews)]


def parent_told(file: CaseFile, subject: str, move: str) -> list[Draft]:
    return [Draft(subject=file.parent, move=move, data={"child": subject})] if file.parent else []


def at_end(d: Deciding, to: str) -> list[Draft]:
    """An end leaves nothing behind: crews are free, the parent knows, and tasks still open end with their parent."""
    drafts = [*released(d.file, d.subject), *parent_told(d.file, d.subject, "child_ended")]
    for name in d.file.children:
        child = d.view.get(name)
        if child is None:
            continue
        ends = {} if child.ended else {"to": to}
        drafts.append(Draft(subject=name, move="parent_ended", data={"parent": d.subject, **ends}, reason=d.command.reason))
        drafts += [] if child.ended else released(child, name)
    return drafts


def going_on(d: Deciding) -> list[Draft]:
    """The end is taken back: the parent waits for it again, its own tasks may be reopened."""
    told = [Draft(subject=name, move="parent_reopened", data={"parent": d.subject}) for name in d.file.children]
    return [*parent_told(d.file, d.subject, "child_reopened"), *told]


def undone(d: Deciding) -> list[Draft]:
    """Takes the newest command back as a new entry: the state before it, its crews as they were."""
    command = d.file.last.get("command", "")
    back, drafts = _taken_back(d, d.subject, d.file, command)
    if d.file.merged_into and not back.merged_into:
        drafts.append(Draft(subject=d.file.merged_into, move="unabsorbed", data={"from": d.subject}))
    if d.file.ended and not back.ended:
        drafts += parent_told(d.file, d.subject, "child_reopened")
        for name in d.file.children:
            drafts += _child_back(d, name, command)
    return drafts


def _child_back(d: Deciding, name: str, command: str) -> list[Draft]:
    """A task that ended with its parent is as it was before; one that had ended by itself may be reopened again."""
    child, newest = d.view.get(name), d.view.history(name)[-1]
    if newest.command == command and newest.data.get("to"):
        return _taken_back(d, name, child, command)[1]
    if child.ended_with_parent:
        raise Refused("changed-since", f"{newest.who} did {newest.move} on {name} since", 409)
    return [Draft(subject=name, move="parent_reopened", data={"parent": d.subject})]


def _taken_back(d: Deciding, subject: str, file: CaseFile, command: str) -> tuple[CaseFile, list[Draft]]:
    history = d.view.history(subject)
    if history[-1].command != command:
        raise Refused("changed-since", f"{history[-1].who} did {history[-1].move} since", 409)
    first = len(history)
    while first > 0 and history[first - 1].command == command:
        first -= 1
    back = functools.reduce(evolve, history[:first], None)
    if back is None:
        raise Refused("not-undoable", "the file begins with it", 409)
    now_at, then_at = set(at_work(file)), set(at_work(back))
    again = then_at - now_at
    back = msgspec.structs.replace(back, crews=[_sent_again(work, d) if work.crew in again else work for work in back.crews])
    gone = history[first:]
    data: dict[str, Any] = {"of": [entry.revision for entry in gone], "moves": [entry.move for entry in gone]}
    draft = Draft(
        subject=subject,
        move="undo",
        data={**data, "back": msgspec.to_builtins(back)},
        reason=d.command.reason.strip(),
    )
    released_again = released(file, subject, sorted(now_at - then_at))
    return back, [draft, *released_again, *assigned(d.view, d.actor, sorted(again), subject)]


def _sent_again(work: CrewWork, d: Deciding) -> CrewWork:
    """A crew that had been released is told anew: on its own board it begins as assigned, so here too."""
    return msgspec.structs.replace(work, state="assigned", at=d.now, stamps={"assigned": d.now})
