"""What the hall knows of an incident from its members, at one moment: plain facts that reports and briefs are made of. Pure.

`file/<feed>/<id>` gives cases and crews, `alarm` readings, `closure` what is closed, `task` what was told to whom, `request`
what was asked for, `response` the level. Members that the ledger does not keep (cameras) are only counted.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from dispatch.incidents.model import Incident

Get = Callable[[str], Any]
#: things of one kind that facts name one by one; the rest is counted
NAMED = 30
SHUT = ("ordered", "confirmed", "reopening_proposed")
#: stamp of a crew's work on a case that says it is there
THERE = ("on_scene",)


def facts_of(state: Incident, get: Get, now: int) -> dict[str, Any]:
    """`{at, title, exercise, grade, kind, started, since, commander, roles, place, source, cause, trend, measures, officer,
    figures, objectives, cases, alarms, closures, tasks, requests, crews, level, first}`; everything JSON can hold."""
    things = {subject: thing for subject in state.members if (thing := _plain(get, subject)) is not None}
    of = lambda topic: {name: one for name, one in things.items() if name.startswith(f"{topic}/")}  # noqa: E731
    own = ("title", "grade", "kind", "started", "since", "commander", "closed_at", "exercise")
    made: dict[str, Any] = {"at": now, **{name: getattr(state, name) for name in own}, **state.facts, "roles": state.roles}
    made["figures"] = {name: [one.value, one.source, one.at] for name, one in state.figures.items()}
    made["objectives"] = [[one.priority, one.text, one.state] for one in state.objectives if one.state != "dropped"]
    files = of("file")
    made["cases"] = {"n": len(files), "open": sum(not one.get("ended") for one in files.values())}
    made["crews"] = _crews(files, get)
    made["alarms"] = [_alarm(one) for one in of("alarm").values() if one.get("active")][:NAMED]
    made["closures"] = [[one.get("name") or name, one.get("state", "")] for name, one in of("closure").items()][:NAMED]
    made["tasks"] = _counted(of("task"), ("open", "acknowledged", "done"))
    made["requests"] = [_request(one) for one in of("request").values()][:NAMED]
    levels = [one for one in of("response").values() if one.get("level")]
    made["level"] = levels[0]["level"] if levels else ""
    made["first"] = _first(files, of("closure"))
    return made


def _plain(get: Get, subject: str) -> dict[str, Any] | None:
    if subject.startswith("channel/"):
        return None
    found = get(subject)
    if found is None:
        return None
    plain = msgspec.to_builtins(found)
    return {**plain, "state": getattr(found, "state", plain.get("state", "")), "ended": found.ended}


def _crews(files: dict[str, dict[str, Any]], get: Get) -> list[str]:
    """Names of the crews that are at work on the cases."""
    working = [work["crew"] for one in files.values() for work in one.get("crews", []) if work.get("state") != "clear"]
    names = []
    for crew in dict.fromkeys(working):
        known = get(f"crew/{crew}")
        names.append(getattr(known, "name", "") or crew)
    return names[:NAMED]


def _alarm(one: dict[str, Any]) -> list[Any]:
    """Name, what it is, value and unit; a label that begins with the name again says only the rest."""
    name = one.get("name") or one.get("alarm_id", "")
    label = one.get("label", "").removeprefix(name).strip(" ·")
    return [name, label, one.get("value"), one.get("unit", "")]


def _request(one: dict[str, Any]) -> list[Any]:
    return [one.get("item", ""), one.get("wanted", 0), one.get("missing", 0), one.get("state", "")]


def _counted(things: dict[str, dict[str, Any]], states: tuple[str, ...]) -> dict[str, int]:
    return {"n": len(things), **{state: sum(one["state"] == state for one in things.values()) for state in states}}


def _first(files: dict[str, dict[str, Any]], closures: dict[str, dict[str, Any]]) -> dict[str, int]:
    """Earliest moments: the first report, the first crew sent and there, the first closure, the last reopening."""
    marks = [one.get("marks", {}) for one in files.values()]
    stamps = [work.get("stamps", {}) for one in files.values() for work in one.get("crews", [])]
    found = {
        "reported": [mark["reported"]["at"] for mark in marks if "reported" in mark],
        "sent": [mark["dispatched"]["at"] for mark in marks if "dispatched" in mark],
        "there": [stamp[name] for stamp in stamps for name in THERE if name in stamp],
        "closed": [one["ordered"]["at"] for one in closures.values() if one.get("ordered", {}).get("at")],
    }
    made = {name: min(moments) for name, moments in found.items() if moments}
    reopened = [one["reopened"]["at"] for one in closures.values() if one.get("reopened", {}).get("at")]
    if closures and len(reopened) == len([one for one in closures.values() if one.get("ordered")]):
        made["reopened"] = max(reopened, default=0)
    return {name: moment for name, moment in made.items() if moment}
