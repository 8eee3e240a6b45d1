"""What the dispatch process does for alarms and emergencies, part by part: one line each in `parts_of`.

A part hears bus events of its topics, is told of new ledger lines, and may work by itself; it acts by giving the desk commands
in the hall's name, with ids made of what caused them, so that a restart does nothing twice.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from dispatch.alarming.part import AlarmPart
from dispatch.alarmlife.keeper import AlarmKeeper
from dispatch.alarmlife.merging import PondingMerger
from dispatch.alarmlife.settings import settings_of as life_of
from dispatch.bulletins import rules_of as bulletin_rules
from dispatch.bulletins.part import BulletinPart
from dispatch.closures.part import ClosurePart
from dispatch.closures.settings import settings_of as closures_of
from dispatch.crews.arriving import ArrivalPart
from dispatch.depots.part import ResourcePart
from dispatch.depots.roster import settings_of as depots_of
from dispatch.desk import Desk
from dispatch.history.part import HistoryPart
from dispatch.incidents import rules_of as incident_rules
from dispatch.incidents.keeping import Keeping
from dispatch.measures.columns import CaseColumns
from dispatch.measures.part import MeasurePart
from dispatch.messages.part import MessagePart
from dispatch.part import SYSTEM, Part
from dispatch.plans import response_parts
from dispatch.policy import Policy
from dispatch.rain.gauge import Gauges
from dispatch.rain.part import RainPart
from dispatch.reader import Head
from dispatch.readings.part import ReadingsPart
from dispatch.reporting import rules_of as reporting_rules
from dispatch.reporting.rolling import Rolling
from dispatch.shapes.part import ShapePart
from dispatch.waiting import Waiting
from dispatch.webhooks.settings import hooks_of
from hall.core.board import EntryId
from hall.core.command import Entry
from hall.core.event import topic_of
from hall.core.process import Process

__all__ = ["SYSTEM", "Part", "Parts", "parts_of"]

log = logging.getLogger("hall")
RETRY_SECONDS = 1.0


def parts_of(process: Process, desk: Desk, policy: Policy, cases: CaseColumns) -> list[Part]:
    """Every part of one dispatch process. `cases`: kept by the caller."""
    rain = Gauges()
    raining = RainPart(process, rain)
    alarms = AlarmPart(process, desk)
    return [
        alarms,
        ReadingsPart(process, alarms.topics),
        AlarmKeeper(process, desk, life_of(process.config)),
        PondingMerger(process, desk, life_of(process.config)),
        Rolling(process, desk, reporting_rules(process.config)),
        Keeping(process, desk, incident_rules(process.config)),
        *response_parts(process, desk, rain),
        ClosurePart(process, desk, closures_of(process.config)),
        ResourcePart(process, desk, depots_of(process.config)),
        BulletinPart(process, desk, bulletin_rules(process.config), hooks_of(process.config)),
        ShapePart(process, desk),
        MessagePart(process, desk),
        raining,
        MeasurePart(process, cases, raining.totals),
        ArrivalPart(process),
        HistoryPart(process),
    ]  # fmt: skip


class Parts:
    """All of them as one, each kept from harming the others and the process: what fails is told and counted, not fatal."""

    def __init__(self, process: Process, parts: list[Part]) -> None:
        self._process, self._parts = process, parts
        self._by_topic: dict[str, list[Part]] = {}
        self._told: set[str] = set()
        for part in parts:
            for topic in part.topics:
                self._by_topic.setdefault(topic, []).append(part)
        process.counters |= {"parts_faulty": 0}

    @property
    def topics(self) -> tuple[str, ...]:
        return tuple(self._by_topic)

    def hear(self, head: Head) -> None:
        for part in self._by_topic.get(topic_of(head.subject), ()):
            try:
                part.hear(head)
            except Exception:  # one odd document must not stop the city's
                self._fault(part, f"left out {head.subject[:200]}")

    def position(self, lane: str, otherwise: EntryId) -> EntryId:
        """The earliest entry that a part goes on after."""
        return min([otherwise, *(at for part in self._parts if (at := part.position(lane)) is not None)])

    def reached(self, lane: str, at: EntryId) -> None:
        for part in self._parts:
            part.reached(lane, at)

    async def start(self) -> None:
        for part in self._parts:
            await self._surely(part, part.start)

    async def take(self, entries: list[Entry]) -> None:
        for part in self._parts:
            await self._surely(part, lambda part=part: part.take(entries))

    def works(self) -> list[Any]:
        """Their own work, to be run side by side."""
        return [self._working(part) for part in self._parts]

    async def _surely(self, part: Part, work: Callable[[], Awaitable[None]]) -> None:
        """Again for as long as the ledger cannot be used: what it would have said must not be missed."""
        try:
            await Waiting(self._process, f"lines for {type(part).__name__}").until_done(work, RETRY_SECONDS)
        except Exception:
            self._fault(part, "missed something")

    async def _working(self, part: Part) -> None:
        """A part that fails works on after a moment; one that has nothing to do by itself ends."""
        while True:
            try:
                return await part.run()
            except Exception:
                self._fault(part, "failed and goes on")
                await asyncio.sleep(RETRY_SECONDS)

    def _fault(self, part: Part, what: str) -> None:
        """The first of each part is told in full, the rest are counted."""
        name = type(part).__name__
        if name not in self._told:
            log.exception("dispatch: %s %s", name, what)
        self._told.add(name)
        self._process.counters["parts_faulty"] += 1
