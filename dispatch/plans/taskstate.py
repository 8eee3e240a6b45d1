"""What the ledger keeps of a task, and how each line changes it. Pure."""

from __future__ import annotations

from typing import Any

import msgspec

from dispatch.plans.model import MINUTE
from hall.core.command import Entry

NOTES = 50


class Task(msgspec.Struct, kw_only=True, omit_defaults=True):
    """State of `task/<id>`; times city ms. `told`: steps of being late that were told of, `notices`
    with which; `why`: what took it back."""

    task_id: str = ""
    state: str = "open"
    response: str = ""
    incident: str = ""
    key: str = ""
    level: str = ""
    label: dict[str, str] = {}
    unit: str = ""
    role: str = ""
    crew: str = ""  # of the unit, that was given it; the unit answers for it all the same
    cannot: dict[str, Any] = {}  # why whoever had it could not do it {at, by, reason}, until somebody takes it again
    photos: list[dict[str, Any]] = []
    place: dict[str, str] = {}
    spot: str = ""
    site: str = ""
    district: str = ""
    lon: float | None = None
    lat: float | None = None
    crews: int = 0
    kinds: list[str] = []
    equipment: list[dict[str, Any]] = []
    made: int = 0
    ack_due: int | None = None
    due: int | None = None
    acked_by: str = ""
    acked_at: int | None = None
    done_by: str = ""
    done_at: int | None = None
    ended_at: int | None = None
    note: str = ""
    notes: list[dict[str, Any]] = []
    case: str = ""
    wanted_case: bool = False
    told: list[str] = []
    notices: list[str] = []
    why: str = ""
    exercise: bool = False
    revision: int = 0
    ended: bool = False


def fold(state: Task, entry: Entry) -> None:
    """One line into `state`, a copy."""
    step = _FOLDS.get(entry.move)
    if step is not None:
        step(state, entry)
    state.photos = [*state.photos, *entry.data.get("photos", [])][-NOTES:]
    if entry.data.get("note") and entry.move != "make":
        _noted(state, entry, entry.data["note"])


def _noted(state: Task, entry: Entry, text: str) -> None:
    state.note = text
    state.notes = [*state.notes, {"at": entry.time, "who": entry.who, "text": text}][-NOTES:]


def _open(state: Task, entry: Entry) -> None:
    """Anew, whatever there was: a level that is signed again asks for it again."""
    given = {"task_id": entry.subject.partition("/")[2], **entry.data}
    fresh = msgspec.convert({**given, "told": [], "notices": given.get("told", [])}, Task)
    for name in Task.__struct_fields__:
        if name not in ("revision", "notes"):
            setattr(state, name, getattr(fresh, name))


def _acknowledge(state: Task, entry: Entry) -> None:
    state.state, state.acked_by, state.acked_at, state.cannot = "acknowledged", entry.who, entry.time, {}


def _hand(state: Task, entry: Entry) -> None:
    """Acknowledged again by the crew: its unit's word is not the crew's."""
    state.crew, state.state, state.acked_by, state.acked_at = entry.data["crew"], "open", "", None
    state.notices, state.cannot = [*state.notices, *entry.data.get("told", [])], {}


def _not_possible(state: Task, entry: Entry) -> None:
    """It is still to be done, by somebody else or in another way."""
    state.cannot = {"at": entry.time, "by": entry.who, "reason": entry.reason}
    state.state, state.crew, state.acked_by, state.acked_at = "open", "", "", None
    state.notices = [*state.notices, *entry.data.get("told", [])]
    _noted(state, entry, entry.reason)


def _done(state: Task, entry: Entry) -> None:
    if state.acked_at is None:
        state.acked_by, state.acked_at = entry.who, entry.time
    state.state, state.done_by, state.done_at, state.ended_at = "done", entry.who, entry.time, entry.time


def _cancel(state: Task, entry: Entry) -> None:
    state.state, state.ended_at, state.why = "cancelled", entry.time, entry.data.get("why", "") or entry.reason


def _restore(state: Task, entry: Entry) -> None:
    state.state, state.ended_at, state.why = entry.data["state"], None, ""


def _reassign(state: Task, entry: Entry) -> None:
    state.unit, state.role = entry.data.get("unit", ""), entry.data.get("role", "")
    state.state, state.acked_by, state.acked_at, state.told = "open", "", None, []
    state.crew, state.cannot = "", {}
    state.notices = entry.data.get("told", [])
    if state.ack_due is not None:  # whoever gets it now has as long to acknowledge as the first had
        state.ack_due = entry.time + max(MINUTE, state.ack_due - state.made)


def _extend(state: Task, entry: Entry) -> None:
    state.due, state.told = entry.data["due"], [step for step in state.told if step == "task_unacknowledged"]


def _remind(state: Task, entry: Entry) -> None:
    state.told = [*state.told, entry.data["step"]]
    state.notices = [*state.notices, *entry.data.get("told", [])]


def _to_case(state: Task, entry: Entry) -> None:
    state.wanted_case = True


def _case(state: Task, entry: Entry) -> None:
    state.case = entry.data["case"]


def _retire(state: Task, entry: Entry) -> None:
    state.ended = True


_FOLDS = {
    "open": _open, "make": _open, "acknowledge": _acknowledge, "done": _done, "cancel": _cancel, "restore": _restore,
    "hand": _hand, "cannot": _not_possible, "reassign": _reassign, "extend": _extend, "remind": _remind, "to_case": _to_case,
    "case": _case, "retire": _retire,
}  # fmt: skip
