"""What each entry means for the file beyond its new state: one small fold per move. Called by `fold.evolve` only."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from dispatch.casefile.model import Ask, CaseFile, CrewWork, Mark, Urge
from hall.core.command import Entry

#: newest that are kept of each; the ledger has them all
_CALLS, _URGES = 50, 200


def happened(file: CaseFile, entry: Entry, field: bool) -> int:
    """When an entry's act happened, ms: what the desk does, when it was recorded; work in the street, when it was told to
    have been, yet never before the state it was done in."""
    return max(entry.time, file.state_since) if field else entry.recorded


def without(marks: dict[str, Mark], *stages: str) -> dict[str, Mark]:
    """Marks are of the present way through the loop; what is gone back over is in the ledger."""
    return {stage: mark for stage, mark in marks.items() if stage not in stages}


def cleared(work: CrewWork, at: int) -> CrewWork:
    if work.state == "clear":
        return work
    return msgspec.structs.replace(work, state="clear", stamps={**work.stamps, "clear": at})


def stop_clock(file: CaseFile, at: int) -> None:
    if file.clock is not None and file.clock.stopped_at is None:
        file.clock = msgspec.structs.replace(file.clock, stopped_at=at)


def _open(file: CaseFile, entry: Entry, data: dict[str, Any]) -> None:
    case = data["case"]
    file.feed, file.case_id, file.report = case["feed"], case["case_id"], case
    file.unit, file.parent, file.incident = data.get("unit", ""), data.get("parent", ""), data.get("incident", "")
    reported = case.get("stages", {}).get("reported")
    file.marks = {"reported": Mark(at=entry.time if reported is None else reported, who=entry.who, role=entry.role)}


def _supplied(file: CaseFile, entry: Entry, data: dict[str, Any]) -> None:
    """Corrections stay; what the supplier says in their place is kept beside."""
    gone, said = data.get("gone", ()), data["case"]
    kept = {name: value for name, value in file.report.items() if name not in gone or name in file.corrected}
    file.report = kept | {name: value for name, value in said.items() if name not in file.corrected}
    beside = {name: value for name, value in file.supplied.items() if name not in gone}
    file.supplied = beside | {name: value for name, value in said.items() if name in file.corrected}
    if not file.moved:
        file.unit = file.report.get("unit", "")
    file.supplier_state = data["case"].get("state", file.supplier_state)


def _register(file: CaseFile, entry: Entry, data: dict[str, Any]) -> None:
    file.unit = data.get("unit") or file.unit


def _dispatch(file: CaseFile, entry: Entry, data: dict[str, Any]) -> None:
    file.unit, file.rungs, file.ladder_stopped, file.stopped_rungs = data["unit"], {}, False, []
    _assign(file, entry, data)


def _assign(file: CaseFile, entry: Entry, data: dict[str, Any]) -> None:
    new, at, why = data.get("crews", []), entry.recorded, data.get("override", "")
    kept = [work for work in file.crews if work.crew not in new]
    stamps = {"assigned": at}
    file.crews = kept + [CrewWork(crew=c, state="assigned", by=entry.who, at=at, stamps=stamps, override=why) for c in new]


def _unassign(file: CaseFile, entry: Entry, data: dict[str, Any]) -> None:
    file.crews = [cleared(work, entry.recorded) if work.crew in data["crews"] else work for work in file.crews]


def _crew_state(file: CaseFile, entry: Entry, data: dict[str, Any]) -> None:
    """A crew said where it is. The first that sets out takes the case in hand. Stamps never run backwards."""
    told, state = data["crew"], data["state"]
    work = next((work for work in file.crews if work.crew == told and work.state != "clear"), None)
    if work is None:
        return
    at = max(entry.time, *work.stamps.values(), work.at)
    made = msgspec.structs.replace(work, state=state, stamps={**work.stamps, state: at})
    file.crews = [made if kept is work else kept for kept in file.crews]
    if state in ("acknowledged", "mustered", "en_route", "on_scene") and file.state == "pending_handle":
        mark = Mark(at=max(at, file.state_since), who=entry.who, role=entry.role)
        file.marks, file.handlers = {**file.marks, "taken": mark}, {**file.handlers, "handling": mark}
        file.state, file.state_since, file.stage_due = "handling", mark.at, None


def _feed_back(file: CaseFile, entry: Entry, data: dict[str, Any]) -> None:
    file.opinion = data["opinion"]
    stop_clock(file, file.state_since)


def _asked_to_look(file: CaseFile, entry: Entry, data: dict[str, Any]) -> None:
    which = "before" if entry.move == "send_verify" else "after"
    file.check = {**file.check, which: {"whom": data.get("whom", ""), "asked": entry.recorded}}


def _verified(file: CaseFile, entry: Entry, data: dict[str, Any]) -> None:
    which = "before" if entry.move == "report_verify" else "after"
    file.check = {**file.check, which: data["check"]}


def _return(file: CaseFile, entry: Entry, data: dict[str, Any]) -> None:
    file.returns += 1
    file.crews = [cleared(work, file.state_since) for work in file.crews]
    file.marks = without(file.marks, "dispatched", "taken", *(() if data.get("to") == "returned" else ("registered",)))


def _rework(file: CaseFile, entry: Entry, data: dict[str, Any]) -> None:
    file.reworks += 1
    file.check = {name: value for name, value in file.check.items() if name != "after"}
    file.marks = without(file.marks, "taken", "handled", "checked")


def _asked(file: CaseFile, entry: Entry, data: dict[str, Any]) -> None:
    file.asked += 1
    ask = Ask(
        number=file.asked, what=data["ask"], who=entry.who, role=entry.role, at=entry.recorded, level=data["level"],
        reason=entry.reason, data=data["data"],
    )  # fmt: skip
    file.asks = [*file.asks, ask]
    file.appealed += data["ask"] == "appeal"


def _granted(file: CaseFile, entry: Entry, data: dict[str, Any]) -> None:
    ask = next((ask for ask in file.asks if ask.number == data["ask"]), None)
    if ask is not None and ask.what == "appeal" and not ask.granted_by:
        # 双重审核: two different people
        again = msgspec.structs.replace(ask, granted_by=[entry.who])
        file.asks = [again if kept is ask else kept for kept in file.asks]
        return
    file.asks = [kept for kept in file.asks if kept.number != data["ask"]]
    if data["what"] == "appeal":
        file.exempt = True
    if data["what"] == "postpone":
        file.rungs = {}  # a new end of the limit comes near, and passes, anew
    if data["what"] == "suspend":
        file.suspensions += 1
        file.suspended_until = data["until"]
        file.crews = [cleared(work, entry.recorded) for work in file.crews]
    if data["what"] == "takeover":
        _owned(file, entry, data)


def _refused(file: CaseFile, entry: Entry, data: dict[str, Any]) -> None:
    file.asks = [kept for kept in file.asks if kept.number != data["ask"]]


def _resume(file: CaseFile, entry: Entry, data: dict[str, Any]) -> None:
    file.suspended_until, file.state_before = None, ""


def _urge(file: CaseFile, entry: Entry, data: dict[str, Any]) -> None:
    number = file.urges[-1].number + 1 if file.urges else 1
    urge = Urge(number=number, level=data["level"], who=entry.who, at=entry.recorded, reason=entry.reason, due=data.get("due"))
    file.urges = [*file.urges[1 - _URGES :], urge]


def _reply(file: CaseFile, entry: Entry, data: dict[str, Any]) -> None:
    file.urges = [
        msgspec.structs.replace(urge, reply=data["text"], replied_by=entry.who, replied_at=entry.recorded)
        if urge.number == data["urge"]
        else urge
        for urge in file.urges
    ]


def _merge(file: CaseFile, entry: Entry, data: dict[str, Any]) -> None:
    file.merged_into = data["into"]


def _unmerge(file: CaseFile, entry: Entry, data: dict[str, Any]) -> None:
    _reopened(file, entry, data)
    file.merged_into = ""


def _reopened(file: CaseFile, entry: Entry, data: dict[str, Any]) -> None:
    """The end is taken back. A reopened case is checked anew; an unmerged one goes on with the check it had."""
    if entry.move == "reopen":
        file.check = {name: value for name, value in file.check.items() if name != "after"}
        file.marks = without(file.marks, "checked", "closed")
    file.closed_by = file.end_reason = file.ended_from = ""
    if file.state != "suspended":
        file.state_before, file.suspended_until = "", None
    file.ended_with_parent = False


def _absorbed(file: CaseFile, entry: Entry, data: dict[str, Any]) -> None:
    file.absorbed = [*file.absorbed, data["from"]]


def _unabsorbed(file: CaseFile, entry: Entry, data: dict[str, Any]) -> None:
    file.absorbed = [name for name in file.absorbed if name != data["from"]]


def _split(file: CaseFile, entry: Entry, data: dict[str, Any]) -> None:
    file.children = [*file.children, *data["children"]]
    file.open_children = [*file.open_children, *data["children"]]


def _parent_ended(file: CaseFile, entry: Entry, data: dict[str, Any]) -> None:
    file.parent_ended, file.ended_with_parent = True, bool(data.get("to"))


def _parent_reopened(file: CaseFile, entry: Entry, data: dict[str, Any]) -> None:
    file.parent_ended = file.ended_with_parent = False


def _child_ended(file: CaseFile, entry: Entry, data: dict[str, Any]) -> None:
    file.open_children = [name for name in file.open_children if name != data["child"]]


def _child_reopened(file: CaseFile, entry: Entry, data: dict[str, Any]) -> None:
    file.open_children = [*(name for name in file.open_children if name != data["child"]), data["child"]]


def _link(file: CaseFile, entry: Entry, data: dict[str, Any]) -> None:
    file.incident = data.get("incident", "")


def _claim(file: CaseFile, entry: Entry, data: dict[str, Any]) -> None:
    file.owner, file.owner_role, file.owned_since = entry.who, entry.role, entry.recorded


def _release(file: CaseFile, entry: Entry, data: dict[str, Any]) -> None:
    file.owner, file.owner_role, file.owned_since = "", "", None
    file.asks = [ask for ask in file.asks if ask.what != "takeover"]


def _owned(file: CaseFile, entry: Entry, data: dict[str, Any]) -> None:
    file.owner, file.owner_role = data.get("owner", entry.who), data.get("owner_role", entry.role)
    file.owned_since = entry.recorded
    file.asks = [ask for ask in file.asks if ask.what != "takeover"]


def _confirm_return(file: CaseFile, entry: Entry, data: dict[str, Any]) -> None:
    file.barred = []


def _note(file: CaseFile, entry: Entry, data: dict[str, Any]) -> None:
    file.notes += 1


def _call_back(file: CaseFile, entry: Entry, data: dict[str, Any]) -> None:
    told = {"at": entry.time, "who": entry.who, "reached": data["reached"], "satisfied": data.get("satisfied")}
    file.call_backs = [*file.call_backs[1 - _CALLS :], told]


def _correct(file: CaseFile, entry: Entry, data: dict[str, Any]) -> None:
    before = {name: file.report[name] for name in data["fields"] if name in file.report and name not in file.corrected}
    file.supplied = {**file.supplied, **before}
    file.report = {**file.report, **data["fields"]}
    file.corrected = sorted({*file.corrected, *data["fields"]})


def _escalate(file: CaseFile, entry: Entry, data: dict[str, Any]) -> None:
    file.rungs = {**file.rungs, data["rung"]: entry.time}


def _stop_ladder(file: CaseFile, entry: Entry, data: dict[str, Any]) -> None:
    if data.get("rung"):
        file.stopped_rungs = sorted({*file.stopped_rungs, data["rung"]})
    else:
        file.ladder_stopped = True


def _by_level(file: CaseFile, entry: Entry, data: dict[str, Any]) -> None:
    """Whoever says by hand whether it is an emergency takes it out of the level's hands."""
    file.by_level = data.get("by_level", {})


FOLDS: dict[str, Callable[[CaseFile, Entry, dict[str, Any]], None]] = {
    "open": _open, "supplied": _supplied, "register": _register, "dispatch": _dispatch, "assign": _assign,
    "unassign": _unassign, "crew_state": _crew_state, "feed_back": _feed_back, "report_verify": _verified,
    "report_check": _verified, "send_verify": _asked_to_look, "request_check": _asked_to_look, "reopen": _reopened,
    "parent_ended": _parent_ended, "parent_reopened": _parent_reopened, 
    "return": _return, "rework": _rework, "ask_postpone": _asked, "ask_suspend": _asked,
    "ask_takeover": _asked, "appeal": _asked, "grant": _granted, "refuse": _refused, "resume": _resume, "urge": _urge,
    "reply_urge": _reply, "merge": _merge, "unmerge": _unmerge, "absorbed": _absorbed, "unabsorbed": _unabsorbed,
    "split": _split, "child_ended": _child_ended, "child_reopened": _child_reopened, "link": _link, "unlink": _link,
    "claim": _claim, "release": _release, "seize": _owned, "give": _owned, "confirm_return": _confirm_return,
    "note": _note, "call_back": _call_back, "correct": _correct, "escalate": _escalate, "stop_ladder": _stop_ladder,
    "emergency": _by_level, "raise_level": _by_level, "settle_level": _by_level,
}  # fmt: skip
