"""Where the rain goes: depth at each gauge, rain sums, river stage. Pure functions of (story, time)."""

from __future__ import annotations

import functools
from array import array

from feeds.demo.chance import unit
from feeds.demo.city import Site
from feeds.demo.story import HOUR, MINUTE, RAIN_MINUTES, Storm, Story

STEP = 10_000  # ms between computed depths of a storm
_STEPS = int(4.5 * HOUR / STEP)
_RIVER_STEPS = 11 * 60  # minutes


def _full_depth(site: Site) -> float:
    """Depth a storm of strength 1 right overhead brings here, metres."""
    return 0.72 * site.weak**1.2 if site.kind == "underpass" else 0.64 * site.weak**1.45


class Water:
    """Levels of one story. Each storm's response per gauge is computed once, on first use."""

    def __init__(self, story: Story) -> None:
        self.story = story
        self._responses = functools.lru_cache(maxsize=200)(_response)
        self._swells = functools.lru_cache(maxsize=30)(_swell)

    def depth(self, site: Site, time: int) -> float:
        """Water on the road at `time`, metres, with the millimetres of noise an ultrasonic gauge has; never negative."""
        dry = 0.004 * unit(self.story.seed, site.id, time)
        return round(dry + sum(self._at(storm, site, time) for storm in self._active(time)), 3)

    def wet(self, site: Site, time: int) -> bool:
        """Whether a storm's rain or its water is about: gauges then report more often."""
        return any(self._at(storm, site, time) > 0.01 or time - storm.start < 40 * MINUTE for storm in self._active(time))

    def first_reach(self, storm: Storm, site: Site, depth: float) -> int | None:
        """When this storm first brings `depth` metres here, None when it never does."""
        found = next((k for k, value in enumerate(self._responses(storm, site)) if value >= depth), None)
        return None if found is None else storm.start + found * STEP

    def last_above(self, storm: Storm, site: Site, depth: float) -> int:
        """When this storm's water last stands `depth` metres here; the storm's start when it never does."""
        values = self._responses(storm, site)
        return storm.start + STEP * max((k for k, value in enumerate(values) if value >= depth), default=0)

    def peak(self, storm: Storm, site: Site) -> float:
        return max(self._responses(storm, site))

    def rain_rate(self, site: Site, time: int) -> float:
        """mm/h over the minute that ends at `time`."""
        return round(sum(storm.rate(site.at, time - 30_000) for storm in self._active(time)), 1)

    def rain_sum(self, site: Site, time: int, minutes: int) -> float:
        """mm fallen in the `minutes` before `time`, in tips of 0.1 mm."""
        storms = self.story.storms(time - (minutes + 40) * MINUTE, time)
        total = sum(storm.rate(site.at, time - k * MINUTE + 30_000) for storm in storms for k in range(1, minutes + 1))
        return round(total / 60.0, 1)

    def stage(self, site: Site, time: int) -> float:
        """River level above the gauge's zero, metres: a slow base and the rain of the last hours."""
        base = 2.10 + 0.18 * unit(self.story.seed, site.id) + 0.004 * unit(site.id, time // MINUTE)
        for storm in self.story.storms(time - _RIVER_STEPS * MINUTE, time):
            minute = min(_RIVER_STEPS - 1, (time - storm.start) // MINUTE)
            base += self._swells(storm, site)[minute]
        return round(base, 3)

    def _active(self, time: int) -> list[Storm]:
        return self.story.storms(time - _STEPS * STEP + STEP, time)

    def _at(self, storm: Storm, site: Site, time: int) -> float:
        values = self._responses(storm, site)
        place = (time - storm.start) / STEP
        k = int(place)
        if not 0 <= k < len(values) - 1:
            return 0.0
        return values[k] + (values[k + 1] - values[k]) * (place - k)


def _response(storm: Storm, site: Site) -> array[float]:
    """Depth in STEPs from the storm's start: rain runs in with a lag, drains (or pumps) take it away again."""
    lag = int((0.5 + 1.5 * unit(site.id, "lag")) * MINUTE)
    minutes_to_drain = 13.0 if site.kind == "underpass" else 8.0
    keep = 1.0 - STEP / MINUTE / minutes_to_drain
    # under a core of strength 1 the stored water peaks near this many mm, which stands for the full depth
    full = 10.5 if site.kind == "underpass" else 8.4
    deep, level, found = _full_depth(site), 0.0, array("d")
    rains = (int(RAIN_MINUTES * MINUTE) + lag) // STEP + 1
    for k in range(_STEPS):
        rain = storm.rate(site.at, storm.start + k * STEP - lag) if k < rains else 0.0
        level = level * keep + rain * STEP / HOUR
        if level <= 0.01 and k >= rains:
            break
        found.append(deep * level / full if level > 0.01 else 0.0)
    return found + array("d", bytes(8 * (_STEPS - len(found))))


def _swell(storm: Storm, site: Site) -> list[float]:
    """River rise in minutes from the storm's start, metres."""
    level, found = 0.0, []
    for minute in range(_RIVER_STEPS):
        level = level * (1 - 1 / 110) + storm.rate(site.at, storm.start + (minute - 14) * MINUTE) / 60
        found.append(0.062 * level if level > 0.02 else 0.0)
    return found
