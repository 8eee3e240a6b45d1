"""Rate of rise (or fall): how fast a value changed over a window, by a line that single wild readings do not bend."""

from __future__ import annotations

from collections.abc import Iterable

from dispatch.alarming.kind import Kind, Live, Settings
from dispatch.alarming.trend import Past, steepest, trend


class Rate(Settings, kw_only=True, frozen=True):
    """On at `rate` or faster (a negative one: falling so fast) over `window_seconds`, off below `off_share` of it.
    `above`: only while the value is at least this."""

    rate: float
    window_seconds: float = 600.0
    readings: int = 5  # in the window, for a line at all: one wild reading of five bends none
    off_share: float = 0.5
    above: float | None = None


class Condition:
    __slots__ = ("active", "live", "since")

    def __init__(self, live: Live) -> None:
        self.live, self.active, self.since = live, False, 0

    def read(self, value: float, time: int, past: Past) -> bool:
        own = self.live.now
        samples = past.since(time - int(own.window_seconds * 1000))
        sign = 1 if own.rate >= 0 else -1
        limit = abs(own.rate) * (own.off_share if self.active else 1.0) / 1000
        known = len(samples) >= own.readings and (own.above is None or value >= own.above)
        found = trend(samples) if known and steepest(samples) >= limit else None
        on = found is not None and found.slope * sign >= limit
        if on == self.active:
            return False
        self.active, self.since = on, time
        return True

    def facts(self) -> dict:
        return {}

    def quiet(self) -> tuple[float, float]:
        above = self.live.now.above
        return (float("-inf"), above) if above is not None and not self.active else (1.0, 0.0)

    def dump(self) -> list:
        return [self.active, self.since]

    def load(self, kept: list) -> None:
        self.active, self.since = kept


def _check(settings: Rate) -> Iterable[tuple[str, str]]:
    if not settings.rate:
        yield "rate", "not 0"
    if settings.readings < 3:
        yield "readings", "at least 3: two points are no line"
    if settings.window_seconds <= 0:
        yield "window_seconds", "more than 0"
    if not 0 <= settings.off_share <= 1:
        yield "off_share", "from 0 to 1"


RULE = Kind(
    "rate", "point", Rate, Condition, measures=("above",), rates=("rate",), check=_check,
    window_ms=lambda settings: int(settings.window_seconds * 1000),
)  # fmt: skip
