"""The feeds room: what was seen. `run(process)` is the body of the `feeds` process."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hall.core.process import Process


async def run(process: Process) -> None:
    """Runs every feed of the configuration until the process is stopped."""
    from feeds.runner import Runner

    runner = Runner(process)
    await runner.start()
    await asyncio.gather(runner.tell(), runner.obey())
