"""The relay's pictures for analysers: one socket like any viewer's, with a ticket of the hall's own, opened again for ever."""

from __future__ import annotations

import asyncio
import json
import logging
import struct
from collections.abc import Awaitable, Callable
from typing import Any

from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException

from hall.core.clock import real_ms
from hall.core.process import Process
from hall.core.secrets import Secrets
from hall.core.tickets import Ticket, issue

log = logging.getLogger("hall.video")
_HEAD = struct.Struct("!IBBHQd")  # docs/VIDEO.md: handle, flags, version, reserved, pts, captured
_KEY, _GAP, _SUSPECT = 1, 2, 4
_VALID_MS = 3_600_000
_WAITS = (0.5, 1, 2, 5)  # seconds between attempts

#: (channel, codec family, key, broken, captured real ms, Annex-B)
Take = Callable[[str, str, bool, bool, float, bytes], Awaitable[None]]


class Watching:
    """Keeps channels on watch and hands each picture to `take`, in order."""

    def __init__(self, process: Process, secrets: Secrets, take: Take) -> None:
        self._process, self._secrets, self._take = process, secrets, take
        self._channels: dict[str, bool] = {}
        self._numbers: dict[int, str] = {}
        self._changed = asyncio.Event()
        self.connected = False

    def watch(self, channels: dict[str, bool]) -> None:
        """From now on these (subject -> key pictures only)."""
        if channels != self._channels:
            self._channels, self._numbers = channels, dict(enumerate(channels, 1))
            self._changed.set()

    async def run(self) -> None:
        """Watches for ever; the relay may come and go."""
        attempt = 0
        while True:
            while not self._channels:
                await self._changed.wait()
                self._changed.clear()
            self._changed.clear()
            try:
                address = f"ws://127.0.0.1:{self._process.settings.pictures_port}/v1/video"
                async with connect(address, compression=None, max_size=8 * 1024 * 1024, max_queue=32) as socket:
                    self.connected, attempt = True, 0
                    await self._until_changed(socket)
            except (OSError, WebSocketException, TimeoutError, ValueError, KeyError):
                pass  # the reason is the relay's to tell; here only the pictures are missing
            finally:
                self.connected = False
            if self._changed.is_set():
                continue
            await asyncio.sleep(_WAITS[min(attempt, len(_WAITS) - 1)])
            attempt += 1

    async def _until_changed(self, socket: Any) -> None:
        """Follows one connection until it ends, or until other channels are wanted: the source outlives the short gap."""
        following, changed = asyncio.ensure_future(self._follow(socket)), asyncio.ensure_future(self._changed.wait())
        try:
            await asyncio.wait({following, changed}, return_when=asyncio.FIRST_COMPLETED)
            if following.done():
                following.result()
        finally:
            for task in (following, changed):
                task.cancel()
            await asyncio.wait({following, changed})

    async def _follow(self, socket: Any) -> None:
        await self._ask(socket)
        renewed, handles = real_ms(), {}
        async for message in socket:
            if isinstance(message, bytes):
                await self._picture(message, handles)
            else:
                told = json.loads(message)
                if told["op"] == "watching":
                    handles[told["handle"]] = (self._numbers[told["n"]], told["family"])
            if real_ms() - renewed > _VALID_MS // 2:
                return  # asked for anew with a new ticket

    async def _ask(self, socket: Any) -> None:
        ticket = Ticket(
            view="analysis", person="hall", role="operator", channels=tuple(self._channels), until=real_ms() + _VALID_MS,
            why="analysis",
        )  # fmt: skip
        text = issue(self._secrets, ticket)
        for number, channel in self._numbers.items():
            only = "keys" if self._channels[channel] else "all"
            words = {"op": "watch", "n": number, "ticket": text, "channel": channel, "quality": "sub", "only": only}
            await socket.send(json.dumps(words))

    async def _picture(self, message: bytes, handles: dict[int, tuple[str, str]]) -> None:
        handle, flags, _, _, _, captured = _HEAD.unpack_from(message)
        known = handles.get(handle)
        if known is not None:
            broken = bool(flags & (_GAP | _SUSPECT)) and not flags & _KEY
            await self._take(known[0], known[1], bool(flags & _KEY), broken, captured, message[_HEAD.size :])
