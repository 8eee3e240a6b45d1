"""40 vehicles and crews: patrols on closed loops of streets, drainage crews at their stations until water calls them."""

from __future__ import annotations

import bisect
import math
from dataclasses import dataclass

from feeds.demo.chance import rng, unit
from feeds.demo.city import City
from feeds.demo.plane import Point, distance, lengths
from feeds.demo.story import MINUTE

#: name, kind, how many, metres per second on patrol (0: waits at its station), may be sent to water
_FLEET = (
    ("排涝抢险{}组", "crew", 6, 0.0, True),
    ("移动泵车{}号", "pump", 6, 0.0, True),
    ("市政养护{}号车", "vehicle", 5, 6.0, True),
    ("清扫作业{}号车", "vehicle", 11, 3.6, False),
    ("综合执法{}号车", "vehicle", 9, 6.5, False),
    ("管网抢修{}号车", "vehicle", 3, 5.0, False),
)
_URGENT_SPEED = 10.5  # m/s with blue light through rain
_RETURN_SPEED = 8.0


@dataclass(frozen=True)
class Fix:
    """Where a unit is: metres, course in degrees (None at rest), m/s, CAD state, and the case it works on."""

    at: Point
    heading: float | None
    speed: float
    state: str
    case_id: str = ""


@dataclass(frozen=True)
class Mission:
    """One call-out: ordered, moving off, there, done, back. Times in ms; `way` and `back` are lines in metres."""

    unit: str
    case_id: str
    site: str
    ordered: int
    leaves: int
    arrives: int
    done: int
    returned: int
    way: tuple[Point, ...]
    back: tuple[Point, ...]

    def fix(self, time: int) -> Fix:
        if time < self.leaves:
            return Fix(self.way[0], None, 0.0, "assigned", self.case_id)
        if time < self.arrives:
            at, course = _along(self.way, (time - self.leaves) / (self.arrives - self.leaves))
            return Fix(at, course, _pace(self.way, self.leaves, self.arrives), "en_route", self.case_id)
        if time < self.done:
            return Fix(self.way[-1], None, 0.0, "on_scene", self.case_id)
        at, course = _along(self.back, (time - self.done) / (self.returned - self.done))
        return Fix(at, course, _pace(self.back, self.done, self.returned), "available")


@dataclass(frozen=True)
class Unit:
    id: str
    name: str
    kind: str
    speed: float
    drains: bool
    loop: tuple[Point, ...]  # closed; a single point for a unit that waits at its station
    phase: float  # metres along the loop at time 0

    def patrol(self, time: int) -> Fix:
        """Where it is when nothing calls: the loop driven with stops, for ever the same at the same time."""
        if len(self.loop) == 1:
            return Fix(self.loop[0], None, 0.0, "available")
        total = lengths(list(self.loop))[-1]
        seconds = time / 1000.0
        turn = math.tau / (70.0 + 50.0 * unit(self.id, "rhythm"))
        driven = self.speed * (seconds - 0.92 / turn * math.sin(turn * seconds))
        at, course = _along(self.loop, ((self.phase + driven) % total) / total)
        return Fix(at, course, self.speed * (1 - 0.92 * math.cos(turn * seconds)), "available")


def _pace(line: tuple[Point, ...], start: int, end: int) -> float:
    return lengths(list(line))[-1] / max(1.0, (end - start) / 1000.0)


def _along(line: tuple[Point, ...], share: float) -> tuple[Point, float | None]:
    """The point at `share` 0..1 of a line's length and the course there, degrees from north."""
    sums = lengths(list(line))
    wanted = min(max(share, 0.0), 1.0) * sums[-1]
    k = min(bisect.bisect_right(sums, wanted), len(line) - 1)
    if k == 0:
        return line[0], None
    (x1, y1), (x2, y2) = line[k - 1], line[k]
    step = sums[k] - sums[k - 1]
    part = (wanted - sums[k - 1]) / step if step else 0.0
    course = math.degrees(math.atan2(x2 - x1, y2 - y1)) % 360 if step else None
    return (x1 + (x2 - x1) * part, y1 + (y2 - y1) * part), course


def fleet(city: City) -> list[Unit]:
    """All units, each with its loop; the same for the same city."""
    streets, found = city.streets, []
    nodes = [n for n in streets.near if n[0] in streets.major_columns or n[1] in streets.major_rows]
    downtown = [n for n in nodes if distance(streets.at[n], (0, 0)) < 5200]
    for name, kind, count, speed, drains in _FLEET:
        for number in range(1, count + 1):
            key = f"U{len(found) + 1:03d}"
            chance = rng(city.seed, "unit", key)
            stops = chance.sample(downtown, 4 if speed else 1)
            loop = _loop(city, stops) if speed else (streets.at[stops[0]],)
            found.append(Unit(key, name.format(number), kind, speed, drains, loop, chance.uniform(0, 30_000)))
    return found


def _loop(city: City, stops: list) -> tuple[Point, ...]:
    line: list[Point] = []
    for a, b in zip(stops, [*stops[1:], stops[0]], strict=True):
        line += city.streets.route(a, b)[:-1]
    return (*line, line[0])


def mission(city: City, unit_: Unit, case_id: str, site: str, goal: Point, ordered: int, least_done: int) -> Mission:
    """Sends a unit from where it is when ordered; it stays until the water has gone, then takes up its round again."""
    streets = city.streets
    here = unit_.patrol(ordered).at
    end = streets.nearest_node(goal)
    way = (here, *streets.route(streets.nearest_node(here), end), goal)
    muster = int((60 + 100 * unit(unit_.id, case_id)) * 1000)
    leaves = ordered + muster
    arrives = leaves + int(lengths(list(way))[-1] / _URGENT_SPEED * 1000)
    done = max(least_done, arrives + 12 * MINUTE)
    returned = done + 8 * MINUTE
    for _ in range(3):  # where it joins depends on when, and when on where: three rounds settle it to a few seconds
        join = unit_.patrol(returned).at
        back = (goal, *streets.route(end, streets.nearest_node(join)), join)
        returned = done + max(30_000, int(lengths(list(back))[-1] / _RETURN_SPEED * 1000))
    join = unit_.patrol(returned).at
    back = (*back[:-1], join)
    return Mission(unit_.id, case_id, site, ordered, leaves, arrives, done, returned, way, back)


def arrival_estimate(city: City, unit_: Unit, goal: Point, ordered: int) -> float:
    """Metres to go, straight: enough to choose the nearest."""
    return distance(unit_.patrol(ordered).at, goal)
