"""The demo city's plane: metres east (x) and north (y) of its centre, and WGS-84 degrees."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

from feeds.demo.chance import rng

CENTRE = (113.92, 35.30)
_EAST = 111_320.0 * math.cos(math.radians(CENTRE[1]))
_NORTH = 110_940.0

Point = tuple[float, float]


def to_degrees(point: Point) -> Point:
    """(x, y) metres -> (lon, lat), rounded to 0.1 m."""
    return round(CENTRE[0] + float(point[0]) / _EAST, 6), round(CENTRE[1] + float(point[1]) / _NORTH, 6)


def to_metres(lon: float, lat: float) -> Point:
    return (lon - CENTRE[0]) * _EAST, (lat - CENTRE[1]) * _NORTH


def distance(a: Point, b: Point) -> float:
    return math.hypot(a[0] - b[0], a[1] - b[1])


def nearest_of(points: Sequence[Point], here: Point) -> int:
    """Number of the nearest point, the first of several; asked thousands of times at a start."""
    away = list(map(math.dist, points, itertools.repeat(here)))
    return away.index(min(away))


def wander(start: Point, end: Point, bend: float, depth: int, *keys: object) -> list[Point]:
    """A winding line between two points: each half is pushed aside by up to `bend` of its length, `depth` times."""
    line = [start, end]
    chance = rng("wander", *keys)
    for _ in range(depth):
        longer = [line[0]]
        for a, b in zip(line, line[1:], strict=False):
            push = chance.uniform(-bend, bend)
            longer += [((a[0] + b[0]) / 2 - (b[1] - a[1]) * push, (a[1] + b[1]) / 2 + (b[0] - a[0]) * push), b]
        line = longer
        bend *= 0.75
    return line


def smooth(line: list[Point], times: int = 2) -> list[Point]:
    """Cuts corners (Chaikin); the ends stay."""
    for _ in range(times):
        cut = [line[0]]
        for a, b in zip(line, line[1:], strict=False):
            cut.append((0.75 * a[0] + 0.25 * b[0], 0.75 * a[1] + 0.25 * b[1]))
            cut.append((0.25 * a[0] + 0.75 * b[0], 0.25 * a[1] + 0.75 * b[1]))
        line = [*cut, line[-1]]
    return line


def lengths(line: list[Point]) -> list[float]:
    """Distance from the start to each point of `line`, metres."""
    found = [0.0]
    for a, b in zip(line, line[1:], strict=False):
        found.append(found[-1] + distance(a, b))
    return found
