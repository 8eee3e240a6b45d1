"""5,000 crews ranked for one case: straight lines and the road network of a real extract, beside a plain-Python loop.

The peer does the least that a straightforward program would: haversine in a loop, filter by skill, sort. Over roads the peer
runs a heap Dijkstra backwards from the case over the same network and looks up each crew's nearest vertex by trying all in
its grid square. Without the real input the road half is left out.
"""

from __future__ import annotations

import heapq
import math
import os
import random
import statistics
import tempfile
import time
from pathlib import Path

from dispatch.crews import roads
from dispatch.crews.model import Crew, Done, Duty, Item, Shift
from dispatch.crews.ranking import Fix, Needs, Place
from dispatch.crews.recommend import recommend
from dispatch.crews.routing import RoadRouter, StraightRouter

CREWS, RUNS, NOW = 5_000, 40, 1_784_000_000_000
SKILLS = ("排水", "市政养护", "环卫", "园林", "综合执法")
EXTRACTS = ("monaco.osm.gz", "helsinki_centre.osm.pbf")


def made(bounds: tuple[float, float, float, float], seed: int = 1) -> tuple[list[Crew], dict[str, Fix]]:
    """Crews with skills, equipment, shifts, work done and positions of all ages within (west, south, east, north)."""
    r, crews, fixes = random.Random(seed), [], {}
    patterns = [[], [Shift(start="08:00", end="20:00")], [Shift(start="20:00", end="08:00")], [Shift(days=[1, 2, 3, 4, 5])]]
    for n in range(CREWS):
        done = [
            Done(subject=f"file/c/{k}", start=NOW - 3_600_000 * (k + 1), end=NOW - 3_600_000 * k) for k in range(r.randrange(4))
        ]
        crews.append(Crew(
            crew_id=f"P{n:05d}", name=f"第{n}组", unit=f"单位{n % 9}", skills=r.sample(SKILLS, 2), done=done,
            equipment=[Item(name="水泵", count=r.randrange(3))], shifts=r.choice(patterns), position=f"position/gps/{n}",
            duty=Duty(cells=[f"4107020010010{n % 90:02d}"]), state="out_of_service" if r.random() < 0.05 else "available",
        ))  # fmt: skip
        fixes[f"position/gps/{n}"] = Fix(
            r.uniform(bounds[0], bounds[2]), r.uniform(bounds[1], bounds[3]), NOW - r.choice((5_000, 60_000, 600_000))
        )
    return crews, fixes


def timed(work, runs: int = RUNS) -> tuple[float, float]:
    """p50 and p95 in ms."""
    work()
    took = []
    for _ in range(runs):
        begun = time.perf_counter()
        work()
        took.append((time.perf_counter() - begun) * 1000)
    return statistics.median(took), sorted(took)[int(len(took) * 0.95)]


def metres(lon1: float, lat1: float, lon2: float, lat2: float) -> float:
    a, b = math.radians(lat1), math.radians(lat2)
    h = math.sin((b - a) / 2) ** 2 + math.cos(a) * math.cos(b) * math.sin(math.radians(lon2 - lon1) / 2) ** 2
    return 2 * 6_371_008.8 * math.asin(math.sqrt(h))


def plain_straight(crews: list[Crew], fixes: dict[str, Fix], place: Place) -> list[tuple[float, str]]:
    found = []
    for crew in crews:
        fix = fixes[crew.position]
        if (
            crew.state == "available"
            and "排水" in crew.skills
            and any(i.name == "水泵" and i.count >= 1 for i in crew.equipment)
        ):
            found.append((metres(fix.lon, fix.lat, place.lon, place.lat) * 1.4 / (30 / 3.6), crew.crew_id))
    return sorted(found)


def plain_roads(network: dict, crews: list[Crew], fixes: dict[str, Fix], place: Place):
    """A closure that ranks by heap Dijkstra; building its dictionaries is not timed."""
    lon, lat = network["node_lon"].tolist(), network["node_lat"].tolist()
    back: dict[int, list[tuple[int, float]]] = {}
    names = ("edge_u", "edge_v", "edge_m", "edge_kmh", "edge_forward", "edge_backward")
    for u, v, m, kmh, forward, backward in zip(*(network[n].tolist() for n in names), strict=True):
        seconds = m / (kmh / 3.6 * 0.75)
        if forward:
            back.setdefault(v, []).append((u, seconds))
        if backward:
            back.setdefault(u, []).append((v, seconds))
    squares: dict[tuple[int, int], list[int]] = {}
    for n in range(len(lon)):
        squares.setdefault((int(lon[n] * 200), int(lat[n] * 200)), []).append(n)

    def nearest(x: float, y: float) -> int:
        near = squares.get((int(x * 200), int(y * 200))) or range(len(lon))
        return min(near, key=lambda n: metres(x, y, lon[n], lat[n]))

    def rank() -> list[tuple[float, str]]:
        best: dict[int, float] = {}
        heap = [(0.0, nearest(place.lon, place.lat))]
        while heap:
            seconds, node = heapq.heappop(heap)
            if node in best:
                continue
            best[node] = seconds
            for to, cost in back.get(node, ()):
                if to not in best:
                    heapq.heappush(heap, (seconds + cost, to))
        found = []
        for crew in crews:
            if (
                crew.state == "available"
                and "排水" in crew.skills
                and any(i.name == "水泵" and i.count for i in crew.equipment)
            ):
                fix = fixes[crew.position]
                found.append((best.get(nearest(fix.lon, fix.lat), math.inf), crew.crew_id))
        return sorted(found)

    return rank


def main() -> None:
    needs = Needs(skills=["排水"], equipment=[Item(name="水泵", count=1)])
    nobody = Needs()
    rows = []

    def measure(label: str, router, crews, fixes, place, peer) -> None:
        def ours(asked):
            return lambda: recommend(place, asked, crews, fixes, NOW, router, zone="Asia/Shanghai")

        p50, p95 = timed(ours(needs))
        all50, all95 = timed(ours(nobody))
        peer50, _ = timed(peer, 5)
        rows.append((label, peer50 / p50, p50, p95, all50, all95, peer50))

    crews, fixes = made((113.7, 35.1, 114.1, 35.5))
    place = Place(113.92, 35.30, "红旗区", "410702001001005")
    measure("straight line", StraightRouter(), crews, fixes, place, lambda: plain_straight(crews, fixes, place))
    folder = Path(os.environ.get("HALL_REAL_DATA", "../shared/data")) / "map"
    with tempfile.TemporaryDirectory() as cache:
        for name in (n for n in EXTRACTS if (folder / n).exists()):
            network = roads.load(folder / name, Path(cache))
            router = RoadRouter(network)
            lon, lat = network["node_lon"], network["node_lat"]
            bounds = (float(lon.min()), float(lat.min()), float(lon.max()), float(lat.max()))
            crews, fixes = made(bounds)
            middle = Place((bounds[0] + bounds[2]) / 2, (bounds[1] + bounds[3]) / 2)
            measure(f"roads of {name}", router, crews, fixes, middle, plain_roads(network, crews, fixes, middle))
    print(f"{CREWS:,} crews ranked for one case, the first 30 with all their reasons; {RUNS} runs.\n")
    print("| | plain Python / ours | p50 ms, with skill and pump | p95 ms | p50 ms, anybody | p95 ms | plain Python ms |")
    print("|---|---|---|---|---|---|---|")
    for label, ratio, *times in rows:
        print(f"| {label} | {ratio:.1f} | " + " | ".join(f"{t:.1f}" for t in times) + " |")


if __name__ == "__main__":
    main()
