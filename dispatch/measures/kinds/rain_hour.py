"""1小时雨量, of gauges heard within the hour."""

from dispatch.measures.areas import Level
from dispatch.measures.kinds.rain import spread
from dispatch.measures.measure import Measure, Values, World


def _rain(world: World, level: Level, now: int) -> Values:
    gauges = [gauge for gauge in world.rain(now) if gauge.at > now - 3_600_000]
    return spread(level, gauges, [gauge.hour for gauge in gauges])


MEASURE = Measure(
    name="rain_hour",
    label={"zh-CN": "1小时雨量", "en": "Rain, 1 h"},
    unit={"zh-CN": "mm", "en": "mm"},
    value=_rain,
    breaks=(0.1, 7, 15, 40, 50),
    decimals=1,
    order=70,
)
