"""A line that will be reached: "25 cm in 11 min at this rate", with its spread."""

from __future__ import annotations

from collections.abc import Iterable

from dispatch.alarming.kind import Kind, Live, Settings
from dispatch.alarming.trend import Past, trend


class Forecast(Settings, kw_only=True, frozen=True):
    """On when `value` is reached within `horizon_seconds` at the rate of the last `window_seconds`, said by so many readings
    one after the other, while the value is at least `above`. Off when it is reached, or no longer to be for as many readings.

    What the readings alone say of the spread is too narrow: water slows down, which no straight line knows. It is widened by
    `widen_early` before and `widen_late` after the moment; the defaults hold four crossings of five on half of FloodNet's
    gauges and were checked on the other half (docs/PROOF-FLOODS.md)."""

    value: float
    above: float | None = None
    horizon_seconds: float = 1200.0
    window_seconds: float = 600.0
    readings: int = 5  # in the window, for a line at all
    readings_on: int = 2
    readings_off: int = 3
    widen_early: float = 1.5
    widen_late: float = 3.0
    tell_seconds: float = 120.0  # a forecast that moves by less, or by a quarter of what is left, is not told anew


class Condition:
    """`told` is the forecast as it was last given on: `{at, low, high}` in city ms."""

    __slots__ = ("active", "agree", "live", "since", "told")

    def __init__(self, live: Live) -> None:
        self.live, self.active, self.since, self.agree, self.told = live, False, 0, 0, None

    def read(self, value: float, time: int, past: Past) -> bool:
        own = self.live.now
        found = self._reached(value, time, past, own)
        if value >= own.value:
            found, need = None, 1  # it is there: the line's own rule says so
        else:
            need = own.readings_off if self.active else own.readings_on
        if (found is not None) == self.active:
            self.agree = 0
            return found is not None and self._moved(found, time, own)
        self.agree += 1
        if self.agree < need:
            return False
        self.active, self.since, self.agree, self.told = not self.active, time, 0, found
        return True

    def _reached(self, value: float, time: int, past: Past, own: Forecast) -> dict | None:
        if own.above is not None and value < own.above:
            return None
        samples = past.since(time - int(own.window_seconds * 1000))
        line = trend(samples) if len(samples) >= own.readings else None
        if line is None or line.slope <= 0:
            return None
        left = (own.value - line.level) / line.slope
        if left > own.horizon_seconds * 1000:
            return None
        early = max(0.0, own.value - line.level - line.noise) / line.high
        late = (own.value - line.level + line.noise) / line.low if line.low > 0 else None
        left = max(0.0, left)
        early = max(0.0, left - own.widen_early * (left - early))
        made = {"at": time + round(left), "low": time + round(early)}
        if late is None:
            return made
        return made | {"high": time + round(left + own.widen_late * max(0.0, late - left))}

    def _moved(self, found: dict, time: int, own: Forecast) -> bool:
        before = self.told["at"]
        if abs(found["at"] - before) < max(own.tell_seconds * 1000, (before - time) / 4):
            return False
        self.told = found
        return True

    def facts(self) -> dict:
        return {"threshold": self.live.now.value, "forecast": self.told}

    def quiet(self) -> tuple[float, float]:
        above = self.live.now.above
        return (float("-inf"), above) if above is not None and not self.active and not self.agree else (1.0, 0.0)

    def dump(self) -> list:
        return [self.active, self.since, self.agree, self.told]

    def load(self, kept: list) -> None:
        self.active, self.since, self.agree, self.told = kept


def _check(settings: Forecast) -> Iterable[tuple[str, str]]:
    if settings.readings < 3:
        yield "readings", "at least 3: two points are no line"
    for key in ("horizon_seconds", "window_seconds"):
        if getattr(settings, key) <= 0:
            yield key, "more than 0"
    for key in ("readings_on", "readings_off", "widen_early", "widen_late"):
        if getattr(settings, key) < 1:
            yield key, "at least 1"


RULE = Kind(
    "forecast", "point", Forecast, Condition, measures=("value", "above"), check=_check,
    window_ms=lambda settings: int(settings.window_seconds * 1000),
)  # fmt: skip
