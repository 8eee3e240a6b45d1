"""One question for everything that has a place, at 2.3 million components, 100,000 channels and a million cases: each kind as
`/api/v1/find` asks it, the slowest of them together, beside the same words by the searches that count all hits; around a place.

Kinds are asked at the same time, so an answer takes what its slowest kind takes. `HALL_BENCH_FIND=FOLDER` keeps what is made there.
"""

from __future__ import annotations

import os
import random
import statistics
import sys
import tempfile
import time
from pathlib import Path

from dispatch.casebook import Casebook
from feeds.components.asking import Inventory
from hall.access import Identity
from hall.app.find import Asked, Known
from hall.app.find import _best as best
from hall.core.typed import Directory, Names, words_of
from tests.bench import casebook, catalogue, components
from video.catalogue.index import Query
from video.catalogue.scope import ALL

CHANNELS = int(os.environ.get("HALL_BENCH_CHANNELS", 100_000))
CASES = int(os.environ.get("HALL_BENCH_CASES", 1_000_000))
PLACES = 40_000
RUNS, NEAR, LIMIT = 5, (113.9, 35.3), 6
CREWS = 5_000
TEXTS = {
    "a component's number": ("4107020144000021", "410702010", "41070201"),
    "a case's number": ("XX1670000123", "XX16700", "XX1655"),
    "a plate": ("豫G·A1234", "GA12", "豫g"),
    "a grid cell": ("410702003017", "4107020030"),
    "a part of a number": ("000123", "16700"),
    "two characters": ("路灯", "井盖", "积水", "牧野", "鑫鑫"),
    "three and more": ("平原路77", "红旗区", "人民路", "交叉口向东", "没有这样的"),
    "several words": ("平原路 路灯", "小类7 红旗", "井盖 牧野区", "路 区 0042", "平原路12号 小类99"),
    "pinyin initials": ("pyl", "rml"),
}


def main() -> int:
    kept = os.environ.get("HALL_BENCH_FIND", "")
    with tempfile.TemporaryDirectory() as folder:
        home = Path(kept or folder)
        home.mkdir(parents=True, exist_ok=True)
        if not (home / "components" / "current").exists():
            (home / "components").mkdir(exist_ok=True)
            components.written(home / "components")
        if not (home / "cases.db").exists():
            casebook.build(home / "cases.db", casebook.cases(CASES))
        report(home)
    return 0


def report(home: Path) -> None:
    view, book = Inventory(home / "components").view(None, None), Casebook.open_reader(home / "cases.db")
    chance = random.Random(1)
    told = [catalogue.told(catalogue.channel(n, chance), 1_000 + n) for n in range(CHANNELS)]
    cameras = catalogue.loaded(told)[1]
    streets = [f"{chance.choice(catalogue.STREETS)}{n}号" for n in range(PLACES)]
    cells = [f"4107{n % 12 + 2:02d}{n % 40:03d}{n:03d}" for n in range(1_000)]
    places = Directory([Names.of(name) for name in (*streets, *cells)])
    crews = [Known(Names.of(f"抢险{n}队", f"c{n}", f"豫G·{chr(65 + n % 26)}{n:04d}"), {}) for n in range(CREWS)]
    view.first("x", 1)  # what a version is read with for the first time
    kinds = {
        "components": lambda text: view.first(text, LIMIT, NEAR),
        "cases": lambda text: book.first(text, {}, LIMIT + 1),
        "cameras": lambda text: cameras.search(Query(text=text), ALL, "", LIMIT),
        "places, cells": lambda text: sorted(places.ranked(words_of(text)))[:LIMIT],
        "crews": lambda text: best(crews, Asked(text, words_of(text), NEAR, LIMIT, Identity("op", "operator"))),
    }
    before = {
        "components": lambda text: view.search(Inventory.question(text=text + " " * chance.randrange(99)), 0, LIMIT),
        "cases": lambda text: book.search(text, {}, "reported desc", 0, LIMIT, None),
    }
    print(
        f"{len(view.store):,} components, {CASES:,} cases, {CHANNELS:,} cameras, {PLACES:,} places, {CREWS:,} crews; ms, p50 / longest\n"
    )
    print(
        f"| typed | {' | '.join(kinds)} | slowest kind, longest | all hits counted: components, cases |\n|{'---|' * (len(kinds) + 3)}"
    )
    slowest = []
    for name, texts in TEXTS.items():
        figures = {kind: _timed(work, texts) for kind, work in kinds.items()}
        slowest += [max(_once(work, text) for work in kinds.values()) for text in texts for _ in range(RUNS)]
        others = [f"{_timed(work, texts)[1]:.0f}" for work in before.values()]
        worst = max(longest for _, longest in figures.values())
        cells = [f"{middle:.1f} / {longest:.0f}" for middle, longest in figures.values()]
        print(f"| {name} | {' | '.join(cells)} | **{worst:.0f}** | {', '.join(others)} |")
    middle, late = statistics.median(slowest), statistics.quantiles(slowest, n=20)[-1]
    print(
        f"\nThe slowest kind of each question, {len(slowest)} questions: p50 **{middle:.0f} ms**, p95 **{late:.0f} ms** (goal 100 ms)."
    )
    print("\n| around a place | components: how many | ms |\n|---|---|---|")
    for metres in (100, 500, 2_000, 5_000):
        middle, longest = _timed(lambda text, metres=metres: view.around(*NEAR, metres, 10), ("",))
        print(f"| {metres} m | {view.around(*NEAR, metres, 10)['total']:,} | {middle:.1f} / {longest:.0f} |")


def _once(work, text: str) -> float:
    begun = time.perf_counter()
    work(text)
    return (time.perf_counter() - begun) * 1000


def _timed(work, texts: tuple[str, ...]) -> tuple[float, float]:
    """ms in the middle and at most, each text several times."""
    took = [catalogue.timed(lambda text=text: work(text), RUNS) for text in texts]
    return sorted(middle for middle, _, _ in took)[len(took) // 2], max(longest for _, _, longest in took)


if __name__ == "__main__":
    sys.exit(main())
