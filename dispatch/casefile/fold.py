"""What entries add up to: the file's state after each. Asks no rule and no clock; an unknown move changes nothing but the
revision."""

from __future__ import annotations

import msgspec

from dispatch.casefile.folds import FOLDS, cleared, happened, stop_clock
from dispatch.casefile.model import Ask, CaseFile, Clock, Mark, Photo
from dispatch.casefile.table import ENDED, IN_HANDS, MOVES, REGISTERED, WRITTEN
from hall.core.command import Entry

_KNOWN = frozenset({*MOVES, *WRITTEN})
_FIELD = frozenset({"crew_state", *(name for name, spec in MOVES.items() if spec.field)})
#: by these the hall takes hold of the state though they leave it as it is; so does whatever changes it
_HOLDING = frozenset({"assign", "unassign", "split"})
#: states in which a question of each kind still makes sense; elsewhere it has lapsed
_ASKED_IN = {"postpone": IN_HANDS, "suspend": REGISTERED - {"handle_finish", "pending_check"}, "appeal": ENDED}


def evolve(file: CaseFile | None, entry: Entry) -> CaseFile:
    """The state after `entry`; never refuses."""
    if file is None:
        file = CaseFile(opened_at=entry.time, state_since=entry.time)
    if entry.move == "undo":
        return msgspec.structs.replace(msgspec.convert(entry.data["back"], CaseFile), revision=entry.revision, last={})
    # parts are replaced, never changed in place: states of other revisions may share them
    made = msgspec.structs.replace(file, revision=entry.revision)
    if entry.move not in _KNOWN:
        return made
    data = entry.data
    changes_state = bool(data.get("to")) and entry.move not in ("open", "supplied")
    made.moved = made.moved or data.get("moved", False) or changes_state or entry.move in _HOLDING
    if entry.kind != "system":
        made.touched_at = entry.recorded
    _common(made, entry)
    if special := FOLDS.get(entry.move):
        special(made, entry, data)
    made.last = {}
    if entry.move in MOVES and MOVES[entry.move].undoable:
        who_and_what = {"command": entry.command, "move": entry.move, "who": entry.who}
        made.last = {**who_and_what, "at": entry.recorded, "revision": entry.revision}
    return made


def _common(file: CaseFile, entry: Entry) -> None:
    """What many moves carry: a new state, a stamp, clocks, photos, whom a return came back to."""
    data, spec = entry.data, MOVES.get(entry.move)
    at = happened(file, entry, entry.move in _FIELD)
    if spec and spec.mark:
        file.marks = {**file.marks, spec.mark: Mark(at=at, who=entry.who, role=entry.role)}
    if spec and spec.forward:
        file.barred = []
    if data.get("barred") is not None:
        file.barred = data["barred"]
    if "clock" in data:
        file.clock = msgspec.convert(data["clock"], Clock) if data["clock"] else None
    if "stage_due" in data:
        file.stage_due = data["stage_due"]
    if data.get("emergency") is not None:
        file.emergency = data["emergency"]
    if data.get("condition"):
        file.condition = data["condition"]
    shown = data.get("photos") or []
    file.photos = [*file.photos, *(Photo(**photo, who=entry.who, at=at) for photo in shown)]
    if data.get("to"):
        _go(file, entry, data["to"], at)


def _go(file: CaseFile, entry: Entry, to: str, at: int) -> None:
    if to == "suspended" and file.state not in ENDED:
        file.state_before = file.state
    if to in ENDED:
        file.ended_from = file.state
    file.state, file.state_since = to, at
    file.handlers = {**file.handlers, to: Mark(at=at, who=entry.who, role=entry.role)}
    file.ended = to in ENDED
    if not entry.data.get("keeps_owner"):
        file.owner, file.owner_role, file.owned_since = "", "", None
    lapsed = [ask for ask in file.asks if not _makes_sense(ask, file)]
    file.appealed -= sum(ask.what == "appeal" for ask in lapsed)  # an appeal that a reopening overtook was none
    file.asks = [ask for ask in file.asks if ask not in lapsed]
    if file.ended:
        file.stage_due = None
        file.ended_at, file.closed_by, file.end_reason = at, entry.who, entry.reason
        file.crews = [cleared(work, at) for work in file.crews]
        file.open_children = []
        stop_clock(file, at)
    else:
        file.ended_at = None


def _makes_sense(ask: Ask, file: CaseFile) -> bool:
    return bool(file.owner) if ask.what == "takeover" else file.state in _ASKED_IN.get(ask.what, ())
