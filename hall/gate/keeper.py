"""Keeps the picture on the bus: every 2 s what changed since the last checkpoint, written by one gate of several."""

from __future__ import annotations

import asyncio
import logging

from hall.core.board import LANES, Board, Entry, Position
from hall.core.bus import Bus
from hall.core.errors import BusLost

log = logging.getLogger("hall.gate")
EVERY_SECONDS = 2.0
LEASE_SECONDS = 6
#: rounds that a stored checkpoint may be ahead of us until we take it for another bus's and write our own
_AHEAD_ROUNDS = 10


class Keeper:
    """Writes checkpoints while it holds the lease. Losing the lease in mid-write is harmless: any checkpoint is true at
    the position stored in its own transaction."""

    def __init__(self, bus: Bus, board: Board, name: str, epoch: str) -> None:
        self.bus, self.board, self.name, self.epoch = bus, board, name, epoch
        self.holds = False
        self._ahead = 0

    async def run(self) -> None:
        while True:
            await asyncio.sleep(EVERY_SECONDS)
            try:
                if await self.lease():
                    await self.save()
            except BusLost as error:
                self.holds = False
                log.debug("no checkpoint: %s", error)

    async def lease(self) -> bool:
        """Whether this gate is the one that writes; takes the lease when nobody has it."""
        key = ("lease", "keeper")
        if await self.bus.set(self.name, *key, ttl_seconds=LEASE_SECONDS, only_new=True):
            self.holds = True
        else:
            self.holds = await self.bus.get(*key) == self.name.encode()
            if self.holds:
                await self.bus.set(self.name, *key, ttl_seconds=LEASE_SECONDS)
            elif await self.bus.call("TTL", self.bus.key(*key)) > LEASE_SECONDS:
                # the machine's clock was set back: a dead gate's lease would last for as long as it was moved
                await self.bus.delete(*key)
        return self.holds

    async def save(self) -> int:
        """Brings the checkpoint up to the board; returns how many entries were written."""
        await self.bus.set(self.epoch, "epoch", only_new=True)  # comes back here after the bus lost its data
        text = await self.bus.get("board", "position")
        stored = Position.parse(text.decode()) if text else None
        board = self.board
        if stored == board.position:
            return 0
        if stored is not None and any(getattr(stored, lane) > getattr(board.position, lane) for lane in LANES):
            self._ahead += 1
            if self._ahead < _AHEAD_ROUNDS:
                return 0
            stored = None
        self._ahead = 0
        topics = board.state_topics
        whole = stored is None or not board.resumable(stored, topics)
        entries = [entry for _, entry in board.entries()] if whole else board.since(stored, topics)
        await self._write(entries, whole)
        return len(entries)

    async def _write(self, entries: list[Entry], whole: bool) -> None:
        board = self.board
        await self.bus.save_checkpoint(
            [(entry.subject, entry) for entry in entries],
            board.position,
            whole=whole,
            forgotten=board.take_forgotten(),
            horizon=board.horizon,
        )
