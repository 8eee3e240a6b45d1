"""The per-case 0/1 columns: what each counts, as one expression over a record and the moment `at`. Pure.

An expression is written once and read twice: by Python for one case, by SQLite for many. So it uses only what both
understand alike: comparisons, `and`, `or`, whole numbers. docs/EVALUATION.md lists the columns for people.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

from dispatch.evaluation.record import NEVER, NUMBERS, Record


class Column(NamedTuple):
    """`raw`: the column as it is without exemptions (申诉), where that differs. `timeless`: known only as it is now."""

    expression: str
    raw: str = ""


_REPORT = "own == 1 and reported <= at"
_REGISTER = "own == 1 and registered <= at"
_CLOSE = "own == 1 and closed <= at"
_OVERTIME = "handled <= at and handled > due"
_UNDISPOSED = "handled > at and dispatched <= at and due < at and dropped > at"
_CLOSED_IN_TIME = "handled <= due and checked <= check_due"

COLUMNS: dict[str, Column] = {
    # 上报, 受理
    "report": Column(_REPORT),
    "public_report": Column(f"{_REPORT} and public == 1"),
    "accept": Column("own == 1 and accepted <= at"),
    "intime_accept": Column("own == 1 and accepted <= at and accepted <= accept_due"),
    "valid_report": Column("own == 1 and reported <= at and accepted <= at and dropped > at"),
    "reject": Column("own == 1 and rejected <= at"),
    "cancel": Column("own == 1 and cancelled <= at"),
    "merge": Column("own == 1 and merged <= at"),
    # 立案
    "register": Column(_REGISTER),
    "intime_register": Column(f"{_REGISTER} and registered <= register_due"),
    "exact_register": Column(f"{_REGISTER} and dropped > at"),
    "public_register": Column(f"{_REGISTER} and public == 1"),
    # 派遣
    "need_dispatch": Column("own == 1 and (dispatched <= at or (registered <= at and dispatch_due < at and dropped > at))"),
    "dispatch": Column("own == 1 and dispatched <= at"),
    "intime_dispatch": Column("own == 1 and dispatched <= at and dispatched <= dispatch_due"),
    "exact_dispatch": Column("own == 1 and dispatched <= at and returns == 0"),
    # 处置
    "need_dispose": Column("handled <= at or (dispatched <= at and due < at and dropped > at)"),
    "dispose": Column("handled <= at"),
    "intime_dispose": Column("handled <= at and (handled <= due or exempt == 1)", raw="handled <= at and handled <= due"),
    "overtime_dispose": Column(f"{_OVERTIME} and exempt == 0", raw=_OVERTIME),
    "overdue_undisposed": Column(f"{_UNDISPOSED} and exempt == 0", raw=_UNDISPOSED),
    "late": Column(f"exempt == 0 and (({_OVERTIME}) or ({_UNDISPOSED}))", raw=f"({_OVERTIME}) or ({_UNDISPOSED})"),
    # 结案
    "need_close": Column("own == 1 and (closed <= at or (registered <= at and due < at and dropped > at))"),
    "close": Column(_CLOSE),
    "intime_close": Column(f"{_CLOSE} and (exempt == 1 or ({_CLOSED_IN_TIME}))", raw=f"{_CLOSE} and {_CLOSED_IN_TIME}"),
    "overtime_close": Column(
        f"{_CLOSE} and exempt == 0 and (handled > due or checked > check_due)",
        raw=f"{_CLOSE} and (handled > due or checked > check_due)",
    ),
    "force_close": Column(f"{_CLOSE} and forced == 1"),
    # what happened on the way; known as of now, not as of a moment
    "rework": Column("dispatched <= at and reworks >= 1"),
    "multi_rework": Column("dispatched <= at and reworks >= 2"),
    "hang": Column("suspended <= at"),
    "his_hang": Column("reported <= at and (suspensions >= 1 or suspended <= at)"),
    "postpone": Column("reported <= at and postponed >= 1"),
    "back": Column("reported <= at and returns >= 1"),
    # 核实, 核查
    "need_verify": Column("verified <= at or (verify_asked <= at and verify_due < at)"),
    "verify": Column("verified <= at"),
    "intime_verify": Column("verified <= at and verified <= verify_due"),
    "need_check": Column("checked <= at or (check_asked <= at and check_due < at)"),
    "check": Column("checked <= at"),
    "intime_check": Column("checked <= at and checked <= check_due"),
    # 督办, 回访, 申诉
    "urge": Column("urged <= at"),
    "need_reply": Column("answered <= at or (urged <= at and reply_due < at)"),
    "reply": Column("answered <= at"),
    "intime_reply": Column("answered <= at and reply_late == 0"),
    "call_back": Column("reported <= at and called_back == 1"),
    "satisfied": Column("reported <= at and satisfied == 1"),
    "exempt": Column("reported <= at and exempt == 1"),
    # standing
    "open": Column(f"{_REPORT} and closed > at and dropped > at"),
    "emergency": Column(f"{_REPORT} and emergency == 1"),
    "subtask": Column("own == 0 and reported <= at"),
}

#: every column with the raw ones beside it, in the order of their bits
EXPRESSIONS: dict[str, str] = {name: column.expression for name, column in COLUMNS.items()} | {
    f"{name}_raw": column.raw for name, column in COLUMNS.items() if column.raw
}
BIT: dict[str, int] = {name: 1 << place for place, name in enumerate(EXPRESSIONS)}
assert len(BIT) < 63, "a mask is one SQLite integer"


def _compiled() -> Callable[[Record, int], int]:
    """One function out of all expressions, so that a case costs microseconds."""
    terms = "\n".join(f"    if {text}: mask |= {BIT[name]}" for name, text in EXPRESSIONS.items())
    used = sorted({word for text in EXPRESSIONS.values() for word in re.findall(r"[a-z_]+", text)} & set(NUMBERS))
    head = "\n".join(f"    {name} = record.{name}" for name in used)
    scope: dict[str, Callable[[Record, int], int]] = {}
    exec(f"def mask_at(record, at):\n{head}\n    mask = 0\n{terms}\n    return mask", scope)
    return scope["mask_at"]


_mask_at = _compiled()


def mask_of(record: Record, at: int) -> int:
    """The columns that are 1 for a case at the moment `at` (ms), as bits (`BIT`)."""
    return _mask_at(record, at)


def columns_of(record: Record, at: int) -> dict[str, int]:
    """Every column of a case at the moment `at` (ms): name -> 0 or 1."""
    mask = mask_of(record, at)
    return {name: int(bool(mask & bit)) for name, bit in BIT.items()}


def settled(record: Record) -> int:
    """From this moment (ms) on, time alone changes no column of the case any more."""
    return 1 + max(value for name in NUMBERS if (value := getattr(record, name)) < NEVER)


def mask_sql() -> str:
    """The mask as an SQL expression over a row of the store; `:at` is the moment. Settled cases cost one comparison."""
    terms = " | ".join(f"(({_sql(text)}) << {BIT[name].bit_length() - 1})" for name, text in EXPRESSIONS.items())
    return f"(CASE WHEN settled <= :at THEN mask ELSE {terms} END)"


def _sql(text: str) -> str:
    return re.sub(r"\bat\b", ":at", text)


class Selection(NamedTuple):
    """Cases that have every column of `all` and none of `none` (masks): what a figure counts."""

    all: int
    none: int = 0

    def holds(self, mask: int) -> bool:
        return mask & self.all == self.all and not mask & self.none


def selection(column: str) -> Selection:
    """Of one column; raises KeyError for a name that is none."""
    return Selection(BIT[column])
