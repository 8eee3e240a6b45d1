"""Who may see which case: by district, by unit, by crew. Pure; every address that shows a case asks here."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from hall.access import Identity
from hall.core.errors import Refused
from hall.roles import bounds, topics_for

#: roles that call crews and so see their telephone numbers
CALLING = frozenset({"operator", "dispatcher", "supervisor", "admin", "department"})
_WHY = {
    "wrong-district": "this case lies in a district that is not yours",
    "not-your-unit": "this case is not your unit's",
    "not-your-case": "your crew is not on this case",
}


def bounded(who: Identity) -> bool:
    """Whether there are cases that this identity may not see."""
    return bool(who.districts) or who.role in ("department", "crew")


def unseen(who: Identity, district: str, unit: str, crews: Iterable[str] = (), subject: str = "") -> str | None:
    """Why this identity may not see a case of this district and unit with these crews on it; None when it may.

    A case without a district is everybody's: somebody has to find out where it lies.
    """
    if who.districts and district and district not in who.districts:
        return "wrong-district"
    if who.role == "department" and (not who.unit or unit != who.unit):
        return "not-your-unit"
    if who.role == "crew" and (who.crew not in crews or who.case not in ("", subject)):
        return "not-your-case"
    return None


def unseen_file(who: Identity, subject: str, file: dict[str, Any], case: dict[str, Any] | None = None) -> str | None:
    """The same of a case file's whole state as plain fields; `case`: what is shown of the supplier's document."""
    report = {**file.get("report", {}), **(case or {})}
    at_work = file.get("crews")  # of a task it is how many are wanted
    crews = [work["crew"] for work in at_work if work.get("state") != "clear"] if isinstance(at_work, list) else []
    crews += [file["crew"]] if file.get("crew") else []
    return unseen(who, report.get("district") or file.get("district", ""), file.get("unit", ""), crews, subject)


def seen(who: Identity, crew: Any) -> bool:
    """A department sees its own crews, a person of some districts those that serve them or the whole city."""
    if who.role == "department":
        return bool(who.unit) and crew.unit == who.unit
    if who.role == "crew":
        return bool(who.crew) and crew.crew_id == who.crew
    return not who.districts or not crew.duty.districts or not set(who.districts).isdisjoint(crew.duty.districts)


def told_of(who: Identity, topic: str, thing: Any = None) -> bool:
    """Whether this identity is told of a topic's things at all, and of this one: as the stream of documents (hall/roles.py)."""
    if topic not in topics_for(who.role, locked=who.locked):
        return False
    if topic == "shape" and drew(who, thing):
        return True
    bound = bounds(who).get(topic, {})
    return thing is None or all(getattr(thing, field, "") in values for field, values in bound.items())


def drew(who: Identity, shape: Any) -> bool:
    """Whether a drawing is this person's own; a locked console and a wall draw nothing."""
    return shape is not None and not who.locked and who.role not in ("viewer", "wall", "crew") and shape.owner == who.name


def refusal_of(reason: str) -> Refused:
    return Refused(reason, _WHY[reason], 403)
