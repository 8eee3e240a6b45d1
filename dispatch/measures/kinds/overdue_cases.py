"""超期: open cases whose deadline has passed."""

from dispatch.measures.kinds.cases import is_overdue, of
from dispatch.measures.measure import Measure

MEASURE = Measure(
    name="overdue_cases",
    label={"zh-CN": "超期案件", "en": "Overdue cases"},
    unit={"zh-CN": "件", "en": "cases"},
    value=lambda world, level, now: of(world, level, is_overdue(world, now)),
    past=True,
    cases="overdue",
    order=20,
)
