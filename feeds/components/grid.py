"""What lies in a viewport, as 2,000 features at most: single components where they are few, else how many per cell. Pure.

Rows lie along the Z-curve, so a cell of any size is one run of them: two binary searches say how many are in it.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from feeds.components import morton
from feeds.components.choosing import Chosen
from feeds.components.store import DEGREE, Store

MOST = 2_000
#: cells of a tile's side at the zoom asked for: 2^3 by 2^3, 32 pixels each
_FINER = 3

Box = tuple[float, float, float, float]  # west, south, east, north in degrees


class Grid(NamedTuple):
    """`features`: [lon, lat, count, row, class number]; lon/lat are those of a component in the cell, `row` its row (-1 where
    the feature stands for several). `total`: components in the cells shown."""

    total: int
    level: int
    features: list[list[float]]


def grid(store: Store, some: Chosen, box: Box, zoom: int, most: int = MOST) -> Grid:
    """The chosen ones in a box, in `most` features. `zoom`: of the map, 0 .. 22."""
    west, south, east, north = box
    (x0, x1), (y1, y0) = (v.astype(np.int64) for v in morton.steps_of(np.array([west, east]), np.array([south, north])))
    level = max(0, min(morton.BITS, zoom + _FINER))
    while _cells(x0, x1, level) * _cells(y0, y1, level) > most:
        level -= 1
    shift = morton.BITS - level
    xs, ys = np.arange(x0 >> shift, (x1 >> shift) + 1), np.arange(y0 >> shift, (y1 >> shift) + 1)
    cells = (morton.spread(xs)[None, :] | (morton.spread(ys) << np.uint64(1))[:, None]).ravel()
    cells.sort()
    low = np.searchsorted(some.keys, cells << np.uint64(2 * shift))
    high = np.searchsorted(some.keys, ((cells + np.uint64(1)) << np.uint64(2 * shift)) - np.uint64(1), side="right")
    counts = high - low
    total = int(counts.sum())
    if total <= most:
        rows = _rows(some, low, counts)
        lon, lat = store.column("lon")[rows], store.column("lat")[rows]
        edges = np.round(np.array(box) / DEGREE)
        inside = (lon >= edges[0]) & (lon <= edges[2]) & (lat >= edges[1]) & (lat <= edges[3])
        rows = rows[inside]
        return Grid(len(rows), morton.BITS, _features(store, rows, np.ones(len(rows), np.int64)))
    full = counts > 0
    middle = (low[full] + high[full]) // 2
    return Grid(total, level, _features(store, some.rows[middle], counts[full]))


def _cells(low: int, high: int, level: int) -> int:
    shift = morton.BITS - level
    return int((high >> shift) - (low >> shift) + 1)


def _rows(some: Chosen, low: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """The rows of all runs one after the other."""
    total = int(counts.sum())
    starts = np.repeat(low - (np.cumsum(counts) - counts), counts)
    return some.rows[starts + np.arange(total)]


def _features(store: Store, rows: np.ndarray, counts: np.ndarray) -> list[list[float]]:
    lon = np.round(store.column("lon")[rows] * DEGREE, 7).tolist()
    lat = np.round(store.column("lat")[rows] * DEGREE, 7).tolist()
    own = np.where(counts == 1, rows.astype(np.int64), -1).tolist()
    kinds = store.column("class")[rows].tolist()
    return [list(feature) for feature in zip(lon, lat, counts.tolist(), own, kinds, strict=True)]
