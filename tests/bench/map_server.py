"""What the hall takes for one question of a map's view, at 2.3 million components and 100,000 cameras: the components' grid, the cameras' grid and
list, components and cameras around a place. Handlers' own work with its JSON, without HTTP; views of zoom 11 to 17 over the city.

`HALL_BENCH_COMPONENTS` and `HALL_BENCH_CHANNELS` make it smaller.
"""

from __future__ import annotations

import os
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from feeds.components.asking import Inventory
from feeds.components.choosing import EVERYTHING
from hall.app.answers import json
from tests.bench import catalogue, components
from video.catalogue.grids import grid
from video.catalogue.index import Query
from video.catalogue.scope import ALL

CHANNELS = int(os.environ.get("HALL_BENCH_CHANNELS", 100_000))
VIEWS, WHOLE = 300, (113.0, 34.0, 115.0, 37.0)
View = tuple[tuple[float, float, float, float], int]


def views(chance: random.Random) -> Iterator[View]:
    """`(box, zoom)` of a wide screen, most of them in the middle of the city."""
    for _ in range(VIEWS):
        zoom = chance.randrange(11, 18)
        wide = 0.7 / 2 ** (zoom - 11)
        lon, lat = 113.9 + chance.gauss(0, 0.06), 35.3 + chance.gauss(0, 0.04)
        yield (lon - wide / 2, lat - wide * 0.22, lon + wide / 2, lat + wide * 0.22), zoom


def took(work: Callable[[View], object], asked: list[View]) -> str:
    work(asked[0])  # what a version is read with for the first time
    found = []
    for one in asked:
        begun = time.perf_counter()
        work(one)
        found.append((time.perf_counter() - begun) * 1000)
    return " | ".join(f"{np.percentile(found, part):.2f}" for part in (50, 99))


def main() -> int:
    chance = random.Random(1)
    asked = list(views(chance))
    with tempfile.TemporaryDirectory() as folder:
        components.written(Path(folder))
        view = Inventory(Path(folder)).view(None, None)
        filtered = Inventory.question(districts=("红旗区",))
        told = [catalogue.told(catalogue.channel(n, chance), 1_000 + n) for n in range(CHANNELS)]
        cameras = catalogue.loaded(told)[1]

        def around(metres: float) -> Callable[[View], object]:
            return lambda one: json(view.around(*one[0][:2], metres, 10))

        rows: dict[str, Callable[[View], object]] = {
            "components' grid": lambda one: json(view.grid(EVERYTHING, *one)),
            "components' grid of a district": lambda one: json(view.grid(filtered, *one)),
            "components around a place, 500 m": around(500),
            "components around a place, 2 km": around(2_000),
            "components around a place, 5 km": around(5_000),
            "cameras' grid": lambda one: json(grid(cameras.index, Query(box=one[0]), ALL, one[1] + 3)),
            "cameras' grid of all": lambda one: json(grid(cameras.index, Query(box=WHOLE), ALL, one[1] + 3)),
            "cameras' list, 50 at once": lambda one: json(cameras.search(Query(box=one[0]), ALL, "", 50)),
            "cameras' list, 200 at once": lambda one: json(cameras.search(Query(box=one[0]), ALL, "", 200)),
            "cameras around a place, 20": lambda one: json(cameras.near(*one[0][:2], 20, Query(), ALL, 2_000.0, False)),
        }
        print(
            f"{len(view.store):,} components, {CHANNELS:,} cameras, {VIEWS} views; goal 2 ms\n\n| question | p50 ms | p99 ms |\n|---|---|---|"
        )
        for name, work in rows.items():
            print(f"| {name} | {took(work, asked)} |", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
