"""Who is told of an urgent alarm that nobody answers, and when; in a flood one word for a whole group. Pure."""

from __future__ import annotations

from typing import Any

from dispatch.alarmlife.model import AlarmState
from dispatch.alarmlife.settings import NoticeFigures
from dispatch.naming import name_of
from dispatch.notices import subject_for
from hall.core.command import Command

FIRST, SECOND = "first", "second"
RUNGS = (FIRST, SECOND)


def due_of(alarm: AlarmState, rung: str, figures: NoticeFigures) -> int | None:
    """City ms at which somebody is told; None where nobody needs to be."""
    urgent = 1 <= (alarm.priority or 3) <= figures.priority_most
    if alarm.state not in ("unanswered", "latched") or alarm.acknowledged or alarm.put_away or not urgent:
        return None
    if alarm.announced is None:
        return None
    return alarm.announced + round(1_000 * (figures.first_seconds if rung == FIRST else figures.second_seconds))


def notice_of(
    subject: str, alarm: AlarmState, rung: str, figures: NoticeFigures, flood: tuple[str, int, int] | None
) -> Command:
    """The notice. `flood`: (group, alarms of it that wait, ms of a flood's window), where there was a flood when it fell due:
    then the group is spoken of, once per window and rung, whichever of its alarms comes first."""
    role = figures.first_role if rung == FIRST else figures.second_role
    values: dict[str, Any] = {"name": alarm.name or alarm.label, "label": alarm.label, "place": alarm.district or "–"}
    announced = alarm.announced or 0
    if flood is None:
        about, cause, key = subject, announced, f"notice.alarm_{rung}"
    else:
        group, waiting, window = flood
        about, cause, key = f"group/{group}", announced // window, f"notice.alarm_group_{rung}"
        values["n"] = waiting
    data: dict[str, Any] = {
        "to": {"role": role}, "about": about, "key": key, "urgency": "emergency" if rung == SECOND else "urgent",
        "values": {name: str(value)[:200] for name, value in values.items() if value not in (None, "")},
    }  # fmt: skip
    if flood is None and alarm.district:
        data["district"] = alarm.district
    address = subject_for(2 * cause + RUNGS.index(rung), about, data["to"])
    return Command(id=name_of(f"tell-{address}"), subject=address, move="tell", data=data)
