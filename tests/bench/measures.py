"""Measures of areas: 300,000 open cases into 5,000 grid cells, and what a table of each measure takes then."""

from __future__ import annotations

import os
import random
import time

import shapely

from dispatch.facts import Facts
from dispatch.measures.areas import Level
from dispatch.measures.columns import CaseColumns
from dispatch.measures.part import Tables, measures
from dispatch.measures.world import Kept
from dispatch.rain.totals import RainTotals
from hall.core import boundaries
from hall.core.areas import Areas, square_metres

COUNT = int(os.environ.get("HALL_BENCH_CASES", 300_000))
CELLS = 5_000
NOW = 1_790_000_000_000


def grid() -> Level:
    side = 0.4 / 100
    shapes = [
        shapely.box(113.7 + x * side, 35.1 + y * side, 113.7 + (x + 1) * side, 35.1 + (y + 1) * side)
        for x in range(100)
        for y in range(50)
    ]
    areas = [
        boundaries.Area(str(n), "", shape, size)
        for n, (shape, size) in enumerate(zip(shapes, square_metres(shapes), strict=True))
    ]
    return Level(boundaries.Level("cells", 12, {}, areas, Areas(shapes), [], []))


def main() -> None:
    chance, cases, level = random.Random(3), CaseColumns(), grid()
    rows = [
        (f"case/f/{n}", Facts(NOW - n, None, None, None, None, None, NOW + n - 100_000, "", "", "", "", 0, chance.uniform(113.7, 114.1), chance.uniform(35.1, 35.3)))
        for n in range(COUNT)
    ]  # fmt: skip
    since = time.perf_counter()
    cases.start(rows)
    kept = time.perf_counter() - since
    since = time.perf_counter()
    cases.areas(level)
    found = time.perf_counter() - since
    whole = COUNT / (kept + found)
    print(
        f"{COUNT:,} open cases, {CELLS:,} cells: kept {COUNT / kept:,.0f}/s, area found {COUNT / found:,.0f}/s; both {whole:,.0f}/s.\n"
    )
    print("| measure | ms |\n|---|---|")
    tables = Tables(Kept(cases, RainTotals()), [level], measures())
    for measure in measures():
        taken = []
        for again in range(7):
            since = time.perf_counter()
            tables.make(f"{measure.name}/cells", NOW + again)
            taken.append((time.perf_counter() - since) * 1000)
        print(f"| {measure.name} | {sorted(taken)[3]:.1f} |")
    cases.case("case/f/7", rows[9][1])
    since = time.perf_counter()
    tables.make("open_cases/cells", NOW)
    print(f"\nAfter one case has moved: {(time.perf_counter() - since) * 1000:.1f} ms.")


if __name__ == "__main__":
    main()
