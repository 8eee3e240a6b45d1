"""Ending tasks that wait for the bus, in tests."""

from __future__ import annotations

import asyncio


async def ended(*tasks: asyncio.Task) -> None:
    """Cancels the tasks and returns when all have ended; what they raised stays in them.

    Asks more than once, as hall.core.process does: `asyncio.wait_for` of Python 3.11, used by the Redis client, can lose a
    cancellation that comes in the moment its work is done.
    """
    while running := [task for task in tasks if not task.done()]:
        for task in running:
            task.cancel()
        await asyncio.wait(running, timeout=2)
