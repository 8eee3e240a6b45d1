"""`[dispatch.reporting]`: who reports how often, and which figures. Over dispatch/defaults/reporting-cn.toml."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from dispatch.overlay import settings
from dispatch.reporting.model import KEPT
from dispatch.reporting.periods import MINUTE, aligned
from hall.core.config import HallConfig

HOW = ("standing", "running")
ADDRESSES = ("unit",)


class Number(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """One figure that reports carry. `how` it is summed: HOW."""

    name: str
    how: str = "standing"
    label: dict[str, str] = {}
    unit: dict[str, str] = {}


class ReportingRules(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """The whole table; `zone` is the city's."""

    units: list[str] = []
    every_minutes: int = 60
    grace_minutes: int = 10
    near_minutes: int = 10
    align: bool = True
    keep_periods: int = 24
    text_longest: int = 1000
    tell: list[str] = []
    tell_missing: list[str] = []
    numbers: list[Number] = []
    zone: str = "UTC"

    def schedule(self, now: int, data: dict[str, Any]) -> dict[str, Any]:
        """A whole schedule from what its asker said of `{every_minutes, units, from, exercise}`: the rest as configured. For
        whoever drafts the move `schedule`, too. `from` is set back to where the period under way begins."""
        every = int(data.get("every_minutes") or self.every_minutes)
        start = int(data.get("from") or now)
        if self.align:
            start = aligned(start, every * MINUTE, ZoneInfo(self.zone))
        made = {"every_minutes": every, "grace_minutes": min(self.grace_minutes, every // 2), "from": start}
        made |= {"units": list(data.get("units") or self.units), "exercise": bool(data.get("exercise", False))}
        return made | {name: data[name] for name in ("response", "label") if data.get(name)}


def rules_of(config: HallConfig) -> ReportingRules:
    """Raises ConfigError naming file, line and key."""
    rules = settings(config, "reporting", "reporting-cn.toml", ReportingRules)
    for key, low, high in (
        ("every_minutes", 5, 1440), ("grace_minutes", 0, 720), ("near_minutes", 0, 720), ("keep_periods", 2, KEPT),
        ("text_longest", 100, 4000),
    ):  # fmt: skip
        if not low <= getattr(rules, key) <= high:
            raise config.error(f"dispatch.reporting.{key}", f"{low} to {high}")
    for index, number in enumerate(rules.numbers):
        if number.how not in HOW:
            raise config.error(f"dispatch.reporting.numbers[{index}].how", f"one of {', '.join(HOW)}")
    if len({number.name for number in rules.numbers}) != len(rules.numbers):
        raise config.error("dispatch.reporting.numbers", "each name once")
    for key in ("tell", "tell_missing"):
        for index, who in enumerate(getattr(rules, key)):
            if who not in ADDRESSES and not who.startswith(("role:", "person:", "unit:")):
                raise config.error(f"dispatch.reporting.{key}[{index}]", "unit, role:NAME, person:NAME or unit:NAME")
    rules.zone = config.city.timezone
    rules.units = rules.units or districts_of(config)
    return rules


def districts_of(config: HallConfig) -> list[str]:
    """Names of the districts of the city's boundary, in the file's order; none without a boundary."""
    city = config.city
    if not city.boundary:
        return []
    try:
        data = msgspec.json.decode(config.path(city.boundary).read_bytes())
        features = data["features"] if data["type"] == "FeatureCollection" else [data]
        names = [(feature.get("properties") or {}).get(city.boundary_name) for feature in features]
    except (OSError, msgspec.MsgspecError, KeyError, TypeError, AttributeError, UnicodeDecodeError) as error:
        raise config.error("city.boundary", f"{city.boundary} cannot be read as GeoJSON: {error}") from None
    return list(dict.fromkeys(str(name) for name in names if name not in (None, "")))
