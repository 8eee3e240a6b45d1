"""Keeps what the map showed: noted on the loop, worked out and written by a thread. What finds no room is counted."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sqlite3
from collections import deque

import msgspec

from dispatch.history.settings import BEATS, FILE, TOPICS, settings_of
from dispatch.history.store import Store
from dispatch.part import Part
from dispatch.reader import Head
from hall.core.board import EntryId
from hall.core.errors import BusLost
from hall.core.event import topic_of
from hall.core.process import Process
from hall.core.raster import Frame

log = logging.getLogger("hall")
#: events that may wait for the disk; beyond it the oldest are left out, counted
QUEUE = 100_000
#: events of one transaction
CHUNK = 4_000
WRITE_SECONDS = 5.0
#: documents of radar fields whose frames wait to be fetched
RASTERS = 50
LOOK_SECONDS = 0.5
#: what was heard so long ago is now; and after how many seconds the board is taken in even if the bus never got that far
NOW_MS, SETTLE_SECONDS = 5_000, 60.0
#: what is from further in the future belongs to another run of a replayed city
AHEAD_MS = 3_600_000


class _Field(msgspec.Struct):
    """Of a radar field, what is needed to keep its frames."""

    feed: str = ""
    frames: list[Frame] = []


def _field(head: Head) -> _Field:
    try:
        return msgspec.json.decode(head.data, type=_Field)
    except msgspec.MsgspecError:
        return _Field()  # the board shows it as it can; there is nothing to fetch


class HistoryPart(Part):
    """One file in the data directory; `[map] history = "0 h"` keeps nothing."""

    def __init__(self, process: Process) -> None:
        self.process, self.rules = process, settings_of(process.config)
        self._batch: list[Head] = []  # heard since the last entry that was reached
        self._queue: deque[Head | tuple[str, EntryId]] = deque()
        self._board: list[Head] | None = []  # what the board held at the start; None: settled
        self._newest = 0  # recordedtime
        self._rasters: deque[Head] = deque(maxlen=RASTERS)  # whose frames may be new
        self._frames: set[str] = set()  # versions that are kept
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
        if topic_of(head.subject) == "raster" and not head.gone:
            self._rasters.append(head)
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
                    await self._keep_frames()
                    if self._board is not None and (self._caught_up() or loop.time() >= latest):
                        await self._settle()
        finally:
            self._store.close()

    async def _keep_frames(self) -> None:
        """The pixels of what the radar measured, while the bus still has them; forecasts are not kept."""
        store, self._frames = self._store, self._frames or await asyncio.to_thread(self._store.rasters)  # type: ignore[union-attr]
        while self._rasters and store is not None:
            raster = _field(self._rasters[0])
            wanted = [frame for frame in raster.frames if frame.time <= frame.run and frame.version not in self._frames]
            try:
                for frame in wanted:
                    body = await self.process.bus.hash_get(frame.version, "raster", raster.feed)
                    if body is not None:
                        await asyncio.to_thread(store.keep_raster, frame.version, frame.time, body)
                        self._frames.add(frame.version)
            except (BusLost, sqlite3.Error):
                return  # with the next round
            self._rasters.popleft()

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
