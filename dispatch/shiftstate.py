"""The state of a shift, and how entries add up to it. Pure; dispatch/shifts.py decides."""

from __future__ import annotations

from typing import Any

import msgspec

from hall.core.command import Entry

LINES, HANDOVERS = 100, 20


class OnDuty(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One person's shift."""

    who: str
    role: str
    desk: str = ""
    since: int


class Line(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One line of the shift log 值班日志."""

    at: int
    who: str
    role: str
    text: str


class Handover(msgspec.Struct, kw_only=True, omit_defaults=True):
    """`outcome` empty while the second signature is awaited, then taken | recalled | declined | left."""

    number: int  # revision of the stream it was signed at
    giver: str
    giver_role: str
    desk: str = ""
    to: str
    at: int
    notes: str = ""
    items: list[dict[str, Any]] = []  # what was open, as hall/app/openitems.py collects it
    command: str = ""
    outcome: str = ""
    ended: int | None = None
    taker_role: str = ""
    taker_desk: str = ""
    moved: list[str] = []  # files that changed their owner with the second signature
    left: list[dict[str, str]] = []  # {subject, why}: those that did not
    reason: str = ""


class Shift(msgspec.Struct, kw_only=True, omit_defaults=True):
    """State of `shift/<group>`. `lines` and `handovers` hold the newest; the ledger holds all."""

    group: str = ""
    on_duty: list[OnDuty] = []
    lines: list[Line] = []
    handovers: list[Handover] = []
    revision: int = 0
    ended: bool = False


def person_on(state: Shift | None, who: str) -> OnDuty | None:
    """That person's shift in this group; None when he has none."""
    return next((duty for duty in state.on_duty if duty.who == who), None) if state else None


def waiting(state: Shift) -> list[Handover]:
    """Handovers that wait for the second signature."""
    return [handover for handover in state.handovers if not handover.outcome]


def _started(shift: Shift, entry: Entry) -> None:
    duty = OnDuty(who=entry.who, role=entry.role, desk=entry.desk, since=entry.recorded)
    shift.on_duty = [*(one for one in shift.on_duty if one.who != entry.who), duty]


def _noted(shift: Shift, entry: Entry) -> None:
    line = Line(at=entry.recorded, who=entry.who, role=entry.role, text=entry.data.get("text", ""))
    shift.lines = [*shift.lines, line][-LINES:]


def _handed_over(shift: Shift, entry: Entry) -> None:
    data, duty = entry.data, person_on(shift, entry.who)
    made = Handover(
        number=entry.revision,
        giver=entry.who,
        giver_role=entry.role,
        desk=entry.desk or (duty.desk if duty else ""),
        to=data.get("to", ""),
        at=entry.recorded,
        notes=data.get("notes", ""),
        items=data.get("items", []),
        command=data.get("command", ""),
    )
    over = [handover for handover in shift.handovers if handover.outcome]
    shift.handovers = [*over[-(HANDOVERS - 1) :], *waiting(shift), made]


def _ended(shift: Shift, entry: Entry, outcome: str, **more: Any) -> Handover | None:
    found = next((one for one in shift.handovers if one.number == entry.data.get("number")), None)
    if found is None:
        return None
    made = msgspec.structs.replace(found, outcome=outcome, ended=entry.recorded, reason=entry.reason, **more)
    shift.handovers = [made if one.number == made.number else one for one in shift.handovers]
    return made


def _taken_over(shift: Shift, entry: Entry) -> None:
    data = entry.data
    told = {"moved": data.get("moved", []), "left": data.get("left", [])}
    made = _ended(shift, entry, "taken", taker_role=entry.role, taker_desk=entry.desk, **told)
    if made is not None:
        shift.on_duty = [one for one in shift.on_duty if one.who != made.giver]
        if not person_on(shift, entry.who):
            _started(shift, entry)


def _left(shift: Shift, entry: Entry) -> None:
    who = entry.data.get("who", entry.who)
    shift.on_duty = [one for one in shift.on_duty if one.who != who]
    shift.handovers = [
        msgspec.structs.replace(one, outcome="left", ended=entry.recorded, reason=entry.reason)
        if one.giver == who and not one.outcome
        else one
        for one in shift.handovers
    ]


FOLDS = {
    "start": _started, "note": _noted, "hand_over": _handed_over, "take_over": _taken_over, "leave": _left,
    "recall": lambda shift, entry: _ended(shift, entry, "recalled"),
    "decline": lambda shift, entry: _ended(shift, entry, "declined"),
}  # fmt: skip
