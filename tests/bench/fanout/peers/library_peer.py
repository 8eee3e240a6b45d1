"""The `websockets` library as it comes: `broadcast()`, compressing for each connection on its own."""

from __future__ import annotations

import asyncio
import sys

import uvloop
from websockets.asyncio.server import ServerConnection, broadcast, serve

screens: set[ServerConnection] = set()


async def handle(socket: ServerConnection) -> None:
    if socket.request.path == "/publish":
        async for message in socket:
            broadcast(screens, message)
        return
    screens.add(socket)
    try:
        await socket.wait_closed()
    finally:
        screens.discard(socket)


async def main() -> None:
    async with serve(handle, "127.0.0.1", int(sys.argv[1]), compression="deflate", max_size=None):
        await asyncio.get_running_loop().create_future()


if __name__ == "__main__":
    uvloop.run(main())
