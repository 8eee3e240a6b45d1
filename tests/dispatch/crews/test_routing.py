"""Travel times over real roads, against a plain heap Dijkstra over every node of the file, read another way."""

from __future__ import annotations

import gzip
import heapq
import math
import random
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest

from dispatch.crews import roads
from dispatch.crews.model import Crew
from dispatch.crews.ranking import Fix, Needs
from dispatch.crews.recommender import Recommender
from dispatch.crews.routing import RoadRouter, RoadSpeeds, Straight
from hall.core import config as configuration

SHARE, KMH_OFF, REACH = 0.75, 10.0, 400.0
SPEEDS = RoadSpeeds(share=SHARE, kmh_off=KMH_OFF, reach_m=REACH)
CITY = '[city]\nname = {en = "T"}\ncentre = [7.42, 43.73]\ntimezone = "UTC"\n'


def metres(a, b):
    lat1, lat2, d = math.radians(a[1]), math.radians(b[1]), math.radians(b[0] - a[0])
    h = math.sin((lat2 - lat1) / 2) ** 2 + math.cos(lat1) * math.cos(lat2) * math.sin(d / 2) ** 2
    return 2 * 6_371_008.8 * math.asin(math.sqrt(h))


class Oracle:
    """Every node a vertex, every piece of every way an edge; no arrays, no shared code but the table of class speeds."""

    def __init__(self, ways):
        self.pieces = []  # a, b, place a, place b, seconds a->b or None, b->a or None
        for refs, points, kmh, forward, backward in ways:
            for (r1, p1), (r2, p2) in zip(
                zip(refs, points, strict=False), zip(refs[1:], points[1:], strict=False), strict=False
            ):
                if r1 != r2:
                    s = metres(p1, p2) / (kmh / 3.6 * SHARE)
                    self.pieces.append((r1, r2, p1, p2, s if forward else None, s if backward else None))
        self._keep_the_largest_part()

    def _edges(self, reverse=False):
        found = {}
        for a, b, _, _, there, back in self.pieces:
            for x, y, s in ((a, b, there), (b, a, back)):
                if s is not None:
                    found.setdefault(y if reverse else x, []).append((x if reverse else y, s))
        return found

    def _keep_the_largest_part(self):
        """Nodes that reach a well-connected one and are reached by it."""
        best, out, back = set(), self._edges(), self._edges(reverse=True)
        for start in list(out)[:: max(1, len(out) // 40)]:
            if start not in best:
                part = self._spread(out, start) & self._spread(back, start)
                best = max(best, part, key=len)
        self.pieces = [p for p in self.pieces if p[0] in best and p[1] in best]

    @staticmethod
    def _spread(edges, start):
        seen, stack = {start}, [start]
        while stack:
            for to, _ in edges.get(stack.pop(), ()):
                if to not in seen:
                    seen.add(to)
                    stack.append(to)
        return seen

    def snap(self, at):
        """Nearest piece by trying all: (metres, piece, share)."""
        k = math.cos(math.radians(at[1]))
        best = (math.inf, None, 0.0)
        for piece in self.pieces:
            (ax, ay), (bx, by) = piece[2], piece[3]
            dx, dy = (bx - ax) * k, by - ay
            t = ((at[0] - ax) * k * dx + (at[1] - ay) * dy) / (dx * dx + dy * dy) if dx or dy else 0.0
            t = min(1.0, max(0.0, t))
            gap = metres(at, (ax + t * (bx - ax), ay + t * (by - ay)))
            if gap < best[0]:
                best = (gap, piece, t)
        return best

    def seconds(self, place, crews):
        gap, (a, b, _, _, there, back), t = self.snap(place)
        start = {}
        if there is not None or t == 0:
            start[a] = (there or 0.0) * t
        if back is not None or t == 1:
            start[b] = (back or 0.0) * (1 - t)
        edges, best = self._edges(reverse=True), {}
        heap = [(s, n) for n, s in start.items()]
        while heap:
            s, node = heapq.heappop(heap)
            if node in best:
                continue
            best[node] = s
            for to, cost in edges.get(node, ()):
                if to not in best:
                    heapq.heappush(heap, (s + cost, to))
        for crew in crews:
            own, (c, d, _, _, ahead, behind), u = self.snap(crew)
            ways = []
            if behind is not None or u == 0:
                ways.append((behind or 0.0) * u + best.get(c, math.inf))
            if ahead is not None or u == 1:
                ways.append((ahead or 0.0) * (1 - u) + best.get(d, math.inf))
            if (a, b) == (c, d):
                step = (t - u) * ahead if t >= u and ahead is not None else (u - t) * behind if u >= t and behind else math.inf
                ways.append(step)
            yield min(ways) + (gap + own) / (KMH_OFF / 3.6)


def xml_ways(path):
    """Drivable ways of an OSM XML file, by the standard library."""
    with gzip.open(path) as file:
        top = ElementTree.parse(file).getroot()
    place = {n.get("id"): (float(n.get("lon")), float(n.get("lat"))) for n in top.iter("node")}
    for way in top.iter("way"):
        tags = {t.get("k"): t.get("v") for t in way.iter("tag")}
        closed = tags.get("motor_vehicle") or tags.get("vehicle") or tags.get("access") or ""
        opened = tags.get("emergency") in ("yes", "designated")
        if tags.get("highway") not in roads.CLASS_KMH or tags.get("area") == "yes":
            continue
        if closed in ("no", "private") and not opened:
            continue
        limit = tags.get("maxspeed", "")
        kmh = float(limit) if limit.isdigit() else roads.CLASS_KMH[tags["highway"]]
        round_about = tags.get("junction") in ("roundabout", "circular") or tags["highway"].startswith("motorway")
        said = tags.get("oneway", "")
        one_way = said in ("yes", "true", "1") or (round_about and said != "no")
        refs = [n.get("ref") for n in way.iter("nd") if n.get("ref") in place]
        if len(refs) > 1:
            yield refs, [place[r] for r in refs], kmh, said != "-1", said == "-1" or not one_way


@pytest.fixture(scope="module")
def monaco(real_data, tmp_path_factory):
    path = real_data / "map" / "monaco.osm.gz"
    network = roads.load(path, tmp_path_factory.mktemp("roads"))
    return RoadRouter(network, SPEEDS), Oracle(list(xml_ways(path)))


@pytest.mark.realdata
def test_travel_times_equal_those_of_a_plain_search_over_every_node(monaco):
    router, oracle = monaco
    r, compared = random.Random(7), 0
    for _ in range(4):
        place = (r.uniform(7.412, 7.435), r.uniform(43.728, 43.748))
        crews = [(r.uniform(7.41, 7.437), r.uniform(43.727, 43.75)) for _ in range(30)]
        routes = router.routes(*place, np.array([c[0] for c in crews]), np.array([c[1] for c in crews]))
        for k, expected in enumerate(oracle.seconds(place, crews)):
            if routes.road[k]:
                # the code measures in a plane: what lies between two roads may be taken for the other's by centimetres
                assert routes.eta_s[k] == pytest.approx(expected, rel=2e-3, abs=0.5), (place, crews[k])
                compared += 1
    assert compared > 80


@pytest.mark.realdata
def test_the_length_is_that_of_the_way_driven(monaco):
    """No faster than the fastest road allows, no shorter than the straight line."""
    router, _ = monaco
    r = random.Random(8)
    lons = np.array([r.uniform(7.412, 7.435) for _ in range(200)])
    lats = np.array([r.uniform(43.728, 43.748) for _ in range(200)])
    routes = router.routes(7.42, 43.735, lons, lats)
    for k in np.flatnonzero(routes.road).tolist():
        straight, length = metres((lons[k], lats[k]), (7.42, 43.735)), routes.metres(k)
        assert length >= straight * 0.999 and routes.why_straight(k) == ""
        assert routes.eta_s[k] >= length / (130 / 3.6)


def grid():
    """Two one-way streets and a two-way one around a block of about 1.1 km, and an island.

    1 --> 2
    ^     |
    |     v        8 -- 9
    4 <-> 3
    """
    at = {1: (0.0, 0.01), 2: (0.01, 0.01), 3: (0.01, 0.0), 4: (0.0, 0.0), 8: (0.1, 0.0), 9: (0.101, 0.0)}
    lines = [([1, 2], 36.0, True, False), ([2, 3], 36.0, True, False), ([3, 4], 36.0, True, True), ([4, 1], 36.0, True, False)]
    lines.append(([8, 9], 36.0, True, True))
    return roads.build([(refs, [at[n] for n in refs], kmh, f, b) for refs, kmh, f, b in lines])


def test_a_one_way_street_is_driven_its_own_way_round():
    router = RoadRouter(grid(), RoadSpeeds(share=1.0, kmh_off=3.6, reach_m=300))
    side = metres((0, 0), (0.01, 0))
    lons, lats = np.array([0.002, 0.008, 0.01]), np.array([0.01, 0.01, 0.005])
    routes = router.routes(0.005, 0.01, lons, lats)
    # ahead of the place: all around the block; 10 m/s everywhere
    assert routes.eta_s == pytest.approx([0.03 * side, 0.37 * side, 0.3 * side], rel=1e-3)
    assert [routes.metres(k) for k in range(3)] == pytest.approx([0.3 * side, 3.7 * side, 3.0 * side], rel=1e-3)


def test_who_stands_far_from_any_road_goes_straight_and_it_is_said():
    router = RoadRouter(grid(), RoadSpeeds(share=1.0, kmh_off=3.6, reach_m=300), Straight(factor=1.4, kmh=36))
    routes = router.routes(0.005, 0.0, np.array([0.05, 0.006]), np.array([0.05, 0.0]))
    assert routes.road.tolist() == [False, True] and routes.why_straight(0) == "crew_off_network"
    assert routes.eta_s[0] == pytest.approx(1.4 * metres((0.05, 0.05), (0.005, 0.0)) / 10, rel=1e-6)
    far = router.routes(0.5, 0.5, np.array([0.05]), np.array([0.05]))
    assert far.why_straight(0) == "place_off_network" and not far.road[0]


def test_parts_that_no_road_joins_are_told_as_unreachable():
    """The island is too small a share of this network to be left out: 2 of 4 vertices."""
    router = RoadRouter(grid(), RoadSpeeds(share=1.0, reach_m=300))
    routes = router.routes(0.1005, 0.0, np.array([0.005, 0.1001]), np.array([0.0, 0.0]))
    assert [routes.why_straight(k) for k in (0, 1)] == ["unreachable", ""]


def test_dead_one_way_ends_are_no_roads():
    at = {1: (0.0, 0.0), 2: (0.01, 0.0), 3: (0.02, 0.0)}
    network = roads.build([
        ([1, 2], [at[1], at[2]], 30.0, True, True), ([2, 3], [at[2], at[3]], 30.0, True, False)
    ])  # fmt: skip
    assert len(network["edge_u"]) == 1


@pytest.mark.parametrize(
    ("tags", "kmh"),
    [
        ({"highway": "primary", "maxspeed": "50"}, 50), ({"highway": "primary", "maxspeed": "30 mph"}, 48.28),
        ({"highway": "residential", "maxspeed": "FI:urban"}, 50), ({"highway": "service", "maxspeed": "walk"}, 7),
        ({"highway": "residential", "maxspeed": "signals"}, 30), ({"highway": "trunk"}, 80), ({"highway": "road", "maxspeed": "0"}, 1),
    ],
)  # fmt: skip
def test_speeds(tags, kmh):
    assert roads.kmh_of(tags) == pytest.approx(kmh, abs=0.01)


@pytest.mark.parametrize(
    ("tags", "both"),
    [
        ({"oneway": "yes"}, (True, False)), ({"oneway": "-1"}, (False, True)), ({}, (True, True)),
        ({"junction": "roundabout"}, (True, False)), ({"highway": "motorway", "oneway": "no"}, (True, True)),
    ],
)  # fmt: skip
def test_directions(tags, both):
    assert roads.directions(tags) == both


@pytest.mark.realdata
def test_the_network_is_built_once_and_a_cut_cache_is_built_again(real_data, tmp_path, monkeypatch):
    path = real_data / "map" / "helsinki_centre.osm.pbf"
    first = roads.load(path, tmp_path)
    kept = next(tmp_path.glob("*.npz"))
    monkeypatch.setattr(roads, "build", lambda ways: pytest.fail("built again"))
    again = roads.load(path, tmp_path)
    assert all(np.array_equal(first[name], again[name]) for name in first)
    monkeypatch.undo()
    kept.write_bytes(kept.read_bytes()[:1000])
    assert len(roads.load(path, tmp_path)["edge_u"]) == len(first["edge_u"])


def test_an_extract_that_cannot_be_read_leaves_straight_lines_and_says_so(tmp_path):
    (tmp_path / "bad.osm.pbf").write_bytes(b"not an extract")
    config = configuration.parse(CITY + 'osm = "bad.osm.pbf"\n', str(tmp_path / "hall.toml"))
    recommender = Recommender(config, tmp_path)
    recommender.load()
    assert recommender.router.name == "straight" and "bad.osm.pbf" in recommender.problem


@pytest.mark.realdata
def test_a_recommendation_over_real_roads_says_how_each_crew_comes(real_data, tmp_path):
    config = configuration.parse(CITY + f'osm = "{real_data}/map/monaco.osm.gz"\n', str(tmp_path / "hall.toml"))
    recommender = Recommender(config, tmp_path)
    recommender.load()
    crews = [Crew(crew_id="A", position="position/g/1", skills=["排水"]), Crew(crew_id="B", position="position/g/2")]
    positions = {"position/g/1": Fix(7.4170, 43.7350, 1000), "position/g/2": Fix(7.60, 43.60, 1000)}
    found = recommender.recommend({"lon": 7.42, "lat": 43.735}, crews, positions, 1000)
    assert [(r.crew, r.how, r.why[0].code) for r in found.ranked] == [
        ("A", "road", "road"), ("B", "straight", "crew_off_network")
    ]  # fmt: skip
    drained = recommender.recommend({"lon": 7.42, "lat": 43.735, "subclass_name": "排水管道堵塞"}, crews, positions, 1000)
    assert [(r.crew, r.excluded) for r in drained.excluded] == [("B", "skill_missing")]
    anybody = recommender.recommend(
        {"lon": 7.42, "lat": 43.735, "subclass_name": "排水管道堵塞"}, crews, positions, 1000, Needs()
    )
    assert len(anybody.ranked) == 2
