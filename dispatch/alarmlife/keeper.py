"""What the dispatch process does for alarms by itself: ends shelves, retires, calls, publishes groups and the load.

It follows the ledger's lines; after a restart it reads the alarms as they stand and a day of lines, and knows the same.
"""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec

from dispatch.alarmlife import calls
from dispatch.alarmlife.history import first_line_since
from dispatch.alarmlife.model import AlarmState
from dispatch.alarmlife.overview import DAY, Overview
from dispatch.alarmlife.settings import LifeSettings
from dispatch.alarmlife.stages import Row
from dispatch.alarmlife.timing import WHATS, command_of, timers_of
from dispatch.clocks.timer import Fallen, Timers
from dispatch.desk import Desk
from dispatch.part import Part
from dispatch.reader import Head
from dispatch.waiting import Waiting, ask
from hall.core.clock import monotonic
from hall.core.command import Command, Entry
from hall.core.errors import BusLost
from hall.core.process import Process
from hall.core.store import OPERATOR_DISTRICTS

TOPIC = "alarm/"
LOOK_SECONDS = 0.2
TELL_SECONDS = 0.5  # between two words about groups and load
SILENCE_SECONDS = 1.5  # the load is told again after this, changed or not
SCOPES_SECONDS = 2.0  # between two looks at which districts operators answer for
AGAIN_SECONDS = 15.0  # all groups are told again: a bus that was begun anew knows none
PAGE = 1_000
#: timers that fall in one look; the rest follow at once
FALL = 500
#: events that wait for a lost bus above which no more is told
WAITING = 1_000
#: things somebody was called to, whose notice is withdrawn when it is answered
CALLED = 5_000


class AlarmKeeper(Part):
    """One per hall. Every act is named by its cause, so that a restart does nothing twice."""

    topics = frozenset({"group"})

    def __init__(self, process: Process, desk: Desk, settings: LifeSettings) -> None:
        self.process, self.desk, self.settings = process, desk, settings
        self.overview = Overview(settings)
        self.timers = Timers()
        self.seen = 0
        self._on_board: set[str] = set()
        self._called: dict[str, set[str]] = {}  # what somebody was called to -> addresses of the notices
        self._patiently = Waiting(process, "alarms", "alarm_life_faults").until_done
        self._load: dict[str, Any] = {}
        process.counters |= {"alarms_unanswered": 0, "alarm_groups": 0, "alarm_calls": 0}

    # -- following ---------------------------------------------------------------------------------------------------------

    def hear(self, head: Head) -> None:
        """Which groups the board shows: those of before a restart may be over."""
        if not head.gone and len(self._on_board) < PAGE * 10:
            self._on_board.add(head.subject.partition("/")[2])

    async def start(self) -> None:
        now = self.process.clock.now()
        self.seen = await self._patiently(lambda: self.desk.run(lambda: self.desk.ledger.head()[0]))
        for subject, alarm in (await self._patiently(lambda: self.desk.states("alarm"))).items():
            self._put(subject, alarm)
        after = await self._patiently(lambda: self.desk.run(lambda: first_line_since(self.desk.ledger, now - DAY)))
        while after < self.seen:
            lines = await self._patiently(lambda start=after: self.desk.entries(start, PAGE, subject_prefix=TOPIC))
            for entry in lines:
                if entry.seq <= self.seen:
                    self.overview.take(entry)
            if len(lines) < PAGE:
                break
            after = lines[-1].seq

    async def take(self, entries: list[Entry]) -> None:
        lines = [entry for entry in entries if entry.seq > self.seen and entry.subject.startswith(TOPIC)]
        if lines:
            names = list(dict.fromkeys(entry.subject for entry in lines))
            found = await self._patiently(lambda: self.desk.many(names))
            for entry in lines:
                self.overview.take(entry)
            for subject, alarm in found.items():
                self._put(subject, alarm)
            await self._withdraw([subject for subject, alarm in found.items() if alarm.acknowledged or not alarm.active])
        self.seen = max(self.seen, entries[-1].seq)

    def _put(self, subject: str, alarm: AlarmState) -> None:
        self.overview.put(subject.partition("/")[2], alarm)
        due = timers_of(alarm, self.settings)
        for what in WHATS:
            self.timers.put(subject, what, due[what])

    # -- what falls due ----------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        told = again = asked = 0.0
        while True:
            await self._fall()
            real = monotonic()
            if real - asked >= SCOPES_SECONDS:
                await self._follow_scopes()
                asked = real
            if real - again >= AGAIN_SECONDS:
                self.overview.tell_again()
                again = real
            if real - told >= TELL_SECONDS:
                self._tell(real)
                told = real
            await asyncio.sleep(LOOK_SECONDS)

    async def _follow_scopes(self) -> None:
        """Which districts operators answer for, as their sign-ins say."""
        try:
            found = await self.process.bus.hash_all(OPERATOR_DISTRICTS)
        except BusLost:
            return  # until it is back those of before are followed
        self.overview.follow(tuple(msgspec.json.decode(name, type=list[str])) for name in found)

    async def _fall(self) -> None:
        """Does what fell due until now."""
        while fallen := self.timers.due(self.process.clock.now(), FALL):
            commands = [command for one in fallen if (command := self._command(one)) is not None]
            await self._do(commands)

    def _command(self, fallen: Fallen) -> Command | None:
        row = self.overview.rows.get(fallen.subject.partition("/")[2])
        if row is None:
            return None
        if fallen.what in calls.RUNGS:
            return self._call(fallen, row)
        return command_of(fallen.what, fallen.subject, row.alarm, self.settings)

    def _call(self, fallen: Fallen, row: Row) -> Command | None:
        """Who is told; whether of the group is decided by the moment it fell due: asking late or again changes nothing."""
        flood = None
        if self.overview.flood.since_at(fallen.due) is not None:
            waiting = (self.overview.group(row.group) or {}).get("unacknowledged", 1)
            flood = row.group, waiting, self.settings.flood.window
        command = calls.notice_of(fallen.subject, row.alarm, fallen.what, self.settings.notices, flood)
        about = command.data["about"]
        if command.subject in self._called.get(about, ()):
            return None
        if about in self._called or len(self._called) < CALLED:
            self._called.setdefault(about, set()).add(command.subject)
        self.process.counters["alarm_calls"] += 1
        return command

    async def _withdraw(self, subjects: list[str]) -> None:
        """Calls to what has been answered meanwhile, also those to a whole group."""
        if not subjects:
            return
        gone = [address for subject in subjects for address in self._called.pop(subject, ())]
        for about in [about for about in self._called if about.startswith("group/")]:
            if not (self.overview.group(about.partition("/")[2]) or {}).get("unacknowledged"):  # of the one it went into
                gone += self._called.pop(about)
        await self._do([Command(id=f"withdraw-{address}", subject=address, move="withdraw") for address in gone])

    async def _do(self, commands: list[Command]) -> None:
        await self._patiently(lambda: ask(self.desk, commands))

    # -- telling -----------------------------------------------------------------------------------------------------------

    def _tell(self, real: float) -> None:
        now, process = self.process.clock.now(), self.process
        if process.fast.waiting < WAITING:
            for subject, document in self.overview.groups(now):
                process.fast.put(process.event(subject, document))
            for group in self._on_board - self.overview.known_groups():
                process.fast.put(process.event(f"group/{group}", None))
            self._on_board.clear()
        health = self.overview.health(now)
        content = {key: value for key, value in health.items() if key != "as_of"}
        if content != self._load.get("content") or real - self._load["at"] >= SILENCE_SECONDS:
            self._load = {"content": content, "at": real}
            if process.bulk.waiting < WAITING:
                process.bulk.put(process.event("kpi/alarms", health))
        process.counters["alarms_unanswered"] = health["counts"]["unacknowledged"]
        process.counters["alarm_groups"] = len(self.overview.known_groups())
