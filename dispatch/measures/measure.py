"""What a measure is: one file in `kinds/`, found by its MEASURE."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from dispatch.measures.areas import Level
from dispatch.measures.columns import CaseColumns, Columns

#: classes of a legend
CLASSES = 5


class Gauge(NamedTuple):
    """A rain gauge: mm of the last hour and day, and when it was last heard (ms)."""

    name: str
    lon: float
    lat: float
    hour: float
    day: float
    at: int


class World(NamedTuple):
    """What measures are worked out from.

    `water`: `depth` in m, `at` ms · `alarms`: `active` 1 or 0 · `cameras`: `offline` 1 or 0 · `crews`: `at` ms of the position
    """

    cases: CaseColumns
    water: Columns
    alarms: Columns
    cameras: Columns
    crews: Columns
    rain: Callable[[int], list[Gauge]]


class Values(NamedTuple):
    """One number an area, NaN where nothing is known. `n`: how many things it rests on (None: not worth saying);
    `near`: area -> (name, metres) of the gauge that speaks for an area without one."""

    value: np.ndarray
    n: np.ndarray | None = None
    near: dict[int, tuple[str, int]] = {}


class Measure(NamedTuple):
    """`value(world, level, now)` works it out; `breaks`: lower bounds of at most five classes, empty: by quantiles.

    `higher`: "worse" or "better". `past`: `value` can be asked for an hour ago, too; else what was worked out then is kept.
    `cases`: which cases of the list it counts, as the desk's filters; empty: it counts none.
    """

    name: str
    label: dict[str, str]
    unit: dict[str, str]
    value: Callable[[World, Level, int], Values]
    breaks: tuple[float, ...] = ()
    decimals: int = 0
    higher: str = "worse"
    past: bool = False
    cases: str = ""
    order: int = 100

    def shown(self) -> dict[str, Any]:
        """As screens are told of it."""
        return {
            "name": self.name,
            "label": self.label,
            "unit": self.unit,
            "decimals": self.decimals,
            "higher": self.higher,
            "cases": self.cases,
        }


def counted(level: Level, areas: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    """How many of the chosen rows lie in each area."""
    inside = areas[chosen & (areas >= 0)]
    return np.bincount(inside, minlength=len(level)).astype(float)
