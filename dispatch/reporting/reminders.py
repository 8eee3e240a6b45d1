"""Who is told that a report is due or missing. Pure: from a state and a moment to the commands that tell, and untell."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from hashlib import blake2b
from typing import Any
from zoneinfo import ZoneInfo

from dispatch.notices import about_prefix
from dispatch.reporting import model
from dispatch.reporting.model import Reporting, rhythm
from dispatch.reporting.periods import MINUTE
from dispatch.reporting.settings import ReportingRules
from hall.core.command import Command

#: names that one notice lists; the rest is a number
NAMED = 12
#: what is told of an exercise says so itself, wherever it is read
EXERCISE = "【演练】"


def near(subject: str, state: Reporting, rules: ReportingRules, now: int) -> list[Command]:
    """Shortly before reports are due: each unit that has not reported is reminded."""
    due = rhythm(state).due(state.closed)
    if not due - rules.near_minutes * MINUTE <= now < due:
        return []
    return [tell for unit in model.waiting(state) for tell in _unit(subject, state, rules, unit, "report_due", due)]


def missing(subject: str, state: Reporting, rules: ReportingRules, now: int) -> list[Command]:
    """Once a period's reports were due: each unit that is missing is told, and somebody which ones are. Not told long after."""
    newest = state.periods[-1] if state.periods else None
    units = model.owing(state)
    if newest is None or not units or now - newest.due > state.every_minutes * MINUTE:
        return []
    made = [tell for unit in units for tell in _unit(subject, state, rules, unit, "report_missing", newest.due)]
    names = "、".join(units[:NAMED])
    values = _values(state, rules, newest.due) | {"units": names, "n": str(len(units)), "of": str(len(state.units))}
    for who in rules.tell_missing:
        made.append(_tell(subject, _to(who, ""), "reports_missing", newest.due, "", values, "urgent"))
    return made


def settled(subject: str, state: Reporting, rules: ReportingRules, unit: str) -> list[Command]:
    """What a unit's report makes pointless: its reminders of the period before and of this one."""
    beat = rhythm(state)
    dues = {beat.due(state.closed - 1), beat.due(state.closed), beat.due(state.closed + 1)}
    names = [
        name(subject, key, due, unit, _to(who, unit))
        for due in sorted(dues)
        for key in ("report_due", "report_missing")
        for who in rules.tell
    ]
    return [Command(id=f"withdraw-{notice}", subject=notice, move="withdraw") for notice in names]


def name(subject: str, key: str, due: int, unit: str, to: dict[str, str]) -> str:
    """The stream of one notice: told again it is the same."""
    kind, who = next(iter(to.items()))
    cause = f"{key}\n{due}\n{unit}\n{kind}\n{who}"
    return about_prefix(subject) + blake2b(cause.encode(), digest_size=9).hexdigest()


def _unit(subject: str, state: Reporting, rules: ReportingRules, unit: str, key: str, due: int) -> Iterable[Command]:
    values = _values(state, rules, due) | {"unit": unit}
    for who in rules.tell:
        yield _tell(subject, _to(who, unit), key, due, unit, values, "urgent" if key == "report_missing" else "normal")


def _tell(subject: str, to: dict[str, str], key: str, due: int, unit: str, values: dict[str, Any], urgency: str) -> Command:
    notice = name(subject, key, due, unit, to)
    data: dict[str, Any] = {"to": to, "about": subject, "key": f"notice.{key}", "urgency": urgency, "values": values}
    if unit and "role" in to:
        data["district"] = unit
    return Command(id=f"tell-{notice}", subject=notice, move="tell", data=data)


def _to(who: str, unit: str) -> dict[str, str]:
    kind, _, found = who.partition(":")
    return {kind: found or unit}


def _values(state: Reporting, rules: ReportingRules, due: int) -> dict[str, str]:
    at = datetime.fromtimestamp(due / 1000, ZoneInfo(rules.zone)).strftime("%H:%M")
    return {"plan": (EXERCISE if state.exercise else "") + state.label.get("zh-CN", state.plan), "due": at}
