"""The web process's connection to the relay's loopback HTTP: JSON asked and answered, files passed on; bounded throughout."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote

import httpx
import msgspec
from fastapi.responses import Response, StreamingResponse

from hall.app import neighbour
from hall.core.errors import Refused
from hall.core.process import Process

LIMIT_SECONDS = 6.0
LIMIT_BYTES = 16 * 1024 * 1024
CONNECTIONS = 32
_KEPT = ("cache-control", "content-length")


class RelaySide:
    """Raises Refused: `relay-off`, `relay-down` (503), and what the relay itself refuses with its reason and status."""

    def __init__(self, process: Process) -> None:
        port = process.settings.relay_port
        self._base = f"http://127.0.0.1:{port}" if port else ""  # it listens nowhere else
        self._client = neighbour.client(LIMIT_SECONDS, CONNECTIONS)

    async def close(self) -> None:
        await self._client.aclose()

    async def asked(
        self, method: str, path: str, data: Any = None, query: dict[str, Any] | None = None, seconds: float = LIMIT_SECONDS
    ) -> dict[str, Any]:
        """The relay's answer as plain fields."""
        body = msgspec.json.encode(data) if data is not None else b""
        found, _ = await self._whole(method, path, body, query or {}, LIMIT_BYTES, seconds)
        try:
            return msgspec.json.decode(found, type=dict[str, Any])
        except msgspec.DecodeError:
            raise _down("it does not answer in JSON") from None

    async def body(
        self, path: str, most: int, query: dict[str, Any] | None = None, seconds: float = LIMIT_SECONDS
    ) -> tuple[bytes, httpx.Headers]:
        """A whole file of at most `most` bytes."""
        return await self._whole("GET", path, b"", query or {}, most, seconds)

    async def passed(self, path: str, kind: str, seconds: float = LIMIT_SECONDS) -> Response:
        """A file passed on as it comes; `seconds` for its first byte."""
        answer = await self.opened("GET", path, seconds=seconds)
        kept = {name: answer.headers[name] for name in _KEPT if name in answer.headers}
        return StreamingResponse(parts_of(answer), 200, kept, media_type=kind)

    async def opened(self, method: str, path: str, data: Any = None, seconds: float = LIMIT_SECONDS) -> httpx.Response:
        """An answer of any size, to be read and closed with `parts_of`; `seconds` for its first byte and between parts."""
        body = msgspec.json.encode(data) if data is not None else b""
        request = self._request(method, path, body, {}, seconds)
        try:
            async with asyncio.timeout(seconds):
                answer = await self._client.send(request, stream=True)
                if answer.status_code != 200:
                    refused = _refused(answer.status_code, await answer.aread())
                    await answer.aclose()
                    raise refused
        except (httpx.HTTPError, TimeoutError) as error:
            raise _down(type(error).__name__) from None
        return answer

    async def _whole(
        self, method: str, path: str, body: bytes, query: dict[str, Any], most: int, seconds: float
    ) -> tuple[bytes, httpx.Headers]:
        try:
            async with asyncio.timeout(seconds):
                request = self._request(method, path, body, query, seconds)
                answer = await self._client.send(request, stream=True)
                try:
                    found = bytearray()
                    async for part in answer.aiter_raw():
                        found += part
                        if len(found) > most:
                            raise _down(f"more than {most} bytes")
                finally:
                    await answer.aclose()
        except (httpx.HTTPError, TimeoutError) as error:
            raise _down(type(error).__name__) from None
        if answer.status_code >= 300:
            raise _refused(answer.status_code, bytes(found))
        return bytes(found), answer.headers

    def _request(self, method: str, path: str, body: bytes, query: dict[str, Any], seconds: float) -> httpx.Request:
        if not self._base:
            raise Refused("relay-off", "no relay is configured (HALL_RELAY_PORT)", 503)
        if ".." in path.split("/"):
            raise Refused("bad-subject", path[:100], 404)
        limit = httpx.Timeout(seconds)
        return self._client.build_request(method, self._base + quote(path), content=body, params=query, timeout=limit)


async def parts_of(answer: httpx.Response) -> AsyncIterator[bytes]:
    """Its parts as they come; closes it."""
    try:
        async for part in answer.aiter_raw():
            yield part
    finally:
        await answer.aclose()


def _down(what: str) -> Refused:
    return Refused("relay-down", f"the relay does not answer: {what}", 503)


def _refused(status: int, body: bytes) -> Refused:
    """The relay's own refusal, in its words."""
    try:
        told = msgspec.json.decode(body, type=dict[str, str])
        return Refused(told["reason"], told.get("detail", ""), status)
    except (msgspec.DecodeError, KeyError):
        return _down(f"it answers {status}")
