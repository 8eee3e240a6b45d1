"""Many cameras as few numbers: how many stand in each cell of a grid that is fixed to the ground. Pure."""

from __future__ import annotations

from typing import Any

import numpy as np

from video.catalogue import columns as c
from video.catalogue.index import Index, Query
from video.catalogue.scope import Scope

#: cells across the world are 2 ** level: from provinces to single houses
LEVELS = (0, c.FINEST)
#: cells of one answer; a coarser level is answered where there would be more
MOST_CELLS = 2_000
#: squares up to which cells are counted in a table
_TABLE = 1 << 20


def grid(index: Index, query: Query, scope: Scope, level: int) -> dict[str, Any]:
    """`{total, online, level, cells: [[lon, lat, cameras, online, offline]]}` of the chosen cameras that have a place.

    The grid is that of Web Mercator, so a cell is square on the map; a cell's place is the middle of its cameras, degrees.
    `level` is the one answered: coarser than asked where there would be more than `MOST_CELLS`.
    """
    columns = index.columns
    rows = np.flatnonzero(index.choose(query, scope) & columns.placed)
    east, south = columns.east[rows].astype(np.int64), columns.south[rows].astype(np.int64)
    cells, where, level = _cells(east, south, level)
    states = len(c.STATES)
    each = np.bincount(where * states + columns.state[rows], minlength=cells * states).reshape(cells, states)
    count, online, offline = each.sum(axis=1), *(each[:, c.STATES.index(word)] for word in ("online", "offline"))
    lon, lat = columns.lon[rows], columns.lat[rows]
    places = (np.round(np.bincount(where, values, cells) / np.maximum(count, 1), 6) for values in (lon, lat))
    made = zip(*(column.tolist() for column in (*places, count, online, offline)), strict=True)
    return {"total": len(rows), "online": int(online.sum()), "level": level, "cells": list(map(list, made))}


def _cells(east: np.ndarray, south: np.ndarray, finest: int) -> tuple[int, np.ndarray, int]:
    """`(cells, where, level)`: how many cells hold something, which of them each place lies in, and the level: the finest up to
    `finest` that has not more than `MOST_CELLS`."""
    if not len(east):
        return 0, np.zeros(0, np.int64), finest
    box = int(east.min()), int(south.min()), int(east.max()), int(south.max())
    level = finest
    if len(east) > MOST_CELLS:  # from a level that cannot have more; each finer one has as many or more
        while level > LEVELS[0] and _squares(box, level)[0] > MOST_CELLS:
            level -= 1
    cells, where = _numbered(east, south, box, level)
    while level < finest:
        finer, there = _numbered(east, south, box, level + 1)
        if finer > MOST_CELLS:
            break
        cells, where, level = finer, there, level + 1
    return cells, where, level


def _squares(box: tuple[int, int, int, int], level: int) -> tuple[int, int]:
    """How many squares of a level a box of the finest meets, and how many of them lie side by side."""
    west, north, east, south = (edge >> (c.FINEST - level) for edge in box)
    return (east - west + 1) * (south - north + 1), east - west + 1


def _numbered(east: np.ndarray, south: np.ndarray, box: tuple[int, int, int, int], level: int) -> tuple[int, np.ndarray]:
    """How many cells of a level hold something, and the number of the one that each place lies in."""
    shift = c.FINEST - level
    squares, wide = _squares(box, level)
    keys = ((south >> shift) - (box[1] >> shift)) * wide + ((east >> shift) - (box[0] >> shift))
    if squares > _TABLE:
        cells, where = np.unique(keys, return_inverse=True)
        return len(cells), where
    held = np.zeros(squares, np.bool_)  # a table is quicker than sorting
    held[keys] = True
    number = np.cumsum(held) - 1
    return int(number[-1]) + 1, number[keys]
