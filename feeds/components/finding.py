"""The first components that answer some words, and those around a place, of one version: for who types and for who points."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from feeds.components import morton
from feeds.components.choosing import WORDS, Chosen
from feeds.components.store import DEGREE, Store
from feeds.components.tables import normal
from feeds.components.words import BLOCK, blocks_with
from hall.core.clock import monotonic

#: a look for words ends after so long, whatever it has
SECONDS = 0.08
_CANDIDATES = 25  # rows looked at for their distance, for each that is wanted
_METRES = 111_195.0  # of a degree of latitude
_LEVEL = 64  # cells that a circle's box is covered with
_MANY, _FINE_LEVEL = 20_000, 1024  # with so many in them: so many cells, of which those all inside are not looked at one by one
_ROUNDED = 1.0  # metres by which a cell's corner and a position may be off together


class Found(NamedTuple):
    """`rows` of the version, best first; `more`: whether there may be others."""

    rows: list[int]
    more: bool


def first(store: Store, mask: np.ndarray, text: str, limit: int, near: tuple[float, float] | None) -> Found:
    """Rows of `mask` whose words, class, district or department hold each word of `text`: a number written out, then numbers
    that begin so, then the nearest to `near` (lon, lat; without it in the order of the store)."""
    words = normal(text.replace("\0", " ")).split()[:WORDS]
    if not words or not len(store):
        return Found([], False)
    numbers = _numbered(store, mask, text.strip(), limit) if len(words) == 1 else []
    if len(numbers) >= limit:
        return Found(numbers[:limit], True)
    tables = [_named(store, word) for word in words]
    start = 0
    if near is not None:
        key = morton.key_of(*morton.steps_of(np.array([near[0]]), np.array([near[1]])))[0]
        start = int(np.searchsorted(store.column("key"), key)) // BLOCK
    found, more = [], False
    ends = monotonic() + SECONDS
    for row in _holding(store, words, tables, start):
        if row is None:
            if monotonic() > ends:
                more = True
                break
        elif mask[row]:
            found.append(row)
            if len(found) >= limit * _CANDIDATES:
                more = True
                break
    if near is not None and found:
        found = [found[i] for i in np.argsort(_metres(store, np.array(found), *near), kind="stable").tolist()]
    rows = list(dict.fromkeys([*numbers, *found]))
    return Found(rows[:limit], more or len(rows) > limit)


def around(
    store: Store, some: Chosen, lon: float, lat: float, metres: float, limit: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows of `some` within `metres` of a place; of these the nearest `limit`, nearest first; and the metres of the latter."""
    runs = _runs(some, lon, lat, metres, _LEVEL)
    if sum(end - start for start, end, _ in runs) > _MANY:
        runs = _runs(some, lon, lat, metres, _FINE_LEVEL)
        within = [some.rows[start:end] for start, end, far in runs if far <= metres - _ROUNDED]
        if within:  # all of these are, without a look at each; the nearest are much nearer
            _, nearest, away = around(store, some, lon, lat, metres / 4, limit)
            if len(nearest) == limit:
                edge, _ = _inside(store, some, lon, lat, metres, [run for run in runs if run[2] > metres - _ROUNDED])
                return np.concatenate((*within, edge)), nearest, away
    rows, away = _inside(store, some, lon, lat, metres, runs)
    nearest = np.argpartition(away, limit)[:limit] if len(rows) > limit else np.arange(len(rows))
    nearest = nearest[np.argsort(away[nearest], kind="stable")]
    return rows, rows[nearest], away[nearest]


def _runs(some: Chosen, lon: float, lat: float, metres: float, most: int) -> list[tuple[int, int, float]]:
    """Where in `some` the cells of a circle's box lie, `most` cells at most, and the metres to the farthest corner of each."""
    high = metres / _METRES
    wide = high / max(0.01, float(np.cos(np.radians(lat))))
    west, east = max(-180.0, lon - wide), min(180.0, lon + wide)
    south, north = max(-85.0, lat - high), min(85.0, lat + high)
    (x0, x1), (y1, y0) = (v.astype(np.int64) for v in morton.steps_of(np.array([west, east]), np.array([south, north])))
    shift = 0
    while ((x1 >> shift) - (x0 >> shift) + 1) * ((y1 >> shift) - (y0 >> shift) + 1) > most:
        shift += 1
    xs, ys = np.arange(x0 >> shift, (x1 >> shift) + 1), np.arange(y0 >> shift, (y1 >> shift) + 1)
    lons, lats = morton.degrees_of(*(np.append(v, v[-1] + 1) * float(1 << shift) - 0.5 for v in (xs, ys)))
    across, along = np.abs(lons - lon) * np.cos(np.radians(lat)), np.abs(lats - lat)
    far = np.hypot(np.maximum(across[:-1], across[1:])[None, :], np.maximum(along[:-1], along[1:])[:, None]).ravel() * _METRES
    cells = (morton.spread(xs)[None, :] | (morton.spread(ys) << np.uint64(1))[:, None]).ravel()
    order = np.argsort(cells)
    cells = cells[order]
    start = np.searchsorted(some.keys, cells << np.uint64(2 * shift)).tolist()
    end = np.searchsorted(some.keys, ((cells + np.uint64(1)) << np.uint64(2 * shift)) - np.uint64(1), side="right").tolist()
    return [run for run in zip(start, end, far[order].tolist(), strict=True) if run[0] < run[1]]


def _inside(
    store: Store, some: Chosen, lon: float, lat: float, metres: float, runs: list[tuple[int, int, float]]
) -> tuple[np.ndarray, np.ndarray]:
    """Rows of some runs that lie within `metres`, and the metres of each."""
    rows = np.concatenate([some.rows[start:end] for start, end, _ in runs] or [np.zeros(0, np.uint32)])
    away = _metres(store, rows, lon, lat)
    inside = away <= metres
    return rows[inside], away[inside]


def _metres(store: Store, rows: np.ndarray, lon: float, lat: float) -> np.ndarray:
    east = (store.column("lon")[rows] * DEGREE - lon) * np.cos(np.radians(lat))
    return np.hypot(east, store.column("lat")[rows] * DEGREE - lat) * _METRES


def _numbered(store: Store, mask: np.ndarray, text: str, limit: int) -> list[int]:
    """Rows whose number is, or begins with, what was typed."""
    begun = text.encode("utf-8", "replace")
    low, high = 0, len(store)
    while low < high:
        middle = (low + high) // 2
        if store.ids[store.id_order[middle]] < begun:
            low = middle + 1
        else:
            high = middle
    rows = []
    for at in range(low, min(len(store), low + 50 * limit)):
        row = int(store.id_order[at])
        if not bytes(store.ids[row]).startswith(begun) or len(rows) >= limit:
            break
        if mask[row]:
            rows.append(row)
    return rows


def _named(store: Store, word: str) -> list[tuple[np.ndarray, np.ndarray]]:
    """(column, which of its values are named so) of those tables in which a word is a name's part."""
    tables, found = store.tables, []
    for column, names in (
        ("class", [f"{kind.main}\n{kind.sub}" for kind in tables.classes]),
        ("district", tables.districts),
        ("department", tables.departments),
    ):
        hits = np.array([word in normal(name) for name in names], np.bool_)
        if hits.any():
            found.append((store.column(column), hits))
    return found


def _holding(store: Store, words: list[str], tables: list, start: int) -> Iterator[int | None]:
    """Rows that hold every word, block by block from block `start` outwards; None after each block."""
    blocks = np.ones(-(-len(store) // BLOCK), np.bool_)
    for word, named in zip(words, tables, strict=True):
        if not named and store.words is not None:
            blocks &= blocks_with(store.words, len(store), word)
    some = np.flatnonzero(blocks)
    bodies = [word.encode() for word in words]
    for block in some[np.argsort(np.abs(some - start), kind="stable")].tolist():
        low, high = block * BLOCK, min((block + 1) * BLOCK, len(store))
        found: set[int] | None = None
        for body, named in zip(bodies, tables, strict=True):
            own = _texted(store, body, low, high)
            for column, hits in named:
                own.update((low + np.flatnonzero(hits[column[low:high]])).tolist())
            found = own if found is None else found & own
            if not found:
                break
        yield from sorted(found or ())
        yield None


def _texted(store: Store, word: bytes, low: int, high: int) -> set[int]:
    """Rows from `low` to below `high` with these bytes in their text."""
    found: set[int] = set()
    for first_row, offsets, data in store.text_buffers():
        a, b = max(low, first_row) - first_row, min(high, first_row + len(offsets) - 1) - first_row
        if a >= b:
            continue
        begin = int(offsets[a])
        body = bytes(data[begin : int(offsets[b])])
        at = body.find(word)
        while at >= 0:
            row = int(np.searchsorted(offsets[a : b + 1], begin + at, side="right")) - 1 + a
            if begin + at + len(word) <= int(offsets[row + 1]):  # texts lie one after the other: no word is in two
                found.add(first_row + row)
                at = body.find(word, int(offsets[row + 1]) - begin)
            else:
                at = body.find(word, at + 1)
    return found
