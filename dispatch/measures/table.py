"""A measure's table for one level of areas, as screens get it. Pure."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from dispatch.measures.areas import Level
from dispatch.measures.measure import CLASSES, Measure, Values

#: areas that one table names; of more those with the highest values
MOST_ROWS = 5_000


def breaks_of(measure: Measure, value: np.ndarray) -> list[float]:
    """Lower bounds of the classes, rising: the measure's own, else quantiles of what is above zero, rounded."""
    if measure.breaks:
        return list(measure.breaks)
    some = np.sort(value[np.isfinite(value) & (value > 0)])
    if not len(some):
        return [_down(1.0, measure.decimals)]
    found = [_down(float(some[0]), measure.decimals)]
    for part in range(1, CLASSES):
        bound = _nice(float(some[min(len(some) - 1, part * len(some) // CLASSES)]), measure.decimals)
        if bound > found[-1] and bound <= some[-1]:
            found.append(bound)
    return found


def table(
    measure: Measure, level: Level, now: int, values: Values, before: np.ndarray | None, breaks: list[float]
) -> dict[str, Any]:
    """`{measure, level, as_of, areas, known, absent, breaks, breaks_by, left_out, rows: {code: [value, before, n, near]}}`.

    `areas` of the level, `known` of them with a value; an area that `rows` leaves out is `absent`: 0, or null where nothing
    is known. `before`: the value an hour ago, null where that is not known; `near`: [name, metres] of the gauge that speaks for
    an area without one. Ends of a row that are null are left out.
    """
    known = np.isfinite(values.value)
    whole = bool(known.all())
    worth = known if not whole else (values.value != 0) | (before is not None and np.nan_to_num(before) != 0)
    if values.near:  # whose gauge speaks for an area is worth saying also where it is dry
        worth = known
    chosen = np.flatnonzero(worth)
    chosen = chosen[np.argsort(-values.value[chosen], kind="stable")]
    rows = {level.codes[area]: _row(measure, int(area), values, before) for area in chosen[:MOST_ROWS].tolist()}
    return {
        "measure": measure.name,
        "level": level.name,
        "as_of": now,
        "areas": len(level),
        "known": int(known.sum()),
        "absent": 0 if whole else None,
        "breaks": breaks,
        "breaks_by": "fixed" if measure.breaks else "quantile",
        "left_out": max(0, len(chosen) - MOST_ROWS),
        "rows": rows,
    }


def _row(measure: Measure, area: int, values: Values, before: np.ndarray | None) -> list[Any]:
    row: list[Any] = [
        _told(float(values.value[area]), measure.decimals),
        None if before is None else _told(float(before[area]), measure.decimals),
        None if values.n is None else int(values.n[area]),
        list(values.near[area]) if area in values.near else None,
    ]
    while len(row) > 1 and row[-1] is None:
        row.pop()
    return row


def _told(value: float, decimals: int) -> float | int | None:
    if not math.isfinite(value):
        return None
    return round(value) if decimals == 0 else round(value, decimals)


def _down(value: float, decimals: int) -> float:
    step = 10.0**-decimals
    return max(step, round(math.floor(value / step + 1e-9) * step, decimals))


def _nice(value: float, decimals: int) -> float:
    """Rounded to two figures that end in 0 or 5 where there are two."""
    if value <= 0:
        return 0.0
    unit = max(10.0**-decimals, 10.0 ** math.floor(math.log10(value)) / (2 if value >= 10 else 10))
    return round(max(10.0**-decimals, round(value / unit) * unit), decimals)
