"""Which report an incident owes, when, and which grade its figures advise. Pure; times city ms."""

from __future__ import annotations

from typing import Any

from dispatch.incidents.model import Incident, sent
from dispatch.incidents.settings import GRADES, Grade, IncidentRules

MINUTE = 60_000
HOUR = 60 * MINUTE


def report_due(state: Incident, rules: IncidentRules) -> dict[str, Any] | None:
    """`{kind, due}` of the report that is owed next; None where none is asked for. It is owed until it is *sent*.

    初报 so long after the incident got a grade that asks for one, 续报 after the last report, 终报 after the closing.
    """
    grade = rules.grade(state.grade)
    if sent(state, "final"):
        return None
    if not sent(state, "initial"):
        since = asked_since(state, rules)
        return None if since is None else {"kind": "initial", "due": since + grade.initial_minutes * MINUTE}
    if state.state == "closed":
        return {"kind": "final", "due": (state.closed_at or 0) + grade.final_hours * HOUR} if grade.final_hours else None
    if state.state == "open" and grade.further_minutes:
        return {"kind": "further", "due": (sent(state)[-1].sent_at or 0) + grade.further_minutes * MINUTE}
    return None


def asked_since(state: Incident, rules: IncidentRules) -> int | None:
    """Since when the grade asks for a first report: raising it further gives no more time."""
    if not rules.grade(state.grade).initial_minutes:
        return None
    since = None
    for change in state.grades:
        if not rules.grade(change["grade"]).initial_minutes:
            since = None
        elif since is None:
            since = change["at"]
    return since


def advice(state: Incident, rules: IncidentRules) -> dict[str, Any] | None:
    """`{grade, why [{code, values}]}`: the worst grade that the figures reach, where it is worse than the one given."""
    for grade in rules.grades:
        why = _reached(state, grade)
        if why:
            worse = GRADES.index(grade.grade) < GRADES.index(state.grade) if state.grade in GRADES else True
            return {"grade": grade.grade, "why": why} if worse else None
    return None


def _reached(state: Incident, grade: Grade) -> list[dict[str, Any]]:
    why = []
    for code, lines in (("figure_at_least", grade.at_least), ("figure_more_than", grade.more_than)):
        for name, line in lines.items():
            figure = state.figures.get(name)
            if figure is not None and (figure.value >= line if code == "figure_at_least" else figure.value > line):
                why.append({"code": code, "values": {"figure": name, "value": figure.value, "line": line}})
    return why
