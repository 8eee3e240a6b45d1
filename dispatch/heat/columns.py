"""Every case of the casebook as 23 bytes: where, when, which class, whose. Pure; counted by passes over arrays."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

from dispatch.facts import WITHDRAWN

#: steps of the world's side that places are kept in: 4 cm on the equator
SIDE = 1 << 30
_LAT = 85.05
#: names of one kind that are told apart; further ones count as without a name
NAMES = 65_535
#: cells of one answer; a larger view gets wider cells
MOST_CELLS = 600_000
#: cells to a side of a tile of 256 px: 4 px each
_FINER = 6


class Reported(NamedTuple):
    """What the casebook says of a case, see `casesql.PLACES`; degrees WGS-84."""

    id: int
    state: str
    class_name: str
    district: str
    unit: str
    reported: int
    lon: float | None
    lat: float | None


class Question(NamedTuple):
    """`since` included, `until` not, ms of the reported moment; names: any of them, None: all. `box`: west, south, east, north
    in degrees; `zoom` of the map."""

    since: int
    until: int
    box: tuple[float, float, float, float]
    zoom: int
    classes: tuple[str, ...] | None = None
    districts: tuple[str, ...] | None = None
    unit: str | None = None


class Grid(NamedTuple):
    """Counts of `width` x `height` cells from the north-west; the first is cell (x, y) of the world's 2^level a side. Cases
    that answer, wherever they lie: `placed` and `unplaced`; `inside`: those in the grid."""

    level: int
    x: int
    y: int
    width: int
    height: int
    counts: np.ndarray  # uint16, at most 65,535 a cell
    placed: int
    unplaced: int
    inside: int


class _Names:
    """Texts as numbers; 0 is the empty one."""

    def __init__(self) -> None:
        self.texts = [""]
        self._numbers = {"": 0}

    def number(self, text: str) -> int:
        found = self._numbers.get(text)
        if found is None:
            if len(self.texts) >= NAMES:
                return 0
            found = self._numbers[text] = len(self.texts)
            self.texts.append(text)
        return found

    def among(self, texts: Sequence[str]) -> np.ndarray:
        """By number whether it is one of these."""
        chosen = np.zeros(len(self.texts), bool)
        chosen[[self._numbers[text] for text in texts if text in self._numbers]] = True
        return chosen


_GONE, _UNPLACED, _PLACED = 0, 1, 2


class HeatColumns:
    """`put` takes rows in any order, as often as they come; `grid` counts. A case's id is its row."""

    def __init__(self) -> None:
        self.version = 0  # grows whenever something has changed
        self.names = {kind: _Names() for kind in ("class_name", "district", "unit")}
        self._columns = {
            "x": np.zeros(1024, np.uint32),
            "y": np.zeros(1024, np.uint32),
            "reported": np.zeros(1024, np.int64),
            "class_name": np.zeros(1024, np.uint16),
            "district": np.zeros(1024, np.uint16),
            "unit": np.zeros(1024, np.uint16),
            "state": np.zeros(1024, np.uint8),
        }
        self._used = 0

    @property
    def count(self) -> int:
        """Cases that are there, with a place or without."""
        return int((self._column("state") != _GONE).sum())

    def _column(self, name: str) -> np.ndarray:
        return self._columns[name][: self._used]

    def put(self, rows: Iterable[Reported]) -> bool:
        """Whether anything has changed."""
        rows = list(rows)
        if not rows:
            return False
        ids = np.array([row.id for row in rows])
        self._room(int(ids.max()) + 1)
        x, y, state = _places(rows)
        fresh: dict[str, np.ndarray] = {"x": x, "y": y, "state": state, "reported": np.array([row.reported for row in rows])}
        for kind, names in self.names.items():
            fresh[kind] = np.array([names.number(getattr(row, kind)) for row in rows])
        changed = False
        for name, values in fresh.items():
            column = self._columns[name]
            values = values.astype(column.dtype)
            if not np.array_equal(column[ids], values):
                column[ids] = values
                changed = True
        self.version += changed
        return changed

    def _room(self, rows: int) -> None:
        self._used = max(self._used, rows)
        size = len(self._columns["x"])
        if rows > size:
            more = max(rows, size * 3 // 2) - size
            self._columns = {
                name: np.concatenate((column, np.zeros(more, column.dtype))) for name, column in self._columns.items()
            }

    def about(self) -> dict[str, Any]:
        """`{classes: [{name, count}] most first, oldest, newest ms, total, unplaced}`."""
        there = self._column("state") != _GONE
        counts = np.bincount(self._column("class_name")[there], minlength=len(self.names["class_name"].texts))
        classes = [
            {"name": name, "count": int(n)}
            for name, n in zip(self.names["class_name"].texts, counts, strict=True)
            if n and name
        ]
        reported = self._column("reported")[there]
        return {
            "classes": sorted(classes, key=lambda one: (-one["count"], one["name"])),
            "oldest": int(reported.min()) if len(reported) else None,
            "newest": int(reported.max()) if len(reported) else None,
            "total": len(reported),
            "unplaced": int((self._column("state") == _UNPLACED).sum()),
        }

    def grid(self, asked: Question) -> Grid:
        """Counts the cases that answer into the cells of a view."""
        answers, state = self._answering(asked), self._column("state")
        placed = answers & (state == _PLACED)
        level, x, y, width, height = _cells(asked.box, asked.zoom)
        shift = 30 - level
        columns = (self._column("x")[placed] >> shift).astype(np.int32) - x
        lines = (self._column("y")[placed] >> shift).astype(np.int32) - y
        inside = (columns >= 0) & (columns < width) & (lines >= 0) & (lines < height)
        counts = np.bincount((lines * width + columns)[inside], minlength=width * height)
        made = np.minimum(counts, 65_535).astype(np.uint16)
        unplaced = int((answers & (state == _UNPLACED)).sum())
        return Grid(level, x, y, width, height, made, len(columns), unplaced, int(inside.sum()))

    def _answering(self, asked: Question) -> np.ndarray:
        """By row whether it answers, with a place or without; a mask, since a long period leaves most of them."""
        reported = self._column("reported")
        answers = (reported >= asked.since) & (reported < asked.until)
        unit = None if asked.unit is None else (asked.unit,)
        for kind, wanted in (("class_name", asked.classes), ("district", asked.districts), ("unit", unit)):
            if wanted is not None:
                answers &= self.names[kind].among(wanted)[self._column(kind)]
        return answers


def _places(rows: list[Reported]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Web Mercator in steps of the world's side, and whether there is a place at all."""
    lon = np.array([np.nan if row.lon is None else row.lon for row in rows], float)
    lat = np.array([np.nan if row.lat is None else row.lat for row in rows], float)
    placed = np.isfinite(lon) & np.isfinite(lat) & (np.abs(lon) <= 180) & (np.abs(lat) <= _LAT)
    x, y = _mercator(np.where(placed, lon, 0.0), np.where(placed, lat, 0.0))
    state = np.where(placed, _PLACED, _UNPLACED)
    state[[row.state == WITHDRAWN for row in rows]] = _GONE
    return x, y, state


def _mercator(lon: Any, lat: Any) -> tuple[np.ndarray, np.ndarray]:
    s = np.sin(np.radians(np.clip(lat, -_LAT, _LAT)))
    x = (np.asarray(lon) / 360 + 0.5) * SIDE
    y = (0.5 - np.log((1 + s) / (1 - s)) / (4 * math.pi)) * SIDE
    return np.clip(x, 0, SIDE - 1).astype(np.int64), np.clip(y, 0, SIDE - 1).astype(np.int64)


def _cells(box: tuple[float, float, float, float], zoom: int) -> tuple[int, int, int, int, int]:
    """Level, first column and row, columns and rows of the cells that cover a view."""
    west, south, east, north = box
    (left, right), (top, bottom) = (part.tolist() for part in _mercator([west, east], [north, south]))
    for level in range(min(zoom + _FINER, 28), -1, -1):
        shift = 30 - level
        width, height = (right >> shift) - (left >> shift) + 1, (bottom >> shift) - (top >> shift) + 1
        if width * height <= MOST_CELLS or level == 0:
            return level, left >> shift, top >> shift, width, height
    raise AssertionError("level 0 is one cell")
