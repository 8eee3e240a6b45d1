"""The case file's state: everything that its entries add up to. Times are ms (city time)."""

from __future__ import annotations

from typing import Any

import msgspec


class Part(msgspec.Struct, omit_defaults=True, kw_only=True):
    """Base of the file's parts."""


class Mark(Part, kw_only=True):
    """When a stage was reached, and by whom."""

    at: int
    who: str
    role: str = ""


class Clock(Part, kw_only=True):
    """处置时限: the handling clock. Started at dispatch; `remaining` is set while it stands still (挂账)."""

    kind: str  # emergency | working_hour | working_day | natural_day
    amount: float  # hours or days of that kind, as the rule says it
    label: str  # `2 紧急工作时`
    started: int
    due: int
    near: int  # from here on it counts as near the limit
    twice: int  # from here on it is twice overdue
    first_due: int  # before any postponement
    limit_ms: int  # the original limit in ms of the running clock
    condition: str = ""  # 立案条件 chosen at registration
    remaining: int | None = None
    stopped_at: int | None = None  # paused (suspended) or ended (fed back) since
    paused_ms: int = 0  # how long it has stood still, city time
    postponed: int = 0


class Ask(Part, kw_only=True):
    """Something that waits for another person's yes or no."""

    number: int
    what: str  # postpone | suspend | takeover | appeal
    who: str
    role: str
    at: int
    level: list[str] = []  # roles that may answer; empty: the owner
    reason: str = ""
    data: dict[str, Any] = {}
    granted_by: list[str] = []


class Urge(Part, kw_only=True):
    """督办: needs a reply."""

    number: int
    level: int
    who: str
    at: int
    reason: str = ""
    due: int | None = None  # when the reply should be there
    reply: str = ""
    replied_by: str = ""
    replied_at: int | None = None


class Photo(Part, kw_only=True):
    """Media attached to the file; `usage`: before | after | report | check | other."""

    media: str
    usage: str
    who: str
    at: int
    lon: float | None = None
    lat: float | None = None


class CrewWork(Part, kw_only=True):
    """One crew on this case, with the CAD state it last told and the stamps of all."""

    crew: str
    state: str
    by: str
    at: int
    stamps: dict[str, int] = {}
    override: str = ""  # why it was chosen against the recommendation


class CaseFile(Part, kw_only=True):
    """The state of stream `file/<feed>/<case id>`. `report` is what the case says, the hall's corrections applied."""

    feed: str = ""
    case_id: str = ""
    revision: int = 0
    ended: bool = False
    state: str = "reported"
    report: dict[str, Any] = {}  # fields of hall.core.model.Case
    corrected: list[str] = []  # fields of `report` that the hall corrected
    supplied: dict[str, Any] = {}  # what the supplier says in their place
    moved: bool = False  # a person moved it: the hall's state holds, not the supplier's
    emergency: bool = False
    opened_at: int = 0
    state_since: int = 0
    stage_due: int | None = None  # the desk's own clock for the present state
    owner: str = ""
    owner_role: str = ""
    owned_since: int | None = None
    unit: str = ""
    condition: str = ""  # 立案条件 chosen at registration or dispatch
    crews: list[CrewWork] = []
    clock: Clock | None = None
    marks: dict[str, Mark] = {}
    handlers: dict[str, Mark] = {}  # who made the last step into each state
    barred: list[str] = []  # a return came back to them: they cannot take the next forward step alone
    check: dict[str, Any] = {}  # verify_before and check_after: {before: {...}, after: {...}}, asked of `whom`, then the result
    opinion: str = ""  # 处置意见 fed back
    asks: list[Ask] = []
    asked: int = 0
    urges: list[Urge] = []
    photos: list[Photo] = []
    notes: int = 0
    call_backs: list[dict[str, Any]] = []
    reworks: int = 0
    returns: int = 0
    suspensions: int = 0
    suspended_until: int | None = None
    state_before: str = ""  # of a suspension
    ended_from: str = ""  # state before the end: a reopened case goes on from there
    merged_into: str = ""
    absorbed: list[str] = []
    parent: str = ""
    parent_ended: bool = False  # a task cannot be reopened under a parent that ended
    ended_with_parent: bool = False
    children: list[str] = []
    open_children: list[str] = []
    incident: str = ""
    appealed: int = 0
    exempt: bool = False  # an appeal was granted: statistics leave the overtime out, the raw figures stay
    rungs: dict[str, int] = {}  # steps of the escalation ladder taken, and when
    ladder_stopped: bool = False  # all of it
    stopped_rungs: list[str] = []
    touched_at: int | None = None  # when a person last did something with the case
    supplier_state: str = ""  # what the supplier last said, where it differs
    ended_at: int | None = None
    closed_by: str = ""
    end_reason: str = ""
    by_level: dict[str, Any] = {}  # the level that made it an emergency, with the deadlines before: dispatch/casefile/levels.py
    last: dict[str, Any] = {}  # the newest entry that undo could take back: {command, move, who, at, revision}


def subject_of_case(file_subject: str) -> str:
    """`file/<feed>/<id>` -> `case/<feed>/<id>`."""
    return "case/" + file_subject.partition("/")[2]


def subject_of_file(case_subject: str) -> str:
    """`case/<feed>/<id>` -> `file/<feed>/<id>`."""
    return "file/" + case_subject.partition("/")[2]
