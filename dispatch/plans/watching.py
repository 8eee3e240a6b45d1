"""What the dispatch process does for responses by itself: watches the picture, proposes, signs what the plan leaves to it."""

from __future__ import annotations

import logging
from typing import Any

from dispatch.desk import Desk
from dispatch.naming import name_of
from dispatch.part import SYSTEM, Part
from dispatch.plans.model import COLOURS, MINUTE, RED, Plan, Plans, rank
from dispatch.plans.picture import Knowledge
from dispatch.plans.proposing import Picture, Proposal, assess, in_force, observe, propose, red_since
from dispatch.plans.state import Response
from dispatch.rain.gauge import Gauges
from dispatch.reader import Head
from dispatch.waiting import Waiting, ask
from hall.core.command import Command, Entry
from hall.core.errors import Refused
from hall.core.process import Process

log = logging.getLogger("hall")


class Watcher(Part):
    """One per hall, for all its plans. What it asks for is named by the revision it was seen on, so nothing is asked twice."""

    topics = frozenset({"warning", "observation", "alarm", "case"})

    def __init__(self, process: Process, desk: Desk, plans: Plans, rain: Gauges) -> None:
        self.process, self.desk, self.plans = process, desk, plans
        self._known = Knowledge((name for plan in plans.by_name.values() for name in plan.case_classes), rain)
        self._states: dict[str, Response] = {}
        self._met: dict[str, dict[str, int]] = {}
        self._waiting = Waiting(process, "responses", "response_faults")
        process.counters |= {"responses_in_force": 0, "response_proposals": 0}

    def hear(self, head: Head) -> None:
        self._known.hear(head.subject, head.time, bytes(head.data))

    async def start(self) -> None:
        self._states = await self.desk.states("response")
        commands = []
        for name, plan in self.plans.by_name.items():
            subject = f"response/{name}"
            state = self._states.get(subject)
            cause = f"enrol-{subject}-{state.revision if state else 0}"
            commands.append(Command(id=cause, subject=subject, move="enrol", data=plan.facts()))
        if await ask(self.desk, commands):
            self._states = await self.desk.states("response")

    async def take(self, entries: list[Entry]) -> None:
        names = dict.fromkeys(entry.subject for entry in entries if entry.subject.startswith("response/"))
        self._states |= await self.desk.many(list(names)) if names else {}

    async def run(self) -> None:
        await self._waiting.looking(lambda: self.look(self.process.clock.now()), self.plans.look_seconds)

    async def look(self, now: int) -> None:
        """What the picture asks for at `now`."""
        self.process.counters["responses_in_force"] = sum(one.state == "in_force" for one in self._states.values())
        for name, plan in self.plans.by_name.items():
            state = self._states.get(f"response/{name}")
            if state is not None:
                commands = self._commands(plan, state, now)
                if commands:
                    await self._ask(commands)

    async def _ask(self, commands: list[Command]) -> None:
        for command, result in await ask(self.desk, commands):
            if isinstance(result, Refused):
                log.debug("dispatch: %s %s: %s", command.subject, command.move, result.detail)
            elif command.move == "propose" and result.seqs:
                self.process.counters["response_proposals"] += 1
        self._states |= await self.desk.many([command.subject for command in commands])

    # -- what is to be asked for ---------------------------------------------------------------------------------------------

    def _commands(self, plan: Plan, state: Response, now: int) -> list[Command]:
        picture, found = self._weighed(plan, state, now)
        commands = [*self._signal(plan, state, picture, now), *self._eased(state, picture, now)]
        if found.direction:
            if proposal := self._proposal(plan, state, found, now):
                commands.append(proposal)
        elif self._lapsed(plan, state, picture, now):
            commands.append(self._command(state, "lapse", {}))
        if automatic := self._automatic(plan, state, now):
            commands.append(automatic)
        return commands

    def _weighed(self, plan: Plan, state: Response, now: int) -> tuple[Picture, Proposal]:
        """The picture and what it proposes. Exercise signals count in an exercise, and where nothing real is to be said."""
        here = state.state == "in_force"
        exercise = self.plans.exercise or (here and state.exercise)
        met = self._met.get(plan.name) if here else None
        if met is None:  # also after a restart: the ledger knows since when which conditions are gone
            met = (
                {level: state.gone.get(level, now) for level in plan.levels if rank(level) <= rank(state.level)} if here else {}
            )
        picture = self._known.picture(state, now, round(self.plans.fresh_minutes * MINUTE), exercise, met)
        if here:
            picture.met = self._met[plan.name] = observe(plan, picture, now)
        else:
            self._met.pop(plan.name, None)
        found = propose(plan, picture, now)
        if not found.direction and not here and not exercise:
            rehearsed = self._known.picture(state, now, picture.fresh_ms, True, {})
            found = propose(plan, rehearsed, now)
            found = found if found.exercise else Proposal()
        return picture, found

    def _signal(self, plan: Plan, state: Response, picture: Picture, now: int) -> list[Command]:
        """The gravest signal in force and since when it has been red, told when either changes."""
        signals, red = in_force(plan, picture, now), red_since(plan, picture, now)
        if red is not None and state.red_since is not None:
            red = min(red, state.red_since)  # a signal that is renewed in red has been red before
        top = signals[0] if signals else None
        said: dict[str, Any] = {}
        if top is not None:
            said = {"colour": COLOURS[min(top.severity, RED)], "event": top.event[:100], "subject": top.subject}
            said |= {"exercise": True} if top.exercise else {}
        if (red, said) == (state.red_since, state.signal):
            return []
        data = ({"red_since": red} if red is not None else {}) | ({"signal": said} if said else {})
        return [self._command(state, "signal", data)]

    def _eased(self, state: Response, picture: Picture, now: int) -> list[Command]:
        """Since when the conditions of the level in force are gone, kept so that a restart counts on where it was; what comes
        back within a minute is not worth a line."""
        if not picture.level:
            return []
        gone = {level: at for level, at in picture.met.items() if rank(level) <= rank(state.level) and now - at >= MINUTE}
        return [self._command(state, "ease", {"gone": gone})] if gone.keys() != state.gone.keys() else []

    def _proposal(self, plan: Plan, state: Response, found: Proposal, now: int) -> Command | None:
        there, exercise = state.proposed, found.exercise or self.plans.exercise
        if there and there["exercise"] and not exercise:
            there = {}  # what is real is said, whatever is being rehearsed
        if there and (there["level"], there["direction"]) == (found.level, found.direction):
            return None
        if there and there["by"] != SYSTEM.name and rank(there["level"]) >= rank(found.level):
            return None  # a person asks for as much already
        if there and found.direction == "up" and rank(there["level"]) > rank(found.level):
            picture = self._known.picture(state, now, round(self.plans.fresh_minutes * MINUTE), found.exercise, {})
            held = now - there["at"] <= self.plans.lapse_minutes * MINUTE
            if held or rank(assess(plan, picture, now, plan.ease).level) >= rank(there["level"]):
                return None  # what wavers about a line is not proposed up and down
        if self._refused(state, found, now):
            return None
        data = {"why": list(found.why), "exercise": exercise}
        return self._command(state, "propose", data | ({"level": found.level} if found.level else {}))

    def _refused(self, state: Response, found: Proposal, now: int) -> bool:
        said = state.declined
        if not said or now - said["at"] > self.plans.decline_minutes * MINUTE:
            return False
        if found.direction != "up":
            return said["direction"] == found.direction
        return said["direction"] == "up" and rank(said["level"]) >= rank(found.level)

    def _lapsed(self, plan: Plan, state: Response, picture: Picture, now: int) -> bool:
        """Whether the hall's own proposal has lost its reasons for good."""
        there = state.proposed
        if not there or there["by"] != SYSTEM.name or now - there["at"] <= self.plans.lapse_minutes * MINUTE:
            return False
        return there["direction"] != "up" or rank(assess(plan, picture, now, plan.ease).level) < rank(there["level"])

    def _automatic(self, plan: Plan, state: Response, now: int) -> Command | None:
        there = state.proposed
        mine = there and there["by"] == SYSTEM.name and there["direction"] == "up" and there["level"] in plan.automatic
        if not mine or self._refused(state, Proposal(direction="up", level=there["level"]), now):
            return None
        return self._command(state, "change" if state.state == "in_force" else "sign", {"level": there["level"]})

    @staticmethod
    def _command(state: Response, move: str, data: dict[str, Any]) -> Command:
        subject = f"response/{state.plan}"
        cause = name_of(f"{move}-{subject}-{state.revision}-{data.get('level', '')}")
        return Command(id=cause, subject=subject, move=move, data=data)
