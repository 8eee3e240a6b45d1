"""Stills leave lines too: who looked at which camera's still picture. One line for all that somebody looked at within some
seconds, and none again of the same camera for ten minutes: a directory full of thumbnails is one look, not five hundred."""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence

from hall.app.visit import Visit
from hall.core.clock import monotonic
from hall.core.errors import HallError

log = logging.getLogger("hall.web")
#: a camera that somebody keeps looking at is told again after this long (seconds)
AGAIN_SECONDS = 600.0
#: what is looked at within this long is one line (seconds)
TOGETHER_SECONDS = 5.0
#: cameras of one line; people and cameras remembered: the oldest are told again when there are too many
MOST_CHANNELS, REMEMBERED = 200, 200_000

Write = Callable[[Visit, Sequence[str]], Awaitable[None]]


class Stills:
    """`take` is called for each still that was sent; `write(visit, channels)` leaves the line."""

    def __init__(self, write: Write) -> None:
        self._write = write
        self._told: OrderedDict[tuple[str, str, str], float] = OrderedDict()
        self._waiting: dict[tuple[str, str, str], tuple[Visit, list[str]]] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._writing: set[asyncio.Task[None]] = set()

    def take(self, visit: Visit, channel: str) -> None:
        who = visit.identity
        asker = f"{who.role} {who.name} {who.wall}"
        known = (asker, visit.address, channel)
        now = monotonic()
        if now - self._told.get(known, -AGAIN_SECONDS) < AGAIN_SECONDS:
            return
        self._told[known] = now
        self._told.move_to_end(known)
        while len(self._told) > REMEMBERED:
            self._told.popitem(last=False)
        place = (asker, visit.address, visit.page)
        _, channels = self._waiting.setdefault(place, (visit, []))
        channels.append(channel)
        if len(channels) >= MOST_CHANNELS:
            self._spawn(*self._waiting.pop(place))
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(TOGETHER_SECONDS, self.flush)

    def flush(self) -> None:
        """Tells what waits."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        waiting, self._waiting = self._waiting, {}
        for visit, channels in waiting.values():
            self._spawn(visit, channels)

    def _spawn(self, visit: Visit, channels: list[str]) -> None:
        task = asyncio.get_running_loop().create_task(self._tell(visit, channels))
        self._writing.add(task)
        task.add_done_callback(self._writing.discard)

    async def _tell(self, visit: Visit, channels: list[str]) -> None:
        try:
            await self._write(visit, channels)
        except HallError as error:
            log.warning("views: stills of %d cameras could not be put on record: %s", len(channels), error)

    async def close(self) -> None:
        self.flush()
        if self._writing:
            await asyncio.wait(self._writing, timeout=2)
