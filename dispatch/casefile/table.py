"""The one table of moves: from which states, to which, by whom, with what. Everything else follows it.

`department` means the department that holds the case (actor.unit == file.unit), `crew` a crew assigned to it,
`inspector` 监督员. docs/CASEFILE.md shows the table to people; a test holds the two together.
"""

from __future__ import annotations

from typing import NamedTuple

from hall.core.model import CASE_ENDED, CASE_STATES

OPEN = frozenset(CASE_STATES) - CASE_ENDED
ENDED = CASE_ENDED
BEFORE_REGISTER = frozenset({"reported", "pending_verify", "pending_register"})
IN_HANDS = frozenset({"pending_handle", "handling"})
FED_BACK = frozenset({"handle_finish", "pending_check"})
REGISTERED = OPEN - BEFORE_REGISTER - {"suspended"}

_DESK = ("operator", "dispatcher", "supervisor", "admin")
_ACCEPT = ("operator", "supervisor", "admin")
_SEND = ("dispatcher", "supervisor", "admin")
_SENT = (*_SEND, "system")
_LEAD = ("supervisor", "admin")
_HIGH = ("supervisor", "leader", "admin")
_UNIT = ("department", "dispatcher", "supervisor", "admin")
_FIELD = ("crew", *_UNIT)
_SEEN = ("inspector", "operator", "supervisor", "admin")
_ALL = (*_DESK, "leader", "department", "crew", "inspector")
_SYSTEM = ("system",)


class Move(NamedTuple):
    """`needs`: names of required data, `takes`: optional ones (dispatch/casefile/fields.py says what each may hold)."""

    sources: frozenset[str]
    target: str = ""  # empty: the state stays, or the decision names it
    roles: tuple[str, ...] = _DESK
    reason: bool = False
    needs: tuple[str, ...] = ()
    takes: tuple[str, ...] = ()
    mark: str = ""  # stage stamped
    guards: tuple[str, ...] = ()
    forward: bool = False  # a step of the loop: a return's receiver cannot take it alone
    bound: bool = False  # while somebody owns the case, no other operator or dispatcher may (all forward ones are)
    undoable: bool = False
    revision: bool = True
    field: bool = False  # done in the street: when it happened counts, not when the network brought it


MOVES: dict[str, Move] = {
    # the loop
    "open": Move(frozenset(), "reported", (*_DESK, "inspector", "system"), needs=("case",), mark="reported", revision=False),
    "accept": Move(frozenset({"reported"}), "pending_register", _ACCEPT, mark="accepted", forward=True, undoable=True),
    "send_verify": Move(
        frozenset({"reported", "pending_register"}),
        "pending_verify",
        _ACCEPT,
        takes=("whom", "text"),
        forward=True,
        undoable=True,
    ),
    "report_verify": Move(
        frozenset({"pending_verify"}),
        "pending_register",
        _SEEN,
        needs=("found",),
        takes=("text", "photos"),
        mark="accepted",
        undoable=True,
        field=True,
    ),
    "register": Move(
        frozenset({"reported", "pending_register"}),
        "pending_dispatch",
        _ACCEPT,
        takes=("condition", "unit", "emergency", "text"),
        mark="registered",
        forward=True,
        undoable=True,
    ),
    "dispatch": Move(
        frozenset({"reported", "pending_register", "pending_dispatch", "returned"}),
        "pending_handle",
        _SEND,
        needs=("unit",),
        takes=("crews", "override", "condition", "emergency", "text"),
        mark="dispatched",
        guards=("may_skip",),
        forward=True,
        undoable=True,
    ),
    "take": Move(frozenset({"pending_handle"}), "handling", _FIELD, takes=("text",), mark="taken", undoable=True, field=True),
    "feed_back": Move(
        IN_HANDS,
        "handle_finish",
        _FIELD,
        needs=("opinion",),
        takes=("photos",),
        mark="handled",
        undoable=True,
        field=True,
    ),
    "request_check": Move(
        frozenset({"handle_finish"}), "pending_check", _DESK, takes=("whom", "text"), forward=True, undoable=True
    ),
    "report_check": Move(
        frozenset({"pending_check"}),
        "",
        _SEEN,
        needs=("passed",),
        takes=("text", "photos"),
        mark="checked",
        undoable=True,
        field=True,
    ),
    "close": Move(
        FED_BACK,
        "closed",
        _ACCEPT,
        takes=("text",),
        mark="closed",
        guards=("checked", "no_open_children"),
        forward=True,
        undoable=True,
    ),
    # side moves
    "reject": Move(BEFORE_REGISTER, "not_accepted", _ACCEPT, reason=True, forward=True, undoable=True),
    "cancel": Move(BEFORE_REGISTER | {"pending_dispatch", "returned"}, "cancelled", _LEAD, reason=True, undoable=True),
    "force_close": Move(REGISTERED | {"suspended"}, "forced_close", _HIGH, reason=True, mark="closed", undoable=True),
    "return": Move(
        IN_HANDS | {"pending_dispatch", "returned"},
        "",
        _UNIT,
        reason=True,
        guards=("in_your_hands",),
        bound=True,
        undoable=True,
    ),
    "confirm_return": Move(frozenset({"returned", "pending_register"}), "", _HIGH, guards=("barred_others",)),
    "rework": Move(FED_BACK, "pending_handle", _DESK, reason=True, forward=True, undoable=True),
    "ask_postpone": Move(
        IN_HANDS,
        "",
        _UNIT,
        reason=True,
        needs=("amount",),
        takes=("kind",),
        guards=("has_clock", "before_due", "postponements_left", "not_asked_postpone"),
        bound=True,
    ),
    "ask_suspend": Move(
        REGISTERED - FED_BACK,
        "",
        _UNIT,
        reason=True,
        needs=("until",),
        takes=("kind",),
        guards=("in_your_hands", "suspensions_left", "not_asked_suspend"),
        bound=True,
    ),
    "resume": Move(frozenset({"suspended"}), "", (*_SEND, "system"), takes=("text",), bound=True),
    "grant": Move(OPEN | ENDED, "", _ALL, needs=("ask",), takes=("text",), guards=("something_to_answer",)),
    "refuse": Move(OPEN | ENDED, "", _ALL, needs=("ask",), reason=True, guards=("something_to_answer",)),
    "urge": Move(OPEN, "", (*_SEND, "leader", "system"), reason=True, takes=("level",), revision=False),
    "reply_urge": Move(OPEN, "", _FIELD, needs=("urge", "text"), guards=("urged",), revision=False, field=True),
    "merge": Move(
        OPEN, "cancelled", _DESK, needs=("into",), takes=("text",), guards=("no_open_children",), bound=True, undoable=True
    ),
    "unmerge": Move(ENDED, "", _LEAD, reason=True, guards=("merged", "parent_goes_on")),
    "split": Move(REGISTERED, "", _SEND, needs=("tasks",), guards=("not_a_child",), bound=True),
    "link": Move(OPEN, "", _DESK, needs=("incident",), bound=True, undoable=True),
    "unlink": Move(OPEN, "", _DESK, reason=True, guards=("linked",), bound=True),
    "appeal": Move(
        frozenset({"closed", "forced_close"}), "", ("department", "supervisor", "admin"), reason=True, guards=("not_appealed",)
    ),
    "reopen": Move(ENDED, "", _LEAD, reason=True, guards=("reopenable", "parent_goes_on")),
    # whose it is
    "claim": Move(OPEN, "", _DESK, guards=("unowned",)),
    "release": Move(OPEN, "", (*_DESK, "system"), guards=("owned_by_me",)),
    "ask_takeover": Move(OPEN, "", _DESK, takes=("text",), guards=("owned_by_other", "not_asked_takeover"), revision=False),
    "seize": Move(OPEN, "", _LEAD, reason=True, guards=("owned_by_other",)),
    "give": Move(OPEN, "", (*_DESK, "system"), needs=("whom",), takes=("whom_role",), guards=("mine_or_lead",)),
    # crews
    "assign": Move(IN_HANDS, "", _UNIT, needs=("crews",), takes=("override",), bound=True, undoable=True),
    "unassign": Move(IN_HANDS | FED_BACK, "", _UNIT, needs=("crews",), reason=True, guards=("has_crews",), bound=True),
    # words and pictures
    "note": Move(OPEN | ENDED, "", _ALL, needs=("text",), takes=("photos",), revision=False, field=True),
    "call_back": Move(OPEN | ENDED, "", _DESK, needs=("reached",), takes=("satisfied", "text"), revision=False),
    "attach": Move(OPEN | ENDED, "", _ALL, needs=("photos",), revision=False, field=True),
    "correct": Move(OPEN, "", _DESK, needs=("fields",), reason=True, bound=True, undoable=True),
    "emergency": Move(OPEN - {"suspended"}, "", _SENT, needs=("emergency",), reason=True, bound=True, undoable=True),
    "undo": Move(OPEN | ENDED, "", _ALL, guards=("can_undo",)),
    "stop_ladder": Move(OPEN, "", _HIGH, reason=True, takes=("rung",), guards=("has_clock", "ladder_running")),
    # the hall's own
    "supplied": Move(OPEN | ENDED, "", _SYSTEM, needs=("case",), revision=False),
    "raise_level": Move(OPEN - {"suspended"}, "", _SYSTEM, needs=("by_level",), revision=False),
    "settle_level": Move(OPEN - {"suspended"}, "", _SYSTEM, needs=("how",), revision=False),
    "escalate": Move(OPEN, "", _SYSTEM, needs=("rung",), takes=("told",), revision=False),
}

#: moves another stream writes here as a Draft: folded, never asked for by a command
WRITTEN = (
    "crew_state", "absorbed", "unabsorbed", "child_ended", "child_reopened", "parent_ended", "parent_reopened",
)  # fmt: skip

#: moves that take the loop on out of a state: who owns a case keeps it while his role may make one of them
NEXT: dict[str, tuple[str, ...]] = {
    "reported": ("accept", "register"),
    "pending_verify": ("report_verify",),
    "pending_register": ("register",),
    "pending_dispatch": ("dispatch",),
    "returned": ("dispatch",),
    "handle_finish": ("request_check",),
    "pending_check": ("close",),
}
