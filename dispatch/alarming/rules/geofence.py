"""A crew or vehicle where it should not be, or not where it should."""

from __future__ import annotations

from collections.abc import Iterable

from dispatch.alarming.ground import metres
from dispatch.alarming.kind import Kind, Live, Settings


class Geofence(Settings, kw_only=True, frozen=True):
    """On when a position is `when` = "inside" or "outside" of the ring `polygon` ([lon, lat] ...), or of `metres` around
    `centre`, for so many positions one after the other."""

    when: str = "outside"
    polygon: tuple[tuple[float, float], ...] = ()
    centre: tuple[float, float] | None = None
    metres: float = 0.0
    positions: int = 2


class Condition:
    __slots__ = ("active", "agree", "live", "newest", "since")

    def __init__(self, live: Live) -> None:
        self.live, self.active, self.since, self.agree, self.newest = live, False, 0, 0, -1

    def place(self, lon: float, lat: float, time: int) -> bool:
        if time <= self.newest:
            return False
        own, self.newest = self.live.now, time
        on = _within(own, lon, lat) == (own.when == "inside")
        if on == self.active:
            self.agree = 0
            return False
        self.agree += 1
        if self.agree < own.positions:
            return False
        self.active, self.since, self.agree = on, time, 0
        return True

    def dump(self) -> list:
        return [self.active, self.since, self.agree, self.newest]

    def load(self, kept: list) -> None:
        self.active, self.since, self.agree, self.newest = kept


def _within(own: Geofence, lon: float, lat: float) -> bool:
    if own.centre is not None:
        return metres(own.centre[0], own.centre[1], lon, lat) <= own.metres
    inside, ring = False, own.polygon
    for (x1, y1), (x2, y2) in zip(ring, (*ring[1:], ring[0]), strict=True):
        if (y1 > lat) != (y2 > lat) and lon < (x2 - x1) * (lat - y1) / (y2 - y1) + x1:
            inside = not inside
    return inside


def _check(settings: Geofence) -> Iterable[tuple[str, str]]:
    if settings.when not in ("inside", "outside"):
        yield "when", "inside or outside"
    if settings.centre is None and len(settings.polygon) < 3:
        yield "polygon", "at least three corners, or a centre with its metres"
    if settings.centre is not None and settings.metres <= 0:
        yield "metres", "more than 0"
    if settings.positions < 1:
        yield "positions", "at least 1"


RULE = Kind("geofence", "unit", Geofence, Condition, needs_quantity=False, check=_check)
