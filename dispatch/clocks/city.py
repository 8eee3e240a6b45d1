"""A city's clocks in one piece, as the case file asks for them (`dispatch.casefile.rules.ClockRules`)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from dispatch.clocks.calendar import Calendar, length
from dispatch.clocks.ladder import Ladder
from dispatch.clocks.limits import Limits
from dispatch.clocks.ruletable import Rule
from hall.core.errors import ConfigError

#: state of a case -> the desk step whose limit runs in it; the others have none
STAGE_OF = {
    "reported": "accept",
    "pending_verify": "verify_before",
    "pending_register": "register",
    "pending_dispatch": "dispatch",
    "returned": "dispatch",
    "pending_handle": "take",
    "pending_check": "check_after",
    "handle_finish": "close",
}


class CityClocks:
    """Calendar, limits and ladder of a city. Pure: every moment is an argument."""

    def __init__(self, calendar: Calendar, limits: Limits, ladder: Ladder) -> None:
        self.calendar, self.limits, self.ladder = calendar, limits, ladder

    @classmethod
    def from_table(cls, table: Mapping[str, Any], timezone: str, path_of: Callable[[str], Path] = Path) -> CityClocks:
        """`[dispatch]` of hall.toml: its tables `calendar`, `limits`, `escalation`, each over the default set. ConfigError."""
        for key in ("calendar", "limits", "escalation"):
            if not isinstance(table.get(key, {}), Mapping):
                raise ConfigError("a table is expected", file="", key=f"dispatch.{key}")
        calendar = Calendar.from_table(table.get("calendar", {}), timezone, path_of)
        ladder = Ladder.from_table(table.get("escalation", {}), calendar)
        return cls(calendar, Limits.from_table(table.get("limits", {}), path_of), ladder)

    def rule(self, report: Any, condition: str = "", emergency: bool = False) -> Rule | None:
        """The rule of a case; a condition nobody's table knows (a supplier's own words) counts as none chosen."""
        found = self.limits.handling(report, condition, emergency)
        return found or (self.limits.handling(report, "", emergency) if condition else None)

    def handling(self, report: Any, condition: str, emergency: bool, start: int) -> dict[str, Any] | None:
        """The handling clock of a case dispatched at `start`: `{kind, amount, label, started, due, near, twice, first_due,
        limit_ms, condition}`; None where no rule knows the class."""
        rule = self.rule(report, condition, emergency)
        if rule is None:
            return None
        limit = rule.limit
        due = self.calendar.due(start, limit.ms, limit.kind)
        made = {"kind": limit.kind, "amount": limit.amount, "label": limit.label, "started": start, "first_due": due}
        return made | {"limit_ms": limit.ms, "condition": rule.condition} | self._around(due, limit.ms, limit.kind)

    def stage_due(self, state: str, start: int, emergency: bool) -> int | None:
        """When the desk must have left `state`, entered at `start`; None = no limit."""
        limit = self.limits.stage(STAGE_OF.get(state, ""), emergency)
        return None if limit is None else self.calendar.due(start, limit.ms, limit.kind)

    def stage_targets(self, state: str, start: int) -> dict[str, int | None]:
        """Both targets side by side: `{routine, emergency}` ms, for screens that show the desk its 15 minutes and its 60 s."""
        return {"routine": self.stage_due(state, start, False), "emergency": self.stage_due(state, start, True)}

    def extended(self, clock: Mapping[str, Any], amount: float) -> dict[str, Any]:
        """due, near and twice of the clock given `amount` more of its own units; `remaining` too while it stands still."""
        more = length(amount, clock["kind"])
        due = self.calendar.finish(self.calendar.advance(clock["due"], more, clock["kind"]), clock["kind"])
        made = self._around(due, clock["limit_ms"], clock["kind"])
        return made | {"remaining": clock["remaining"] + more} if clock.get("remaining") is not None else made

    def paused(self, clock: Mapping[str, Any], now: int) -> int:
        """What is left of it at `now`, in clock ms; negative when overdue."""
        return self.calendar.between(now, clock["due"], clock["kind"])

    def resumed(self, clock: Mapping[str, Any], now: int) -> dict[str, Any]:
        """due, near and twice of a clock whose `remaining` begins to run at `now`."""
        due = self.calendar.advance(now, clock["remaining"], clock["kind"])
        if clock["remaining"] > 0:
            due = self.calendar.finish(due, clock["kind"])
        return self._around(due, clock["limit_ms"], clock["kind"])

    def _around(self, due: int, limit_ms: int, kind: str) -> dict[str, int]:
        near = self.calendar.advance(due, -self.limits.near(kind, limit_ms), kind)
        return {"due": due, "near": near, "twice": self.calendar.advance(due, limit_ms, kind)}
