"""Rain of the last 1 to 24 hours, added up from what a gauge says of shorter spans. Pure; bounded.

A gauge tells the rain of a moving window (10 minutes, an hour, a day) once a minute or so. The newest reading covers its
window, the next one counted is that which ends where the window begins, and so on back in time: nothing is counted twice.
Where readings are missing nothing is added, so a sum is never more than what fell, and may be less.
"""

from __future__ import annotations

from collections.abc import ItemsView, Iterator, Mapping

MINUTE = 60_000
HOUR = 60 * MINUTE
#: spans that are added up (hours)
RAIN_HOURS = (1, 3, 6, 12, 24)

#: quantity -> ms of rain that one reading tells of
WINDOWS = {"rain_10min": 10 * MINUTE, "rain_1h": HOUR, "rain_24h": 24 * HOUR}
_LONGEST = max(RAIN_HOURS) * HOUR
#: gauges kept
BOUND = 2_000
#: where no reading ends exactly there, one that ends so many minutes earlier will do
_SLACK = 2
#: beyond any rain ever measured in an hour (mm): a reading above it is no rain
_MOST_MM_PER_HOUR = 450.0


class Gauge:
    """One rain gauge, one value kept per minute and quantity. `time` of its newest reading."""

    def __init__(self) -> None:
        self._told: dict[str, dict[int, float]] = {}
        self._sums: tuple[int, Mapping[int, float]] | None = None  # minute, what came of it: until something is put
        self.time = 0

    def put(self, quantity: str, value: float, time: int) -> bool:
        """Takes a reading in mm, in any order and as often as it comes; False where it can be none."""
        window = WINDOWS.get(quantity)
        if window is None or not 0 <= value <= _MOST_MM_PER_HOUR * max(1.0, window / HOUR):
            return False
        told = self._told.setdefault(quantity, {})
        if time < self.time - _LONGEST:
            return False
        if told.get(time // MINUTE) != value:
            told[time // MINUTE] = value
            self._sums = None
        self.time = max(self.time, time)
        if len(told) > 2 * _LONGEST // MINUTE:
            self._told[quantity] = {at: mm for at, mm in told.items() if at * MINUTE > self.time - _LONGEST}
        return True

    def sums(self, now: int) -> Mapping[int, float]:
        """Hours -> mm up to the minute of `now`; the best that any of its quantities tells."""
        minute = now // MINUTE
        if self._sums is None or self._sums[0] != minute:
            self._sums = minute, self._added(now)
        return self._sums[1]

    def _added(self, now: int) -> Mapping[int, float]:
        found = dict.fromkeys(RAIN_HOURS, 0.0)
        for quantity, told in self._told.items():
            for hours, mm in _tiled(told, now // MINUTE, WINDOWS[quantity] // MINUTE):
                found[hours] = max(found[hours], mm)
        # what fell in an hour fell in three
        total = 0.0
        for hours in RAIN_HOURS:
            total = found[hours] = round(max(total, found[hours]), 2)
        return found


class Gauges:
    """Every rain gauge of the city by site (`<feed>/<sensor>`), at most `bound`; `refused` counts readings of further ones."""

    def __init__(self, bound: int = BOUND) -> None:
        self._bound = bound
        self._by_site: dict[str, Gauge] = {}
        self.refused = 0

    def put(self, site: str, quantity: str, value: float, time: int) -> Gauge | None:
        """The gauge that took the reading (mm); None where there is no room, or the reading can be no rain."""
        gauge = self._by_site.get(site) or Gauge()
        if not gauge.put(quantity, value, time):
            return None
        if site not in self._by_site and len(self._by_site) >= self._bound:
            self.refused += 1
            return None
        self._by_site[site] = gauge
        return gauge

    def items(self) -> ItemsView[str, Gauge]:
        return self._by_site.items()


def _tiled(told: Mapping[int, float], now: int, window: int) -> Iterator[tuple[int, float]]:
    """Hours, mm of windows laid end to end back from `now` as far as they lie within those hours. Times in minutes."""
    total, end = 0.0, now
    for hours in RAIN_HOURS:
        if window > hours * 60:
            continue
        last = now - hours * 60 - _SLACK + window
        while end >= last:
            at = (
                next((minute for minute in range(end, end - _SLACK - 1, -1) if minute in told), None)
                if end not in told
                else end
            )
            if at is None:
                end -= 1  # a gap: look further back, count nothing for it
            else:
                total += told[at]
                end = at - window
        yield hours, total
