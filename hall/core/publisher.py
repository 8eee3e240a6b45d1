"""How a process publishes: events are packed per tick, kept until acknowledged, refused beyond a bound."""

from __future__ import annotations

import asyncio
import logging

from hall.core.bus import Bus
from hall.core.errors import BusLost
from hall.core.event import Event, encode

log = logging.getLogger("hall.bus")


class Publisher:
    """Collects events and sends one pack per tick; what was not yet acknowledged is kept, in order, and sent again.

    `bound` events wait at most; beyond it `put` raises BusLost, so a source stops reading instead of losing.
    """

    def __init__(self, bus: Bus, lane: str = "bulk", tick_seconds: float = 0.04, bound: int = 100_000) -> None:
        self.bus, self.lane, self.tick_seconds, self.bound = bus, lane, tick_seconds, bound
        self.sent = 0
        self.fault = ""  # why the last attempt failed, empty when it went well
        self._waiting: list[bytes] = []
        self._cursors: dict[str, bytes] = {}
        self._lock = asyncio.Lock()
        self._work = asyncio.Event()

    def put(self, event: Event) -> None:
        self.put_raw(encode(event))

    def put_raw(self, encoded: bytes) -> None:
        if len(self._waiting) >= self.bound:
            raise BusLost(f"{len(self._waiting)} events wait for the bus: {self.fault or 'it is slow'}")
        self._waiting.append(encoded)
        self._work.set()

    def cursor(self, name: str, value: bytes) -> None:
        """Stores `name` in the transaction of the pack that carries everything put before it."""
        self._cursors[name] = value
        self._work.set()

    @property
    def waiting(self) -> int:
        return len(self._waiting)

    async def flush(self) -> None:
        """Sends what waits now and returns once the server has it; raises BusLost and keeps all when it has not."""
        async with self._lock:
            left, cursors = len(self._waiting), dict(self._cursors)
            while left or cursors:
                batch = self._waiting[: min(left, 5_000)]
                left -= len(batch)
                try:
                    await self.bus.publish(batch, self.lane, None if left else cursors)
                except BusLost as error:
                    self.fault = str(error)
                    raise
                self.fault = ""
                del self._waiting[: len(batch)]
                self.sent += len(batch)
                if not left:
                    self._cursors = {n: v for n, v in self._cursors.items() if cursors.get(n) is not v}
                    return

    async def run(self) -> None:
        """Sends a pack each tick while there is something to send; never ends, never raises on a lost bus."""
        pause, told = self.tick_seconds, False
        while True:
            await self._work.wait()
            self._work.clear()
            try:
                await self.flush()
                pause = self.tick_seconds
                if told:
                    log.warning("the bus takes events again (%s)", self.lane)
                told = False
            except BusLost as error:
                if not told:
                    log.error("the bus takes no events (%s), keeping them: %s", self.lane, error)
                told = True
                self._work.set()
                pause = min(max(pause * 2, 0.1), 1.0)
            await asyncio.sleep(pause)
