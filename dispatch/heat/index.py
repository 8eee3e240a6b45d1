"""The heat columns of the casebook, kept in memory by whoever asks: read in slices, newest cases first, then followed.

New cases are read every few seconds; what a known case became (its class, its unit, taken back) is found by going round all of
them, a slice at a time, while somebody asks.
"""

from __future__ import annotations

import threading
from typing import Any

from dispatch import casesql as sql
from dispatch.casebook import Casebook
from dispatch.heat.columns import Grid, HeatColumns, Question, Reported

SLICE = 10_000


class HeatIndex:
    """`step` reads one slice (blocking; one caller at a time); questions may be asked meanwhile from any thread."""

    def __init__(self, book: Casebook) -> None:
        self._book, self._lock = book, threading.Lock()
        self._columns = HeatColumns()
        self._top = 0  # the highest id that was read
        self._left: int | None = None  # of the first reading: ids up to this one are still to come; 0: none
        self._round = 0  # where going round has got to
        self._seen: list[tuple] = []  # the file's own count of changes, when a whole round had been made

    @property
    def version(self) -> int:
        return self._columns.version

    @property
    def share(self) -> float:
        """How much of the casebook has been read, 0 to 1."""
        if self._left is None:
            return 0.0
        return 1.0 if not self._top else 1 - self._left / self._top

    def step(self) -> bool:
        """Reads a slice; False when there is nothing to do before the casebook changes."""
        if self._left is None:
            newest = sum(row[0] for row in self._book.rows(sql.NEWEST_ID))
            self._top = self._left = newest
            return newest > 0
        if self._left:
            rows = self._places(0, self._left, SLICE, newest_first=True)
            self._take(rows)
            self._left = rows[-1].id - 1 if len(rows) == SLICE else 0
            return True
        fresh = self._places(self._top, sql.MOST_ID, SLICE)
        if fresh:
            self._take(fresh)
            self._top = fresh[-1].id
            return True
        changes = self._book.rows(sql.CHANGES)
        if changes == self._seen and not self._round:
            return False
        if not self._round:
            self._seen = changes
        rows = self._places(self._round, self._top, SLICE)
        self._take(rows)
        self._round = rows[-1].id if len(rows) == SLICE else 0
        return bool(self._round)

    def _places(self, after: int, upto: int, limit: int, newest_first: bool = False) -> list[Reported]:
        found = self._book.rows(sql.PLACES.format("DESC" if newest_first else "ASC"), (after, upto, limit))
        return [Reported(*row) for row in found]

    def _take(self, rows: list[Reported]) -> None:
        with self._lock:
            self._columns.put(rows)

    def about(self) -> dict[str, Any]:
        with self._lock:
            return self._columns.about() | {"ready": round(self.share, 3)}

    def grid(self, asked: Question) -> tuple[Grid, int]:
        """The answer and the version it is true of."""
        with self._lock:
            return self._columns.grid(asked), self._columns.version
