"""Topic `reporting`: one rhythm of reports per plan; who reports, who is excused, when it ends. Pure.

Time passes by the fold: every line first closes the periods that were due when it was recorded, so that a hall that was down
for three hours and one that was not come to the same.
"""

from __future__ import annotations

from typing import Any

import msgspec

from dispatch.aggregate import View
from dispatch.reporting import model
from dispatch.reporting.model import Excuse, Reporting, Told, rhythm
from dispatch.reporting.settings import ReportingRules
from dispatch.reporting.totals import figures
from dispatch.tabled import COMMAND, HALL, SEATS, Field, Move, Tabled
from hall.core.command import Actor, Command, Draft, Entry
from hall.core.errors import Refused

RUNNING = ("running",)
UNITS = 200
_UNIT = Field(kind="line", must=True, longest=100, offer="reporting")
_EXERCISE, _RESPONSE = Field(kind="yes"), Field(kind="subject", topic="response")


def _moves(rules: ReportingRules) -> dict[str, Move]:
    every = Field(kind="whole", low=5, high=1440, unit="min")
    units = Field(kind="texts", longest=100, offer="districts")
    text = Field(kind="text", longest=rules.text_longest)
    return {
        "schedule": Move(
            frm=("", "running", "stopped"), by=(*COMMAND, *HALL), revision=False,
            fields={"every_minutes": every, "units": units, "from": Field(kind="moment"), "exercise": _EXERCISE,
                    "response": _RESPONSE, "label": Field(kind="record")},
        ),
        "settle": Move(frm=RUNNING, by=HALL, revision=False),
        "report": Move(
            frm=RUNNING, by=(*SEATS, "leader", "inspector", "own"), revision=False,
            fields={"unit": _UNIT, "text": text, "numbers": Field(kind="amounts", low=0, high=1e7, longest=60)},
        ),
        "excuse": Move(
            frm=RUNNING, by=COMMAND, reason=True, revision=False, fields={"unit": _UNIT, "until": Field(kind="moment")},
        ),
        "unexcuse": Move(frm=RUNNING, by=COMMAND, revision=False, fields={"unit": _UNIT}),
        "set_units": Move(frm=RUNNING, by=COMMAND, reason=True, fields={"units": msgspec.structs.replace(units, must=True)}),
        "roll": Move(frm=RUNNING, by=HALL, revision=False),
        "stop": Move(frm=RUNNING, by=(*COMMAND, *HALL), reason=True),
    }  # fmt: skip


class Reportings(Tabled):
    """Aggregate of `reporting/<plan>`."""

    topic, State = "reporting", Reporting

    def __init__(self, rules: ReportingRules) -> None:
        self.rules, self.moves = rules, _moves(rules)
        self._names = {number.name for number in rules.numbers}

    def owns(self, state: Reporting | None, actor: Actor) -> bool:
        """A department's seat or system that is a reporting unit, or answers for a reporting district."""
        if state is None or not (actor.role == "department" or actor.kind == "supplier"):
            return False
        return not {actor.unit, *actor.districts}.isdisjoint(state.units)

    def drafts(self, view: View, state: Reporting | None, command: Command, actor: Actor, data: dict[str, Any]) -> list[Draft]:
        made = getattr(self, f"_{command.move}")(view, state, actor, data)
        if made is None:
            return []
        return [Draft(subject=command.subject, move=command.move, data=made, reason=command.reason.strip())]

    # -- deciding ----------------------------------------------------------------------------------------------------------

    def _schedule(self, view: View, state: Reporting | None, actor: Actor, data: dict[str, Any]) -> dict[str, Any]:
        if len(data.get("units", ())) > UNITS:
            raise Refused("too-many", f"at most {UNITS} units report", 422)
        made = self.rules.schedule(view.now, data)
        if not made["units"]:
            raise Refused("field-missing", "name the units that report: the city's boundary names no districts", 422)
        if state and state.state == "running" and state.exercise and not made["exercise"]:
            raise Refused("exercise", "an exercise's reporting does not turn into a real one: stop it first", 409)
        return made

    def _settle(self, view: View, state: Reporting, actor: Actor, data: dict[str, Any]) -> dict[str, Any] | None:
        if state.settled:
            return None
        given = {"every_minutes": state.every_minutes, "units": state.units, "from": state.start}
        made = self.rules.schedule(view.now, {**given, "exercise": state.exercise})
        return {name: made[name] for name in ("units", "grace_minutes", "from")}

    def _report(self, view: View, state: Reporting, actor: Actor, data: dict[str, Any]) -> dict[str, Any]:
        unit = self._unit(state, data)
        mine = {actor.unit, *actor.districts} - {""}
        if (actor.districts or actor.role == "department") and unit not in mine:
            raise Refused("not-your-unit", f"you report for {', '.join(sorted(mine)) or 'no unit'}, not for {unit}", 403)
        if unknown := sorted(set(data.get("numbers", {})) - self._names):
            known = ", ".join(sorted(self._names))
            raise Refused("bad-field", f"numbers.{unknown[0][:60]}: one of {known}", 422)
        if not data.get("text") and not data.get("numbers"):
            raise Refused("field-missing", "a report has a text or figures; nothing to report is a text, too", 422)
        return data

    def _excuse(self, view: View, state: Reporting, actor: Actor, data: dict[str, Any]) -> dict[str, Any]:
        self._unit(state, data)
        if data.get("until") is not None and data["until"] <= view.now:
            raise Refused("bad-field", "until: a moment to come", 422)
        return data

    def _unexcuse(self, view: View, state: Reporting, actor: Actor, data: dict[str, Any]) -> dict[str, Any] | None:
        return data if self._unit(state, data) in state.excuses else None

    def _set_units(self, view: View, state: Reporting, actor: Actor, data: dict[str, Any]) -> dict[str, Any]:
        return data

    def _roll(self, view: View, state: Reporting, actor: Actor, data: dict[str, Any]) -> dict[str, Any] | None:
        return {} if rhythm(state).closed(view.now) > state.closed else None

    def _stop(self, view: View, state: Reporting, actor: Actor, data: dict[str, Any]) -> dict[str, Any]:
        return data

    @staticmethod
    def _unit(state: Reporting, data: dict[str, Any]) -> str:
        if data["unit"] not in state.units:
            known = "、".join(state.units[:20])
            raise Refused("unit-unknown", f"{data['unit']} is none of those that report here: {known}", 404)
        return data["unit"]

    # -- folding -----------------------------------------------------------------------------------------------------------

    def fold(self, state: Reporting, entry: Entry) -> None:
        model.advance(state, entry.recorded)
        if fold := FOLDS.get(entry.move):
            fold(state, entry, entry.data)

    def document(self, state: Reporting) -> dict[str, Any] | None:
        """`{plan, state, every_minutes, period_start, period_end, due, units {name: its newest report}, missing, late, waiting,
        excused, periods, figures, response, exercise}`: docs/INCIDENTS.md."""
        if state.ended:
            return None
        beat, newest = rhythm(state), state.periods[-1] if state.periods else None
        missing = model.owing(state)
        return {
            "plan": state.plan, "state": state.state, "label": state.label, "response": state.response,
            "exercise": state.exercise, "every_minutes": state.every_minutes,
            "period_start": beat.begin(state.closed), "period_end": beat.end(state.closed), "due": beat.due(state.closed),
            "units": {unit: msgspec.to_builtins(state.last[unit]) if unit in state.last else {} for unit in state.units},
            "missing": missing, "late": newest.late if newest else [], "waiting": model.waiting(state),
            "excused": {unit: msgspec.to_builtins(excuse) for unit, excuse in state.excuses.items()},
            "missing_since": newest.due if newest and missing else None,
            "periods": [msgspec.to_builtins(period) for period in state.periods[-self.rules.keep_periods :]],
            "figures": figures(state, self.rules), "revision": state.revision,
        }  # fmt: skip


def _schedule(state: Reporting, entry: Entry, data: dict[str, Any]) -> None:
    """A new rhythm; what units last said stays to be seen, what they owed to the old rhythm is over."""
    if state.state != "running" and state.state:
        state.periods, state.added, state.last, state.excuses, state.skipped = [], {}, {}, {}, 0
    for told in state.open.values():
        for report in told.values():
            model.add(state, report.numbers)
    state.plan = entry.subject.partition("/")[2]
    state.state, state.ended, state.closed, state.open = "running", False, 0, {}
    state.every_minutes = max(1, int(data.get("every_minutes") or state.every_minutes))
    state.start = int(data.get("from") or entry.time)
    state.units = list(data.get("units") or state.units)
    state.settled = "grace_minutes" in data and bool(data.get("units"))
    state.grace_minutes = int(data.get("grace_minutes") or 0)
    state.exercise = bool(data.get("exercise", False))
    state.response, state.label = data.get("response", ""), data.get("label") or state.label


def _settle(state: Reporting, entry: Entry, data: dict[str, Any]) -> None:
    state.units, state.grace_minutes, state.start = data["units"], data["grace_minutes"], data["from"]
    state.settled = True


def _report(state: Reporting, entry: Entry, data: dict[str, Any]) -> None:
    unit = data["unit"]
    k, late = model.answers(state, unit, entry.recorded)
    numbers, begin = data.get("numbers", {}), rhythm(state).begin(k)
    told = Told(at=entry.recorded, by=entry.who, text=data.get("text", ""), numbers=numbers, late=late, period=begin)
    state.last = {**state.last, unit: told}
    if late:
        newest = state.periods[-1]
        newest.missing.remove(unit)
        newest.late.append(unit)
        model.add(state, numbers)
    else:
        state.open = {**state.open, k: {**state.open.get(k, {}), unit: told}}


def _excuse(state: Reporting, entry: Entry, data: dict[str, Any]) -> None:
    excuse = Excuse(by=entry.who, at=entry.recorded, reason=entry.reason, until=data.get("until"))
    state.excuses = {**state.excuses, data["unit"]: excuse}


def _unexcuse(state: Reporting, entry: Entry, data: dict[str, Any]) -> None:
    state.excuses = {unit: excuse for unit, excuse in state.excuses.items() if unit != data["unit"]}


def _set_units(state: Reporting, entry: Entry, data: dict[str, Any]) -> None:
    state.units = list(data["units"])


def _stop(state: Reporting, entry: Entry, data: dict[str, Any]) -> None:
    if state.state == "running":
        state.state, state.ended = "stopped", True


FOLDS = {
    "schedule": _schedule, "settle": _settle, "report": _report, "excuse": _excuse, "unexcuse": _unexcuse,
    "set_units": _set_units, "stop": _stop,
}  # fmt: skip
