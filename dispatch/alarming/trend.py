"""A line through the last readings that a few wild ones do not bend: Theil-Sen, with its spread. Pure.

Theil, H. (1950), "A rank-invariant method of linear and polynomial regression analysis"; Sen, P. K. (1968), "Estimates of the
regression coefficient based on Kendall's tau": the slope is the median of the slopes of all pairs.
"""

from __future__ import annotations

from operator import sub
from typing import NamedTuple

#: readings kept of a window: a sensor that tells each second is thinned, so that a line costs at most so many squared / 2
MOST = 16


class Trend(NamedTuple):
    """`level` now and `slope` per ms; `low` and `high` slopes enclose the middle 80 % of the pairs; `noise`: median distance of
    a reading from the line, times 1.4826 (what the standard deviation of normal noise would be)."""

    level: float
    slope: float
    low: float
    high: float
    noise: float
    readings: int


class Past:
    """The last readings of one point, as far back as its rules look."""

    __slots__ = ("samples", "window")

    def __init__(self, window: int) -> None:
        self.window = window
        self.samples: list[tuple[int, float]] = []

    def add(self, time: int, value: float) -> None:
        """The newest always counts; between the older ones lies at least the window's MOST-th part."""
        samples = self.samples
        if len(samples) >= 2 and samples[-1][0] - samples[-2][0] < self.window // MOST:
            samples.pop()
        samples.append((time, value))
        floor = time - self.window
        while samples[0][0] < floor:
            samples.pop(0)

    def since(self, floor: int) -> list[tuple[int, float]]:
        samples = self.samples
        return samples if not samples or samples[0][0] >= floor else [one for one in samples if one[0] >= floor]


def steepest(samples: list[tuple[int, float]]) -> float:
    """No pair of them is steeper than this, up or down (per ms): far less work than the line itself."""
    values = [value for _, value in samples]
    nearest = min(map(sub, [time for time, _ in samples[1:]], [time for time, _ in samples]), default=0)
    return (max(values) - min(values)) / nearest if nearest > 0 else float("inf")


def trend(samples: list[tuple[int, float]]) -> Trend | None:
    """None for fewer than three readings, or all of one moment."""
    if len(samples) < 3:
        return None
    end = samples[-1][0]
    slopes = [(y - v) / (x - t) for n, (t, v) in enumerate(samples) for x, y in samples[n + 1 :] if x > t]
    slopes.sort()
    if not slopes:
        return None
    slope = _middle(slopes)
    levels = sorted(value - slope * (time - end) for time, value in samples)
    level = _middle(levels)
    noise = 1.4826 * _middle(sorted(abs(one - level) for one in levels))
    low, high = slopes[len(slopes) // 10], slopes[-1 - len(slopes) // 10]
    return Trend(level, slope, low, high, noise, len(samples))


def _middle(ordered: list[float]) -> float:
    half = len(ordered) // 2
    return ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2
