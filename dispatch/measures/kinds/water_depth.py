"""最大积水深度: the deepest fresh reading of the gauges in an area, in cm; rivers are not ponding."""

import numpy as np

from dispatch.measures.areas import Level
from dispatch.measures.measure import Measure, Values, World, counted

#: a reading older than this says nothing of now
FRESH = 30 * 60_000


def _deepest(world: World, level: Level, now: int) -> Values:
    water = world.water
    areas, depth = water.areas(level), water.value("depth")
    fresh = (water.value("at") > now - FRESH) & ~np.isnan(depth) & (areas >= 0)
    found = np.full(len(level), -np.inf)
    np.maximum.at(found, areas[fresh], depth[fresh] * 100)
    return Values(np.where(np.isinf(found), np.nan, found), counted(level, areas, fresh))


MEASURE = Measure(
    name="water_depth",
    label={"zh-CN": "最大积水深度", "en": "Deepest water"},
    unit={"zh-CN": "cm", "en": "cm"},
    value=_deepest,
    breaks=(3, 10, 15, 27, 50),
    order=90,
)
