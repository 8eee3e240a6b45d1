"""A shift 班次: who is on duty at a group of desks, what happened in it, and how it is handed over. Pure.

A stream `shift/<group>` keeps one group of desks (acceptance, dispatch ...): several people may be on duty there. A handover
交接班 is signed by both, each in his own session: the one who leaves signs what is open (`hand_over`), the one who comes signs
that he takes it (`take_over`). With the second signature, in the same transaction, every case of the list that is still the
first one's becomes the second one's. Times are city ms.
"""

from __future__ import annotations

import re
from typing import Any

import msgspec

from dispatch.aggregate import View
from dispatch.shiftstate import FOLDS, Handover, Shift, person_on, waiting
from hall.core.command import Actor, Command, Draft, Entry
from hall.core.errors import Refused

_SUBJECT = re.compile(r"shift/[\w-]{1,64}")
#: who sits at a desk and so may own cases; who may end a shift without a handover
SEATS = frozenset({"operator", "dispatcher", "supervisor", "admin"})
LEAD = frozenset({"supervisor", "admin"})
TEXT, NOTES, REASON = 1_000, 4_000, 500
ITEMS = 1_000
ON_DUTY = 200


class Shifts:
    """Implements dispatch.aggregate.Aggregate for `shift/<group>`.

    Commands: `start` {}, `note` {text}, `hand_over` {to, notes, items}, `take_over` {number}, `recall` {number},
    `decline` {number} with a reason, `leave` {who} with a reason.
    """

    topic = "shift"
    State = Shift

    def decide(self, view: View, command: Command, actor: Actor) -> list[Draft]:
        if not _SUBJECT.fullmatch(command.subject):
            raise Refused("bad-field", "a group of desks: 1 to 64 letters, digits, - or _", 422)
        decision = _DECISIONS.get(command.move)
        if decision is None:
            raise Refused("move-unknown", f"a shift knows no move {command.move[:40]!r}", 422)
        if len(command.reason) > REASON:
            raise Refused("bad-field", f"reason: at most {REASON} characters", 422)
        if actor.kind != "person" or actor.role not in SEATS:
            raise Refused("not-permitted", f"role {actor.role or 'none'} has no shift", 403)
        return decision(view, view.get(command.subject) or Shift(), command, actor)

    def evolve(self, state: Shift | None, entry: Entry) -> Shift:
        made = msgspec.structs.replace(state) if state is not None else Shift(group=entry.subject.partition("/")[2])
        made.revision = entry.revision
        if fold := FOLDS.get(entry.move):
            fold(made, entry)
        return made

    def document(self, state: Shift) -> dict[str, Any] | None:
        """All of it; of the lists of handovers only how long they are: who signs asks for them."""
        made = msgspec.to_builtins(state)
        for handover in made.get("handovers", []):
            handover["count"] = len(handover.pop("items", []))
        return made

    def needs_revision(self, move: str) -> bool:
        """A handover is named by its number; the list that is signed is carried by the command."""
        return False


# -- deciding --------------------------------------------------------------------------------------------------------------


def _start(view: View, shift: Shift, command: Command, actor: Actor) -> list[Draft]:
    if person_on(shift, actor.name):
        return []
    _not_elsewhere(view, command.subject, actor)
    if len(shift.on_duty) >= ON_DUTY:
        raise Refused("too-many", f"at most {ON_DUTY} people on duty in one group", 409)
    return [_draft(command)]


def _not_elsewhere(view: View, subject: str, actor: Actor) -> None:
    for name in view.names("shift"):
        if name != subject and person_on(view.get(name), actor.name):
            raise Refused("on-duty-elsewhere", f"you are on duty in {name.partition('/')[2]}: hand over there first", 409)


def _note(view: View, shift: Shift, command: Command, actor: Actor) -> list[Draft]:
    if not person_on(shift, actor.name) and actor.role not in LEAD:
        raise Refused("not-on-duty", "start your shift first", 409)
    return [_draft(command, text=_text("text", command.data.get("text"), TEXT))]


def _hand_over(view: View, shift: Shift, command: Command, actor: Actor) -> list[Draft]:
    if not person_on(shift, actor.name):
        raise Refused("not-on-duty", "start your shift first", 409)
    if any(handover.giver == actor.name for handover in waiting(shift)):
        raise Refused("handover-open", "your handover waits for its second signature; recall it first", 409)
    data = command.data
    to, items = _text("to", data.get("to"), 64), data.get("items", [])
    if to == actor.name:
        raise Refused("second-person", "a handover is signed by two people", 422)
    notes = data.get("notes", "")
    if not isinstance(notes, str) or len(notes) > NOTES:
        raise Refused("bad-field", f"notes: a text of at most {NOTES} characters", 422)
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise Refused("bad-field", "items: a list", 422)
    if len(items) > ITEMS:
        raise Refused("too-many", f"at most {ITEMS} open items", 422)
    return [_draft(command, to=to, notes=notes.strip(), items=items, command=command.id)]


def _take_over(view: View, shift: Shift, command: Command, actor: Actor) -> list[Draft]:
    handover = _open_handover(shift, command)
    if handover.to != actor.name:
        raise Refused("not-for-you", f"this handover is meant for {handover.to}", 403)
    _not_elsewhere(view, command.subject, actor)
    moved, left = [], []
    for subject in dict.fromkeys(item.get("subject", "") for item in handover.items if item.get("owned")):
        why = _stays(view, subject, handover, actor)
        if why:
            left.append({"subject": subject, "why": why})
        else:
            moved.append(subject)
    data = {"owner": actor.name, "owner_role": actor.role, "shift": command.subject, "handover": handover.number}
    gives = [Draft(subject=subject, move="give", data=data, reason=handover.notes[:REASON]) for subject in moved]
    return [_draft(command, number=handover.number, moved=moved, left=left), *gives]


def _stays(view: View, subject: str, handover: Handover, actor: Actor) -> str:
    """Why a case of the list does not change hands; empty when it does."""
    file = view.get(subject) if subject.startswith("file/") else None
    if file is None or file.ended:
        return "ended"
    if file.owner != handover.giver:
        return "owner-changed"
    far = actor.districts and file.report.get("district", "") not in actor.districts
    return "wrong-district" if far else ""


def _recall(view: View, shift: Shift, command: Command, actor: Actor) -> list[Draft]:
    handover = _open_handover(shift, command)
    if handover.giver != actor.name:
        raise Refused("not-yours", f"{handover.giver} signed it", 403)
    return [_draft(command, number=handover.number)]


def _decline(view: View, shift: Shift, command: Command, actor: Actor) -> list[Draft]:
    handover = _open_handover(shift, command)
    if handover.to != actor.name:
        raise Refused("not-for-you", f"this handover is meant for {handover.to}", 403)
    _reason(command)
    return [_draft(command, number=handover.number)]


def _leave(view: View, shift: Shift, command: Command, actor: Actor) -> list[Draft]:
    """Somebody leaves with nobody to take over: a supervisor answers for it, in writing."""
    if actor.role not in LEAD:
        raise Refused("not-permitted", "without a handover a supervisor ends the shift, with a reason", 403)
    _reason(command)
    who = _text("who", command.data.get("who", actor.name), 64)
    if not person_on(shift, who):
        raise Refused("not-on-duty", f"{who} is not on duty here", 409)
    return [_draft(command, who=who)]


_DECISIONS = {
    "start": _start, "note": _note, "hand_over": _hand_over, "take_over": _take_over, "recall": _recall,
    "decline": _decline, "leave": _leave,
}  # fmt: skip
MOVES = tuple(_DECISIONS)


def _open_handover(shift: Shift, command: Command) -> Handover:
    number = command.data.get("number")
    found = next((handover for handover in shift.handovers if handover.number == number), None)
    if found is None:
        raise Refused("handover-unknown", "there is no such handover", 404)
    if found.outcome:
        raise Refused("handover-over", f"this handover is over: {found.outcome}", 409)
    return found


def _draft(command: Command, /, **data: Any) -> Draft:
    return Draft(subject=command.subject, move=command.move, data=data, reason=command.reason.strip())


def _reason(command: Command) -> None:
    if not command.reason.strip():
        raise Refused("reason-missing", "say why", 422)


def _text(name: str, value: Any, longest: int) -> str:
    if not isinstance(value, str) or not value.strip() or len(value) > longest:
        raise Refused("bad-field", f"{name}: a text of 1 to {longest} characters", 422)
    return value.strip()
