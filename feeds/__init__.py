"""The feeds room: what was seen. `run(process)` is the body of the `feeds` process."""

from __future__ import annotations

import asyncio
import gc
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hall.core.process import Process


async def run(process: Process) -> None:
    """Runs every feed of the configuration until the process is stopped."""
    # a large body makes millions of objects that are all kept or all dropped: looking through them again and again while
    # they are made would take four times as long as making them
    gc.set_threshold(50_000, 20, 100)
    from feeds.runner import Runner

    runner = Runner(process)
    await runner.start()
    await asyncio.gather(runner.tell(), runner.obey())
