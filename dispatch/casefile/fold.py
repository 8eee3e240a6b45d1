"""What entries add up to: the file's state after each. Asks no rule and no clock; an unknown move changes nothing but the
revision."""

from __future__ import annotations

from typing import Any

import msgspec

from dispatch.casefile.model import Ask, CaseFile, Clock, CrewWork, Mark, Photo, Urge
from dispatch.casefile.table import ENDED, MOVES
from hall.core.command import Entry

#: moves that leave the hall's hold of the state where it is
_SILENT = frozenset({"open", "supplied", "note", "call_back", "attach", "escalate", "claim", "release", "ask_takeover", "urge"})


def evolve(file: CaseFile | None, entry: Entry) -> CaseFile:
    """The state after `entry`; never refuses."""
    if file is None:
        file = CaseFile(opened_at=entry.time, state_since=entry.time)
    if entry.move == "undo":
        made = msgspec.convert(entry.data["back"], CaseFile)
        return msgspec.structs.replace(made, revision=entry.revision, last={}, moved=True)
    # parts are replaced, never changed in place: states of other revisions may share them
    made = msgspec.structs.replace(file, revision=entry.revision)
    made.moved = made.moved or entry.data.get("moved", False) or (entry.move not in _SILENT and entry.kind != "supplier")
    made.touched_at = entry.time if entry.kind in ("person", "crew") else made.touched_at
    _common(made, entry)
    special = _SPECIAL.get(entry.move)
    if special:
        special(made, entry, entry.data)
    if MOVES.get(entry.move) and MOVES[entry.move].undoable:
        made.last = {"command": entry.command, "move": entry.move, "who": entry.who, "at": entry.recorded}
    elif entry.move not in ("escalate", "crew_state"):
        made.last = {}
    return made


def _common(file: CaseFile, entry: Entry) -> None:
    """What many moves carry: a new state, a stamp, clocks, photos, whom a return came back to."""
    data, spec = entry.data, MOVES.get(entry.move)
    if spec and spec.mark:
        file.marks = {**file.marks, spec.mark: Mark(at=entry.time, who=entry.who, role=entry.role)}
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
    shown = data.get("photos") or []
    file.photos = [*file.photos, *(Photo(**photo, who=entry.who, at=entry.time) for photo in shown)]
    if data.get("to"):
        _go(file, entry, data["to"])


def _go(file: CaseFile, entry: Entry, to: str) -> None:
    if to == "suspended" or to in ENDED:
        file.state_before = file.state
    file.state, file.state_since = to, entry.time
    file.handlers = {**file.handlers, to: Mark(at=entry.time, who=entry.who, role=entry.role)}
    file.ended = to in ENDED
    if not entry.data.get("keeps_owner"):
        file.owner = file.owner_role = ""
        file.owned_since = None
    if file.ended:
        file.asks, file.stage_due, file.barred = [], None, []
        file.ended_at, file.closed_by, file.end_reason = entry.time, entry.who, entry.reason
        file.crews = [_cleared(work, entry.time) for work in file.crews]
        _stop_clock(file, entry.time)
    else:
        file.ended_at = None


def _cleared(work: CrewWork, at: int) -> CrewWork:
    if work.state == "clear":
        return work
    return msgspec.structs.replace(work, state="clear", stamps={**work.stamps, "clear": at})


def _stop_clock(file: CaseFile, at: int) -> None:
    if file.clock is not None and file.clock.stopped_at is None:
        file.clock = msgspec.structs.replace(file.clock, stopped_at=at)


def _open(file: CaseFile, entry: Entry, data: dict[str, Any]) -> None:
    case = data["case"]
    file.feed, file.case_id, file.report = case["feed"], case["case_id"], case
    file.unit, file.parent = data.get("unit", ""), data.get("parent", "")
    reported = case.get("stages", {}).get("reported")
    file.marks = {"reported": Mark(at=entry.time if reported is None else reported, who=entry.who, role=entry.role)}


def _supplied(file: CaseFile, entry: Entry, data: dict[str, Any]) -> None:
    kept = {name: value for name, value in file.report.items() if name not in data.get("gone", ()) or name in file.corrected}
    file.report = kept | {name: value for name, value in data["case"].items() if name not in file.corrected}
    if not file.moved:
        file.unit = file.report.get("unit", "")
    file.supplier_state = data["case"].get("state", file.supplier_state)


def _register(file: CaseFile, entry: Entry, data: dict[str, Any]) -> None:
    file.unit = data.get("unit", file.unit)
    if data.get("condition"):
        file.report = {**file.report, "extra": {**file.report.get("extra", {}), "condition": data["condition"]}}


def _dispatch(file: CaseFile, entry: Entry, data: dict[str, Any]) -> None:
    file.unit, file.rungs = data["unit"], {}
    _assign(file, entry, data)


def _assign(file: CaseFile, entry: Entry, data: dict[str, Any]) -> None:
    new = data.get("crews", [])
    kept = [work for work in file.crews if work.crew not in new]
    made = [
        CrewWork(
            crew=c,
            state="assigned",
            by=entry.who,
            at=entry.time,
            stamps={"assigned": entry.time},
            override=data.get("override", ""),
        )
        for c in new
    ]
    file.crews = kept + made


def _unassign(file: CaseFile, entry: Entry, data: dict[str, Any]) -> None:
    file.crews = [_cleared(work, entry.time) if work.crew in data["crews"] else work for work in file.crews]


def _crew_state(file: CaseFile, entry: Entry, data: dict[str, Any]) -> None:
    """A crew said where it is; one that declines is off the case. The first to set out takes the case in hand."""
    told, state = data["crew"], data["state"]
    file.crews = [
        msgspec.structs.replace(work, state=state, stamps={**work.stamps, state: entry.time})
        if work.crew == told and work.state != "clear"
        else work
        for work in file.crews
    ]
    if state in ("acknowledged", "mustered", "en_route", "on_scene") and file.state == "pending_handle":
        file.marks = {**file.marks, "taken": Mark(at=entry.time, who=entry.who, role=entry.role)}
        file.state, file.state_since, file.stage_due = "handling", entry.time, None


def _feed_back(file: CaseFile, entry: Entry, data: dict[str, Any]) -> None:
    file.opinion = data["opinion"]
    _stop_clock(file, entry.time)


def _verified(file: CaseFile, entry: Entry, data: dict[str, Any]) -> None:
    which = "before" if entry.move == "report_verify" else "after"
    file.check = {**file.check, which: data["check"]}


def _return(file: CaseFile, entry: Entry, data: dict[str, Any]) -> None:
    file.returns += 1
    file.crews = [_cleared(work, entry.time) for work in file.crews]


def _rework(file: CaseFile, entry: Entry, data: dict[str, Any]) -> None:
    file.reworks += 1
    file.check = {name: value for name, value in file.check.items() if name != "after"}


def _asked(file: CaseFile, entry: Entry, data: dict[str, Any]) -> None:
    file.asked += 1
    ask = Ask(
        number=file.asked, what=data["ask"], who=entry.who, role=entry.role, at=entry.time, level=data["level"],
        reason=entry.reason, data=data["data"],
    )  # fmt: skip
    file.asks = [*file.asks, ask]
    file.appealed += data["ask"] == "appeal"


def _granted(file: CaseFile, entry: Entry, data: dict[str, Any]) -> None:
    ask = next((ask for ask in file.asks if ask.number == data["ask"]), None)
    if ask is None:
        return
    if ask.what == "appeal" and not ask.granted_by:
        # 双重审核: two different people
        again = msgspec.structs.replace(ask, granted_by=[entry.who])
        file.asks = [again if kept.number == ask.number else kept for kept in file.asks]
        return
    file.asks = [kept for kept in file.asks if kept.number != ask.number]
    if ask.what == "appeal":
        file.exempt = True
    if ask.what == "suspend":
        file.suspensions += 1
        file.suspended_until, file.stage_due = data["until"], None
    if ask.what == "takeover":
        _owned(file, entry, data)


def _refused(file: CaseFile, entry: Entry, data: dict[str, Any]) -> None:
    file.asks = [kept for kept in file.asks if kept.number != data["ask"]]


def _resume(file: CaseFile, entry: Entry, data: dict[str, Any]) -> None:
    file.suspended_until, file.state_before = None, ""


def _urge(file: CaseFile, entry: Entry, data: dict[str, Any]) -> None:
    number = len(file.urges) + 1
    file.urges = [*file.urges, Urge(number=number, level=data["level"], who=entry.who, at=entry.time, reason=entry.reason)]


def _reply(file: CaseFile, entry: Entry, data: dict[str, Any]) -> None:
    file.urges = [
        msgspec.structs.replace(urge, reply=data["text"], replied_by=entry.who, replied_at=entry.time)
        if urge.number == data["urge"]
        else urge
        for urge in file.urges
    ]


def _merge(file: CaseFile, entry: Entry, data: dict[str, Any]) -> None:
    file.merged_into = data["into"]


def _unmerge(file: CaseFile, entry: Entry, data: dict[str, Any]) -> None:
    file.merged_into = ""


def _absorbed(file: CaseFile, entry: Entry, data: dict[str, Any]) -> None:
    file.absorbed = [*file.absorbed, data["from"]]


def _unabsorbed(file: CaseFile, entry: Entry, data: dict[str, Any]) -> None:
    file.absorbed = [name for name in file.absorbed if name != data["from"]]


def _split(file: CaseFile, entry: Entry, data: dict[str, Any]) -> None:
    file.children = [*file.children, *data["children"]]
    file.open_children = [*file.open_children, *data["children"]]


def _child_ended(file: CaseFile, entry: Entry, data: dict[str, Any]) -> None:
    file.open_children = [name for name in file.open_children if name != data["child"]]


def _child_reopened(file: CaseFile, entry: Entry, data: dict[str, Any]) -> None:
    file.open_children = [*(name for name in file.open_children if name != data["child"]), data["child"]]


def _link(file: CaseFile, entry: Entry, data: dict[str, Any]) -> None:
    file.incident = data.get("incident", "")


def _claim(file: CaseFile, entry: Entry, data: dict[str, Any]) -> None:
    file.owner, file.owner_role, file.owned_since = entry.who, entry.role, entry.time


def _release(file: CaseFile, entry: Entry, data: dict[str, Any]) -> None:
    file.owner, file.owner_role, file.owned_since = "", "", None
    file.asks = [ask for ask in file.asks if ask.what != "takeover"]


def _owned(file: CaseFile, entry: Entry, data: dict[str, Any]) -> None:
    file.owner, file.owner_role = data.get("owner", entry.who), data.get("owner_role", entry.role)
    file.owned_since = entry.time
    file.asks = [ask for ask in file.asks if ask.what != "takeover"]


def _confirm_return(file: CaseFile, entry: Entry, data: dict[str, Any]) -> None:
    file.barred = []


def _note(file: CaseFile, entry: Entry, data: dict[str, Any]) -> None:
    file.notes += 1


def _call_back(file: CaseFile, entry: Entry, data: dict[str, Any]) -> None:
    told = {"at": entry.time, "who": entry.who, "reached": data["reached"], "satisfied": data.get("satisfied")}
    file.call_backs = [*file.call_backs, told]


def _correct(file: CaseFile, entry: Entry, data: dict[str, Any]) -> None:
    file.report = {**file.report, **data["fields"]}
    file.corrected = sorted({*file.corrected, *data["fields"]})


def _escalate(file: CaseFile, entry: Entry, data: dict[str, Any]) -> None:
    file.rungs = {**file.rungs, data["rung"]: entry.time}


def _stop_ladder(file: CaseFile, entry: Entry, data: dict[str, Any]) -> None:
    if data.get("rung"):
        file.stopped_rungs = sorted({*file.stopped_rungs, data["rung"]})
    else:
        file.ladder_stopped = True


_SPECIAL = {
    "open": _open, "supplied": _supplied, "register": _register, "dispatch": _dispatch, "assign": _assign,
    "unassign": _unassign, "crew_state": _crew_state, "feed_back": _feed_back, "report_verify": _verified,
    "report_check": _verified, "return": _return, "rework": _rework, "ask_postpone": _asked, "ask_suspend": _asked,
    "ask_takeover": _asked, "appeal": _asked, "grant": _granted, "refuse": _refused, "resume": _resume, "urge": _urge,
    "reply_urge": _reply, "merge": _merge, "unmerge": _unmerge, "absorbed": _absorbed, "unabsorbed": _unabsorbed,
    "split": _split, "child_ended": _child_ended, "child_reopened": _child_reopened, "link": _link, "unlink": _link,
    "claim": _claim, "release": _release, "seize": _owned, "give": _owned, "confirm_return": _confirm_return,
    "note": _note, "call_back": _call_back, "correct": _correct, "escalate": _escalate, "stop_ladder": _stop_ladder,
}  # fmt: skip
