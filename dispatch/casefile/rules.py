"""What a city decides about case files: limits, approvals, labels. Handed in, so that the core stays pure."""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Protocol

import msgspec

from dispatch.casefile.table import MOVES
from hall.core.errors import ConfigError

MINUTE = 60_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR
YEAR = 365 * DAY


class ClockRules(Protocol):
    """What the core asks of the clocks (dispatch/clocks)."""

    def handling(self, report: dict[str, Any], condition: str, emergency: bool, start: int) -> dict[str, Any] | None:
        """The handling clock of a case dispatched at `start`: fields of `model.Clock`; None where no rule knows it."""

    def stage_due(self, state: str, start: int, emergency: bool) -> int | None:
        """When the desk must have left `state`, entered at `start`; None = no limit."""

    def extended(self, clock: dict[str, Any], amount: float) -> dict[str, Any]:
        """due, near and twice of the clock given `amount` more of its own units."""

    def paused(self, clock: dict[str, Any], now: int) -> int:
        """What is left of it at `now`, in ms of the running clock; negative when overdue."""

    def resumed(self, clock: dict[str, Any], now: int) -> dict[str, Any]:
        """due, near and twice of a clock whose `remaining` begins to run at `now`."""


DEFAULT = Path(__file__).parent.parent / "defaults" / "casefile-cn.toml"
#: tables of which a city's own file replaces single entries, not the whole
_BY_ENTRY = ("roles", "labels", "reasons", "kinds", "approvals")
_HIGH, _HIGHER = ("supervisor", "leader", "admin"), ("leader", "admin")
#: the first postponement within the limit is the shift leader's 值班长 to grant; engineering works or a second one are not
_APPROVALS = {
    "postpone": _HIGH, "postpone.long": _HIGHER, "postpone.again": _HIGHER, "postpone.engineering": _HIGHER,
    "suspend": _HIGH, "appeal": _HIGH,
}  # fmt: skip
#: move -> kinds of it one may choose
_KINDS = {"ask_postpone": ("ordinary", "engineering"), "ask_suspend": ("engineering", "seasonal")}


class CaseRules(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """`[dispatch.casefile]` over the default set. Durations in the unit their name says."""

    undo_seconds: float = 10.0
    check_before_closing: bool = True  # 核查 must have passed; False: fed back is enough
    postpone_times: int = 2
    postpone_share: float = 1.0  # of the original limit, per postponement within the shift leader's power
    postpone_most: float = 1.0  # of the original limit, per postponement, whoever grants it
    suspend_times: int = 1
    suspend_days: float = 365.0
    emergency_severity: int = 4  # from this severity on a new case is an emergency; 5 = never by itself
    emergency_classes: list[str] = []  # minor classes that are emergencies (突发事件)
    reopen_days: float = 30.0
    offline_hours: float = 24.0  # how late work in the street may be told
    photos_for_feedback: int = 0
    first_choices: int = 3  # a crew beyond so many in the recommendation needs a reason
    urge_levels: int = 3
    urge_reply_minutes: tuple[float, ...] = (120.0, 60.0, 30.0)  # by level
    roles: dict[str, list[str]] = {}  # move -> roles, instead of the table's
    # what.kind, what.again, what.long or what -> roles that may grant it
    approvals: dict[str, list[str]] = msgspec.field(default_factory=lambda: {k: list(v) for k, v in _APPROVALS.items()})
    kinds: dict[str, list[str]] = msgspec.field(default_factory=lambda: {k: list(v) for k, v in _KINDS.items()})
    labels: dict[str, dict[str, str]] = {}  # state.<state>, move.<move>, kind.<kind> -> language -> the city's own word
    reasons: dict[str, list[dict[str, str]]] = {}  # move -> templates offered for its reason, each by language

    @classmethod
    def from_table(cls, table: dict[str, Any], error: Callable[[str, str], Exception] | None = None) -> CaseRules:
        """`[dispatch.casefile]` over the Chinese default set. Raises `error(key, problem)`, ConfigError if none is given."""
        fail = error or (lambda key, problem: ConfigError(problem, file="", key=key))
        merged = {**_defaults(), **table}
        for name in _BY_ENTRY:
            if isinstance(table.get(name), dict):
                merged[name] = {**getattr(cls(), name), **_defaults().get(name, {}), **table[name]}
        try:
            made = msgspec.convert(merged, cls)
        except msgspec.ValidationError as problem:
            said, _, place = str(problem).partition(" - at `$")
            raise fail(f"dispatch.casefile{place.rstrip('`')}", said) from None
        for key, problem in made.faults():
            raise fail(f"dispatch.casefile.{key}", problem)
        return made

    def level(self, what: str, *cases: str) -> list[str]:
        """Roles that may grant `what`: those of the strictest case that has its own entry, else the common ones."""
        own = [self.approvals[f"{what}.{case}"] for case in cases if f"{what}.{case}" in self.approvals]
        return min(own, key=len) if own else self.approvals[what]

    def faults(self) -> Iterable[tuple[str, str]]:
        """Key and problem of everything that the types cannot tell."""
        for name in ("roles", "reasons", "kinds"):
            for move in getattr(self, name):
                if move not in MOVES:
                    yield f"{name}.{move}", "there is no such move"
        for what in ("postpone", "suspend", "appeal"):
            if what not in self.approvals:
                yield f"approvals.{what}", "missing"
        for name in ("undo_seconds", "postpone_times", "postpone_share", "postpone_most", "suspend_times", "suspend_days",
                     "reopen_days", "offline_hours", "photos_for_feedback"):  # fmt: skip
            if not getattr(self, name) >= 0:
                yield name, "not below 0"
        if self.urge_levels < 1:
            yield "urge_levels", "at least 1"


@functools.cache
def _defaults() -> dict[str, Any]:
    return tomllib.loads(DEFAULT.read_text(encoding="utf-8"))
