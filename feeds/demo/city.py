"""The demo city put together: named roads, parks, grid cells and measuring places. One seed, one city."""

from __future__ import annotations

import functools
from dataclasses import dataclass, field

import numpy
import shapely
from shapely.geometry import LineString, Point, Polygon

from feeds.demo import land
from feeds.demo.chance import rng, unit
from feeds.demo.names import EAST_WEST, MINOR_FIRST, NORTH_SOUTH, PARKS
from feeds.demo.plane import distance, nearest_of
from feeds.demo.streets import RIVER_ROW, Node, Streets

XY = tuple[float, float]


@dataclass(frozen=True)
class Road:
    name: str
    english: str
    layer: str  # road_major | road_minor
    lines: list[list[XY]]


@dataclass(frozen=True)
class Cell:
    """One 单元网格: `code` of 15 digits (6 district, 3 street office, 3 community, 3 number)."""

    code: str
    district: str
    polygon: Polygon


@dataclass(frozen=True)
class Site:
    """A measuring place. `weak` 0..1: how easily water stays here (0 high ground, 1 the lowest spot)."""

    id: str
    name: str
    english: str
    kind: str  # road | underpass | rain | river
    at: XY
    weak: float = 0.0


@dataclass
class City:
    seed: int
    streets: Streets
    districts: list[tuple[tuple, Polygon]]
    roads: list[Road]
    parks: list[tuple[str, str, Polygon]]
    lakes: list[tuple[str, str, Polygon]]
    cells: list[Cell]
    crossings: list[tuple[str, str, Node]]  # named crossings of two arterials
    sites: list[Site] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._shapes = numpy.array([shape for _, shape in self.districts])
        shapely.prepare(self._shapes)

    def district_of(self, point: XY) -> tuple | None:
        """The row of names.DISTRICTS that a place lies in, None outside."""
        inside = shapely.intersects_xy(self._shapes, *point)
        return self.districts[int(inside.argmax())][0] if inside.any() else None


@functools.lru_cache(maxsize=2)
def build(seed: int) -> City:
    """Makes the city of a seed; the same every time, some hundred ms."""
    streets = Streets(seed)
    districts = land.districts(seed)
    roads, crossings = _urban_roads(streets)
    parks, lakes, park_blocks = _parks(streets)
    city = City(seed, streets, districts, roads, parks, lakes, [], crossings)
    city.cells = _cells(city, park_blocks)
    city.sites = [*_gauges(city), *_rain_gauges(city), *_stages(city)]
    return city


def _names(lines: list[int], pairs: tuple, middle: int) -> dict[int, tuple[str, str]]:
    """Gives the arterials their names, the middle of the list to the middle of the city; the outermost are the ring."""
    inner = pairs[1:-1]
    start = max(0, len(inner) // 2 - sum(line < middle for line in lines[1:-1]))
    named = dict(zip(lines[1:-1], inner[start:], strict=False))
    return {lines[0]: pairs[0], **named, lines[-1]: pairs[-1]}


def _urban_roads(streets: Streets) -> tuple[list[Road], list[tuple[str, str, Node]]]:
    south = [r for r in streets.major_rows if r <= RIVER_ROW]
    north = [r for r in streets.major_rows if r > RIVER_ROW]
    split = EAST_WEST.index(("滨河北路", "Binhe North Road"))
    rows = dict(zip(reversed(south), reversed(EAST_WEST[:split]), strict=False))
    rows |= dict(zip(north, EAST_WEST[split:], strict=False))
    rows |= {min(rows): EAST_WEST[0], max(rows): EAST_WEST[-1]}
    columns = _names(streets.major_columns, NORTH_SOUTH, 21)
    roads = []
    for axis, named in (("row", rows), ("column", columns)):
        for index, (name, english) in named.items():
            roads.append(Road(name, english, "road_major", streets.line(axis, index, "major")))
    chance = rng(streets.seed, "minor names")
    firsts = [f"{a}{b}" for b in ("", "东", "西") for a in MINOR_FIRST]
    chance.shuffle(firsts)
    for axis, count, last in (("row", 37, "路"), ("column", 43, "街")):
        for index in range(count):
            lines = streets.line(axis, index, "minor")
            if lines:
                roads.append(Road(f"{firsts.pop()}{last}", "", "road_minor", lines))
    crossings = [
        (f"{rows[j][0]}与{columns[i][0]}路口", f"{rows[j][1]} / {columns[i][1]}", (i, j))
        for i in columns for j in rows if (i, j) in streets.near and len(streets.near[i, j]) >= 3
    ]  # fmt: skip
    return roads, crossings


def _parks(streets: Streets) -> tuple[list, list, set[Node]]:
    """Parks take whole blocks: most one or two, some four; those named after water have a lake."""
    chance, taken = rng(streets.seed, "parks"), set()
    parks, lakes = [], []
    order = sorted(streets.blocks)
    chance.shuffle(order)
    centres: list[XY] = []
    for i, j in order:
        centre = streets.centre((i, j))
        if len(parks) == len(PARKS) or any(distance(centre, c) < 1500 for c in centres):
            continue
        wide, high = chance.choice(((2, 1), (1, 2), (2, 2), (2, 3), (3, 2)))
        blocks = [(i + a, j + b) for a in range(wide) for b in range(high)]
        if not all(b in streets.blocks for b in blocks):
            continue
        name, english = PARKS[len(parks)]
        shape = shapely.union_all([Polygon(streets.corners(b)) for b in blocks])
        park = shape.buffer(-26).buffer(-25).buffer(25)
        if park.is_empty:
            continue
        centres.append(centre)
        taken |= set(blocks)
        parks.append((name, english, park))
        if any(mark in name for mark in "湖湿河"):
            lakes.append((name.replace("公园", ""), "", _lake(park, chance)))
    return parks, lakes, taken


def _lake(park: Polygon, chance) -> Polygon:
    """A rounded pond that keeps clear of the park's rim."""
    inner = park.buffer(-55)
    inner = inner if not inner.is_empty else park.buffer(-20)
    x, y = inner.centroid.coords[0]
    ponds = [Point(x + chance.uniform(-70, 70), y + chance.uniform(-60, 60)).buffer(chance.uniform(60, 120)) for _ in range(5)]
    pond = shapely.union_all(ponds).buffer(30).buffer(-30).intersection(inner)
    return max(shapely.get_parts(pond), key=lambda p: p.area)


def _cells(city: City, park_blocks: set[Node]) -> list[Cell]:
    """Blocks are cells; where no street parts two neighbours they may be one cell."""
    streets, seed = city.streets, city.seed
    group: dict[Node, list[Node]] = {block: [block] for block in sorted(streets.blocks)}
    for i, j in sorted(streets.blocks):
        for other, edge in (((i + 1, j), ((i + 1, j), (i + 1, j + 1))), ((i, j + 1), ((i, j + 1), (i + 1, j + 1)))):
            a, b = group[i, j], group.get(other)
            joins = b is not None and edge not in streets.edges and a is not b and len(a) + len(b) <= 2
            if joins and ((i, j) in park_blocks) == (other in park_blocks):
                a += b
                group |= {block: a for block in b}
    groups = {id(blocks): blocks for blocks in group.values()}.values()
    groups = sorted(sorted(blocks) for blocks in groups)
    shapes = dict(zip(streets.blocks, shapely.polygons([streets.corners(b) for b in streets.blocks]), strict=True))
    pairs = [[shapes.get(b) for b in (*blocks, None)[:2]] for blocks in groups]
    offices = [streets.centre(b) for b in rng(seed, "offices").sample(sorted(streets.blocks), 22)]
    homes = [streets.centre(b) for b in rng(seed, "communities").sample(sorted(streets.blocks), 150)]
    counts: dict[str, int] = {}
    cells = []
    for shape in shapely.union_all(pairs, axis=1):
        middle = shape.representative_point().coords[0]
        row = city.district_of(middle) or city.districts[0][0]
        office, home = nearest_of(offices, middle) + 1, nearest_of(homes, middle) + 1
        stem = f"{row[2]}{office:03d}{home:03d}"
        counts[stem] = counts.get(stem, 0) + 1
        cells.append(Cell(f"{stem}{counts[stem]:03d}", row[0], shape))
    return cells


def _apart(found: list[Site], at: XY, least: float) -> bool:
    return all(distance(site.at, at) >= least for site in found)


def _gauges(city: City) -> list[Site]:
    """8 underpasses where an arterial dives under a railway, and 20 low crossings."""
    found: list[Site] = []
    candidates = []
    for rail, rail_english, track in land.rails(city.seed):
        for road in (r for r in city.roads if r.layer == "road_major"):
            for line in road.lines:
                for place in (p for p in shapely.get_parts(track.intersection(LineString(line))) if not p.is_empty):
                    at = place.coords[0]
                    name, english = f"{road.name}{rail}下穿", f"{road.english} under {rail_english}"
                    candidates.append((unit(city.seed, "underpass", road.name, rail), name, english, at))
    for low, name, english, at in sorted(candidates):
        if len(found) < 8 and _apart(found, at, 900) and all(site.name != name for site in found):
            weak = 0.62 + 0.38 * ((1 - low) * 7 % 1)
            found.append(Site(f"X{len(found) + 1:02d}", name, english, "underpass", at, round(weak, 3)))
    roads = 0
    for low, (name, english, node) in sorted((unit(city.seed, "low", c[2]), c) for c in city.crossings):
        at = city.streets.at[node]
        if roads < 20 and _apart(found, at, 520):
            roads += 1
            found.append(
                Site(f"J{roads:02d}", name, english, "road", at, round(0.12 + 0.75 * unit(city.seed, "weak", low) ** 1.4, 3))
            )
    return found


def _rain_gauges(city: City) -> list[Site]:
    places = (
        ("市政府雨量站", "City Hall rain gauge", (3300, -1400)), ("火车站雨量站", "Railway Station rain gauge", (-2500, -500)),
        ("牧野雨量站", "Muye rain gauge", (900, 3300)), ("凤泉雨量站", "Fengquan rain gauge", (-1400, 9600)),
        ("南环雨量站", "South Ring rain gauge", (-900, -4600)), ("东区雨量站", "East Town rain gauge", (5600, 900)),
    )  # fmt: skip
    return [Site(f"R{k:02d}", name, english, "rain", at) for k, (name, english, at) in enumerate(places, 1)]


def _stages(city: City) -> list[Site]:
    """Three stages on the river: where it comes in, downtown, where it goes out."""
    middle = [((a[0] + b[0]) / 2, (a[1] + b[1]) / 2) for a, b in
              ((city.streets.at[i, RIVER_ROW], city.streets.at[i, RIVER_ROW + 1]) for i in (7, 21, 36))]  # fmt: skip
    names = (
        ("卫河西湾水位站", "Wei River, West Bend"),
        ("卫河胜利桥水位站", "Wei River, Shengli Bridge"),
        ("卫河东闸水位站", "Wei River, East Sluice"),
    )
    return [Site(f"W{k:02d}", n[0], n[1], "river", at) for k, (n, at) in enumerate(zip(names, middle, strict=True), 1)]
