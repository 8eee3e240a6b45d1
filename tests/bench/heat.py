"""Heat of 1 million past cases: reading the casebook, a view by period and class, beside SQLite counting the same by itself.

`HALL_BENCH_CASES` makes it smaller.
"""

from __future__ import annotations

import os
import random
import statistics
import tempfile
import time
from pathlib import Path

from dispatch import casesql as sql
from dispatch.casebook import Casebook
from dispatch.caseplaces import square_of
from dispatch.heat.columns import Question
from dispatch.heat.index import HeatIndex

COUNT = int(os.environ.get("HALL_BENCH_CASES", 1_000_000))
DAY = 86_400_000
DAYS = 3 * 365
NOW = 1_790_000_000_000
CITY = (113.74, 35.17, 114.10, 35.42)
AGAIN = 20


def rows(count: int, now: int = NOW):
    """Cases of three years, thick in the middle of the city, 3 in 100 without a place."""
    chance = random.Random(11)
    for number in range(1, count + 1):
        lon = round(chance.gauss(113.92, 0.05), 6) if chance.random() > 0.03 else None
        lat = None if lon is None else round(chance.gauss(35.30, 0.04), 6)
        reported = now - (count - number) * DAYS * DAY // count
        named = f"类{chance.randrange(40)}", f"区{chance.randrange(12)}", "12345", f"队{chance.randrange(60)}"
        yield (
            number, f"case/f/{number}", reported, reported, "e", number, str(number), "closed", reported, *named, 0, reported,
            sql.NO_DUE, reported, "", "", None, square_of(lon, lat), "", lon, lat,
        )  # fmt: skip


def timed(work, again: int = AGAIN) -> tuple[float, float, object]:
    """Median and highest ms of so many runs, and the last answer."""
    taken = []
    for _ in range(again):
        since = time.perf_counter()
        found = work()
        taken.append((time.perf_counter() - since) * 1000)
    return statistics.median(taken), max(taken), found


def fill(path: Path, count: int, now: int = NOW) -> Casebook:
    """A casebook of so many cases until `now` (ms), with the indexes that heat and the peer use; to be closed."""
    writer = Casebook.open_writer(path)
    db = writer._db()
    for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type='index' AND name LIKE 'cases_%'").fetchall():
        if name not in ("cases_reported", "cases_square"):
            db.execute(f"DROP INDEX {name}")
    db.execute("BEGIN")
    db.executemany(sql.INSERT_CASE, rows(count, now))
    db.execute("COMMIT")
    return writer


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "cases.db"
        writer = fill(path, COUNT)
        db = writer._db()
        index = HeatIndex(Casebook.open_reader(path))
        slices = []
        while True:
            since = time.perf_counter()
            more = index.step()
            if index.share == 1 and len(slices) > 1:
                break
            slices.append((time.perf_counter() - since) * 1000)
            assert more or not slices
        size = sum(column.nbytes for column in index._columns._columns.values())
        print(f"{COUNT:,} cases of {DAYS} days; a view of 3840 x 2160; ms, median (highest) of {AGAIN}\n")
        print("| | ms | SQLite, the same counts by squares of 100 m | times |\n|---|---|---|---|")
        for label, days, classes in (
            ("24 h", 1, None),
            ("7 days", 7, None),
            ("30 days", 30, None),
            ("30 days, one class", 30, ("类7",)),
            ("all three years", DAYS, None),
            ("all three years, one class", DAYS, ("类7",)),
        ):
            since = NOW - days * DAY
            middle, highest, (found, _) = timed(
                lambda since=since, classes=classes: index.grid(Question(since, NOW + 1, CITY, 13, classes))
            )
            where, values = ("AND class_name = ?", classes) if classes else ("", ())
            query = f"SELECT square, count(*) FROM cases WHERE reported >= ? {where} GROUP BY square"
            peer, _, squares = timed(
                lambda query=query, values=values, since=since: db.execute(query, (since, *values)).fetchall(), 3
            )
            assert sum(n for square, n in squares if square is not None) == found.placed
            print(f"| {label}: {found.inside:,} in view | {middle:.2f} ({highest:.2f}) | {peer:.1f} | {peer / middle:.0f} |")
        print(
            f"\nReading the casebook: {sum(slices) / 1000:.1f} s in {len(slices)} slices, the longest {max(slices):.0f} ms; ",
            end="",
        )
        print(f"{size / 1e6:.0f} MB in memory; classes and totals {timed(index.about)[0]:.1f} ms.")
        writer.close()


if __name__ == "__main__":
    main()
