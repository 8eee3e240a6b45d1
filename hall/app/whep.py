"""WHEP at the hall's door: `POST /video/whep/<subject>?quality=&why=`; the session's address answers GET, PATCH and DELETE.

Any WHEP player works: it sends an API token as `Authorization: Bearer`. A page of ours that has a view already shows its ticket
in `x-hall-ticket`; for everybody else the view is opened, and put on record, here.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from typing import Annotated, Any
from urllib.parse import quote

import httpx
from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from hall.app import neighbour
from hall.core.errors import Refused
from hall.core.process import Process

LIMIT_SECONDS = 6.0  # the relay waits a moment for a camera that just starts
LIMIT_BYTES = 256 * 1024
CONNECTIONS = 64
SESSIONS = "/video/whep/session/"
_KEPT = ("accept-patch", "cache-control")
_SESSION = re.compile(r"[A-Za-z0-9_-]{8,64}")

#: opens a view on record: channels, why, kind → something with `.ticket` (hall/app/views.py)
Grant = Callable[..., Awaitable[Any]]


class Whep:
    """The proxy to the relay; `router` serves it. One pool of connections, bounded in number, time and bytes."""

    def __init__(self, process: Process, grant: Grant) -> None:
        port = process.settings.relay_port
        self.base = f"http://127.0.0.1:{port}/whep/" if port else ""  # it listens nowhere else
        self.grant = grant
        self.client = neighbour.client(LIMIT_SECONDS, CONNECTIONS)
        self.router = APIRouter(tags=["video"])
        self.router.add_api_route(
            SESSIONS + "{session}",
            self.session,
            methods=["GET", "PATCH", "DELETE"],
            response_class=Response,
            name="WHEP session",
        )
        self.router.add_api_route(
            "/video/whep/{subject:path}", self.offer, methods=["POST"], response_class=Response, status_code=201
        )

    async def offer(
        self,
        request: Request,
        subject: str,
        quality: Annotated[str, Query(pattern=r"^(main|sub)$")] = "main",
        why: Annotated[str, Query(max_length=300)] = "",
        channel: Annotated[list[str] | None, Query(max_length=25, description="of a mosaic: what its tiles show")] = None,
    ) -> Response:
        """An SDP offer for a channel, or for `mosaic/<4, 9, 16 or 25>` of several `channel`s; 201 with the answer, and the
        session's address in `Location`."""
        self._there()
        if ".." in subject.split("/") or subject.startswith("/"):
            raise Refused("bad-subject", subject[:100], 404)
        if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/sdp":
            raise Refused("content-type", "send the offer as application/sdp", 415)
        body = await request.body()
        ticket = request.headers.get("x-hall-ticket") or (await self.grant(channel or [subject], why, "live")).ticket
        headers = {"content-type": "application/sdp", "x-hall-ticket": ticket}
        answer, text = await self._ask("POST", f"{quote(subject)}?quality={quality}", headers, body)
        found = self._passed_on(answer, text)
        place = answer.headers.get("location", "")
        if answer.status_code == 201 and place.startswith("/whep/session/"):
            found.headers["location"] = SESSIONS + place.removeprefix("/whep/session/")
        return found

    async def session(self, request: Request, session: str) -> Response:
        """GET: how it does, as JSON; PATCH: candidates of the player (RFC 8840); DELETE: ends it."""
        self._there()
        if not _SESSION.fullmatch(session):
            raise Refused("session-unknown", "there is no such session; join again", 404)
        kind = request.headers.get("content-type", "")
        headers = {"content-type": kind} if kind else {}
        return self._passed_on(*await self._ask(request.method, f"session/{session}", headers, await request.body()))

    def _there(self) -> None:
        if not self.base:
            raise Refused("relay-off", "no relay is configured (HALL_RELAY_PORT)", 503)

    async def _ask(self, method: str, rest: str, headers: dict[str, str], body: bytes) -> tuple[httpx.Response, bytes]:
        try:
            async with asyncio.timeout(LIMIT_SECONDS):
                async with self.client.stream(method, self.base + rest, headers=headers, content=body) as answer:
                    text = bytearray()
                    async for part in answer.aiter_bytes():
                        text += part
                        if len(text) > LIMIT_BYTES:
                            raise Refused("relay-down", f"the relay answered more than {LIMIT_BYTES} bytes", 503)
                    return answer, bytes(text)
        except (httpx.HTTPError, TimeoutError) as error:
            raise Refused("relay-down", f"the relay does not answer: {type(error).__name__}", 503) from None

    @staticmethod
    def _passed_on(answer: httpx.Response, text: bytes) -> Response:
        kind = answer.headers.get("content-type", "")
        if text and not kind.startswith(("application/sdp", "application/json")):
            raise Refused("relay-down", f"the relay answered {answer.status_code} {kind[:60]}", 503)
        kept = {name: answer.headers[name] for name in _KEPT if name in answer.headers}
        return Response(text, answer.status_code, {"cache-control": "no-store"} | kept, media_type=kind or None)

    async def close(self) -> None:
        await self.client.aclose()
