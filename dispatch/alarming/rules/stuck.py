"""A value that does not move although it should: the sensor is stuck, frozen or blocked."""

from __future__ import annotations

from collections.abc import Iterable

from dispatch.alarming.kind import Kind, Live, Settings


class Stuck(Settings, kw_only=True, frozen=True):
    """On when the readings of `minutes`, at least `readings` of them, differ by no more than `within` from the first, and
    the value is at least `above` (a dry street is 0 for weeks and is not stuck). Off with the first reading that moves."""

    minutes: float = 30.0
    readings: int = 10
    within: float = 0.0
    above: float | None = None


class Condition:
    __slots__ = ("active", "count", "first", "live", "since", "value")

    def __init__(self, live: Live) -> None:
        self.live, self.active, self.since = live, False, 0
        self.value, self.first, self.count = None, 0, 0

    def read(self, value: float, time: int, past: object = None) -> bool:
        own = self.live.now
        if own.above is not None and value < own.above:
            self.value, self.first, self.count = None, 0, 0
        elif self.value is None or abs(value - self.value) > own.within:
            self.value, self.first, self.count = value, time, 1
        else:
            self.count += 1
        on = self.count >= own.readings and time - self.first >= own.minutes * 60_000
        if on == self.active:
            return False
        self.active, self.since = on, time
        return True

    def facts(self) -> dict:
        return {}

    def quiet(self) -> tuple[float, float]:
        above = self.live.now.above
        return (float("-inf"), above) if above is not None and not self.count and not self.active else (1.0, 0.0)

    def dump(self) -> list:
        return [self.active, self.since, self.value, self.first, self.count]

    def load(self, kept: list) -> None:
        self.active, self.since, self.value, self.first, self.count = kept


def _check(settings: Stuck) -> Iterable[tuple[str, str]]:
    if settings.minutes <= 0:
        yield "minutes", "more than 0"
    if settings.readings < 2:
        yield "readings", "at least 2"
    if settings.within < 0:
        yield "within", "not below 0"


RULE = Kind("stuck", "point", Stuck, Condition, measures=("within", "above"), check=_check)
