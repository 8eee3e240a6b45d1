"""告警密度: active alarms a square kilometre; those that another one explains are not counted twice."""

from dispatch.measures.areas import Level
from dispatch.measures.measure import Measure, Values, World, counted


def _density(world: World, level: Level, now: int) -> Values:
    found = counted(level, world.alarms.areas(level), world.alarms.value("active") == 1)
    return Values(found / level.km2, found)


MEASURE = Measure(
    name="alarm_density",
    label={"zh-CN": "告警密度", "en": "Alarms per km²"},
    unit={"zh-CN": "个/km²", "en": "per km²"},
    value=_density,
    decimals=2,
    order=60,
)
