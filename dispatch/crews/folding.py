"""How each move changes a crew. Everything comes from the entry; nothing here refuses."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from dispatch.crews.model import Assignment, Crew, Done, Item, Member, Roster
from dispatch.crews.moves import MOVES, PROGRESS, assignment_of, skipped
from hall.core.command import Entry

DONE_KEPT_MS = 24 * 3_600_000
DONE_BOUND = 30

_copy = msgspec.structs.replace


def _present(crew: Crew, time: int) -> Crew:
    """Sets what the crew is doing now: its furthest assignment, of equals the first; none = available."""
    before = (crew.state, crew.assignment)
    if crew.assignments:
        at = max(crew.assignments, key=lambda a: PROGRESS.index(a.state))
        crew.state, crew.assignment, crew.stamps = at.state, at.subject, dict(at.stamps)
    elif crew.state != "out_of_service":
        crew.state, crew.assignment, crew.stamps = "available", "", {}
    if (crew.state, crew.assignment) != before:
        crew.since = time
    return crew


def _enrol(crew: Crew, entry: Entry) -> Crew:
    row = msgspec.convert(entry.data, Roster)
    fields = {name: getattr(row, name) for name in Roster.__struct_fields__}
    return _copy(crew, **fields, ended=False, since=crew.since or entry.time)


def _retire(crew: Crew, entry: Entry) -> Crew:
    return _copy(crew, ended=True, since=entry.time)


def _assigned(crew: Crew, entry: Entry) -> Crew:
    subject = str(entry.data.get("subject", ""))
    made = Assignment(
        subject=subject,
        stamps={"assigned": entry.time},
        by=str(entry.data.get("by", "") or entry.who),
        resources=msgspec.convert(entry.data.get("resources", []), list[Item]),
    )
    others = [a for a in crew.assignments if a.subject != subject]
    return _present(_copy(crew, assignments=[*others, made]), entry.time)


def _progress(crew: Crew, entry: Entry) -> Crew:
    """A step of one assignment. Stamps never run backwards: a step told late happened no earlier than the one before it."""
    found = assignment_of(crew, str(entry.data.get("subject", "")))
    to = MOVES[entry.move].to
    if found is None or to not in PROGRESS:
        return _copy(crew)
    time = max([entry.time, *found.stamps.values()])
    passed = skipped(found, to)
    stamps = found.stamps | dict.fromkeys(passed, time) | {to: time}
    made = _copy(found, state=to, stamps=stamps, implied=[*found.implied, *passed])
    others = [made if a.subject == found.subject else a for a in crew.assignments]
    return _present(_copy(crew, assignments=others), time)


def _clear(crew: Crew, entry: Entry) -> Crew:
    made = _progress(crew, entry)
    return _over(made, entry, str(entry.data.get("subject", "")), "clear")


def _over(crew: Crew, entry: Entry, subject: str, outcome: str) -> Crew:
    """Ends an assignment; its resources are free with it."""
    found = assignment_of(crew, subject)
    if found is None:
        return _copy(crew)
    end = max([entry.time, *found.stamps.values()])
    last = Done(subject=subject, start=found.stamps.get("assigned", end), end=end, outcome=outcome)
    done = [d for d in crew.done if d.end > end - DONE_KEPT_MS][-(DONE_BOUND - 1) :]
    others = [a for a in crew.assignments if a.subject != subject]
    return _present(_copy(crew, assignments=others, done=[*done, last]), end)


def _released(crew: Crew, entry: Entry) -> Crew:
    return _over(crew, entry, str(entry.data.get("subject", "")), "released")


def _decline(crew: Crew, entry: Entry) -> Crew:
    return _over(crew, entry, str(entry.data.get("subject", "")), "declined")


def _out_of_service(crew: Crew, entry: Entry) -> Crew:
    for assignment in crew.assignments:
        crew = _over(crew, entry, assignment.subject, "out_of_service")
    return _copy(crew, state="out_of_service", reason=entry.reason, since=entry.time)


def _in_service(crew: Crew, entry: Entry) -> Crew:
    return _copy(crew, state="available", reason="", since=entry.time)


def _handover(crew: Crew, entry: Entry) -> Crew:
    made = _copy(crew, handed_over=entry.time, note=str(entry.data.get("note", "")))
    if "members" in entry.data:
        made.present = msgspec.convert(entry.data["members"], list[Member])
    return made


FOLDS: dict[str, Callable[[Crew, Entry], Crew]] = {
    "enrol": _enrol, "retire": _retire, "assigned": _assigned, "released": _released, "acknowledge": _progress,
    "muster": _progress, "en_route": _progress, "on_scene": _progress, "clear": _clear, "decline": _decline,
    "out_of_service": _out_of_service, "in_service": _in_service, "handover": _handover,
}  # fmt: skip
