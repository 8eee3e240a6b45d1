"""Many cameras as few numbers: how many stand in each cell of a grid that is fixed to the ground. Pure."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from video.catalogue import columns as c
from video.catalogue.index import Index, Query
from video.catalogue.scope import Scope

#: cells across the world are 2 ** level: from provinces to single houses
LEVELS = (0, 24)
#: cells of one answer; a coarser level is answered where there would be more
MOST_CELLS = 2_000
_LAT = 85.05


def grid(index: Index, query: Query, scope: Scope, level: int) -> dict[str, Any]:
    """`{total, online, level, cells: [[lon, lat, cameras, online, offline]]}` of the chosen cameras that have a place.

    The grid is that of Web Mercator, so a cell is square on the map; a cell's place is the middle of its cameras, degrees.
    `level` is the one answered: coarser than asked where there would be more than `MOST_CELLS`.
    """
    rows = np.flatnonzero(index.choose(query, scope) & index.columns.placed)
    lon, lat, state = (getattr(index.columns, name)[rows] for name in ("lon", "lat", "state"))
    east, south = _unit_square(lon, lat)
    cells, where = np.empty(0), np.empty(0, np.int64)
    for answered in range(level, LEVELS[0] - 1, -1):
        across = 1 << answered
        keys = np.floor(east * across).astype(np.int64) * across + np.floor(south * across).astype(np.int64)
        cells, where = np.unique(keys, return_inverse=True)
        level = answered
        if len(cells) <= MOST_CELLS:
            break
    count = np.bincount(where, minlength=len(cells))
    online, offline = (
        np.bincount(where, state == c.STATES.index(word), len(cells)).astype(np.int64) for word in ("online", "offline")
    )
    places = (np.round(np.bincount(where, values, len(cells)) / np.maximum(count, 1), 6) for values in (lon, lat))
    made = zip(*(column.tolist() for column in (*places, count, online, offline)), strict=True)
    return {"total": len(rows), "online": int(online.sum()), "level": level, "cells": [list(cell) for cell in made]}


def _unit_square(lon: np.ndarray, lat: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Degrees as places of Web Mercator's unit square, y downwards; below 1, so that the last cell holds the edge."""
    sine = np.sin(np.radians(np.clip(lat, -_LAT, _LAT)))
    x, y = lon / 360 + 0.5, 0.5 - np.log((1 + sine) / (1 - sine)) / (4 * math.pi)
    return np.clip(x, 0, np.nextafter(1, 0)), np.clip(y, 0, np.nextafter(1, 0))
