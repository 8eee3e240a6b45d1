"""Which moves a crew may make, from which state, and who may make them. The table is the rule; screens ask `allowed`."""

from __future__ import annotations

from typing import NamedTuple

from dispatch.crews.model import Assignment, Crew
from hall.core.command import Actor

#: CAD states in the order an assignment goes through; `clear` ends it
PROGRESS = ("assigned", "acknowledged", "mustered", "en_route", "on_scene", "clear")
STATES = ("available", *PROGRESS, "out_of_service")
_WORKING = PROGRESS[:-1]
_ANY = ("available", *_WORKING, "out_of_service")

#: who: "own" its members, "unit" a seat (or system) of its department, else roles
_DESK = ("dispatcher", "supervisor", "admin", "system")  # "system": the hall itself, by the actor's kind
_ALL = ("own", "unit", *_DESK)
_ROSTER = ("supervisor", "admin", "system")


class Move(NamedTuple):
    """One row: from which states, to which (None: unchanged), by whom; whether a reason and the revision are needed."""

    frm: tuple[str, ...]
    to: str | None
    by: tuple[str, ...]
    reason: bool = False
    revision: bool = False


MOVES: dict[str, Move] = {
    "enrol":          Move(_ANY, None, _ROSTER),
    "retire":         Move(("available", "out_of_service"), None, _ROSTER, reason=True, revision=True),
    "assigned":       Move(("available", *_WORKING), "assigned", ("case",)),
    "released":       Move(_WORKING, "available", ("case", "system")),
    "acknowledge":    Move(("assigned",), "acknowledged", _ALL),
    "muster":         Move(PROGRESS[:2], "mustered", _ALL),
    "en_route":       Move(PROGRESS[:3], "en_route", _ALL),
    "on_scene":       Move(PROGRESS[:4], "on_scene", _ALL),
    "clear":          Move(_WORKING, "clear", _ALL),
    "decline":        Move(PROGRESS[:3], "available", _ALL, reason=True),
    "out_of_service": Move(("available", *_WORKING), "out_of_service", _ALL, reason=True, revision=True),
    "in_service":     Move(("out_of_service",), "available", _ALL, revision=True),
    "handover":       Move(_ANY, None, _ALL, revision=True),
}  # fmt: skip

#: moves of one assignment: the command says which (data.subject), so that a late one never hits another case
OF_ASSIGNMENT = frozenset({"released", "acknowledge", "muster", "en_route", "on_scene", "clear", "decline"})


def may(crew: Crew | None, actor: Actor, move: str) -> bool:
    """Whether this person may make this move of this crew at all, whatever its state."""
    by = MOVES[move].by
    if actor.kind == "system":
        return "system" in by
    if actor.role == "crew":  # also an outside crew's signed link: its own crew and nothing else
        return "own" in by and crew is not None and bool(actor.crew) and actor.crew == crew.crew_id
    if actor.role in by and actor.role != "system":  # a person cannot be the hall
        return _in_district(crew, actor)
    if crew is None or not actor.unit or actor.unit != crew.unit:
        return False
    return "unit" in by and (actor.role == "department" or actor.kind == "supplier")


def may_send(crew: Crew, actor: Actor) -> bool:
    """Whether this person may send this crew: a department its own, a person of some districts those that serve them."""
    if actor.role == "department":
        return bool(actor.unit) and actor.unit == crew.unit
    return _in_district(crew, actor)


def _in_district(crew: Crew | None, actor: Actor) -> bool:
    """A person of some districts has no say over crews of others; a crew without a district serves the whole city."""
    if crew is None or not actor.districts or not crew.duty.districts:
        return True
    return not set(actor.districts).isdisjoint(crew.duty.districts)


def state_for(crew: Crew, move: str, assignment: Assignment | None = None) -> str:
    """The state a move starts from: the assignment's for moves of one, else the crew's."""
    return assignment.state if assignment is not None and move in OF_ASSIGNMENT else crew.state


def allowed(crew: Crew, actor: Actor, subject: str = "") -> list[str]:
    """Moves open to this person now, in the table's order; `subject` = the assignment meant, default the present one."""
    if crew.ended:
        return ["enrol"] if may(crew, actor, "enrol") else []
    meant = assignment_of(crew, subject or crew.assignment)
    found = []
    for name, move in MOVES.items():
        if name in OF_ASSIGNMENT and meant is None:
            continue
        if state_for(crew, name, meant) in move.frm and may(crew, actor, name):
            found.append(name)
    return found


def assignment_of(crew: Crew, subject: str) -> Assignment | None:
    return next((a for a in crew.assignments if a.subject == subject), None)


def skipped(assignment: Assignment, to: str | None) -> list[str]:
    """The states between an assignment's and `to` that nobody told of."""
    if to not in PROGRESS:
        return []
    between = PROGRESS[PROGRESS.index(assignment.state) + 1 : PROGRESS.index(to)]
    return [state for state in between if state not in assignment.stamps]
