"""One case as evaluation sees it: moments, flags and persons in one flat row. Pure.

Moments are ms since the epoch (city time), NEVER where something has not happened or has no limit, so that a comparison
needs no null: `handled <= due` holds without a deadline.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import NamedTuple, get_type_hints

from dispatch.casefile.model import CaseFile
from dispatch.facts import WITHDRAWN, facts_of
from hall.core.model import Case

NEVER = 2**53
#: `CityClocks.stage_due`: when the desk must have left a state entered at a moment; None = no limit
StageDue = Callable[[str, int, bool], int | None]


class Record(NamedTuple):
    """A row of `evaluation.db`. Flags are 0 or 1; persons are names as the ledger has them, empty where nobody is known."""

    subject: str
    number: str
    state: str
    district: str
    unit: str
    class_name: str
    subclass_name: str
    report_source: str
    # the loop
    reported: int
    accepted: int
    registered: int
    dispatched: int
    handled: int
    checked: int
    closed: int
    rejected: int  # 不予立案
    cancelled: int  # 作废, duplicates too
    merged: int
    dropped: int  # the first of rejected and cancelled
    suspended: int  # since when it stands still now
    # limits
    due: int  # 处置时限
    accept_due: int
    register_due: int
    dispatch_due: int
    verify_asked: int
    verified: int
    verify_due: int
    check_asked: int
    check_due: int
    # 督办
    urged: int
    answered: int  # every urge has its reply since
    reply_due: int  # the earliest of those without one
    reply_late: int
    # counts and flags
    own: int  # 0 for a task split off another case
    reworks: int
    returns: int
    suspensions: int
    postponed: int
    exempt: int
    emergency: int
    forced: int
    public: int  # reported by somebody who is not on patrol
    called_back: int
    satisfied: int
    # persons, by stage
    reporter: str
    acceptor: str
    registrar: str
    dispatcher: str
    handler: str
    verifier: str
    checker: str
    closer: str


#: the fields by what they hold
TEXTS = tuple(name for name, kind in get_type_hints(Record).items() if kind is str)
NUMBERS = tuple(name for name in Record._fields if name not in TEXTS)

#: who took a stage -> the mark in the case file
_PERSONS = {
    "reporter": "reported", "acceptor": "accepted", "registrar": "registered", "dispatcher": "dispatched",
    "handler": "handled", "closer": "closed",
}  # fmt: skip
PERSONS = (*_PERSONS, "verifier", "checker")
_NO_FILE = CaseFile()


def _at(moment: int | None) -> int:
    return NEVER if moment is None else moment


def record_of(
    subject: str, case: Case, time: int, file: CaseFile | None, stage_due: StageDue, patrol: Collection[str] = ()
) -> Record | None:
    """The row of one case; None when its supplier took it back.

    `case` is the effective one (the hall's decisions over the supplier's words), `time` when its state became true,
    `file` the state of its case file if it has one, `patrol` the report sources that are the city's own patrols.
    """
    if case.state == WITHDRAWN:
        return None
    held = file or _NO_FILE
    facts, persons = facts_of(case, time), _persons(held)
    rejected = facts.ended_at if case.state == "not_accepted" else None
    cancelled = facts.ended_at if case.state == "cancelled" else None
    suspended = (held.state_since if held.moved else time) if case.state == "suspended" else None
    return Record(
        subject=subject,
        number=case.case_id,
        state=case.state,
        district=case.district,
        unit=case.unit,
        class_name=case.class_name,
        subclass_name=case.subclass_name,
        report_source=case.report_source,
        reported=facts.reported,
        accepted=_at(facts.accepted),
        registered=_at(_registered(case, facts.dispatched, time)),
        dispatched=_at(facts.dispatched),
        handled=_at(facts.handled),
        closed=_at(facts.closed),
        rejected=_at(rejected),
        cancelled=_at(cancelled),
        merged=_at(cancelled) if held.merged_into else NEVER,
        dropped=min(_at(rejected), _at(cancelled)),
        suspended=_at(suspended),
        due=_at(case.due),
        **_limits(case, held, facts.reported, stage_due),
        **_checks(case, held, stage_due),
        **_urges(held),
        own=0 if held.parent else 1,
        reworks=held.reworks,
        returns=held.returns,
        suspensions=held.suspensions,
        postponed=held.clock.postponed if held.clock else 0,
        exempt=int(held.exempt),
        emergency=int(held.emergency),
        forced=int(case.state == "forced_close"),
        public=int(bool(case.report_source) and case.report_source not in patrol),
        **_called_back(held),
        **persons,
    )


def _registered(case: Case, dispatched: int | None, time: int) -> int | None:
    """立案; a stage that is not told is implied by the next one, as in `dispatch.facts`."""
    if case.stages.registered is not None:
        return case.stages.registered
    if dispatched is not None:
        return dispatched
    return time if case.state in ("pending_dispatch", "suspended") else None


def _persons(file: CaseFile) -> dict[str, str]:
    found = {name: file.marks[mark].who if mark in file.marks else "" for name, mark in _PERSONS.items()}
    for name, which in (("verifier", "before"), ("checker", "after")):
        found[name] = file.check.get(which, {}).get("who", "")
    return found


def _limits(case: Case, file: CaseFile, reported: int, stage_due: StageDue) -> dict[str, int]:
    """The desk's own limits. A stage whose moment is only implied has none: nobody said when it was taken."""
    stages, hurry = case.stages, file.emergency

    def limit(state: str, begun: int | None, taken: int | None, later: int | None) -> int:
        if begun is None or (taken is None and later is not None):
            return NEVER
        return _at(stage_due(state, begun, hurry))

    accepted, registered, dispatched = stages.accepted, stages.registered, stages.dispatched
    later = next((m for m in (registered, dispatched, stages.handled, stages.closed) if m is not None), None)
    return {
        "accept_due": limit("reported", reported, accepted, later),
        "register_due": limit("pending_register", accepted, registered, dispatched),
        "dispatch_due": limit("pending_dispatch", registered, dispatched, stages.handled),
    }


def _checks(case: Case, file: CaseFile, stage_due: StageDue) -> dict[str, int]:
    """核实 and 核查: when asked, when answered, by when. A question that a later round made void does not count."""
    found = {}
    for state, which, names in (
        ("pending_verify", "before", ("verify_asked", "verified", "verify_due")),
        ("pending_check", "after", ("check_asked", "checked", "check_due")),
    ):
        told = file.check.get(which, {}).get("at")
        asked = file.handlers.get(state) if told is not None or file.state == state else None
        limit = None if asked is None else stage_due(state, asked.at, file.emergency)
        found |= dict(zip(names, (_at(asked and asked.at), _at(told), _at(limit)), strict=True))
    if found["checked"] == NEVER and not file.moved:
        found["checked"] = _at(case.stages.checked)
    return found


def _urges(file: CaseFile) -> dict[str, int]:
    waiting = [urge for urge in file.urges if urge.replied_at is None]
    replies = [(urge.replied_at, _at(urge.due)) for urge in file.urges if urge.replied_at is not None]
    return {
        "urged": min((urge.at for urge in file.urges), default=NEVER),
        "answered": max(at for at, _ in replies) if replies and not waiting else NEVER,
        "reply_due": min((_at(urge.due) for urge in waiting), default=NEVER),
        "reply_late": int(any(at > due for at, due in replies)),
    }


def _called_back(file: CaseFile) -> dict[str, int]:
    """The last person reached says whether he is satisfied."""
    reached = [call for call in file.call_backs if call.get("reached") and call.get("satisfied") is not None]
    return {"called_back": int(bool(reached)), "satisfied": int(bool(reached) and reached[-1]["satisfied"] is True)}
