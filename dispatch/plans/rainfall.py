"""Rain of the last 1 to 24 hours, added up from what a gauge says of shorter spans. Pure; bounded.

A gauge tells the rain of a moving window (10 minutes, an hour, a day) once a minute or so. The newest reading covers its
window, the next one counted is that which ends where the window begins, and so on back in time: nothing is counted twice.
Where readings are missing nothing is added, so a sum is never more than what fell, and may be less.
"""

from __future__ import annotations

from collections.abc import Mapping

from dispatch.plans.model import HOUR, MINUTE, RAIN_HOURS

#: quantity -> ms of rain that one reading tells of
WINDOWS = {"rain_10min": 10 * MINUTE, "rain_1h": HOUR, "rain_24h": 24 * HOUR}
_LONGEST = max(RAIN_HOURS) * HOUR
#: where no reading ends exactly there, one that ends so much earlier will do
_SLACK = 2 * MINUTE
#: beyond any rain ever measured in an hour (mm): a reading above it is no rain
_MOST_MM_PER_HOUR = 450.0


class Gauge:
    """One rain gauge, one value kept per minute and quantity. `time` of its newest reading."""

    def __init__(self) -> None:
        self._told: dict[str, dict[int, float]] = {}
        self.time = 0

    def put(self, quantity: str, value: float, time: int) -> bool:
        """Takes a reading in mm, in any order and as often as it comes; False where it can be none."""
        window = WINDOWS.get(quantity)
        if window is None or not 0 <= value <= _MOST_MM_PER_HOUR * max(1.0, window / HOUR):
            return False
        told = self._told.setdefault(quantity, {})
        if time < self.time - _LONGEST:
            return False
        told[time // MINUTE] = value
        self.time = max(self.time, time)
        if len(told) > 2 * _LONGEST // MINUTE:
            self._told[quantity] = {at: mm for at, mm in told.items() if at * MINUTE > self.time - _LONGEST}
        return True

    def sums(self, now: int) -> Mapping[int, float]:
        """Hours -> mm up to `now`; the best that any of its quantities tells."""
        found = dict.fromkeys(RAIN_HOURS, 0.0)
        for quantity, told in self._told.items():
            window = WINDOWS[quantity]
            for hours in RAIN_HOURS:
                if window <= hours * HOUR:
                    found[hours] = max(found[hours], _tiled(told, now, hours * HOUR, window))
        # what fell in an hour fell in three
        total = 0.0
        for hours in RAIN_HOURS:
            total = found[hours] = round(max(total, found[hours]), 2)
        return found


def _tiled(told: Mapping[int, float], now: int, span: int, window: int) -> float:
    """mm of windows laid end to end back from `now`, as far as they lie within `span`."""
    total, end, start = 0.0, now // MINUTE, (now - span) // MINUTE
    while end - window // MINUTE >= start - _SLACK // MINUTE:
        at = next((minute for minute in range(end, end - _SLACK // MINUTE - 1, -1) if minute in told), None)
        if at is None:
            end -= 1  # a gap: look further back, count nothing for it
            continue
        total += told[at]
        end = at - window // MINUTE
    return total
