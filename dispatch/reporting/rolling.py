"""What the dispatch process does for reporting by itself: lets periods end, fills schedules, reminds."""

from __future__ import annotations

from dispatch.desk import Desk
from dispatch.part import Part
from dispatch.reporting import reminders
from dispatch.reporting.model import Reporting, rhythm
from dispatch.reporting.settings import ReportingRules
from dispatch.waiting import Waiting, ask
from hall.core.command import Command, Entry
from hall.core.process import Process

#: real seconds between two looks at the city's clock
LOOK_SECONDS = 0.5


class Rolling(Part):
    """Holds the running rhythms; all it does is named by what caused it, so a restart does nothing twice."""

    def __init__(self, process: Process, desk: Desk, rules: ReportingRules) -> None:
        self.process, self.desk, self.rules = process, desk, rules
        self._states: dict[str, Reporting] = {}
        self._reminded: dict[str, tuple[int, int]] = {}  # subject -> dues that units were reminded of, and told missing of
        self._waiting = Waiting(process, "reporting periods", "reporting_faults")
        process.counters |= {"reporting_running": 0}

    async def start(self) -> None:
        self._states = {subject: state for subject, state in (await self.desk.states("reporting")).items()}

    async def take(self, entries: list[Entry]) -> None:
        lines = [entry for entry in entries if entry.subject.startswith("reporting/")]
        for subject in dict.fromkeys(entry.subject for entry in lines):
            state = await self.desk.state(subject)
            if state is None or state.ended:
                self._states.pop(subject, None)
                self._reminded.pop(subject, None)
            else:
                self._states[subject] = state
        told = [entry for entry in lines if entry.move == "report" and entry.subject in self._states]
        await self._do([
            command
            for entry in told
            for command in reminders.settled(entry.subject, self._states[entry.subject], self.rules, entry.data["unit"])
        ])  # fmt: skip

    async def run(self) -> None:
        await self._waiting.looking(lambda: self.look(self.process.clock.now()), LOOK_SECONDS)

    async def look(self, now: int) -> None:
        """What is to be done at `now`, done."""
        self.process.counters["reporting_running"] = len(self._states)
        for subject in list(self._states):
            if await self._move_on(subject, now):
                self._states[subject] = await self.desk.state(subject)
            if (state := self._states.get(subject)) and state.settled:
                await self._remind(subject, state, now)

    async def _move_on(self, subject: str, now: int) -> bool:
        state = self._states[subject]
        if not state.settled:
            return await self._do([Command(id=f"settle-{subject}-{state.revision}", subject=subject, move="settle")])
        until = rhythm(state).closed(now)
        if until <= state.closed:
            return False
        return await self._do([Command(id=f"roll-{subject}-{state.revision}-{until}", subject=subject, move="roll")])

    async def _remind(self, subject: str, state: Reporting, now: int) -> None:
        due, over = rhythm(state).due(state.closed), state.periods[-1].due if state.periods else 0
        near, missed = self._reminded.get(subject, (0, 0))
        commands = [] if near == due else reminders.near(subject, state, self.rules, now)
        if commands:
            near = due
        if missed != over:
            commands, missed = [*commands, *reminders.missing(subject, state, self.rules, now)], over
        await self._do(commands)
        self._reminded[subject] = near, missed

    async def _do(self, commands: list[Command]) -> bool:
        return bool(await ask(self.desk, commands))
