"""What the dispatch process does for depots: brings in the city's list, retires old requests, tells `kpi/resources`."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import msgspec

from dispatch.depots.model import OVER, Request
from dispatch.depots.roster import DepotRules, commands, load, told
from dispatch.depots.totals import totals
from dispatch.desk import Desk
from dispatch.part import Part
from dispatch.reader import Head
from dispatch.waiting import Waiting, ask
from hall.core.clock import monotonic
from hall.core.command import Command, Entry
from hall.core.errors import Refused
from hall.core.event import topic_of
from hall.core.process import Process

log = logging.getLogger("hall")

_LOOK_SECONDS = 0.5
_TELL_SECONDS = 1.5
_TIDY_SECONDS = 20.0
_TOGETHER = 200
MINUTE = 60_000


class ResourcePart(Part):
    """Depots and requests come from the ledger, crews from the bus."""

    topics = frozenset({"crew"})

    def __init__(self, process: Process, desk: Desk, rules: DepotRules) -> None:
        self.process, self.desk, self.rules = process, desk, rules
        self._crews: dict[str, dict[str, Any]] = {}
        self._depots: dict[str, dict[str, Any]] = {}
        self._requests: dict[str, Request] = {}
        self._told: tuple[float, dict[str, Any]] = (float("-inf"), {})
        self._changed = True
        self._found: dict[str, Any] = {}
        self._waiting = Waiting(process, "requests that are over")
        process.counters |= {"depots_refused": 0}

    def hear(self, head: Head) -> None:
        document = None if head.gone else msgspec.json.decode(head.data)
        self._crews.pop(head.subject, None)
        if isinstance(document, dict) and document.get("equipment"):
            self._crews[head.subject] = {name: document.get(name, []) for name in ("equipment", "assignments")}
        self._changed = True

    async def start(self) -> None:
        """The city's list first, then everything as it stands."""
        listed = load(self.process.config, self.rules)
        known = await self.desk.states("depot", ended=True)
        results = await ask(self.desk, commands(listed.rows, known, self.rules.retire_missing))
        problems = [*listed.refused, *(f"{c.subject}: {result}" for c, result in results if isinstance(result, Refused))]
        for problem in told(problems):
            log.warning("depots: %s", problem)
        self.process.counters["depots_refused"] = len(problems)
        for topic in ("depot", "request"):
            for subject, state in (await self.desk.states(topic)).items():
                self._keep(subject, state)

    async def take(self, entries: list[Entry]) -> None:
        subjects = sorted({entry.subject for entry in entries if topic_of(entry.subject) in ("depot", "request")})
        for subject, state in (await self.desk.many(subjects)).items() if subjects else ():
            self._keep(subject, state)

    def _keep(self, subject: str, state: Any) -> None:
        kept: dict[str, Any] = self._depots if topic_of(subject) == "depot" else self._requests
        if state.ended:
            kept.pop(subject, None)
        else:
            kept[subject] = msgspec.to_builtins(state) if kept is self._depots else state
        self._changed = True

    async def run(self) -> None:
        tidy_at = monotonic()
        while True:
            if self._changed:
                self._changed = False
                self._add_up()
            self._tell()
            if monotonic() >= tidy_at:
                tidy_at = monotonic() + _TIDY_SECONDS
                await self._waiting.once(self.tidy)
            await asyncio.sleep(_LOOK_SECONDS)

    def _add_up(self) -> None:
        requests = [msgspec.to_builtins(state) for state in self._requests.values()]
        try:
            self._found = totals(self._depots.values(), requests, self._crews.values(), self.rules.item_kinds)
        except (
            TypeError,
            ValueError,
            KeyError,
            AttributeError,
        ):  # an odd document: sums stand still, the process does not
            log.exception("dispatch: resources could not be added up")

    def _tell(self) -> None:
        real, (told_at, before) = monotonic(), self._told
        if self._found != before or real - told_at >= _TELL_SECONDS:
            self._told = (real, self._found)
            self.process.bulk.put(self.process.event("kpi/resources", {"as_of": self.process.clock.now(), **self._found}))

    async def tidy(self) -> None:
        """Requests that are over leave the screens; the ledger keeps them."""
        before = self.process.clock.now() - self.rules.keep_minutes * MINUTE
        old = [state for state in self._requests.values() if state.state in OVER and state.since <= before]
        await ask(self.desk, [_retirement(state) for state in old[:_TOGETHER]])


def _retirement(state: Request) -> Command:
    subject = f"request/{state.request_id}"
    return Command(id=f"retire-{subject}-{state.revision}"[:200], subject=subject, move="retire", revision=state.revision)
