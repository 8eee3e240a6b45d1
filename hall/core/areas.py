"""Which of many areas a position lies in: polygons in WGS-84 degrees with one STRtree, for many positions a table of squares.

Where areas overlap the smallest wins, on a shared border the smaller, of equal ones the first: every position has one answer.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import shapely
from shapely import STRtree

_EARTH = 6_371_008.8
#: positions from which the table is quicker; fewer ask the tree
_MANY = 256
_AT_ONCE = 1 << 18
_SQUARES_PER_AREA, _MOST_SQUARES = 4, 1 << 20
#: entries of the table per area; areas that lie over one another have more, and are left to the tree
_MOST_PER_AREA = 64


class Areas:
    """`shapes`: valid polygons, smallest first; the number of an area is its index there. `order[i]`: its index as given."""

    def __init__(self, shapes: Sequence[shapely.Geometry]) -> None:
        given = np.asarray(shapes, dtype=object)
        self.order = np.argsort(shapely.area(given), kind="stable") if len(given) else np.zeros(0, dtype=np.int64)
        self.shapes = given[self.order] if len(given) else given
        shapely.prepare(self.shapes)
        self._tree = STRtree(self.shapes)
        self._squares: _Squares | None = None
        self._without = len(self) == 0

    def __len__(self) -> int:
        return len(self.shapes)

    def numbers(self, lons: Sequence[float] | np.ndarray, lats: Sequence[float] | np.ndarray) -> np.ndarray:
        """(n,) int32: for each position (degrees, WGS-84) the area's index as given to the constructor, -1 outside of all."""
        found = np.full(len(lons), len(self), dtype=np.int64)
        x, y = np.asarray(lons, dtype=np.float64), np.asarray(lats, dtype=np.float64)
        squares = self._table() if len(found) >= _MANY else None
        if squares is not None:
            for start in range(0, len(found), _AT_ONCE):
                part = slice(start, start + _AT_ONCE)
                squares.least(x[part], y[part], found[part])
        elif len(self) and len(found):
            which, area = self._tree.query(shapely.points(x, y), predicate="intersects")
            np.minimum.at(found, which, area)
        table = np.append(self.order, -1).astype(np.int32)
        return table[found]

    def _table(self) -> _Squares | None:
        """Made when first asked for; None where areas lie over one another too often for it."""
        if self._squares is None and not self._without:
            made = _Squares(self.shapes)
            self._squares = made if made.fits else None
            self._without = not made.fits
        return self._squares

    def number(self, lon: float, lat: float) -> int:
        """Of one position; -1 outside of all."""
        hits = self._tree.query(shapely.Point(lon, lat), predicate="intersects")
        return int(self.order[hits.min()]) if len(hits) else -1


class _Squares:
    """Squares over all areas, and for each the areas whose boxes meet it: no object is made of a position, as for the tree."""

    def __init__(self, shapes: np.ndarray) -> None:
        self.shapes, self.boxes = shapes, shapely.bounds(shapes)
        self.west, self.south = self.boxes[:, 0].min(), self.boxes[:, 1].min()
        self.east, self.north = self.boxes[:, 2].max(), self.boxes[:, 3].max()
        self.side = int(min(_SQUARES_PER_AREA * len(shapes), _MOST_SQUARES) ** 0.5) + 1  # of them, each way
        x0, y0 = self._at(self.boxes[:, 0], self.boxes[:, 1])
        x1, y1 = self._at(self.boxes[:, 2], self.boxes[:, 3])
        wide, high = x1 - x0 + 1, y1 - y0 + 1
        each = wide * high
        self.fits = bool(np.isfinite(self.boxes).all()) and int(each.sum()) <= _MOST_PER_AREA * len(shapes) + _MOST_SQUARES
        if not self.fits:
            return
        area = np.repeat(np.arange(len(shapes)), each)
        nth = np.arange(len(area)) - np.repeat(np.cumsum(each) - each, each)
        square = (y0[area] + nth // wide[area]) * self.side + x0[area] + nth % wide[area]
        order = np.argsort(square, kind="stable")
        self.areas = area[order]
        self.starts = np.searchsorted(square[order], np.arange(self.side**2 + 1))

    def _at(self, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Column and row: never less for a larger number, so a position in a box lies in a square of the box."""
        with np.errstate(invalid="ignore", divide="ignore"):
            columns = (x - self.west) / (self.east - self.west) * self.side
            rows = (y - self.south) / (self.north - self.south) * self.side
        last = self.side - 1
        return tuple(np.clip(np.nan_to_num(one), 0, last).astype(np.int64) for one in (columns, rows))  # type: ignore[return-value]

    def least(self, x: np.ndarray, y: np.ndarray, found: np.ndarray) -> None:
        """Into `found` the least number of the areas that a position is in or on the border of."""
        some = np.flatnonzero((x >= self.west) & (x <= self.east) & (y >= self.south) & (y <= self.north))
        columns, rows = self._at(x[some], y[some])
        square = rows * self.side + columns
        start, each = self.starts[square], self.starts[square + 1] - self.starts[square]
        which = np.repeat(some, each)
        area = self.areas[np.repeat(start - (np.cumsum(each) - each), each) + np.arange(len(which))]
        px, py, box = x[which], y[which], self.boxes[area]
        near = np.flatnonzero((px >= box[:, 0]) & (px <= box[:, 2]) & (py >= box[:, 1]) & (py <= box[:, 3]))
        which, area = which[near], area[near]
        inside = shapely.intersects_xy(self.shapes[area], px[near], py[near])
        np.minimum.at(found, which[inside], area[inside])


def square_metres(shapes: Sequence[shapely.Geometry]) -> np.ndarray:
    """(n,) of each area on the sphere, by the cylinder of equal area: right to 0.5 % (the ellipsoid is left out)."""

    def equal(points: np.ndarray) -> np.ndarray:
        return np.stack((np.radians(points[:, 0]) * _EARTH, np.sin(np.radians(points[:, 1])) * _EARTH), axis=1)

    return shapely.area(shapely.transform(np.asarray(shapes, dtype=object), equal)) if len(shapes) else np.zeros(0)
