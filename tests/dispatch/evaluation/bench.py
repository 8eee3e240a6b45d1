"""How long questions over a million cases take: `python -m tests.dispatch.evaluation.bench [FOLDER]` (the file is kept there)."""

from __future__ import annotations

import random
import statistics
import sys
import tempfile
import time
from pathlib import Path

from dispatch.evaluation.evaluator import Evaluator
from dispatch.evaluation.record import record_of
from dispatch.evaluation.store import Reader, Writer
from hall.core.config import CityConfig, HallConfig
from hall.core.model import Case, Stages

ROWS, HOUR, DAY = 1_000_000, 3_600_000, 86_400_000
START, SPAN = 1_600_000_000_000, 8 * 365 * DAY
NOW = START + SPAN
CONFIG = HallConfig(city=CityConfig(name={"en": "T"}, centre=(0, 0)))


def records(count: int):
    r = random.Random(1)
    units = [f"单位{n}" for n in range(48)]
    for n in range(count):
        reported = START + SPAN * n // count
        ended = n < count - 4_000 or r.random() < 0.5
        handled = reported + r.randrange(1, 60) * HOUR
        case = Case(
            feed="b", case_id=f"{n}", state="closed" if ended else "handling", class_name=f"类{r.randrange(190)}",
            district=f"区{r.randrange(12)}", report_source=f"源{r.randrange(5)}", unit=r.choice(units),
            due=reported + r.randrange(1, 72) * HOUR,
            stages=Stages(reported=reported, accepted=reported + 300_000, registered=reported + 400_000,
                          dispatched=reported + 900_000, handled=handled if ended else None, closed=handled + HOUR if ended else None),
        )  # fmt: skip
        yield record_of(f"case/b/{n}", case, reported, None, lambda state, at, hurry: at + 900_000)


def build(path: Path) -> float:
    writer, source, began = Writer(path, "bench"), records(ROWS), time.perf_counter()
    for _ in range(ROWS // 400):
        writer.put([next(source) for _ in range(400)], [], {"version": 1, "as_of": NOW})
    writer.tidy()
    writer.close()
    return ROWS / (time.perf_counter() - began)


def main() -> None:
    home = Path(sys.argv[1] if len(sys.argv) > 1 else tempfile.mkdtemp())
    if not (home / "evaluation.db").exists():
        print(
            f"{build(home / 'evaluation.db'):,.0f} cases/s made and written, {(home / 'evaluation.db').stat().st_size / 1e6:.0f} MB"
        )
    evaluator = Evaluator(CONFIG, Reader(home / "evaluation.db", 60))
    for label, days in (("a day", 1), ("a month", 30), ("a quarter", 91), ("a year", 365), ("all 8 years", 8 * 365)):
        for by, compare in (("unit", False), ("unit", True), ("class", False)):
            asked, took = dict(by=by, start=NOW - days * DAY, end=NOW, compare=compare), []
            for _ in range(3 if days > 300 else 7):
                began = time.perf_counter()
                answer = evaluator.figures(asked, NOW)
                took.append(time.perf_counter() - began)
            print(f"{label:12} by {by:6} {'compared' if compare else '':9} {answer['total']['cases']:9,} cases  "
                  f"median {statistics.median(took) * 1000:7.0f} ms  worst {max(took) * 1000:7.0f} ms")  # fmt: skip
        began = time.perf_counter()
        page = evaluator.cases(dict(by="unit", start=NOW - days * DAY, end=NOW), dict(column="late"), NOW, 0, 100)
        print(f"{label:12} list of {page['total']:,} late cases, first page {(time.perf_counter() - began) * 1000:.0f} ms")


if __name__ == "__main__":
    main()
