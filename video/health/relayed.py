"""Key pictures the relay already has: asked for over loopback, many on one connection, without starting anything.

A small HTTP client of its own: 10,000 questions in a lap cost a tenth of what a general client takes for them.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any, NamedTuple
from urllib.parse import quote

from hall.core.errors import HallError

_LARGEST = 8 * 1024 * 1024
_SECONDS = 3.0


class Coded(NamedTuple):
    """One key picture as it came: `family` h264, h265 or jpeg; `captured` real ms."""

    body: bytes
    family: str
    captured: float


class RelayAway(HallError):
    """The relay does not answer."""


class Relayed:
    """Asks one relay. Requests go out one after another on one connection, opened anew when it breaks."""

    def __init__(self, port: int, host: str = "127.0.0.1") -> None:
        self._place = host, port
        self._lines: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self._turn = asyncio.Lock()

    async def tracks(self) -> list[dict[str, Any]]:
        """Every running track: `subject quality state info ...`. Raises RelayAway."""
        status, _, body = await self._get("/tracks")
        return json.loads(body) if status == 200 else []

    async def key_picture(self, subject: str, quality: str = "sub", newer: float = 0) -> Coded | None:
        """The newest key picture younger than `newer` (real ms); None when there is none. Raises RelayAway."""
        status, head, body = await self._get(f"/keyframe/{quote(subject)}?quality={quality}&newer={int(newer)}")
        if status != 200 or not body:
            return None
        return Coded(body, head.get("x-family", "h264"), float(head.get("x-captured", 0)))

    async def close(self) -> None:
        if self._lines is not None:
            self._lines[1].close()
            self._lines = None

    async def _get(self, path: str) -> tuple[int, dict[str, str], bytes]:
        async with self._turn:
            for attempt in (1, 2):  # a connection that was kept may have been closed meanwhile
                try:
                    async with asyncio.timeout(_SECONDS):
                        return await self._ask(path)
                except (OSError, EOFError, ValueError, TimeoutError, asyncio.LimitOverrunError) as error:
                    fresh = self._lines is None
                    await self.close()
                    if attempt == 2 or fresh:
                        raise RelayAway(f"the relay does not answer ({type(error).__name__})") from None
                except BaseException:
                    await self.close()  # half an answer may be on its way: the connection is no use any more
                    raise
        raise AssertionError("unreachable")

    async def _ask(self, path: str) -> tuple[int, dict[str, str], bytes]:
        if self._lines is None:
            self._lines = await asyncio.open_connection(*self._place, limit=256 * 1024)
        reader, writer = self._lines
        writer.write(f"GET {path} HTTP/1.1\r\nHost: {self._place[0]}\r\n\r\n".encode())
        lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        head = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:] if line)}
        length = int(head.get("content-length", "0"))
        if not 0 <= length <= _LARGEST:
            raise ValueError("length")
        status = int(lines[0].split(" ")[1])
        body = await reader.readexactly(length) if length and status not in (204, 304) else b""
        if head.get("connection", "").lower() == "close":
            await self.close()
        return status, head, body
