"""What a kind of rule is: one file of `dispatch/alarming/rules/` each, found by `RULE`.

`scope` says what one condition of it stands for:
- `point`: one quantity of one sensor; `Condition(live).read(value, time, doubtful) -> bool`, True when it changed
- `sensor`: one sensor, whatever it measures; told when it was heard, and woken when it was not
- `unit`: one crew or vehicle; `Condition(live).place(lon, lat, time) -> bool`
- `subject`: something that is to report; woken when it did not
- `derived`: findings of other rules; `Derived(rule, live).take(finding, ground) -> findings`

Every condition has `active`, `since` and `dump() -> list` / `load(list)`, which say the same after a restart.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec


class Settings(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """Base of a kind's own keys in the TOML entry."""


class Kind(NamedTuple):
    """`measures`: keys that are amounts of the rule's quantity; `rates`: such per time. `check(settings)` gives what is wrong
    as (key, problem). `window_ms(settings)`: how much of the past a condition needs."""

    name: str
    scope: str
    settings: type[Settings]
    condition: Any
    measures: tuple[str, ...] = ()
    rates: tuple[str, ...] = ()
    needs_quantity: bool = True
    check: Any = None
    window_ms: Any = None


class Live:
    """A rule's figures as they are in force now: another response level may have others. Shared by all of its conditions."""

    __slots__ = ("now", "rule")

    def __init__(self, rule: Any) -> None:
        self.rule, self.now = rule, rule.settings

    def posture(self, level: str) -> None:
        self.now = self.rule.levels.get(level, self.rule.settings)
