"""One address per test process, at which one served page after another is found.

A browser keeps what a page loads, and what it compiled of it, by address: under a new port each test would have the same
scripts and fonts fetched, decoded and compiled again, which is two thirds of what opening a page costs.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from collections.abc import Iterator
from typing import Any

import uvicorn


class _Door:
    """A served port; `app` is what stands behind it now."""

    def __init__(self) -> None:
        self.app: Any = None
        # named as TCP: else asyncio leaves Nagle's wait on, 40 ms an answer; the hall's own loop (uvloop) never does
        listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        listening.bind(("127.0.0.1", 0))
        listening.listen(512)
        self.address = f"http://127.0.0.1:{listening.getsockname()[1]}"
        self.loop = asyncio.new_event_loop()
        web = uvicorn.Server(uvicorn.Config(self._pass_on, interface="asgi3", log_level="warning", lifespan="off"))
        serving = web.serve(sockets=[listening])
        threading.Thread(target=self.loop.run_until_complete, args=(serving,), daemon=True).start()

    async def _pass_on(self, scope: dict, receive: Any, send: Any) -> None:
        if self.app is None:  # a page that was not closed asks after its test
            await send({"type": "http.response.start", "status": 503, "headers": []})
            return await send({"type": "http.response.body", "body": b""})
        await self.app(scope, receive, send)

    def wait(self, work: Any) -> None:
        """Runs `work` where requests are answered."""
        asyncio.run_coroutine_threadsafe(work, self.loop).result(10)


_free: list[_Door] = []


@contextlib.contextmanager
def serve(app: Any) -> Iterator[str]:
    """Yields the address at which `app` is served meanwhile."""
    door = _free.pop() if _free else _Door()
    config = uvicorn.Config(app, log_level="warning", lifespan="on")
    config.load()
    life = config.lifespan_class(config)
    door.wait(life.startup())
    door.app = app
    try:
        yield door.address
    finally:
        door.app = None
        door.wait(life.shutdown())
        _free.append(door)
