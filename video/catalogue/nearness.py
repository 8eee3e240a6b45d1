"""Which of many places are nearest to one: two passes over all of them and a look at few. Pure."""

from __future__ import annotations

import math

import numpy as np

from video.catalogue.columns import EARTH

#: metres by which a product of floats may be wrong at the earth's radius
_SLACK = 1e-8
#: of a great many places every so manieth tells well enough how near the nearest are
_STRIDE = 16


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
