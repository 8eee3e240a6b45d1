"""Which points of a track are kept, so that what is left tells the same within a stated error. Pure.

Positions: Douglas-Peucker in time and place (Meratnia and de By, EDBT 2004): a report is left out when the unit was within
`METRES` of where one would put it between the reports that are kept, at that very moment. Readings: of a run of equal values
the first and the last are kept. Across a silence of more than `SILENCE_MS` nothing is left out.
"""

from __future__ import annotations

import numpy as np

METRES = 5.0
SILENCE_MS = 60_000
_PER_DEGREE = 111_195.0  # metres of a degree of latitude (mean radius)


def runs(times: np.ndarray) -> list[tuple[int, int]]:
    """Stretches [first, last] of indices without a silence. `times`: ms, ascending."""
    cuts = np.flatnonzero(np.diff(times) > SILENCE_MS)
    starts = np.concatenate(([0], cuts + 1))
    return list(zip(starts.tolist(), np.concatenate((cuts, [len(times) - 1])).tolist(), strict=True))


def keep_places(times: np.ndarray, lon: np.ndarray, lat: np.ndarray) -> np.ndarray:
    """Which of n >= 1 reports are kept (bool[n]). `times` ms ascending; degrees, NaN where the place is unknown."""
    kept = np.zeros(len(times), bool)
    if np.isnan(lon).any() or np.isnan(lat).any():
        kept[:] = True  # rare: a unit that loses its place is told whole
        return kept
    x = lon * (_PER_DEGREE * np.cos(np.radians(lat[0])))
    y = lat * _PER_DEGREE
    stack = runs(times)
    for first, last in stack:
        kept[first] = kept[last] = True
    while stack:
        first, last = stack.pop()
        if last - first < 2:
            continue
        inner = slice(first + 1, last)
        span = float(times[last] - times[first]) or 1.0
        part = (times[inner] - times[first]) / span
        off = np.hypot(
            x[inner] - x[first] - part * (x[last] - x[first]),
            y[inner] - y[first] - part * (y[last] - y[first]),
        )
        worst = int(off.argmax())
        if off[worst] > METRES:
            middle = first + 1 + worst
            kept[middle] = True
            stack += [(first, middle), (middle, last)]
    return kept


def keep_values(times: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Which of n >= 1 readings are kept (bool[n])."""
    kept = np.ones(len(times), bool)
    if len(times) > 2:
        same = (values[1:] == values[:-1]) | (np.isnan(values[1:]) & np.isnan(values[:-1]))
        near = np.diff(times) <= SILENCE_MS
        joined = same & near
        kept[1:-1] = ~(joined[:-1] & joined[1:])
    return kept
