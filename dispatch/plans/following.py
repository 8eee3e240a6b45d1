"""What the dispatch process does for tasks and for what a signature changes: reminds of late tasks, opens cases for them, tells
the walls their scene, treats classes of cases as emergencies while a level says so.
"""

from __future__ import annotations

import logging
from functools import partial
from typing import Any

from dispatch.desk import Desk
from dispatch.naming import name_of
from dispatch.part import Part
from dispatch.plans.deadlines import ACTS, CASE_MOVES, Deadlines
from dispatch.plans.model import HOUR, Plans, spoken
from dispatch.plans.state import Response
from dispatch.plans.task import Task, due_steps
from dispatch.waiting import TOGETHER, Waiting, ask
from hall.core.clock import real_ms
from hall.core.command import Command, Entry
from hall.core.errors import Refused
from hall.core.process import Process

log = logging.getLogger("hall")

#: real seconds between two looks at the tasks' clocks
LOOK_SECONDS = 1.0
#: a scene that was decided longer ago than this is history, not news (real ms)
_SCENE_FRESH_MS = 60_000


class Follower(Part):
    """One per hall; its commands are named by what caused them."""

    def __init__(self, process: Process, desk: Desk, plans: Plans) -> None:
        self.process, self.desk, self.plans = process, desk, plans
        self._tasks: dict[str, Task] = {}
        self._responses: dict[str, Response] = {}
        self._due = Deadlines(plans, self._responses)
        self._waiting = Waiting(process, "tasks", "task_faults")
        process.counters |= {"tasks_open": 0, "tasks_late": 0}

    async def start(self) -> None:
        self._tasks = await self.desk.states("task")
        self._responses |= await self.desk.states("response")
        await self._ask([self._case_of(subject, task) for subject, task in self._tasks.items() if task.wanted_case])

    async def take(self, entries: list[Entry]) -> None:
        topics = {entry.subject.partition("/")[0] for entry in entries}
        if topics & {"task", "response"}:
            await self._refresh(entries)
        if "show" in topics:
            for entry in entries:
                self._scene(entry)
        await self._deadlines(entries)

    async def _deadlines(self, entries: list[Entry]) -> None:
        """In the order of the lines: a case that came in before the signature is there when it is acted on."""
        acts = [entry for entry in entries if entry.subject.startswith("response/") and entry.move in ACTS]
        cases = [entry for entry in entries if entry.subject.startswith("file/") and entry.move in CASE_MOVES]
        found = await self.desk.many(list(dict.fromkeys(entry.subject for entry in cases))) if cases else {}
        commands = [one for entry in cases if entry.subject in found for one in self._due.of_case(entry, found[entry.subject])]
        files = await self.desk.states("file") if acts else {}
        for act in acts:
            commands += self._due.of_act(act, files.items())
        await self._ask(commands)

    async def _refresh(self, entries: list[Entry]) -> None:
        names = dict.fromkeys(entry.subject for entry in entries if entry.subject.startswith(("task/", "response/")))
        for subject, state in (await self.desk.many(list(names))).items():
            kept = self._tasks if subject.startswith("task/") else self._responses
            if state.ended:
                kept.pop(subject, None)
            else:
                kept[subject] = state
        wanted = {entry.subject for entry in entries if entry.move == "to_case"}
        await self._ask([self._case_of(name, self._tasks[name]) for name in wanted if name in self._tasks])
        opened = [name for name in wanted if name in self._tasks and not self._tasks[name].case]
        await self._ask([self._linked(name, self._tasks[name]) for name in opened])

    async def run(self) -> None:
        await self._waiting.looking(lambda: self.look(self.process.clock.now()), LOOK_SECONDS)

    async def look(self, now: int) -> None:
        """Reminds of what is late at `now`, takes off the screens what has long been done."""
        live = [task for task in self._tasks.values() if task.state in ("open", "acknowledged")]
        self.process.counters["tasks_open"] = len(live)
        self.process.counters["tasks_late"] = sum(task.due is not None and task.due <= now for task in live)
        commands: list[Command] = []
        for subject, task in self._tasks.items():
            for step in due_steps(task, now):
                cause = name_of(f"remind-{subject}-{task.made}-{task.due}-{task.unit}{task.role}-{step}")
                commands.append(Command(id=cause, subject=subject, move="remind", data={"step": step}))
            if task.ended_at is not None and now - task.ended_at > self.plans.keep_hours * HOUR:
                commands.append(Command(id=name_of(f"retire-{subject}-{task.ended_at}"), subject=subject, move="retire"))
        await self._ask(commands[:TOGETHER])

    async def _ask(self, commands: list[Command]) -> None:
        for command, result in await ask(self.desk, commands):
            if isinstance(result, Refused):
                log.debug("dispatch: %s %s: %s", command.subject, command.move, result.detail)

    # -- a task as a case ------------------------------------------------------------------------------------------------------

    def _case_of(self, subject: str, task: Task) -> Command:
        """The report by which crews, travel times and the phone come to a task: a case of the hall's own at its place."""
        plan = self.plans.by_name.get(task.response.partition("/")[2])
        say = partial(spoken, language=self.plans.language)
        text = " · ".join(filter(None, [say(task.label), say(task.place), task.note]))
        case: dict[str, Any] = {
            "feed": "desk", "case_id": _case_id(task), "description": f"【演练】{text}" if task.exercise else text,
            "address": say(task.place), "district": task.district, "unit": task.unit, "report_source": "应急任务",
            "stages": {"reported": self.process.clock.now()},
            "extra": {"task": subject, **({"exercise": True} if task.exercise else {})},
            **(plan.task_case if plan is not None else {}),
        }  # fmt: skip
        if task.lon is not None and task.lat is not None:
            case |= {"lon": task.lon, "lat": task.lat}
        file = f"file/desk/{_case_id(task)}"
        return Command(id=name_of(f"case-{subject}-{task.made}"), subject=file, move="open", data={"case": case})

    @staticmethod
    def _linked(subject: str, task: Task) -> Command:
        data = {"case": f"file/desk/{_case_id(task)}"}
        return Command(id=name_of(f"linked-{subject}-{task.made}"), subject=subject, move="case", data=data)

    # -- scenes ----------------------------------------------------------------------------------------------------------------

    def _scene(self, entry: Entry) -> None:
        """Walls follow `scene/<wall>`; a scene that a person asks for is told by who took his request."""
        if entry.move != "scene" or "response" not in entry.data or not entry.subject.endswith("/all"):
            return
        if real_ms() - entry.real > _SCENE_FRESH_MS:
            return
        wall, data = entry.subject.split("/")[1], {"layout": entry.data["layout"], "at": entry.data["at"], "by": entry.who}
        self.process.fast.put(self.process.event(f"scene/{wall}", data, type="scene.set"))


def _case_id(task: Task) -> str:
    """What is part of an exercise says so in its very number: outsiders are told of none of these (hall/app/georeport.py)."""
    return f"{'exercise' if task.exercise else 'task'}-{task.task_id}"
