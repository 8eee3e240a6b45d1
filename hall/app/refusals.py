"""What was refused, as lines of the audit: counted per minute, so that whoever tries a million times fills no disk."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

from hall.core.clock import monotonic
from hall.core.errors import HallError

log = logging.getLogger("hall.web")
WINDOW_SECONDS = 60.0
#: different refusals told by themselves in a window, of one asker and of all; the others are told in one line
OWN_LINES, LINES = 6, 60
#: of what the door says no to; an address that does not exist is nobody's attempt at anything
AUDITED = frozenset({401, 403, 413, 429})


class Kind(NamedTuple):
    """What is counted together; of the path only what it is about (`/api/v1/cases`), not which one."""

    reason: str
    who: str
    role: str
    address: str
    path: str


Write = Callable[[Kind, int], Awaitable[None]]
OTHERS = Kind("others", "", "", "", "")


class Refusals:
    """`count` is called for every refusal; `write(kind, count)` leaves an audit line. The first of a kind is written at once,
    its repetitions as one line when the window ends."""

    def __init__(self, write: Write) -> None:
        self._write = write
        self._counts: dict[Kind, int] = {}
        self._ends = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._writing: set[asyncio.Task[Any]] = set()

    def count(self, kind: Kind) -> None:
        if monotonic() >= self._ends:
            self.flush()
            self._ends = monotonic() + WINDOW_SECONDS
            self._timer = asyncio.get_running_loop().call_later(WINDOW_SECONDS, self.flush)
        kind = self._bounded(kind._replace(path="/".join(kind.path.split("/")[:4])))
        seen = self._counts.get(kind, 0)
        self._counts[kind] = seen + 1
        if not seen and kind.reason != OTHERS.reason:
            self._spawn(kind, 1)

    def _bounded(self, kind: Kind) -> Kind:
        """The kind itself, or what stands for all that is too much: of this asker, then of everybody."""
        if kind in self._counts:
            return kind
        own = Kind(OTHERS.reason, kind.who, kind.role, kind.address, "")
        if sum((one.who, one.address) == (kind.who, kind.address) for one in self._counts) >= OWN_LINES:
            kind = own
        return kind if kind in self._counts or len(self._counts) < LINES else OTHERS

    def flush(self) -> None:
        """Ends the window: what was refused more than once is told with how often."""
        if self._timer:
            self._timer.cancel()
            self._timer = None
        for kind, times in self._counts.items():
            if times > 1 or kind.reason == OTHERS.reason:
                self._spawn(kind, times)
        self._counts.clear()
        self._ends = 0.0

    def _spawn(self, kind: Kind, times: int) -> None:
        task = asyncio.get_running_loop().create_task(self._told(kind, times))
        self._writing.add(task)
        task.add_done_callback(self._writing.discard)

    async def _told(self, kind: Kind, times: int) -> None:
        try:
            await self._write(kind, times)
        except HallError as error:
            log.warning("access: a refusal could not be written to the audit: %s", error)

    async def close(self) -> None:
        self.flush()
        if self._writing:
            await asyncio.wait(self._writing, timeout=2)
