"""What a city decides about case files: limits, approvals, labels. Handed in, so that the core stays pure."""

from __future__ import annotations

from typing import Any, Protocol

import msgspec

HOUR = 3_600_000
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


class CaseRules(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """`[dispatch.casefile]`. Durations in the unit their name says."""

    undo_seconds: float = 10.0
    check_before_closing: bool = True  # 核查 must have passed; False: fed back is enough
    postpone_times: int = 2
    postpone_share: float = 1.0  # of the original limit, per postponement within the shift leader's power
    suspend_times: int = 1
    suspend_days: float = 365.0
    emergency_severity: int = 4  # from this severity on a new case is an emergency; 5 = never by itself
    emergency_classes: list[str] = []  # minor classes that are emergencies (突发事件)
    reopen_days: float = 30.0
    photos_for_feedback: int = 0
    first_choices: int = 3  # a crew beyond so many in the recommendation needs a reason
    roles: dict[str, list[str]] = {}  # move -> roles, instead of the table's
    labels: dict[str, dict[str, str]] = {}  # "state.pending_verify" or "move.return" -> language -> the city's own word
    reasons: dict[str, list[str]] = {}  # move -> templates offered for its reason
    urge_levels: int = 3
    urge_reply_minutes: tuple[float, ...] = (120.0, 60.0, 30.0)  # by level
