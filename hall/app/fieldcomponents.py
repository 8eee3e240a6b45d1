"""What a crew's phone is told of street components: those its unit is competent for, as the unit's own seat. Pure.

Of a record nothing that the source added and no personal data somebody typed; of the cases there its unit's, without words,
places and people.
"""

from __future__ import annotations

from typing import Any

from hall.access import Identity
from hall.app.discretion import redacted
from hall.core.errors import Refused
from hall.core.model import CASE_ENDED

_TYPED = ("name", "owner", "maintainer", "address", "state_label")
#: where it was surveyed, in what, and what else its source says of it, stays at the desk
_KEPT_BACK = ("extra", "x", "y", "crs", "source", "geometry")
_OF_A_CASE = ("case_id", "class_name", "subclass_name", "state", "names", "distance_m")


def unit_of(who: Identity, crew: Any) -> str:
    """The unit whose components a phone is shown. `crew`: its state on the roster, None where there is none. Raises Refused."""
    if who.case:
        raise Refused("one-case-link", "a link for one case shows no components", 403)
    if crew is None or crew.ended:
        raise Refused("crew-unknown", "this crew is not on the roster any more", 404)
    if not crew.unit:
        raise Refused("no-unit", "the roster names no unit of this crew, so it is competent for no components", 403)
    return crew.unit


def for_phone(record: dict[str, Any], cases: list[dict[str, Any]], unit: str) -> dict[str, Any]:
    """`{component, cases}`: of the cases those of `unit`, each with `open` and when it was `reported` (ms)."""
    shown = {name: value for name, value in record.items() if name not in _KEPT_BACK}
    shown |= {name: redacted(record[name]) for name in _TYPED if record.get(name)}
    return {"component": shown, "cases": [_case(case) for case in cases if unit and case.get("unit") == unit]}


def _case(case: dict[str, Any]) -> dict[str, Any]:
    told = {name: case[name] for name in _OF_A_CASE if case.get(name) not in (None, "")}
    reported = (case.get("stages") or {}).get("reported") or case["time"]
    return told | {"reported": reported, "open": case.get("state") not in CASE_ENDED}
