"""What the units' figures add up to. Pure."""

from __future__ import annotations

from typing import Any

from dispatch.reporting.model import Reporting, Told, rhythm
from dispatch.reporting.settings import Number, ReportingRules


def figures(state: Reporting, rules: ReportingRules) -> list[dict[str, Any]]:
    """`[{name, label, unit, how, value, units, of}]`: `units` of `of` are behind `value`, which is None with none behind it.

    A standing figure counts while it is of the period under way or of the one before: an older one is not what is there now.
    """
    return [_figure(state, number) for number in rules.numbers]


def _figure(state: Reporting, number: Number) -> dict[str, Any]:
    said = [told for unit in state.units if (told := state.last.get(unit)) and number.name in told.numbers]
    value: float | None = None
    if number.how == "running":
        waiting = [told.numbers for by_unit in state.open.values() for told in by_unit.values() if number.name in told.numbers]
        if said or number.name in state.added:
            value = state.added.get(number.name, 0) + sum(numbers[number.name] for numbers in waiting)
    else:
        said = [told for told in said if fresh(state, told)]
        value = sum(told.numbers[number.name] for told in said) if said else None
    made = {"name": number.name, "label": number.label, "unit": number.unit, "how": number.how}
    return made | {"value": value, "units": len(said), "of": len(state.units)}


def fresh(state: Reporting, told: Told) -> bool:
    beat = rhythm(state)
    return told.period >= beat.begin(state.closed - 1)
