"""Placed things as columns: where each lies and a few numbers, so that counting by area is one pass. Pure; bounded."""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import NamedTuple, Protocol

import numpy as np

from dispatch.facts import Facts

NOWHERE = -1
_FIRST = 256


class Place(NamedTuple):
    """Degrees WGS-84, NaN where unknown; `cell` and `district` as its document names them."""

    lon: float
    lat: float
    cell: str = ""
    district: str = ""


class Finder(Protocol):
    """A level of areas: which of them each place lies in, `NOWHERE` for none. `lons`, `lats` are those of the places."""

    name: str

    def find(self, lons: np.ndarray, lats: np.ndarray, places: list[Place]) -> np.ndarray: ...


class Columns:
    """Rows by key, `bound` at most; `refused` counts further ones. `names`: the number columns (float64, NaN = not known)."""

    def __init__(self, names: tuple[str, ...], bound: int = 1_000_000) -> None:
        self._names, self._bound = names, bound
        self.refused = 0
        self.clear()

    def clear(self) -> None:
        self._rows: dict[str, int] = {}
        self._free: list[int] = []
        self._used = 0
        self._values = {name: np.full(_FIRST, np.nan) for name in self._names}
        self._places: list[Place | None] = []
        self._lons, self._lats = np.full(_FIRST, np.nan), np.full(_FIRST, np.nan)
        self._areas: dict[str, np.ndarray] = {}  # level -> area of each row
        self._moved: dict[str, set[int]] = {}  # level -> rows to be found anew

    def __len__(self) -> int:
        return len(self._rows)

    def __contains__(self, key: str) -> bool:
        return key in self._rows

    def place(self, key: str) -> Place | None:
        row = self._rows.get(key)
        return None if row is None else self._places[row]

    def put(self, key: str, place: Place, **values: float | None) -> bool:
        """Adds or replaces a row; values left out stay. False where there is no room."""
        row = self._rows.get(key)
        if row is None and (row := self._new(key)) is None:
            self.refused += 1
            return False
        for name, value in values.items():
            self._values[name][row] = np.nan if value is None else value
        if self._places[row] != place:
            self._places[row] = place
            self._lons[row], self._lats[row] = place.lon, place.lat
            self._move(row)
        return True

    def fill(self, rows: dict[str, Place], **values: Sequence[float | None]) -> None:
        """These rows and no others, `values` in their order: `put` of each would take ten times as long."""
        self.clear()
        self.refused += max(0, len(rows) - self._bound)
        self._places = list(rows.values())[: self._bound]
        self._used = count = len(self._places)
        self._rows = dict(zip(rows, range(count), strict=False))
        room = 1 << max(count - 1, _FIRST - 1).bit_length()  # as if it had grown

        def column(given: Sequence[float | None]) -> np.ndarray:
            made = np.full(room, np.nan)
            made[:count] = given[:count]  # None: not known
            return made

        self._values |= {name: column(values.get(name, (None,) * count)) for name in self._names}
        self._lons = column([place.lon for place in self._places])
        self._lats = column([place.lat for place in self._places])

    def drop(self, key: str) -> None:
        row = self._rows.pop(key, None)
        if row is not None:
            self._places[row] = None
            self._free.append(row)
            self._move(row)

    def value(self, name: str) -> np.ndarray:
        """The column, one number a row; rows that are gone lie in no area."""
        return self._values[name][: self._used]

    def areas(self, level: Finder) -> np.ndarray:
        """The area of `level` that each row lies in (its number there), `NOWHERE` for none."""
        known = self._areas.get(level.name)
        if known is None:
            known = self._areas[level.name] = np.full(len(self._values[self._names[0]]), NOWHERE, np.int32)
            moved: Collection[int] = range(self._used)
        else:
            moved = self._moved[level.name]
            known[list(moved)] = NOWHERE
        there = [row for row in moved if self._places[row] is not None]
        if there:
            rows = np.array(there)
            known[rows] = level.find(self._lons[rows], self._lats[rows], [self._places[row] for row in there])
        self._moved[level.name] = set()
        return known[: self._used]

    def _new(self, key: str) -> int | None:
        if self._free:
            row = self._free.pop()
            for column in self._values.values():
                column[row] = np.nan
        elif self._used >= self._bound:
            return None
        else:
            row = self._used
            self._used += 1
            self._places.append(None)
            if self._used > len(self._values[self._names[0]]):
                self._grow()
        self._rows[key] = row
        return row

    def _grow(self) -> None:
        def doubled(column: np.ndarray, fill: float) -> np.ndarray:
            return np.concatenate((column, np.full(len(column), fill, column.dtype)))

        self._values = {name: doubled(column, np.nan) for name, column in self._values.items()}
        self._lons, self._lats = doubled(self._lons, np.nan), doubled(self._lats, np.nan)
        self._areas = {name: doubled(column, NOWHERE) for name, column in self._areas.items()}

    def _move(self, row: int) -> None:
        for rows in self._moved.values():
            rows.add(row)


class CaseColumns(Columns):
    """Every case that is open or ended within the last day: `reported`, `ended` and `due` in ms, NaN where there is none."""

    def __init__(self) -> None:
        super().__init__(("reported", "ended", "due"))

    def start(self, cases: Iterable[tuple[str, Facts]]) -> None:
        """These and no others; of several of one subject the last."""
        rows: dict[str, Place] = {}
        last: dict[str, Facts] = {}
        with _nothing_is_garbage():
            for subject, facts in cases:
                place = _place(facts)
                if place is None:
                    rows.pop(subject, None)
                    last.pop(subject, None)
                else:
                    rows[subject], last[subject] = place, facts
            of = last.values()
            self.fill(
                rows,
                reported=[facts.reported for facts in of],
                ended=[facts.ended_at for facts in of],
                due=[facts.due for facts in of],
            )

    def case(self, subject: str, facts: Facts | None) -> None:
        """The newest version of a case; None when it was withdrawn."""
        if facts is None:
            return self.drop(subject)
        place = _place(facts)
        if place is None:
            if subject not in self:
                return None  # nobody has said where: it is in no area
            place = Place(np.nan, np.nan)
        self.put(subject, place, reported=facts.reported, ended=facts.ended_at, due=facts.due)
        return None


@contextlib.contextmanager
def _nothing_is_garbage() -> Iterator[None]:
    """Meanwhile nothing is looked through for garbage, which takes as long as making what all stays."""
    before = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if before:
            gc.enable()


def _place(facts: Facts) -> Place | None:
    """Where a case lies; None where nobody has said it in any way."""
    lon, lat, cell, district = facts.lon, facts.lat, facts.cell, facts.district
    if lon is None or lat is None or lon != lon:
        return Place(np.nan, np.nan, cell, district) if cell or district else None
    return Place(lon, lat, cell, district)
