"""案件密度: open cases a square kilometre, so that large and small areas can be compared."""

from dispatch.measures.areas import Level
from dispatch.measures.kinds.cases import is_open, of
from dispatch.measures.measure import Measure, Values, World


def _density(world: World, level: Level, now: int) -> Values:
    found = of(world, level, is_open(world, now)).value
    return Values(found / level.km2, found)


MEASURE = Measure(
    name="case_density",
    label={"zh-CN": "在办密度", "en": "Open cases per km²"},
    unit={"zh-CN": "件/km²", "en": "per km²"},
    value=_density,
    decimals=1,
    past=True,
    cases="open",
    order=50,
)
