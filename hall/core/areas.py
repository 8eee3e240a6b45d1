"""Which of many areas a position lies in: polygons in WGS-84 degrees with one STRtree.

Where areas overlap the smallest wins, on a shared border the smaller, of equal ones the first: every position has one answer.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import shapely
from shapely import STRtree

_EARTH = 6_371_008.8


class Areas:
    """`shapes`: valid polygons, smallest first; the number of an area is its index there. `order[i]`: its index as given."""

    def __init__(self, shapes: Sequence[shapely.Geometry]) -> None:
        given = np.asarray(shapes, dtype=object)
        self.order = np.argsort(shapely.area(given), kind="stable") if len(given) else np.zeros(0, dtype=np.int64)
        self.shapes = given[self.order] if len(given) else given
        shapely.prepare(self.shapes)
        self._tree = STRtree(self.shapes)

    def __len__(self) -> int:
        return len(self.shapes)

    def numbers(self, lons: Sequence[float] | np.ndarray, lats: Sequence[float] | np.ndarray) -> np.ndarray:
        """(n,) int32: for each position (degrees, WGS-84) the area's index as given to the constructor, -1 outside of all."""
        found = np.full(len(lons), len(self), dtype=np.int64)
        if len(self) and len(found):
            points = shapely.points(np.asarray(lons, dtype=np.float64), np.asarray(lats, dtype=np.float64))
            which, area = self._tree.query(points, predicate="intersects")
            np.minimum.at(found, which, area)
        table = np.append(self.order, -1).astype(np.int32)
        return table[found]

    def number(self, lon: float, lat: float) -> int:
        """Of one position; -1 outside of all."""
        hits = self._tree.query(shapely.Point(lon, lat), predicate="intersects")
        return int(self.order[hits.min()]) if len(hits) else -1


def square_metres(shapes: Sequence[shapely.Geometry]) -> np.ndarray:
    """(n,) of each area on the sphere, by the cylinder of equal area: right to 0.5 % (the ellipsoid is left out)."""

    def equal(points: np.ndarray) -> np.ndarray:
        return np.stack((np.radians(points[:, 0]) * _EARTH, np.sin(np.radians(points[:, 1])) * _EARTH), axis=1)

    return shapely.area(shapely.transform(np.asarray(shapes, dtype=object), equal)) if len(shapes) else np.zeros(0)
