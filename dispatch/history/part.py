"""Keeps what the map showed: noted on the loop, worked out and written by a thread. What finds no room is counted."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sqlite3
from collections import deque

from dispatch.history.settings import BEATS, FILE, TOPICS, settings_of
from dispatch.history.store import Store
from dispatch.part import Part
from dispatch.reader import Head
from hall.core.board import EntryId
from hall.core.event import topic_of
from hall.core.process import Process

log = logging.getLogger("hall")
#: events that may wait for the disk; beyond it the oldest are left out, counted
QUEUE = 100_000
#: events of one transaction
CHUNK = 4_000
WRITE_SECONDS = 5.0
LOOK_SECONDS = 0.5
#: what was heard so long ago is now; and after how many seconds the board is taken in even if the bus never got that far
NOW_MS, SETTLE_SECONDS = 5_000, 60.0
#: what is from further in the future belongs to another run of a replayed city
AHEAD_MS = 3_600_000


class HistoryPart(Part):
    """One file in the data directory; `[map] history = "0 h"` keeps nothing."""

    def __init__(self, process: Process) -> None:
        self.process, self.rules = process, settings_of(process.config)
        self._batch: list[Head] = []  # heard since the last entry that was reached
        self._queue: deque[Head | tuple[str, EntryId]] = deque()
        self._board: list[Head] | None = []  # what the board held at the start; None: settled
        self._newest = 0  # recordedtime
        self._told, self._started = "", False
        process.counters |= {"history_kept": 0, "history_lost": 0}
        self._store = self._opened() if self.rules.keep_ms else None
        self.topics = TOPICS if self._store is not None else frozenset()
        self._reached = self._store.reached() if self._store is not None else {}

    def _opened(self) -> Store | None:
        """None: the file cannot be used; nothing else depends on it."""
        path = self.process.settings.data_dir / FILE
        try:
            store = Store(path, self.rules.keep_ms, self.rules.most_bytes)
            store.forget_after(self.process.clock.now() + AHEAD_MS)
            return store
        except sqlite3.Error as error:
            log.warning("dispatch: what the map shows is not kept: %s: %s", path, error)
            return None

    def hear(self, head: Head) -> None:
        if self._started:
            self._batch.append(head)
        elif self._board is not None and topic_of(head.subject) not in BEATS:
            self._board.append(head)

    def position(self, lane: str) -> EntryId | None:
        return self._reached.get(lane)

    def reached(self, lane: str, at: EntryId) -> None:
        """What was kept before a restart is heard again, and not kept again."""
        if self._store is None:
            return
        batch, self._batch = self._batch, []
        if not self._started or at <= self._reached.get(lane, (0, 0)):
            return
        room = QUEUE - len(self._queue)
        if len(batch) > room:
            self.process.counters["history_lost"] += len(batch) - max(room, 0)
            batch = batch[len(batch) - room :] if room > 0 else []
        self._queue.extend(batch)
        self._queue.append((lane, at))

    async def start(self) -> None:
        self._started = True

    async def run(self) -> None:
        if self._store is None:
            return
        loop, due = asyncio.get_running_loop(), 0.0
        latest = loop.time() + SETTLE_SECONDS
        try:
            while True:
                await asyncio.sleep(LOOK_SECONDS)
                if len(self._queue) >= CHUNK or loop.time() >= due:
                    due = loop.time() + WRITE_SECONDS
                    await self._write()
                    if self._board is not None and (self._caught_up() or loop.time() >= latest):
                        await self._settle()
        finally:
            self._store.close()

    def _caught_up(self) -> bool:
        clock = self.process.clock
        return not self._queue and clock.now() - self._newest <= NOW_MS * max(1.0, clock.state.rate)

    async def _settle(self) -> None:
        try:
            await asyncio.to_thread(self._store.settle, self._board or [], self.process.clock.now())  # type: ignore[union-attr]
        except sqlite3.Error as error:
            log.warning("dispatch: what the map shows is not complete: %s", error)
        self._board = None

    async def _write(self) -> None:
        """Everything that waits, chunk by chunk."""
        store, pace = self._store, self.process.clock.state.rate
        while self._queue and store is not None:
            part = [self._queue.popleft() for _ in range(min(CHUNK, len(self._queue)))]
            heads = [one for one in part if isinstance(one, Head)]
            positions = {one[0]: one[1] for one in part if not isinstance(one, Head)}
            try:
                broken = await asyncio.to_thread(store.write, heads, positions, pace)
                await asyncio.to_thread(store.tidy)
                self._reached |= positions
                self._newest = max([self._newest, *(head.recordedtime for head in heads)])
                self.process.counters["history_kept"] += len(heads) - broken
                self._told = ""
            except sqlite3.Error as error:
                self.process.counters["history_lost"] += len(heads)
                if not self._told:
                    log.warning("dispatch: what the map shows cannot be kept: %s", error)
                self._told = str(error)
                with contextlib.suppress(sqlite3.Error):
                    await asyncio.to_thread(store.recover)
                return
