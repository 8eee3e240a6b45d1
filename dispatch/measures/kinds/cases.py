"""What the measures of cases have in common."""

from __future__ import annotations

import numpy as np

from dispatch.measures.areas import Level
from dispatch.measures.measure import Values, World, counted

DAY = 24 * 3_600_000


def is_open(world: World, now: int) -> np.ndarray:
    """Reported, and not ended then."""
    cases = world.cases
    return (cases.value("reported") <= now) & ~(cases.value("ended") <= now)


def is_overdue(world: World, now: int) -> np.ndarray:
    return is_open(world, now) & (world.cases.value("due") < now)


def of(world: World, level: Level, chosen: np.ndarray) -> Values:
    return Values(counted(level, world.cases.areas(level), chosen))
