"""超期率: of the open cases, how many are overdue; nothing where none is open."""

import numpy as np

from dispatch.measures.areas import Level
from dispatch.measures.kinds.cases import is_open, is_overdue
from dispatch.measures.measure import Measure, Values, World, counted


def _share(world: World, level: Level, now: int) -> Values:
    areas = world.cases.areas(level)
    there, late = counted(level, areas, is_open(world, now)), counted(level, areas, is_overdue(world, now))
    return Values(np.where(there > 0, 100 * late / np.maximum(there, 1), np.nan), there)


MEASURE = Measure(
    name="overdue_share",
    label={"zh-CN": "超期率", "en": "Overdue share"},
    unit={"zh-CN": "%", "en": "%"},
    value=_share,
    breaks=(1, 10, 20, 35, 50),
    past=True,
    cases="overdue",
    order=30,
)
