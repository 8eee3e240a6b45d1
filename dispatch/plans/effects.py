"""What putting a level into force makes: the difference to what is there, task by task, wall by wall, message by message. Pure.

The same function says it to the person who is about to sign (`shown`) and writes it (dispatch/plans/acts.py): what was shown is
what happens. A change of level adds what is missing and takes back what belongs to graver levels only; nothing is made twice.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from dispatch.plans.model import MINUTE, Level, Message, Plan, Spot, TaskRule, Words, rank
from dispatch.plans.state import Response


class Effects(msgspec.Struct, frozen=True, kw_only=True):
    """`open` the tasks to be made, as data of `task/<id>` `open`; `cancel` ids of tasks to be taken back; `scenes` wall ->
    layout ("" back to what it was); `messages` as data of `bulletin/...` `draft`; `report_minutes` the rhythm, 0 none."""

    act: str
    level: str
    open: list[dict[str, Any]]
    cancel: list[str]
    scenes: dict[str, str]
    messages: dict[str, dict[str, Any]]
    report_minutes: int
    report_before: int
    emergency_classes: list[str]


def effects(plan: Plan, state: Response, level: str, now: int, exercise: bool) -> Effects:
    """What going from `state` to `level` ("" ends the response) means at `now`, city ms."""
    before = state.level if state.state == "in_force" else ""
    act = "end" if not level else "up" if rank(level) > rank(before) else "down"
    run = state.run if before else state.run + 1
    wanted = {task["task_id"]: task for task in _tasks(plan, run, level, now, exercise)} if level else {}
    there = set(state.tasks) if before else set()
    settings = plan.levels.get(level, Level(sign=[]))
    layouts = {wall: "" for wall in state.scenes} | settings.scenes
    said = plan.levels.get(level or before, settings)
    return Effects(
        act=act,
        level=level,
        open=[task for name, task in wanted.items() if name not in there],
        cancel=[name for name in state.tasks if name not in wanted] if before else [],
        scenes={wall: layout for wall, layout in layouts.items() if layout != state.scenes.get(wall, {}).get("set", "")},
        messages={one.key: _message(plan, one, said, now, exercise) for one in _of(plan, level or before, act)},
        report_minutes=settings.report_minutes,
        report_before=state.report_minutes if before else 0,
        emergency_classes=list(settings.emergency_classes),
    )


def shown(found: Effects) -> dict[str, Any]:
    """For the person who is about to sign."""
    return {
        "act": found.act,
        "tasks": [{key: task[key] for key in _SHOWN if task.get(key)} for task in found.open],
        "cancelled": len(found.cancel),
        "scenes": found.scenes,
        "messages": [{key: message[key] for key in ("kind", "audience", "headline")} for message in found.messages.values()],
        "report_minutes": found.report_minutes,
        "emergency_classes": found.emergency_classes,
    }


_SHOWN = ("label", "unit", "role", "place", "ack_due", "due", "made", "crews", "equipment")


def _of(plan: Plan, level: str, act: str) -> list[Message]:
    return [message for message in plan.messages.values() if act in message.on and level in message.levels]


def _tasks(plan: Plan, run: int, level: str, now: int, exercise: bool) -> Iterator[dict[str, Any]]:
    for rule in plan.tasks.values():
        if not rule.level or rank(rule.level) > rank(level):
            continue
        if not rule.spots:
            yield _task(plan, run, rule, None, now, exercise)
        for spot in plan.spots.values() if rule.spots else ():
            if rank(spot.level) <= rank(level):
                yield _task(plan, run, rule, spot, now, exercise)


def _task(plan: Plan, run: int, rule: TaskRule, spot: Spot | None, now: int, exercise: bool) -> dict[str, Any]:
    made: dict[str, Any] = {
        "task_id": "-".join(filter(None, [plan.name, str(run), rule.key, spot.spot_id if spot else ""])),
        "response": f"response/{plan.name}",
        "key": rule.key,
        "level": rule.level,
        "label": rule.label,
        "unit": (spot.unit if spot else "") or rule.unit,
        "role": "" if spot and spot.unit else rule.role,
        "made": now,
        "ack_due": now + round(rule.ack_minutes * MINUTE),
        "due": now + round(rule.due_minutes * MINUTE),
        "kinds": rule.kinds,
        "equipment": msgspec.to_builtins(rule.equipment),
        "exercise": exercise,
    }
    if spot is not None:
        made |= {"spot": spot.spot_id, "place": spot.name, "site": spot.site, "district": spot.district, "crews": spot.crews}
        made |= {"lon": spot.lon, "lat": spot.lat}
    return {key: value for key, value in made.items() if value not in ("", [], None, False)}


def _message(plan: Plan, message: Message, level: Level, now: int, exercise: bool) -> dict[str, Any]:
    def filled(words: Words) -> Words:
        return {tag: _filled(text, tag, plan, level) for tag, text in words.items()}

    made: dict[str, Any] = {
        "kind": message.kind, "audience": message.audience, "event": message.event, "severity": message.severity,
        "headline": filled(message.headline), "text": filled(message.text), "instruction": filled(message.instruction),
        "exercise": exercise, "cause": f"response/{plan.name}",
    }  # fmt: skip
    if message.expires_minutes:
        made["expires"] = now + round(message.expires_minutes * MINUTE)
    return {key: value for key, value in made.items() if value or key == "audience"}


def _filled(text: str, tag: str, plan: Plan, level: Level) -> str:
    return text.replace("{level}", level.label.get(tag, level.name)).replace("{plan}", plan.label.get(tag, plan.name))
