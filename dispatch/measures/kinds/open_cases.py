"""在办: cases that were reported and have not ended (docs/INDICATORS.md)."""

from dispatch.measures.kinds.cases import is_open, of
from dispatch.measures.measure import Measure

MEASURE = Measure(
    name="open_cases",
    label={"zh-CN": "在办案件", "en": "Open cases"},
    unit={"zh-CN": "件", "en": "cases"},
    value=lambda world, level, now: of(world, level, is_open(world, now)),
    past=True,
    cases="open",
    order=10,
)
