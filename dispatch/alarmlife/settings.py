"""`[dispatch.alarms.life]` of hall.toml over the default set (dispatch/defaults/alarmlife-cn.toml)."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec

from hall.core.config import HallConfig

DEFAULTS = Path(__file__).parent.parent / "defaults" / "alarmlife-cn.toml"
KEY = "dispatch.alarms.life"
MINUTE, HOUR = 60_000, 3_600_000


class Section(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """A table: an unknown key is a mistake."""


class Flood(Section):
    """From `begins` announcements within the window on, until there are fewer than `ends_below`."""

    window_minutes: float
    begins: int
    ends_below: int

    @property
    def window(self) -> int:
        """ms"""
        return round(self.window_minutes * MINUTE)


class Chatter(Section):
    """A site that announces itself `times` within the window chatters."""

    window_minutes: float
    times: int

    @property
    def window(self) -> int:
        """ms"""
        return round(self.window_minutes * MINUTE)


class Targets(Section):
    """What a load on one operator is held against; shares are parts of 1."""

    per_window: float
    per_hour_good: float
    per_hour_limit: float
    flood_share: float
    top_share: float
    top_sites: int
    standing_hours: float
    standing_most: int
    priority_high: float
    priority_medium: float
    priority_low: float


class Ponding(Section):
    """Which cases speak of the same water as a gauge."""

    classes: list[str]
    kinds: list[str]
    quantities: list[str]
    severity_least: int
    metres: float
    before_minutes: float
    after_minutes: float


class NoticeFigures(Section):
    """Who is told of an alarm that nobody answers, and when."""

    priority_most: int
    first_seconds: float
    first_role: str
    second_seconds: float
    second_role: str


class LinesFigures(Section):
    """Above `few` groups, those of a kind with at most `small` sites are one line."""

    few: int
    small: int


class LifeSettings(Section):
    """All of it."""

    shelf_hours_most: float
    shelf_high_roles: list[str]
    keep_answered_hours: float
    keep_unanswered_hours: float
    case_note: str
    case_classes: dict[str, str]
    flood: Flood
    lines: LinesFigures
    chatter: Chatter
    targets: Targets
    ponding: Ponding
    notices: NoticeFigures

    @property
    def shelf_most(self) -> int:
        """ms"""
        return round(self.shelf_hours_most * HOUR)

    def faults(self) -> Iterable[tuple[str, str]]:
        """Key and problem of what the types cannot tell."""
        for name in ("shelf_hours_most", "keep_answered_hours", "keep_unanswered_hours"):
            if not getattr(self, name) > 0:
                yield name, "above 0"
        if not (self.flood.window_minutes > 0 and self.chatter.window_minutes > 0):
            yield "flood.window_minutes" if self.flood.window_minutes <= 0 else "chatter.window_minutes", "above 0"
        if not 1 <= self.flood.ends_below <= self.flood.begins:
            yield "flood.ends_below", "from 1 to `begins`: a flood that ends where it begins would flicker"
        if self.lines.few < 1 or self.lines.small < 1:
            yield "lines.few" if self.lines.few < 1 else "lines.small", "at least 1"
        try:
            self.case_note.format(name="", label="")
        except (KeyError, IndexError, ValueError):
            yield "case_note", "may name {name} and {label}"
        if self.chatter.times < 2:
            yield "chatter.times", "at least 2"
        if not self.notices.first_seconds <= self.notices.second_seconds:
            yield "notices.second_seconds", "not before first_seconds"


def settings_of(config: HallConfig | None = None) -> LifeSettings:
    """The city's settings; a table of it replaces the default key by key. Raises ConfigError naming file, line and key."""
    merged = tomllib.loads(DEFAULTS.read_text(encoding="utf-8"))
    own = config.dispatch.get("alarms", {}) if config is not None else {}
    life = own.get("life", {}) if isinstance(own, dict) else {}
    if not isinstance(life, dict):
        raise config.error(KEY, "write [dispatch.alarms.life]")
    for name, value in life.items():
        known: Any = merged.get(name)
        merged[name] = {**known, **value} if isinstance(known, dict) and isinstance(value, dict) else value
    try:
        made = msgspec.convert(merged, LifeSettings, strict=False)
    except msgspec.ValidationError as error:
        problem, _, place = str(error).partition(" - at `$")
        raise config.error(f"{KEY}{place.rstrip('`')}", problem) from None
    for key, problem in made.faults():
        raise config.error(f"{KEY}.{key}", problem)
    return made
