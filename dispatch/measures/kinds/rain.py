"""What the measures of rain have in common: the mean of the gauges in an area, else the nearest one."""

from __future__ import annotations

import numpy as np

from dispatch.measures.areas import Level
from dispatch.measures.columns import NOWHERE, Place
from dispatch.measures.measure import Gauge, Values

#: beyond so many metres the nearest gauge says nothing of an area
FARTHEST = 5_000
_DEGREE = 111_195.0


def spread(level: Level, gauges: list[Gauge], mm: list[float]) -> Values:
    """mm an area; `n` gauges in it, 0 where the nearest one outside speaks for it."""
    value, n = np.full(len(level), np.nan), np.zeros(len(level))
    if not gauges:
        return Values(value, n)
    lons, lats, told = np.array([g.lon for g in gauges]), np.array([g.lat for g in gauges]), np.array(mm)
    where = level.find(lons, lats, [Place(lon, lat) for lon, lat in zip(lons, lats, strict=True)])
    inside = where != NOWHERE
    n = np.bincount(where[inside], minlength=len(level)).astype(float)
    sums = np.bincount(where[inside], told[inside], minlength=len(level))
    value = np.where(n > 0, sums / np.maximum(n, 1), np.nan)
    near: dict[int, tuple[str, int]] = {}
    bare = np.flatnonzero(n == 0)
    x = (lons[None, :] - level.lon[bare, None]) * np.cos(np.radians(level.lat[bare, None]))
    metres = _DEGREE * np.hypot(x, lats[None, :] - level.lat[bare, None])
    for area, row in zip(bare.tolist(), metres, strict=True):
        nearest = int(np.argmin(row))
        if row[nearest] <= FARTHEST:
            value[area] = told[nearest]
            near[area] = gauges[nearest].name, round(float(row[nearest]))
    return Values(value, n, near)
