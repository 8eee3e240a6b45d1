"""The country around: district boundaries that tile, rivers, hills, railways, county towns and the roads between them.

Everything is in metres of the plane (feeds/demo/plane.py) and follows from the seed.
"""

from __future__ import annotations

import math

import numpy as np
import shapely
from shapely.geometry import LineString, MultiPoint, Polygon

from feeds.demo.chance import Field, rng
from feeds.demo.names import DISTRICTS
from feeds.demo.plane import Point, distance, smooth, wander
from feeds.demo.streets import Streets, river_shift

#: the outline of the whole city: rough corner points, made winding between them
_OUTLINE = (
    (-41000, -24000), (-20000, -35500), (6000, -43500), (36000, -46000), (60000, -38500), (84000, -24000), (90000, -2500),
    (70000, 7000), (52000, 4500), (40000, 10500), (33000, 33000), (14000, 34500), (-3000, 45500), (-27000, 48500),
    (-46500, 36000), (-33500, 19000), (-43000, 3500),
)  # fmt: skip

#: which county seats a provincial road joins
_COUNTY_ROADS = (
    ("获嘉县", "辉县市"), ("辉县市", "卫辉市"), ("卫辉市", "延津县"), ("延津县", "长垣市"),
    ("延津县", "封丘县"), ("封丘县", "长垣市"), ("封丘县", "原阳县"), ("原阳县", "获嘉县"),
)  # fmt: skip


def outline(seed: int) -> Polygon:
    corners = [*_OUTLINE, _OUTLINE[0]]
    line: list[Point] = []
    for k, (a, b) in enumerate(zip(corners, corners[1:], strict=False)):
        line += smooth(wander(a, b, 0.16, 4, seed, "outline", k), 1)[:-1]
    return Polygon(line).buffer(0)


def _sites(seed: int, area: Polygon) -> np.ndarray:
    """Random points, dense about the city and ever thinner outwards: the pieces that boundaries run between."""
    chance = rng(seed, "sites")
    points = [(chance.gauss(0, 6000), 2000 + chance.gauss(0, 6500)) for _ in range(2000)]
    west, south, east, north = area.bounds
    points += [(chance.uniform(west - 9e3, east + 9e3), chance.uniform(south - 9e3, north + 9e3)) for _ in range(2300)]
    return np.array(points)


def districts(seed: int) -> list[tuple[tuple, Polygon]]:
    """(row of names.DISTRICTS, polygon) of each district; together they tile the outline without gaps or overlaps."""
    area = outline(seed)
    pieces = shapely.get_parts(shapely.voronoi_polygons(MultiPoint(_sites(seed, area)), extend_to=area.buffer(20_000)))
    centres = shapely.get_coordinates(shapely.centroid(pieces))
    bend_x, bend_y = Field(7000, seed, "dx"), Field(7000, seed, "dy")
    seats = np.array([row[3] for row in DISTRICTS], float)
    reach = np.array([row[4] for row in DISTRICTS])
    x, y = centres.T
    near = np.minimum(1.0, np.hypot(x, y) / 16_000)
    east, north = bend_x.over(x, y), bend_y.over(x, y)
    here = np.stack([x + 3600 * near * east + 260 * north, y + 3600 * near * north], axis=1)
    owners = np.argmin(np.hypot(*(seats - here[:, None]).transpose(2, 0, 1)) / reach, axis=1)
    merged = [shapely.coverage_union_all(pieces[owners == n]) for n in range(len(DISTRICTS))]
    return list(zip(DISTRICTS, _whole(merged, area), strict=True))


def _whole(merged: list, area: Polygon) -> list[Polygon]:
    """Each district in one piece: islands go to the neighbour they touch most, then all is cut to the outline."""
    cut = [shapely.intersection(shape, area) for shape in merged]
    main = [max(shapely.get_parts(s), key=lambda p: p.area) for s in cut]
    loose = [p for s, m in zip(cut, main, strict=True) for p in shapely.get_parts(s) if not p.equals(m) and p.area > 0]
    for piece in sorted(loose, key=lambda p: -p.area):
        touching = [piece.boundary.intersection(m.boundary).length for m in main]
        best = int(np.argmax(touching))
        main[best] = shapely.union_all([main[best], piece])
    return [max(shapely.get_parts(m), key=lambda p: p.area) for m in main]


def river(streets: Streets) -> LineString:
    """卫河: between its two embankment roads in the city, winding through the fields before and after."""
    inside = [streets.at[i, 17] for i in range(43)]
    north = [streets.at[i, 18] for i in range(43)]
    middle = [((a[0] + b[0]) / 2, (a[1] + b[1]) / 2) for a, b in zip(inside, north, strict=True)]
    seed = streets.seed
    before = wander((-44_000, -9_500), (-9_500, river_shift(-6500) - 900), 0.22, 5, seed, "river west")
    after = wander((9_000, river_shift(6000) + 1500), (39_000, 20_500), 0.22, 5, seed, "river east")
    return LineString(smooth([*before, *middle, *after], 2))


def waters(streets: Streets) -> list[tuple[str, str, Polygon]]:
    """Rivers and canals as surfaces: (name, English, polygon)."""
    seed = streets.seed
    bank = [(-62_000, -16_000), *((x + 900, y - 1900) for x, y in _OUTLINE[:6]), (110_000, -4_000)]
    yellow: list[Point] = []
    for k, (a, b) in enumerate(zip(bank, bank[1:], strict=False)):
        yellow += wander(a, b, 0.07, 4, seed, "yellow", k)[:-1]
    canal = smooth(wander((-15_500, -33_500), (-4200, -7200), 0.10, 4, seed, "canal"), 2)
    brook = smooth(wander((-9_000, 36_000), (4_800, 2_300), 0.14, 5, seed, "brook"), 2)
    ditch = smooth(wander((3_000, -9_000), (38_000, 13_000), 0.12, 5, seed, "ditch"), 2)
    return [
        ("卫河", "Wei River", river(streets).buffer(34, quad_segs=2)),
        ("黄河", "Yellow River", LineString(smooth(yellow, 2)).buffer(900, quad_segs=4)),
        ("人民胜利渠", "Renmin Shengli Canal", LineString(canal).buffer(22, quad_segs=1)),
        ("百泉河", "Baiquan River", LineString(brook).buffer(20, quad_segs=1)),
        ("东孟河", "Dongmeng River", LineString(ditch).buffer(20, quad_segs=1)),
    ]


def hills(seed: int) -> list[tuple[str, str, Polygon]]:
    """The wooded mountains in the north-west: blobs with ragged rims."""
    found = []
    for name, english, x, y, size in (
        ("太行山森林", "Taihang Forest", -26_000, 40_000, 8200), ("", "", -36_000, 31_500, 4300),
        ("", "", -9_500, 41_500, 4600),
        ("凤凰山森林公园", "Fenghuangshan Forest Park", -300, 13_800, 1900), ("", "", 14_000, 29_500, 3400),
    ):  # fmt: skip
        rim = Field(2.2, seed, "hill", x)
        ring = []
        for k in range(64):
            a = math.tau * k / 64
            far = size * (1 + 0.3 * rim(2 * math.cos(a), 2 * math.sin(a)) + 0.08 * math.sin(9 * a + x))
            ring.append((x + far * 1.35 * math.cos(a), y + far * 0.8 * math.sin(a)))
        found.append((name, english, Polygon(ring).buffer(0)))
    return found


def rails(seed: int) -> list[tuple[str, str, LineString]]:
    """京广 line through the middle, a branch east, and the high-speed line past the city."""
    station = (-2350.0, -700.0)
    north = wander(station, (9_500, 36_000), 0.05, 4, seed, "rail n")
    south = wander((-1500, -46_000), station, 0.04, 4, seed, "rail s")
    east = wander((-2200, -1500), (80_000, -6_000), 0.05, 5, seed, "rail e")
    fast = wander((9_800, -46_000), (14_500, 36_000), 0.03, 4, seed, "rail fast")
    west = wander((-43_000, -2_500), (-2500, 900), 0.05, 4, seed, "rail w")
    lines = (
        ("京广铁路", "Jingguang Railway", [*south, *north[1:]]),
        ("新菏铁路", "Xinhe Railway", east),
        ("新月铁路", "Xinyue Railway", west),
        ("京广高铁", "Jingguang High-Speed Railway", fast),
    )
    return [(name, english, LineString(smooth(line, 2))) for name, english, line in lines]


def highways(streets: Streets) -> list[tuple[str, str, str, list[Point]]]:
    """(name, English, layer, line): trunk roads from the city to each county seat, and two expressways."""
    seed, seats = streets.seed, {row[0]: row[3] for row in DISTRICTS}
    rim = [node for node in streets.near if node[0] in streets.major_columns or node[1] in streets.major_rows]
    found = []
    for k, row in enumerate(DISTRICTS[3:]):
        name, english, _, seat, _ = row
        start = min((streets.at[n] for n in rim), key=lambda p: distance(p, seat))
        line = smooth(wander(start, seat, 0.09, 4, seed, "trunk", k), 2)
        found.append((f"新{name[0]}公路", f"Xin-{english.split()[0]} Highway", "road_major", line))
    for k, (a, b) in enumerate(_COUNTY_ROADS):
        line = smooth(wander(seats[a], seats[b], 0.08, 4, seed, "county road", k), 2)
        found.append((f"S{301 + 2 * k}", f"S{301 + 2 * k}", "road_major", line))
    north_south = wander((12_500, -45_000), (20_000, 36_000), 0.05, 4, seed, "g4")
    east_west = wander((-43_000, -14_800), (88_000, -18_500), 0.05, 5, seed, "g3511")
    found.append(("京港澳高速", "G4 Expressway", "road_major", smooth(north_south, 2)))
    found.append(("菏宝高速", "G3511 Expressway", "road_major", smooth(east_west, 2)))
    return found


def country_lanes(seed: int, area: Polygon) -> list[list[Point]]:
    """Lanes between villages: a thinned triangulation, each lane winding."""
    chance = rng(seed, "villages")
    west, south, east, north = area.bounds
    villages = [(chance.uniform(west, east), chance.uniform(south, north)) for _ in range(520)]
    villages = [p for p in villages if math.hypot(p[0] / 7600, p[1] / 6600) > 1]
    lanes = []
    for edge in shapely.get_parts(shapely.delaunay_triangles(MultiPoint(villages), only_edges=True)):
        a, b = edge.coords
        if edge.length < 7000 and chance.random() < 0.52 and area.contains(edge):
            lanes.append(wander(a, b, 0.12, 2, seed, "lane", round(a[0]), round(b[0])))
    return lanes


def town(seed: int, name: str, seat: Point) -> tuple[list[list[Point]], list[list[Point]]]:
    """Streets of a county town: (major lines, minor lines) of a small bent lattice turned its own way."""
    chance = rng(seed, "town", name)
    columns, rows, turn = chance.randint(8, 11), chance.randint(7, 10), chance.uniform(-0.35, 0.35)
    bend = Field(900, seed, name)
    xs = [(k - columns / 2) * 265 + chance.uniform(-55, 55) for k in range(columns + 1)]
    ys = [(k - rows / 2) * 250 + chance.uniform(-55, 55) for k in range(rows + 1)]

    def place(x: float, y: float) -> Point:
        x, y = x + 70 * bend(x, y), y + 70 * bend(y, x)
        return seat[0] + x * math.cos(turn) - y * math.sin(turn), seat[1] + x * math.sin(turn) + y * math.cos(turn)

    major = [[place(x, ys[rows // 2]) for x in xs], [place(xs[columns // 2], y) for y in ys]]
    minor = []
    for line in [[(x, y) for x in xs] for y in ys] + [[(x, y) for y in ys] for x in xs]:
        for a, b in zip(line, line[1:], strict=False):
            middle = math.hypot(a[0] / (columns * 150), a[1] / (rows * 140))
            if chance.random() > 0.16 + 0.55 * max(0.0, middle - 0.55):
                minor.append([place(*a), place(*b)])
    return major, minor
