"""A second opinion on the loop, written from DOMAIN 1.5 and the contract, not from the product's table: what leads where, who may,
what needs a reason, and what a case remembers. It imports nothing of the product."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field

#: state: move>next. A move alone leaves the state as it is; `*` = back to where it was
LEADS = """
reported          accept>pending_register send_verify>pending_verify register>pending_dispatch dispatch>pending_handle reject>not_accepted cancel>cancelled
pending_verify    report_verify>pending_register reject>not_accepted cancel>cancelled
pending_register  send_verify>pending_verify register>pending_dispatch dispatch>pending_handle reject>not_accepted cancel>cancelled confirm_return
pending_dispatch  dispatch>pending_handle return>pending_register cancel>cancelled force_close>forced_close ask_suspend split
pending_handle    take>handling feed_back>handle_finish return>returned force_close>forced_close ask_postpone ask_suspend split assign unassign
handling          feed_back>handle_finish return>returned force_close>forced_close ask_postpone ask_suspend split assign unassign
handle_finish     request_check>pending_check close>closed rework>pending_handle force_close>forced_close split unassign
pending_check     report_check close>closed rework>pending_handle force_close>forced_close split unassign
returned          dispatch>pending_handle return>pending_register cancel>cancelled force_close>forced_close confirm_return ask_suspend split
suspended         resume>* force_close>forced_close
closed            reopen>* unmerge>* appeal
forced_close      reopen>* unmerge>* appeal
not_accepted      reopen>* unmerge>*
cancelled         reopen>* unmerge>*
"""
ENDS = {"closed", "forced_close", "not_accepted", "cancelled"}
EVERYWHERE = {"grant", "refuse", "note", "call_back", "attach", "undo"}
WHILE_OPEN = {
    "urge", "reply_urge", "merge", "link", "unlink", "claim", "release", "ask_takeover", "seize", "give", "correct", "emergency", "stop_ladder",
}  # fmt: skip

#: o 受理员 d 派遣员 s 值班长 a admin l 领导 u 处置部门 c 处置人员 i 监督员
WHO = """
osa:   accept send_verify register close reject
iosa:  report_verify report_check
dsa:   dispatch resume split emergency
cudsa: take feed_back reply_urge
odsa:  request_check rework merge link unlink claim release ask_takeover give call_back correct
sa:    cancel unmerge reopen seize
sla:   force_close confirm_return stop_ladder
udsa:  return ask_postpone ask_suspend assign unassign
usa:   appeal
dsla:  urge
odsaluci: grant refuse note attach undo
"""
LETTER = {
    "operator": "o", "dispatcher": "d", "supervisor": "s", "admin": "a", "leader": "l", "department": "u", "crew": "c", "inspector": "i", "viewer": "-",
}  # fmt: skip
REASONS = set(
    "reject cancel force_close return rework ask_postpone ask_suspend refuse urge unmerge unlink appeal reopen seize unassign correct"
    " emergency stop_ladder".split()
)
#: the next step of the loop: not for whom a return came back to, nor for a desk while somebody else owns the case
FORWARD = set("accept send_verify register dispatch request_check close reject rework".split())
OWNERS_ONLY = FORWARD | set(
    "return ask_postpone ask_suspend resume merge split link unlink assign unassign correct emergency".split()
)
UNDOABLE = FORWARD | set(
    "report_verify take feed_back report_check cancel force_close return merge link assign correct emergency".split()
)
#: who can take a case on from a state keeps owning it there
CARRIES_ON = {
    "reported": "osa", "pending_verify": "iosa", "pending_register": "osa", "pending_dispatch": "dsa", "returned": "dsa", "handle_finish": "odsa", "pending_check": "osa",
}  # fmt: skip

PLACES = {row.split()[0]: dict(item.partition(">")[::2] for item in row.split()[1:]) for row in LEADS.strip().splitlines()}
ROLES = {move: row.partition(":")[0] for row in WHO.strip().splitlines() for move in row.partition(":")[2].split()}
MOVES = sorted(ROLES)
DAY = 86_400_000


@dataclass
class Asked:
    number: int
    what: str
    who: str
    level: str
    until: int = 0
    granted_by: list[str] = field(default_factory=list)


@dataclass
class Opinion:
    """What one case must be now."""

    subject: str
    state: str = "reported"
    unit: str = ""
    owner: str = ""
    owner_role: str = ""
    barred: list[str] = field(default_factory=list)
    crews: set[str] = field(default_factory=set)
    asks: list[Asked] = field(default_factory=list)
    asked: int = 0
    urges: dict[int, str] = field(default_factory=dict)  # unanswered: number -> who urged
    urged: int = 0
    moved: bool = False
    passed: bool = False
    clock: bool = False
    due: int = 0
    remaining: int | None = None  # of a clock that stands still
    postponed: int = 0
    suspensions: int = 0
    before: str = ""
    until: int = 0
    ended_from: str = ""
    ended_at: int = 0
    merged_into: str = ""
    absorbed: list[str] = field(default_factory=list)
    parent: str = ""
    parent_ended: bool = False
    with_parent: bool = False
    children: list[str] = field(default_factory=list)
    open_children: set[str] = field(default_factory=set)
    registered_by: str = ""
    dispatched_by: str = ""
    incident: str = ""
    emergency: bool = False
    reworks: int = 0
    appealed: int = 0
    exempt: bool = False
    ladder: bool = True
    last: tuple[str, int] | None = None  # who could take it back, made when
    earlier: Opinion | None = None  # before the newest undoable command

    @property
    def ended(self) -> bool:
        return self.state in ENDS

    def kept(self) -> Opinion:
        shallow = copy.copy(self)
        shallow.earlier = None
        return copy.deepcopy(shallow)


def answerable(case: Opinion, actor) -> list[Asked]:
    def may(ask: Asked) -> bool:
        if actor.name == ask.who or actor.name in ask.granted_by:
            return False
        if ask.what == "takeover":
            return actor.name == case.owner or actor.role in ("supervisor", "admin")
        return LETTER[actor.role] in ask.level

    return [ask for ask in case.asks if may(ask)]


def repliable(case: Opinion, actor) -> list[int]:
    return [number for number, who in case.urges.items() if who != actor.name]


def forbidden(case: Opinion, move: str, actor, now: int) -> bool:
    """Whether this person cannot make this move now, whatever he fills in."""
    if LETTER[actor.role] not in ROLES[move]:
        return True
    if actor.role == "department" and (not case.unit or actor.unit != case.unit):
        return True
    if actor.role == "crew" and actor.crew not in case.crews:
        return True
    possible = move in EVERYWHERE or move in PLACES[case.state] or (move in WHILE_OPEN and not case.ended)
    if not possible or (move == "emergency" and case.state == "suspended"):
        return True
    if move in FORWARD and actor.name in case.barred:
        return True
    others = bool(case.owner) and case.owner != actor.name
    if move in OWNERS_ONLY and others and actor.role in ("operator", "dispatcher"):
        return True
    return not _may(case, move, actor, now, others)


def _may(case: Opinion, move: str, actor, now: int, others: bool) -> bool:
    lead = actor.role in ("supervisor", "admin")
    in_hands = case.state in ("pending_handle", "handling")
    open_asks = {ask.what for ask in case.asks}
    match move:
        case "dispatch":
            return case.state in ("pending_dispatch", "returned") or lead
        case "close":
            return case.passed and not case.open_children
        case "merge":
            return not case.open_children
        case "return":
            return in_hands or actor.role != "department"
        case "confirm_return":
            return bool(case.barred) and actor.name not in case.barred
        case "ask_postpone":
            return case.clock and now < case.due and case.postponed < 2 and "postpone" not in open_asks
        case "ask_suspend":
            return (in_hands or actor.role != "department") and not case.suspensions and "suspend" not in open_asks
        case "ask_takeover":
            return others and not any(ask.what == "takeover" and ask.who == actor.name for ask in case.asks)
        case "grant" | "refuse":
            return bool(answerable(case, actor))
        case "reply_urge":
            return bool(repliable(case, actor))
        case "unmerge":
            return bool(case.merged_into) and not case.parent_ended
        case "reopen":
            return not case.merged_into and case.moved and not case.parent_ended and now - case.ended_at <= 30 * DAY
        case "split":
            return not case.parent
        case "unlink":
            return bool(case.incident)
        case "appeal":
            return not case.appealed
        case "claim":
            return not case.owner
        case "release":
            return case.owner == actor.name
        case "seize":
            return others
        case "give":
            return case.owner == actor.name or lead
        case "unassign":
            return bool(case.crews)
        case "stop_ladder":
            return case.clock and case.ladder
        case "undo":
            return case.last is not None and case.last[0] == actor.name and now - case.last[1] <= 10_000
    return True
