"""Which of many places are nearest to one: a tree over positions on the sphere, built once, asked in tens of microseconds."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from scipy.spatial import cKDTree

#: mean radius of the earth, metres
_EARTH = 6_371_008.8


def on_sphere(lons: np.ndarray, lats: np.ndarray) -> np.ndarray:
    """(n, 3) metres from the middle of the earth; degrees in."""
    lon, lat = np.radians(lons), np.radians(lats)
    return np.stack((np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)), axis=1) * _EARTH


class Places:
    """Positions in WGS-84 degrees; rows are their indices as given. Not finite: such a row is never found."""

    def __init__(self, lons: Sequence[float] | np.ndarray, lats: Sequence[float] | np.ndarray) -> None:
        found = on_sphere(np.asarray(lons, dtype=np.float64), np.asarray(lats, dtype=np.float64))
        self.rows = np.flatnonzero(np.isfinite(found).all(axis=1))
        self._tree = cKDTree(found[self.rows])

    def __len__(self) -> int:
        return len(self.rows)

    def nearest(self, lon: float, lat: float, count: int, radius: float) -> tuple[np.ndarray, np.ndarray]:
        """Rows and metres (along the sphere) of the `count` nearest within `radius` metres, nearest first, of equal ones the
        lower row first."""
        if not len(self) or count < 1:
            return np.zeros(0, np.int64), np.zeros(0)
        x, y = math.radians(lon), math.radians(lat)
        at = (math.cos(y) * math.cos(x) * _EARTH, math.cos(y) * math.sin(x) * _EARTH, math.sin(y) * _EARTH)
        chord = 2 * _EARTH * math.sin(min(radius / 2 / _EARTH, math.pi / 2))
        away, which = self._tree.query(at, k=min(count, len(self)), distance_upper_bound=chord * (1 + 1e-12) + 1e-6)
        away, which = np.atleast_1d(away), np.atleast_1d(which)
        inside = np.isfinite(away)
        rows, away = self.rows[which[inside]], away[inside]
        order = np.lexsort((rows, away))
        return rows[order], 2 * _EARTH * np.arcsin(away[order] / 2 / _EARTH)
