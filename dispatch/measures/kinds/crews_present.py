"""在场队伍: crews in service whose position is at most 15 minutes old."""

from dispatch.measures.areas import Level
from dispatch.measures.measure import Measure, Values, World, counted

FRESH = 15 * 60_000


def _present(world: World, level: Level, now: int) -> Values:
    crews = world.crews
    return Values(counted(level, crews.areas(level), crews.value("at") > now - FRESH))


MEASURE = Measure(
    name="crews_present",
    label={"zh-CN": "在场队伍", "en": "Crews present"},
    unit={"zh-CN": "支", "en": "crews"},
    value=_present,
    higher="better",
    order=100,
)
