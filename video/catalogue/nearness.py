"""Which of many places are nearest to one: two passes over all of them and a look at few; a tree, while nothing moves. Pure."""

from __future__ import annotations

import math

import numpy as np

from video.catalogue.columns import EARTH, Columns

#: metres by which a product of floats may be wrong at the earth's radius
_SLACK = 1e-8
#: of a great many places every so manieth tells well enough how near the nearest are
_STRIDE = 16
#: a tree is worth it from so many places on, after so many questions between which nothing moved, and asked for so many at most
_MANY, _CALM, _ASKED = 5_000, 8, 1_024


def nearest(
    places: np.ndarray, chosen: np.ndarray, middle: tuple[float, float, float], k: int, radius: float | None = None
) -> tuple[list[int], list[float]]:
    """Rows and metres of at least the `k` chosen places (n, 3) nearest to `middle` within `radius`, in no order.

    All are metres from the earth's middle on its sphere; distances are along its surface.
    """
    towards = np.array(middle) / EARTH
    # greater is nearer; one pass without a copy, good to some 0.1 m: what it keeps is measured exactly below
    close = places @ towards
    close[~chosen] = -np.inf
    angle = math.pi if radius is None else min(radius / EARTH, math.pi)
    least = EARTH * math.cos(angle) - _SLACK
    rows = np.flatnonzero(close >= max(_kth(close, k) - _SLACK, least))
    away = places[rows] - np.array(middle)
    straight = np.sqrt(np.einsum("ij,ij->i", away, away)) / (2 * EARTH)
    metres = 2 * EARTH * np.arcsin(np.minimum(straight, 1.0))
    fit = metres <= (np.inf if radius is None else radius)
    return rows[fit].tolist(), metres[fit].tolist()


def _kth(close: np.ndarray, k: int) -> float:
    """A value that at least `k` of `close` reach, if there are so many: near the k-th greatest, without sorting them all."""
    if len(close) <= 64 * _STRIDE:
        return float(np.partition(close, -k)[-k]) if k < len(close) else -np.inf
    sample = close[::_STRIDE]
    tried = k // _STRIDE * 2 + 16
    while tried < len(sample):
        bound = float(np.partition(sample, -tried)[-tried])
        if np.count_nonzero(close >= bound) >= k:
            return bound
        tried *= 4
    return -np.inf


class Standing:
    """The same as `nearest`, from a tree of all places: some 30 us instead of 250 at 100,000. What moves begins it anew."""

    def __init__(self) -> None:
        self._tree, self._moved, self._calm = None, -1, 0

    def nearest(
        self, columns: Columns, chosen: np.ndarray, middle: tuple[float, float, float], k: int, radius: float | None = None
    ) -> tuple[list[int], list[float]]:
        if columns.moved != self._moved or (self._tree is not None and self._tree.n != columns.size):
            self._tree, self._moved, self._calm = None, columns.moved, 0
        self._calm += 1
        share = np.count_nonzero(chosen) / max(1, columns.size)
        asked = int(k / max(share, 1e-9) * 1.5) + 8
        if columns.size >= _MANY and self._calm > _CALM and asked <= _ASKED:
            found = self._from_tree(columns, chosen, middle, k, radius, asked)
            if found is not None:
                return found
        return nearest(columns.place, chosen, middle, k, radius)

    def _from_tree(self, columns: Columns, chosen: np.ndarray, middle: tuple, k: int, radius: float | None, asked: int):
        """None where it cannot be told from so few: too few of them are chosen, or some beyond stand as near as the last."""
        if self._tree is None:
            from scipy.spatial import cKDTree  # a small city's hall never loads it

            self._tree = cKDTree(columns.place.copy(), balanced_tree=False, compact_nodes=False)
        angle = math.pi if radius is None else min(radius / EARTH, math.pi)
        away, rows = self._tree.query(middle, asked, distance_upper_bound=2 * EARTH * math.sin(angle / 2) + 1e-6)
        whole = np.isfinite(away[-1])  # there may be more within the radius
        rows, away = rows[np.isfinite(away)], away[np.isfinite(away)]
        last = away[-1] if len(away) else 0.0
        kept = chosen[rows]
        rows, away = rows[kept], away[kept]
        if whole and (len(rows) < k or away[k - 1] > last - 1e-6):
            return None
        metres = 2 * EARTH * np.arcsin(np.minimum(away / (2 * EARTH), 1.0))
        fit = metres <= (np.inf if radius is None else radius)
        return rows[fit].tolist(), metres[fit].tolist()
