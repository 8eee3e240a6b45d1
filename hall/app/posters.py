"""Still pictures of shared channels, passed on from the video process: `/video/poster/<subject>.jpg?w=480`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Annotated
from urllib.parse import quote, urlsplit

import httpx
import msgspec
from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from hall.app import neighbour
from hall.app.channels import scope_header
from hall.app.visit import Visit, current_visit
from hall.core.errors import Refused
from hall.core.process import Process

LIMIT_SECONDS = 3.0
LIMIT_BYTES = 4 * 1024 * 1024
CONNECTIONS = 16
_KEPT = ("cache-control", "etag", "last-modified")


class Posters:
    """The proxy; `router` serves it. One pool of connections, bounded in number, time and bytes."""

    def __init__(self, process: Process) -> None:
        self.sent: Callable[[Visit, str], None] = lambda visit, subject: None  # told of each still that somebody was sent
        port = process.settings.video_port
        self.base = f"http://127.0.0.1:{port}/poster/" if port else ""  # it listens nowhere else
        self.client = neighbour.client(LIMIT_SECONDS, CONNECTIONS)
        self.router = APIRouter(tags=["picture"])
        self.router.add_api_route("/video/poster/{subject:path}", self.poster, methods=["GET"], response_class=Response)

    async def poster(self, request: Request, subject: str, w: Annotated[int, Query(ge=16, le=3840)] = 480) -> Response:
        """The newest still picture of a channel; 503 with the reason when the video process gives none."""
        if not self.base:
            raise Refused("video-off", "no video process is configured (HALL_VIDEO_PORT)", 503)
        if ".." in subject.split("/") or subject.startswith("/"):
            raise Refused("bad-subject", subject[:100], 404)
        known = request.headers.get("if-none-match")
        headers = scope_header(current_visit().identity) | ({"if-none-match": known} if known else {})
        try:
            async with asyncio.timeout(LIMIT_SECONDS):
                answer = await self._fetch(f"{self.base}{quote(subject)}?w={w}", headers)
        except (httpx.HTTPError, TimeoutError) as error:
            raise Refused("video-down", f"the video process does not answer: {type(error).__name__}", 503) from None
        if answer.status_code in (200, 304) and subject.startswith("channel/"):
            # an image's own address says nothing of the page that shows it
            page = urlsplit(request.headers.get("referer", "")).path[:200]
            self.sent(msgspec.structs.replace(current_visit(), page=page), subject.removesuffix(".jpg"))
        return answer

    async def _fetch(self, url: str, headers: dict[str, str]) -> Response:
        async with self.client.stream("GET", url, headers=headers) as answer:
            body = bytearray()
            async for part in answer.aiter_bytes():
                body += part
                if len(body) > LIMIT_BYTES:
                    raise Refused("poster-too-large", f"more than {LIMIT_BYTES} bytes", 503)
        kept = {name: answer.headers[name] for name in _KEPT if name in answer.headers}
        kind = answer.headers.get("content-type", "")
        if answer.status_code == 304:
            return Response(status_code=304, headers=kept)
        if not kind.startswith(("image/jpeg", "application/json")):
            raise Refused("video-down", f"the video process answered {answer.status_code} {kind[:60]}", 503)
        return Response(bytes(body), answer.status_code, kept or {"cache-control": "no-cache"}, media_type=kind)

    async def close(self) -> None:
        await self.client.aclose()
