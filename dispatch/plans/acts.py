"""What one signature writes, and what its undo takes back: drafts into every stream concerned, in one transaction. Pure."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from dispatch.aggregate import View
from dispatch.notices import subject_for
from dispatch.plans.effects import Effects, effects
from dispatch.plans.model import MINUTE, Plan, Plans, rank, spoken
from dispatch.plans.state import Response
from hall.core.command import Command, Draft

#: an own warning or message that nobody has sent yet can be taken back
_WITHDRAWN_FROM = ("draft", "submitted", "refused", "approved")


class Scope:
    """What an act may touch: `topics` the streams that this hall keeps, `walls` the layout each wall shows by itself."""

    def __init__(self, plans: Plans, topics: Collection[str], walls: dict[str, str]) -> None:
        self.plans, self.topics, self.walls = plans, topics, walls


def acted(scope: Scope, plan: Plan, view: View, state: Response, command: Command, level: str, exercise: bool) -> list[Draft]:
    """Puts `level` into force ("" ends the response)."""
    found = effects(plan, state, level, view.now, exercise)
    scenes = {wall: _switched(scope, view, state, wall, layout) for wall, layout in found.scenes.items()}
    bulletins = _bulletins(scope, plan, state, found)
    cancelled = {name: _standing(view, name) for name in found.cancel}
    data = {
        "level": level, "exercise": exercise, "opened": [task["task_id"] for task in found.open], "cancelled": cancelled,
        "scenes": scenes, "bulletins": list(bulletins), "report_minutes": found.report_minutes,
        "report_before": found.report_before, "emergency_classes": found.emergency_classes,
        "undo_until": view.now + round(scope.plans.undo_minutes * MINUTE),
    }  # fmt: skip
    made = [Draft(subject=command.subject, move=command.move, data=data, reason=command.reason.strip())]
    made += [Draft(subject=f"task/{task['task_id']}", move="open", data=task) for task in found.open]
    made += [Draft(subject=f"task/{name}", move="cancel", data={"why": found.act}) for name, was in cancelled.items() if was]
    for wall, one in scenes.items():
        if _layout(scope, view, wall) != (layout := one["set"] or one["back"]):
            made.append(_scene(scope, view, command.subject, wall, layout))
    made += [Draft(subject=name, move="draft", data=message) for name, message in bulletins.items()]
    made += _reporting(scope, plan, state, found.report_minutes, found.report_before, view.now, exercise)
    told = _told(scope, plan, state, found, exercise, command.subject)
    data["told"] = [draft.subject for draft in told]
    late = [name for one, was in cancelled.items() if was for name in view.get(f"task/{one}").notices]
    return made + told + withdrawn(view, [*state.proposed.get("told", []), *late])


def undone(scope: Scope, plan: Plan, view: View, state: Response, command: Command) -> list[Draft]:
    """Takes the last act back: everything it made that has not been done or sent."""
    act, before = state.act, state.act["before"]
    made = [Draft(subject=command.subject, move="undo", data={"run": state.run}, reason=command.reason.strip())]
    for name in act["opened"]:
        if _standing(view, name):
            made.append(Draft(subject=f"task/{name}", move="cancel", data={"why": "undone"}))
    for name, was in act["cancelled"].items():
        task = view.get(f"task/{name}")
        if was and task is not None and task.state == "cancelled":
            made.append(Draft(subject=f"task/{name}", move="restore", data={"state": was}))
    for wall, one in act["scenes"].items():
        there = before["scenes"].get(wall, {}).get("set") or one["back"]
        if _layout(scope, view, wall) == (one["set"] or one["back"]) != there:
            made.append(_scene(scope, view, command.subject, wall, there))
    for name in act["bulletins"]:
        bulletin = view.get(name)
        if bulletin is not None and bulletin.state in _WITHDRAWN_FROM:
            made.append(Draft(subject=name, move="withdraw", data={}))
    made += _reporting(scope, plan, state, act["report_before"], state.report_minutes, view.now, state.exercise)
    return made + withdrawn(view, act["told"])


def withdrawn(view: View, notices: list[str]) -> list[Draft]:
    """Notices that are pointless now: nobody is to be called to what is done with."""
    there = [name for name in notices if (notice := view.get(name)) is not None and not notice.ended]
    return [Draft(subject=name, move="withdraw") for name in there]


def allowed_to_sign(plan: Plan, state: Response, level: str) -> list[str]:
    """Roles that may go to `level` from where it stands: those of the graver of both."""
    here = state.level if state.state == "in_force" else ""
    graver = level if rank(level) >= rank(here) else here
    return plan.levels[graver].sign if graver in plan.levels else []


# -- the streams concerned -----------------------------------------------------------------------------------------------------


def _standing(view: View, name: str) -> str:
    """The state of a task that is still to be done, empty for any other."""
    task = view.get(f"task/{name}")
    return task.state if task is not None and task.state in ("open", "acknowledged") else ""


def _layout(scope: Scope, view: View, wall: str) -> str:
    show = view.get(f"show/{wall}/all")
    return (show.scene.get("layout") if show is not None else "") or scope.walls.get(wall, wall)


def _switched(scope: Scope, view: View, state: Response, wall: str, layout: str) -> dict[str, str]:
    """`{set, back}`; a wall that somebody has switched by hand since is left as he wants it."""
    held = state.scenes.get(wall)
    here = _layout(scope, view, wall)
    if held is None:
        return {"set": layout, "back": here}
    back = held["back"] if held["set"] == here or layout else here
    return {"set": layout, "back": back}


def _scene(scope: Scope, view: View, response: str, wall: str, layout: str) -> Draft:
    at = view.real + round(scope.plans.scene_lead_seconds * 1000)
    return Draft(subject=f"show/{wall}/all", move="scene", data={"layout": layout, "at": at, "response": response})


def _bulletins(scope: Scope, plan: Plan, state: Response, found: Effects) -> dict[str, dict[str, Any]]:
    if "bulletin" not in scope.topics:
        return {}
    return {f"bulletin/{plan.name}-{state.revision + 1}-{key}": data for key, data in found.messages.items()}


def _reporting(scope: Scope, plan: Plan, state: Response, minutes: int, before: int, now: int, exercise: bool) -> list[Draft]:
    if "reporting" not in scope.topics or minutes == before:
        return []
    subject = f"reporting/{plan.name}"
    if not minutes:
        return [Draft(subject=subject, move="stop", data={})]
    data = {
        "every_minutes": minutes,
        "from": now,
        "exercise": exercise,
        "response": f"response/{plan.name}",
        "label": plan.label,
    }
    return [Draft(subject=subject, move="schedule", data=data)]


def _told(scope: Scope, plan: Plan, state: Response, found: Effects, exercise: bool, response: str) -> list[Draft]:
    """One notice to every department and role that was given tasks."""
    if "notice" not in scope.topics:
        return []
    counts: dict[tuple[str, str], int] = {}
    for task in found.open:
        kind = "unit" if task.get("unit") else "role"
        counts[kind, task[kind]] = counts.get((kind, task[kind]), 0) + 1
    level, language = plan.levels[found.level].label if found.level else {}, scope.plans.language
    values = {"level": spoken(level, language) or found.level, "plan": spoken(plan.label, language)}
    key = "notice.exercise_tasks" if exercise else "notice.response_tasks"
    made = []
    for (kind, name), count in counts.items():
        to, cause = {kind: name}, state.revision + 1
        data = {
            "to": to,
            "about": response,
            "key": key,
            "urgency": "urgent",
            "cause": cause,
            "values": {**values, "n": str(count)},
        }
        made.append(Draft(subject=subject_for(cause, response, to), move="tell", data=data))
    return made
