"""The aggregate of topic `crew`: decides moves, folds entries, makes the document that screens see. Pure."""

from __future__ import annotations

from typing import Any

import msgspec

from dispatch.aggregate import View
from dispatch.crews.folding import FOLDS
from dispatch.crews.model import Assignment, Crew, Item, Member, Roster, free, roster_of
from dispatch.crews.moves import MOVES, OF_ASSIGNMENT, PROGRESS, assignment_of, may, may_send, skipped, state_for
from hall.core.command import Actor, Command, Draft, Entry
from hall.core.errors import Refused

NOTE_BOUND = 2_000
MEMBERS_BOUND = 200


class Crews:
    """Implements dispatch.aggregate.Aggregate for `crew/<crew_id>`."""

    topic = "crew"
    State = Crew

    def decide(self, view: View, command: Command, actor: Actor) -> list[Draft]:
        crew: Crew | None = view.get(command.subject)
        move = MOVES.get(command.move)
        if move is None:
            raise Refused("move-unknown", f"a crew knows no move {command.move[:40]!r}")
        if "case" in move.by and not (actor.kind == "system" and "system" in move.by):
            raise Refused("move-by-case", "a crew is assigned and released through its case", 403)
        if command.move == "enrol":
            return _enrol(crew, command, actor)
        if crew is None:
            raise Refused("crew-unknown", f"there is no {command.subject[:120]}", 404)
        if not may(crew, actor, command.move):
            raise Refused("not-permitted", f"role {actor.role or 'none'} may not do this for {crew.name or crew.crew_id}", 403)
        if crew.ended:
            raise Refused("crew-retired", f"{crew.name or crew.crew_id} is no longer on the roster", 409)
        if move.reason and not command.reason.strip():
            raise Refused("reason-missing", "say why")
        meant = _meant(crew, command) if command.move in OF_ASSIGNMENT else None
        _check_state(crew, command.move, meant)
        return _drafts(crew, command, meant)

    def evolve(self, state: Any | None, entry: Entry) -> Crew:
        crew = state if state is not None else Crew(crew_id=entry.subject.partition("/")[2])
        fold = FOLDS.get(entry.move)
        made = fold(crew, entry) if fold else msgspec.structs.replace(crew)
        made.revision = entry.revision
        return made

    def document(self, state: Crew) -> dict[str, Any] | None:
        """All of it but telephone numbers, which belong to those who call them; None once retired."""
        if state.ended:
            return None
        made = msgspec.to_builtins(state)
        for field in ("members", "present"):
            if field in made:
                made[field] = [{k: v for k, v in member.items() if k != "phone"} for member in made[field]]
        made["state"] = state.state  # also when it is the default: screens count by it
        return made

    def needs_revision(self, move: str) -> bool:
        """Moves of an assignment name it instead, so that a phone that was offline is not refused for a changed roster."""
        return move in MOVES and MOVES[move].revision


# -- for the case file -----------------------------------------------------------------------------------------------------


def assignment_draft(crew: Crew | None, subject: str, actor: Actor, resources: list[dict[str, Any]] | None = None) -> Draft:
    """What the case file's `assign` writes into the crew's stream; raises Refused when the crew cannot take it.

    Being off shift or lacking a skill is no refusal here: the recommendation says so, and an override gives the reason.
    """
    if crew is None or crew.ended:
        raise Refused("crew-unknown", "there is no such crew on the roster", 404)
    name = crew.name or crew.crew_id
    if not may_send(crew, actor):
        raise Refused("not-permitted", f"{name} is not yours to send", 403)
    if crew.state == "out_of_service":
        raise Refused("crew-out-of-service", f"{name} is out of service: {crew.reason}", 409)
    if assignment_of(crew, subject) is not None:
        raise Refused("crew-already-assigned", f"{name} is on this case already", 409)
    if len(crew.assignments) >= crew.capacity:
        raise Refused("crew-busy", f"{name} is on {crew.assignment}", 409)
    data: dict[str, Any] = {"subject": subject, "by": actor.name}
    if resources:
        data["resources"] = _taken(crew, resources)
    return Draft(subject=f"crew/{crew.crew_id}", move="assigned", data=data)


def release_draft(crew_id: str, subject: str, reason: str = "") -> Draft:
    """What the case's end or a withdrawal writes into the stream of each crew that is on it; resources go with it."""
    return Draft(subject=f"crew/{crew_id}", move="released", data={"subject": subject}, reason=reason)


def _taken(crew: Crew, resources: list[dict[str, Any]]) -> list[dict[str, Any]]:
    left = free(crew)
    try:
        items = msgspec.convert(resources, list[Item])
    except msgspec.ValidationError as error:
        raise Refused("resources-malformed", str(error)) from None
    for item in items:
        if item.count <= 0:
            raise Refused("resources-malformed", f"{item.name}: a count above 0")
        if item.count > left.get(item.name, 0):
            raise Refused("resources-short", f"{item.name}: {left.get(item.name, 0):g} free, {item.count:g} asked for", 409)
        left[item.name] -= item.count
    return msgspec.to_builtins(items)


# -- deciding --------------------------------------------------------------------------------------------------------------


def _enrol(crew: Crew | None, command: Command, actor: Actor) -> list[Draft]:
    if not may(crew, actor, "enrol"):
        raise Refused("not-permitted", "the roster is the supervisor's", 403)
    try:
        row = roster_of(command.data)
    except ValueError as error:
        raise Refused("roster-malformed", str(error)) from None
    if command.subject != f"crew/{row.crew_id}":
        raise Refused("roster-malformed", f"crew_id {row.crew_id!r} is not that of {command.subject}")
    if crew is not None and len(crew.assignments) > row.capacity:
        raise Refused("crew-busy", f"{len(crew.assignments)} cases are on it: capacity {row.capacity} is too small", 409)
    if crew is not None and not crew.ended and row_of(crew) == msgspec.to_builtins(row):
        return []
    return [Draft(subject=command.subject, move="enrol", data=msgspec.to_builtins(row), reason=command.reason)]


def row_of(crew: Crew) -> dict[str, Any]:
    """The roster row a crew stands on now, as plain data."""
    return msgspec.to_builtins(Roster(**{name: getattr(crew, name) for name in Roster.__struct_fields__}))


def _meant(crew: Crew, command: Command) -> Assignment:
    """The assignment a move is about: named, or the only one where the command was made on the present revision."""
    subject = command.data.get("subject", "")
    if not subject and len(crew.assignments) == 1 and command.revision == crew.revision:
        subject = crew.assignments[0].subject
    if not subject:
        raise Refused("assignment-missing", "say which case is meant: data.subject")
    found = assignment_of(crew, subject) if isinstance(subject, str) else None
    if found is None:
        raise Refused("not-assigned", f"{crew.name or crew.crew_id} is not on {str(subject)[:120]} any more", 409)
    return found


def _check_state(crew: Crew, name: str, meant: Assignment | None) -> None:
    at = state_for(crew, name, meant)
    if at in MOVES[name].frm:
        return
    to = MOVES[name].to
    if meant is not None and at in PROGRESS and to in PROGRESS:
        since = meant.stamps.get(at)
        raise Refused("state-passed", f"it is {at} already" + (f" (since {since} ms)" if since else ""), 409)
    if name == "retire":
        raise Refused("crew-busy", f"it is on {crew.assignment}: release it first", 409)
    raise Refused("state-wrong", f"{name} is not possible from {at}", 409)


def _drafts(crew: Crew, command: Command, meant: Assignment | None) -> list[Draft]:
    name, reason = command.move, command.reason.strip()
    data: dict[str, Any] = {}
    follow: list[Draft] = []
    if meant is not None:
        data["subject"] = meant.subject
        said: dict[str, Any] = {"crew": crew.crew_id, "state": MOVES[name].to}
        if passed := skipped(meant, MOVES[name].to):
            said["implied"] = passed
        if name == "decline":
            follow.append(_given_back(crew, meant, "declined", reason))
        elif name != "released":
            follow.append(Draft(subject=meant.subject, move="crew_state", data=said, reason=reason))
    elif name == "out_of_service":
        follow = [_given_back(crew, assignment, "out_of_service", reason) for assignment in crew.assignments]
    elif name == "handover":
        data = _handover(command)
    return [Draft(subject=command.subject, move=name, data=data, reason=reason), *follow]


def _given_back(crew: Crew, assignment: Assignment, state: str, reason: str) -> Draft:
    """What the case's file is told when a crew leaves it of its own."""
    data = {"crews": [crew.crew_id], "crew": crew.crew_id, "state": state}
    return Draft(subject=assignment.subject, move="unassign", data=data, reason=reason)


def _handover(command: Command) -> dict[str, Any]:
    """New members and a note; members left out stay as they are."""
    found: dict[str, Any] = {"note": str(command.data.get("note", ""))[:NOTE_BOUND]}
    if "members" in command.data:
        try:
            members = msgspec.convert(command.data["members"], list[Member])
        except msgspec.ValidationError as error:
            raise Refused("members-malformed", str(error)) from None
        if len(members) > MEMBERS_BOUND:
            raise Refused("members-malformed", f"at most {MEMBERS_BOUND}")
        found["members"] = msgspec.to_builtins(members)
    elif not found["note"]:
        raise Refused("handover-empty", "give the new members or a note")
    return found
