"""Follows the bus, one task and one connection per lane, and notices what the streams no longer hold."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from hall.core.board import LANES, START, Board, EntryId, Position
from hall.core.bus import Bus
from hall.core.clock import monotonic
from hall.core.errors import BusLost
from hall.gate.hub import Hub

log = logging.getLogger("hall.gate")
#: how long an idle read waits: the bus's age on screens is at most about this
BLOCK_MS = 250
#: bytes reduced until other tasks get their turn
_SLICE_BYTES = 256 * 1024
_FULL_BATCH = 512


class Follower:
    """Feeds the hub from the bus."""

    def __init__(self, bus: Bus, hub: Hub, counters: dict[str, Any]) -> None:
        self.bus, self.hub, self.counters = bus, hub, counters
        self._heard = dict.fromkeys(LANES, monotonic())
        self._lost: set[str] = set()

    @property
    def bus_age_ms(self) -> int:
        """Milliseconds since the bus last answered on the lane that is silent longest."""
        return int((monotonic() - min(self._heard.values())) * 1000)

    async def run(self, lane: str) -> None:
        after = getattr(self.hub.board.position, lane)
        async for entries in self.bus.follow(lane, after, lambda reason: self._on_lost(lane, reason), BLOCK_MS):
            back = lane in self._lost
            if back:
                self._lost.discard(lane)
                log.info("the bus answers again (%s)", lane)
            self._heard[lane] = monotonic()
            if back or len(entries) >= _FULL_BATCH:
                await self._look_for_gap(lane, entries)
            await self._take(lane, entries)

    async def _take(self, lane: str, entries: list[tuple[EntryId, bytes]]) -> None:
        size = 0
        for at, payload in entries:
            self.hub.take(lane, at, payload)
            size += len(payload)
            if size > _SLICE_BYTES:
                size = 0
                await asyncio.sleep(0)
        if entries and lane == "fast":
            self.hub.flush(("fast",), monotonic())

    def _on_lost(self, lane: str, reason: str) -> None:
        self._lost.add(lane)
        self.counters["bus_lost"] = self.counters.get("bus_lost", 0) + 1
        log.warning("the bus does not answer (%s): %s", lane, reason)

    async def _look_for_gap(self, lane: str, entries: list[tuple[EntryId, bytes]]) -> None:
        """Entries were trimmed before we read them when the oldest one left is newer than where we stood."""
        stood = getattr(self.hub.board.position, lane)
        try:
            first = await self.bus.first_entry(lane)
        except BusLost:
            return
        if first is not None and stood != START and first > stood and entries and entries[0][0] >= first:
            self.say_gap(lane, stood, first)

    def say_gap(self, lane: str, stood: EntryId, first: EntryId) -> None:
        """What was published in between is unknown: the picture may miss it, and nobody can resume from before it."""
        self.counters["gaps"] += 1
        log.warning("%s: entries between %s-%s and %s-%s are gone from the bus", lane, *stood, *first)
        board = self.hub.board
        board.start_at(board.position, Position().advanced(lane, first))


async def load(bus: Bus, board: Board) -> list[tuple[str, EntryId, EntryId]]:
    """Fills the board; returns gaps `(lane, stood, first)` between the checkpoint and what the streams still hold."""
    text = await bus.get("board", "position")
    stored = Position.parse(text.decode()) if text else Position()
    firsts = {lane: await bus.first_entry(lane) for lane in LANES}
    await bus.load_board(board)
    found = []
    for lane, first in firsts.items():
        stood = getattr(stored, lane)
        if first is not None and first > stood and (stood != START or await _was_trimmed(bus, lane)):
            found.append((lane, stood, first))
    return found


async def _was_trimmed(bus: Bus, lane: str) -> bool:
    reply = await bus.call("XINFO", "STREAM", bus.key(lane))
    facts = reply if isinstance(reply, dict) else dict(zip(reply[::2], reply[1::2], strict=True))
    plain = {(name.decode() if isinstance(name, bytes) else name): value for name, value in facts.items()}
    return plain.get("entries-added", plain["length"]) > plain["length"]
