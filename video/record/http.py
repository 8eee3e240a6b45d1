"""The recorder's loopback HTTP, for the web process, which knows who asks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import msgspec
from starlette.concurrency import iterate_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from hall import __version__
from hall.core.clock import real_ms
from hall.core.errors import Refused
from hall.core.secrets import Secrets
from video.loopback import body_of
from video.record import export
from video.record.model import Handed, Line, Ordered, Recording
from video.record.recorder import Recorder
from video.record.still import Still, still, still_of

_KEPT = {"cache-control": "private, max-age=86400, immutable"}  # a closed segment never changes


class _Until(msgspec.Struct, frozen=True):
    until: int


class _Removal(msgspec.Struct, frozen=True):
    why: str


class _Lock(msgspec.Struct, frozen=True):
    locked: bool
    who: str = ""


def routes(recorder: Recorder, hub: Any, secrets: Secrets) -> list[Route]:
    """All addresses below `/recordings`, and `/snapshot/<subject>`."""
    door = _Door(recorder, secrets)

    async def snapshot(request: Request) -> Response:
        subject, quality = request.path_params["subject"], request.query_params.get("quality", "main")
        found = await still(hub, subject, quality)
        return _picture(found, {"x-quality": quality})

    one = "/recordings/{id}"
    return [
        Route("/recordings", _refusing(door.found)),
        Route("/recordings", _refusing(door.start), methods=["POST"]),
        Route(one, _refusing(door.one)),
        Route(one, _refusing(door.stop), methods=["DELETE"]),
        Route(one, _refusing(door.extend), methods=["PATCH"]),
        Route(f"{one}/lock", _refusing(door.lock), methods=["POST"]),
        Route(f"{one}/remove", _refusing(door.remove), methods=["POST"]),
        Route(f"{one}/segments", _refusing(door.segments)),
        Route(f"{one}/verify", _refusing(door.verify)),
        Route(f"{one}/export", _refusing(door.export), methods=["POST"]),
        Route(f"{one}/still", _refusing(door.still)),
        Route(f"{one}/c{{index:int}}/{{name}}", _refusing(door.file)),
        Route("/snapshot/{subject:path}", _refusing(snapshot)),
    ]


class _Door:
    """One handler per address; each raises Refused."""

    def __init__(self, recorder: Recorder, secrets: Secrets) -> None:
        self._recorder, self._secrets = recorder, secrets

    async def found(self, request: Request) -> Response:
        query = request.query_params
        rows = await self._recorder.found(
            query.get("case", ""), query.get("channel", ""), _number(query, "from", 0), _number(query, "to", 0)
        )
        return _json({"rows": rows, "as_of": real_ms(), "days": self._recorder.days})

    async def start(self, request: Request) -> Response:
        return _json(await self._recorder.start(await body_of(request, Ordered)), 201)

    async def one(self, request: Request) -> Response:
        return _json(await self._recorder.document(request.path_params["id"]))

    async def stop(self, request: Request) -> Response:
        return _json(await self._recorder.stop(request.path_params["id"]))

    async def extend(self, request: Request) -> Response:
        return _json(await self._recorder.extend(request.path_params["id"], (await body_of(request, _Until)).until))

    async def lock(self, request: Request) -> Response:
        asked = await body_of(request, _Lock)
        return _json(await self._recorder.lock(request.path_params["id"], asked.locked, asked.who))

    async def remove(self, request: Request) -> Response:
        return _json(await self._recorder.remove(request.path_params["id"], (await body_of(request, _Removal)).why))

    async def segments(self, request: Request) -> Response:
        """The closed segments of a channel that touch a span of time, with what a player needs to begin at any of them."""
        recording, index = self._channel(request, _number(request.query_params, "channel", 0))
        start, end = _number(request.query_params, "from", 0), _number(request.query_params, "to", 1 << 62)
        lines = await asyncio.to_thread(self._recorder.archive.lines, recording, index)
        rows = [_row(line) for line in lines if line.end >= start and line.start <= end]
        gaps = await asyncio.to_thread(self._recorder.gaps, recording.id, index)
        told = [gap for gap in gaps if (gap.until or end) >= start and gap.since <= end]
        return _json({"id": recording.id, "channel": recording.order.channels[index], "rows": rows, "gaps": told})

    async def still(self, request: Request) -> Response:
        """The picture of `at` (90 kHz, the tape's own clock) in a segment, as a JPEG: `x-captured`, `x-source` its SHA-256."""
        recording, index = self._channel(request, _number(request.query_params, "channel", 0))
        number, at = _number(request.query_params, "segment", 0), _number(request.query_params, "at", 0)
        lines = await asyncio.to_thread(self._recorder.archive.lines, recording, index)
        line = next((line for line in lines if line.number == number), None)
        if line is None:
            raise Refused("unknown-segment", "there is no such segment", 404)
        return _picture(await still_of(self._recorder.archive.channel(recording, index), line, at))

    async def verify(self, request: Request) -> Response:
        recording = self._recorder.one(request.path_params["id"])
        problems = await asyncio.to_thread(export.verify, self._recorder.archive, recording)
        return _json({"id": recording.id, "whole": not problems, "problems": problems})

    async def export(self, request: Request) -> Response:
        """The recording as one ZIP, made while it is sent; one that runs as far as its segments are closed."""
        handed, name = await body_of(request, Handed), request.path_params["id"]
        recording, archive = self._recorder.exportable(name), self._recorder.archive

        async def blocks() -> AsyncIterator[bytes]:
            with self._recorder.exporting(name):
                made = await asyncio.to_thread(export.Export, archive, recording, self._secrets, handed, __version__)
                async for block in iterate_in_threadpool(made.blocks()):
                    yield block

        headers = {"cache-control": "no-store"}
        return StreamingResponse(blocks(), media_type="application/zip", headers=headers)

    async def file(self, request: Request) -> Response:
        recording, index = self._channel(request, request.path_params["index"])
        name = request.path_params["name"]
        lines = await asyncio.to_thread(self._recorder.archive.lines, recording, index)
        if name not in {line.init for line in lines} and name not in {f"{line.number}.m4s" for line in lines}:
            raise Refused("unknown-segment", "there is no such segment", 404)
        stored = name if name.startswith("init-") else f"{int(name.partition('.')[0]):06d}.m4s"
        path = self._recorder.archive.channel(recording, index) / stored
        if not path.is_file():
            raise Refused("unknown-segment", "the segment is no longer kept", 404)
        return FileResponse(path, media_type="video/mp4", headers=_KEPT)

    def _channel(self, request: Request, index: int) -> tuple[Recording, int]:
        recording = self._recorder.one(request.path_params["id"])
        if not 0 <= index < len(recording.order.channels):
            raise Refused("unknown-channel", f"channel: 0 to {len(recording.order.channels) - 1}", 404)
        return recording, index


def _picture(found: Still, more: dict[str, str] | None = None) -> Response:
    headers = {"cache-control": "no-store", "x-captured": f"{found.captured:.0f}", "x-source": found.source}
    return Response(found.jpeg, media_type="image/jpeg", headers=headers | (more or {}))


def _row(line: Line) -> dict[str, Any]:
    """A segment for players: `pts` and `duration` in seconds of the tape's own clock, which MSE takes as they are."""
    told = msgspec.to_builtins(line)
    return {**told, "pts": line.pts / 90_000, "duration": line.duration / 90_000, "file": f"{line.number}.m4s"}


def _refusing(handler: Callable[[Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        try:
            return await handler(request)
        except Refused as refused:
            body = {"reason": refused.reason, "detail": refused.detail}
            return JSONResponse(body, status_code=refused.status, headers={"cache-control": "no-store"})

    return answer


def _number(query: Any, name: str, default: int) -> int:
    text = query.get(name, "")
    if not text:
        return default
    if not text.isascii() or not text.isdigit() or len(text) > 18:
        raise Refused("bad-request", f"{name}: a whole number", 422)
    return int(text)


def _json(data: Any, status: int = 200) -> Response:
    return Response(msgspec.json.encode(data), status, media_type="application/json", headers={"cache-control": "no-store"})
