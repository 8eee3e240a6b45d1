"""The web process's connection to the video process's loopback HTTP: JSON, bounded in number, time, bytes."""

from __future__ import annotations

import asyncio

import httpx
from fastapi.responses import Response

from hall.app import neighbour
from hall.core.errors import Refused
from hall.core.process import Process


class VideoSide:
    """One pool of connections; `seconds` and `most` bytes are the bounds of one answer. Raises Refused 503: `video-off`,
    `video-down`, `too-large`. What the video process itself refuses is an answer like any other."""

    def __init__(self, process: Process, *, seconds: float, most: int, connections: int) -> None:
        port = process.settings.video_port
        self._base = f"http://127.0.0.1:{port}" if port else ""  # it listens nowhere else
        self._seconds, self._most = seconds, most
        self._client = neighbour.client(seconds, connections)

    async def ask(
        self, method: str, path: str, content: bytes | None = None, headers: dict[str, str] | None = None
    ) -> tuple[int, bytes]:
        """Status and JSON."""
        if not self._base:
            raise Refused("video-off", "no video process is configured (HALL_VIDEO_PORT)", 503)
        try:
            async with (
                asyncio.timeout(self._seconds),
                self._client.stream(method, self._base + path, content=content, headers=headers) as answer,
            ):
                body = bytearray()
                async for part in answer.aiter_bytes():
                    body += part
                    if len(body) > self._most:
                        raise Refused("too-large", f"more than {self._most} bytes", 503)
        except (httpx.HTTPError, TimeoutError) as error:
            raise Refused("video-down", f"the video process does not answer: {type(error).__name__}", 503) from None
        if not answer.headers.get("content-type", "").startswith("application/json"):
            raise Refused("video-down", f"the video process answered {answer.status_code}", 503)
        return answer.status_code, bytes(body)

    async def passed(
        self, method: str, path: str, content: bytes | None = None, headers: dict[str, str] | None = None
    ) -> Response:
        """Its answer as it is."""
        status, body = await self.ask(method, path, content, headers)
        return Response(body, status, {"cache-control": "no-store"}, "application/json")

    async def close(self) -> None:
        await self._client.aclose()
