"""Writing the casebook off the loop, however long the disk refuses: what cannot be stored yet is held, never dropped."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from dispatch.casebook import Casebook, CasebookFault
from hall.core.process import Process

log = logging.getLogger("hall")

_RETRY_SECONDS = 1.0


class PatientBook:
    """The casebook's one writer thread."""

    def __init__(self, process: Process, casebook: Casebook) -> None:
        self.process, self.casebook = process, casebook
        self._thread = ThreadPoolExecutor(1, "casebook")
        self._faulty = False
        process.counters["casebook_faults"] = 0

    async def ask(self, work: Callable[[], Any]) -> Any:
        """`work()` in the thread; raises what it raises."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    async def write(self, work: Callable[[], Any]) -> Any:
        """`work()` once the disk lets it: the caller takes nothing new meanwhile, so nothing is lost. Said once."""
        while True:
            try:
                done = await self.ask(work)
            except CasebookFault as error:
                if not self._faulty:
                    log.error("dispatch: the casebook cannot be written, waiting: %s", error)
                self._faulty = True
                self.process.counters["casebook_faults"] += 1
                await asyncio.sleep(_RETRY_SECONDS)
                continue
            if self._faulty:
                log.warning("dispatch: the casebook can be written again")
                self._faulty = False
            return done

    def close(self) -> None:
        self._thread.shutdown()  # a transaction under way is finished
        self.casebook.close()
