"""Positions to places: points assigned to grid cells, and the ten nearest of a hundred thousand.

The cells are as cities have them: a thousand to five thousand polygons with streets for borders, not squares. Beside the tree of
polygons stands shapely's own question with nothing around it, and beside the index of places a look at each in numpy.
"""

from __future__ import annotations

import os
import time

import numpy as np
import shapely

from hall.core.areas import Areas
from video.catalogue.columns import Columns, on_sphere
from video.catalogue.nearness import Standing, nearest

CELLS, POINTS = int(os.environ.get("HALL_BENCH_CELLS", 5_000)), int(os.environ.get("HALL_BENCH_POINTS", 300_000))
SPOTS, QUESTIONS = 100_000, 5_000
WEST, SOUTH, SIDE = 113.6, 35.1, 0.6


def cells(chance: np.random.Generator) -> list[shapely.Geometry]:
    """A partition of a square into Voronoi cells, each border bent three times: about 20 corners each."""
    seeds = chance.uniform((WEST, SOUTH), (WEST + SIDE, SOUTH + SIDE), (CELLS, 2))
    box = shapely.box(WEST, SOUTH, WEST + SIDE, SOUTH + SIDE)
    found = shapely.get_parts(shapely.voronoi_polygons(shapely.multipoints(seeds), extend_to=box))
    bent = shapely.segmentize(shapely.intersection(found, box), SIDE / CELLS**0.5 / 4)
    return list(shapely.transform(bent, lambda p: p + 2e-4 * np.sin(p[:, ::-1] * 900)))


def timed(times: int, work) -> float:
    best = float("inf")
    for _ in range(times):
        begun = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - begun)
    return best


def main() -> None:
    chance = np.random.default_rng(20210720)
    shapes = cells(chance)
    begun = time.perf_counter()
    areas = Areas(shapes)
    built = time.perf_counter() - begun
    at = chance.uniform((WEST, SOUTH), (WEST + SIDE, SOUTH + SIDE), (POINTS, 2))
    areas.numbers(at[:1000, 0], at[:1000, 1])
    many = timed(3, lambda: areas.numbers(at[:, 0], at[:, 1]))
    tree = shapely.STRtree(shapes)
    peer = timed(3, lambda: tree.query(shapely.points(at), predicate="intersects"))
    few = [(float(x), float(y)) for x, y in at[:QUESTIONS]]
    single = np.array([timed(1, lambda p=p: areas.number(*p)) for p in few])

    spots = chance.normal((WEST + SIDE / 2, SOUTH + SIDE / 2), SIDE / 6, (SPOTS, 2))
    columns, standing = Columns(), Standing()
    for lon, lat in spots.tolist():
        columns.locate(columns.append(), lon, lat)
    chosen = columns.placed.copy()
    where = [on_sphere(*place) for place in few]
    first = [timed(1, lambda p=p: standing.nearest(columns, chosen, p, 10, 20_000.0)) for p in where[:20]]
    near = np.array([timed(1, lambda p=p: standing.nearest(columns, chosen, p, 10, 20_000.0)) for p in where])
    passes = np.array([timed(1, lambda p=p: nearest(columns.place, chosen, p, 10, 20_000.0)) for p in where[:1000]])
    each = np.array([timed(1, lambda p=p: brute(spots, *p)) for p in few[:200]])
    right = sum(
        tenth(standing.nearest(columns, chosen, at, 10)) == brute(spots, *p).tolist()
        for p, at in zip(few[:200], where, strict=False)
    )

    def us(values: np.ndarray, part: float) -> str:
        return f"{np.percentile(values, part) * 1e6:,.0f} µs"

    print("| what | figure | goal |")
    print("|---|---|---|")
    print(f"| {POINTS:,} points to {CELLS:,} cells, at once | **{POINTS / many:,.0f} points/s** ({many:.2f} s) | 300,000/s |")
    print(
        f"| the same question put to shapely bare | {POINTS / peer:,.0f} points/s: ours takes {many / peer:.2f} times as long | |"
    )
    print(f"| one point to its cell, p50 / p99 | {us(single, 50)} / {us(single, 99)} | |")
    print(f"| tree of {CELLS:,} cells built | {built * 1000:.0f} ms | |")
    print(f"| nearest 10 of {SPOTS:,}, p50 / p99 | {us(near, 50)} / **{us(near, 99)}** | p99 300 µs |")
    print(f"| looking at each in numpy, p50 | {us(each, 50)}: {np.median(each) / np.median(near):.0f} times as long | |")
    print(f"| answers that are the same | {right} of 200 | all |")
    print(f"| the same in two passes over all, while places move, p50 / p99 | {us(passes, 50)} / {us(passes, 99)} | |")
    print(f"| the question that builds the tree | {max(first) * 1000:.0f} ms | |")


def brute(spots: np.ndarray, lon: float, lat: float) -> np.ndarray:
    """The ten nearest by the angle on the sphere, measured to each."""
    a, b = np.radians(spots), np.radians((lon, lat))
    half = np.sin((a[:, 1] - b[1]) / 2) ** 2 + np.cos(a[:, 1]) * np.cos(b[1]) * np.sin((a[:, 0] - b[0]) / 2) ** 2
    rows = np.argpartition(half, 10)[:10]
    return rows[np.argsort(half[rows], kind="stable")]


def tenth(found: tuple[list[int], list[float]]) -> list[int]:
    """The ten nearest of an answer that is in no order and may hold more."""
    return [row for _, row in sorted(zip(found[1], found[0], strict=True))[:10]]


if __name__ == "__main__":
    main()
