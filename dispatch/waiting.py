"""How the hall's own work waits for the ledger: said once, counted, begun again until it is done."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from dispatch.desk import Desk
from dispatch.part import SYSTEM
from hall.core.command import Command, Outcome
from hall.core.errors import BusLost, LedgerFault, Refused
from hall.core.process import Process

log = logging.getLogger("hall")

RETRY_SECONDS = 1.0
#: commands in one transaction
TOGETHER = 500


class Waiting:
    """Of one part of the dispatch process. `what` waits, in the log's words; each refusal counts under `counter`."""

    def __init__(self, process: Process, what: str, counter: str = "") -> None:
        self._process, self._what, self._counter = process, what, counter
        self._told = False
        if counter:
            process.counters[counter] = 0

    async def until_done(self, work: Callable[[], Awaitable[Any]], retry_seconds: float | None = None) -> Any:
        """The outcome of `work`, however long the ledger or a busy desk refuses."""
        while True:
            try:
                found = await work()
            except (LedgerFault, BusLost, Refused) as error:  # Refused: the desk is too busy just now
                self._tell(error)
                await asyncio.sleep(RETRY_SECONDS if retry_seconds is None else retry_seconds)
                continue
            self._told = False
            return found

    async def looking(self, look: Callable[[], Awaitable[None]], seconds: float) -> None:
        """Looks until cancelled; what a look could not do, the next one does."""
        while True:
            await self.once(look)
            await asyncio.sleep(seconds)

    async def once(self, look: Callable[[], Awaitable[None]]) -> None:
        """One look; what the ledger does not take now is left for the next one."""
        try:
            await look()
            self._told = False
        except (LedgerFault, BusLost, Refused) as error:
            self._tell(error)

    def _tell(self, error: Exception) -> None:
        if not self._told:
            log.warning("dispatch: %s wait: %s", self._what, error)
        self._told = True
        if self._counter:
            self._process.counters[self._counter] += 1


async def ask(desk: Desk, commands: Sequence[Command], together: int = TOGETHER) -> list[tuple[Command, Outcome | Refused]]:
    """Gives the desk commands in the hall's own name, so many in one transaction; each with what came of it."""
    found: list[tuple[Command, Outcome | Refused]] = []
    for start in range(0, len(commands), together):
        part = commands[start : start + together]
        results = await desk.execute_many([(command, SYSTEM) for command in part])
        found += zip(part, results, strict=True)
    return found
