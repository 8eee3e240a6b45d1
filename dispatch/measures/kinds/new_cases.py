"""近24小时上报: cases reported in the 24 hours before now, ended or not."""

from dispatch.measures.kinds.cases import DAY, of
from dispatch.measures.measure import Measure, Values, World


def _new(world: World, level, now: int) -> Values:
    reported = world.cases.value("reported")
    return of(world, level, (reported > now - DAY) & (reported <= now))


MEASURE = Measure(
    name="new_cases",
    label={"zh-CN": "24小时上报", "en": "Reported in 24 h"},
    unit={"zh-CN": "件", "en": "cases"},
    value=_new,
    past=True,
    cases="new",
    order=40,
)
