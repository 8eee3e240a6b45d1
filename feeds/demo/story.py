"""When it storms. A story is a seed, the city moment it began (the anchor) and storms added at later restarts.

Everything the demo tells follows from these three, so a process that was killed goes on with the same story.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from feeds.demo.chance import rng, unit

MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
#: a storm and all that follows from it (water gone, crews back, cases closed) is over after this
AFTERMATH = 6 * HOUR
HISTORY_DAYS = 8
_FIRST_DELAY = 10_000
_PERIOD = 4 * HOUR
RAIN_MINUTES = 38.0
_PEAK_MINUTE = 9.0
_PEAK_RATE = 78.0  # mm/h under the core of a storm of strength 1


@dataclass(frozen=True)
class Storm:
    """One passage of rain: `start` ms, `strength` about 1, the core moves from `origin` by `drift` metres a minute."""

    key: str
    start: int
    strength: float
    origin: tuple[float, float]
    drift: tuple[float, float]

    def rate(self, at: tuple[float, float], time: int) -> float:
        """Rain at a place, mm/h: rises within minutes, peaks at about 9 min, is over after 38."""
        force = self.force(time)
        if not force:
            return 0.0
        core = self.core(time)
        dx, dy = at[0] - core[0], at[1] - core[1]
        near = 0.35 + 0.65 * math.exp(-(dx * dx + dy * dy) / 6500.0**2)
        gust = 0.86 + 0.28 * unit(self.key, round(at[0]), time // 30_000)
        return force * near * gust

    def force(self, time: int) -> float:
        """Rain under the core, mm/h, gusts left out."""
        minute = (time - self.start) / MINUTE
        if not 0.0 < minute < RAIN_MINUTES:
            return 0.0
        swell = (minute / _PEAK_MINUTE) ** 2 * math.exp(2 - 2 * minute / _PEAK_MINUTE)
        fade = 1.0 if minute < 22 else max(0.0, (38 - minute) / 16)
        return _PEAK_RATE * self.strength * swell * fade

    def core(self, time: int, lead: float = 0.0) -> tuple[float, float]:
        """Where the core is, metres; `lead` minutes later than `time`."""
        minute = (time - self.start) / MINUTE + lead
        return self.origin[0] + self.drift[0] * minute, self.origin[1] + self.drift[1] * minute


class Story:
    """All storms of one run of the demo, past ones included (two before the anchor, for the history)."""

    def __init__(self, seed: int, anchor: int, added: tuple[int, ...] = ()) -> None:
        self.seed, self.anchor, self.added = seed, anchor, added

    def storms(self, start: int, end: int) -> list[Storm]:
        """Storms that begin in [start, end], in time order."""
        found = [self._storm(key, at) for key, at in self._starts(start, end)]
        return sorted(found, key=lambda storm: (storm.start, storm.key))

    def _starts(self, start: int, end: int) -> list[tuple[str, int]]:
        starts = [("y1", self.anchor - 26 * HOUR), ("y2", self.anchor - 101 * HOUR)]
        starts += [(f"r{moment}", moment + _FIRST_DELAY) for moment in self.added]
        first = max(0, (start - self.anchor) // _PERIOD - 1)
        for n in range(first, max(first, (end - self.anchor) // _PERIOD + 2)):
            late = 0 if n == 0 else rng(self.seed, "storm", n).randrange(-20 * MINUTE, 20 * MINUTE)
            starts.append((f"s{n}", self.anchor + _FIRST_DELAY + n * _PERIOD + late))
        return [(key, at) for key, at in starts if start <= at <= end]

    def _storm(self, key: str, start: int) -> Storm:
        chance = rng(self.seed, "shape", key)
        strength = 1.0 if key == "s0" or key[0] == "r" else chance.uniform(0.72, 1.12)
        origin = (chance.uniform(-5200, -3200), chance.uniform(-4200, -1800))
        return Storm(key, start, strength, origin, (chance.uniform(190, 290), chance.uniform(90, 190)))

    def restarted(self, now: int, last_seen: int) -> Story:
        """After a long absence the next show should not be hours away: adds a storm at once."""
        away = now - last_seen > HOUR
        soon = self.storms(now - 40 * MINUTE, now + 30 * MINUTE)
        return Story(self.seed, self.anchor, (*self.added[-15:], now)) if away and not soon else self
