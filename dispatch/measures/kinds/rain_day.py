"""24小时雨量, of gauges heard within two hours. Classes: 小雨 中雨 大雨 暴雨 大暴雨 (GB/T 28592)."""

from dispatch.measures.areas import Level
from dispatch.measures.kinds.rain import spread
from dispatch.measures.measure import Measure, Values, World


def _rain(world: World, level: Level, now: int) -> Values:
    gauges = [gauge for gauge in world.rain(now) if gauge.at > now - 2 * 3_600_000]
    return spread(level, gauges, [gauge.day for gauge in gauges])


MEASURE = Measure(
    name="rain_day",
    label={"zh-CN": "24小时雨量", "en": "Rain, 24 h"},
    unit={"zh-CN": "mm", "en": "mm"},
    value=_rain,
    breaks=(0.1, 10, 25, 50, 100),
    decimals=1,
    order=80,
)
