"""What each line of the ledger does to an alarm. Pure."""

from __future__ import annotations

from typing import Any

from dispatch.alarmlife import edges
from dispatch.alarmlife.model import CASES, COMMENTS, AlarmState
from hall.core.command import Entry


def _told(state: AlarmState, data: dict[str, Any]) -> None:
    """The engine's word replaces its word before, as a whole."""
    for name, default in edges.DEFAULTS.items():
        setattr(state, name, data.get(name, default))


def _raised(state: AlarmState, entry: Entry) -> None:
    new = entry.data.get("alarm_id")
    _told(state, entry.data)
    state.active, state.retired, state.returned = True, False, None
    if new:
        state.alarm_id, state.times, state.comments, state.disposition = new, 0, [], ""
        state.case, state.cases, state.closure = "", [], ""
        _unanswered(state)
    else:
        state.times += 1


def _unanswered(state: AlarmState) -> None:
    state.acknowledged, state.acked_by, state.acked_at = False, "", None


def _changed(state: AlarmState, entry: Entry) -> None:
    since = state.since
    _told(state, entry.data)
    state.since = since
    if entry.data.get("worse"):
        _unanswered(state)


def _returned(state: AlarmState, entry: Entry) -> None:
    for name, value in entry.data.items():
        setattr(state, name, value)
    state.active, state.returned, state.forecast, state.chattering = False, entry.time, None, False
    state.hidden_by, state.hidden_why = "", None


def _answer(state: AlarmState, entry: Entry) -> None:
    if not state.acknowledged:
        state.acknowledged, state.acked_by, state.acked_at = True, entry.who, entry.time


def _acknowledged(state: AlarmState, entry: Entry) -> None:
    _answer(state, entry)
    if "comment" in entry.data:
        _comment(state, entry, entry.data["comment"])


def _comment(state: AlarmState, entry: Entry, text: str) -> None:
    state.comments = [*state.comments, {"at": entry.time, "who": entry.who, "text": text}][-COMMENTS:]


def _shelved(state: AlarmState, entry: Entry) -> None:
    state.shelved = {"until": entry.data["until"], "by": entry.who, "reason": entry.reason, "at": entry.time}
    state.shelved_severity = state.severity


def _unshelved(state: AlarmState, entry: Entry) -> None:
    state.shelved, state.shelved_severity = None, 0


def _disposed(state: AlarmState, entry: Entry) -> None:
    """Who says what it was has answered it."""
    state.disposition = entry.data["found"]
    _answer(state, entry)


def _case_linked(state: AlarmState, entry: Entry) -> None:
    case = entry.data["case"]
    if case not in state.cases:
        state.cases = [*state.cases, case][-CASES:]
    state.case = state.case or case
    if entry.kind != "system":
        _answer(state, entry)


def _case_unlinked(state: AlarmState, entry: Entry) -> None:
    state.cases = [case for case in state.cases if case != entry.data["case"]]
    state.case = state.cases[0] if state.cases else ""


def _put_out(state: AlarmState, entry: Entry) -> None:
    state.out_of_service = {"by": entry.who, "reason": entry.reason, "at": entry.time}


#: move -> (state, entry); asks no rule and no clock
FOLD = {
    "raise": _raised, "change": _changed, "return": _returned, "acknowledge": _acknowledged,
    "comment": lambda state, entry: _comment(state, entry, entry.data["text"]), "shelve": _shelved, "unshelve": _unshelved,
    "dispose": _disposed, "link_case": _case_linked, "unlink_case": _case_unlinked,
    "link_closure": lambda state, entry: setattr(state, "closure", entry.data["closure"]),
    "reset": lambda state, entry: setattr(state, "latched", False), "out_of_service": _put_out,
    "in_service": lambda state, entry: setattr(state, "out_of_service", None),
    "retire": lambda state, entry: setattr(state, "retired", True),
}  # fmt: skip
