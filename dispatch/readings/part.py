"""Keeps what the alarm engine hears: noted on the loop, compressed and written by a thread. What finds no room is counted."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections import deque

from dispatch.part import Part
from dispatch.reader import Head
from dispatch.readings.ring import CHUNK, Ring
from dispatch.readings.settings import DAY_MS, FILE, settings_of
from hall.core.board import EntryId
from hall.core.event import topic_of
from hall.core.process import Process

log = logging.getLogger("hall")
#: events that may wait for the disk; beyond it the oldest are left out, counted
QUEUE = 60_000
WRITE_SECONDS = 5.0
LOOK_SECONDS = 0.5
#: what is from further in the future belongs to another run of a replayed city
AHEAD_MS = 3_600_000


class ReadingsPart(Part):
    """`topics`: what the rules in force hear."""

    def __init__(self, process: Process, topics: frozenset[str]) -> None:
        self.process, self.rules = process, settings_of(process.config)
        self.topics = topics if self.rules.keep else frozenset()
        self._batch: list[Head] = []  # heard since the last entry that was reached
        self._queue: deque[Head | tuple[str, EntryId]] = deque()
        self._points: dict[str, Head | None] = {}
        self._started, self._told = False, ""
        process.counters |= {"readings_kept": 0, "readings_lost": 0}
        self._ring = self._opened() if self.rules.keep else None
        self._reached = self._ring.reached() if self._ring is not None else {}

    def _opened(self) -> Ring | None:
        """None: the file cannot be used; alarms do not depend on it."""
        path = self.process.settings.data_dir / FILE
        try:
            ring = Ring(path, int(self.rules.megabytes * 1024 * 1024), int(self.rules.days * DAY_MS))
            ring.forget_after(self.process.clock.now() + AHEAD_MS)
            return ring
        except sqlite3.Error as error:
            log.warning("dispatch: readings are not kept: %s: %s", path, error)
            return None

    def hear(self, head: Head) -> None:
        if topic_of(head.subject) == "sensor":
            self._points[head.subject] = None if head.gone else head
        if self._started and self._ring is not None:  # what the board holds was kept when it came
            self._batch.append(head)

    def position(self, lane: str) -> EntryId | None:
        return self._reached.get(lane)

    def reached(self, lane: str, at: EntryId) -> None:
        """What was kept before a restart is heard again, and not kept again."""
        batch, self._batch = self._batch, []
        if self._ring is None or at <= self._reached.get(lane, (0, 0)):
            return
        room = QUEUE - len(self._queue)
        if len(batch) > room:
            self.process.counters["readings_lost"] += len(batch) - max(room, 0)
            batch = batch[len(batch) - room :] if room > 0 else []
        self._queue.extend(batch)
        self._queue.append((lane, at))

    async def start(self) -> None:
        self._started = True

    async def run(self) -> None:
        if self._ring is None:
            return
        loop, due = asyncio.get_running_loop(), 0.0
        try:
            while True:
                await asyncio.sleep(LOOK_SECONDS)
                if len(self._queue) >= CHUNK or loop.time() >= due:
                    due = loop.time() + WRITE_SECONDS
                    await self._write()
        finally:
            self._ring.close()

    async def _write(self) -> None:
        """Everything that waits, chunk by chunk."""
        while self._queue or self._points:
            part = [self._queue.popleft() for _ in range(min(CHUNK, len(self._queue)))]
            heads = [one for one in part if isinstance(one, Head)]
            positions = {one[0]: one[1] for one in part if not isinstance(one, Head)}
            points, self._points = self._points, {}
            try:
                await asyncio.to_thread(self._ring.write, heads, points, positions)
                self._reached |= positions
                self.process.counters["readings_kept"] += len(heads)
                self._told = ""
            except sqlite3.Error as error:
                self.process.counters["readings_lost"] += len(heads)
                self._points = points | self._points
                if not self._told:
                    log.warning("dispatch: readings cannot be kept: %s", error)
                self._told = str(error)
                return
