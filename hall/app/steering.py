"""Rounds (轮巡) and turning cameras, for browsers: who may is decided here, what happens in the video process."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import quote

import httpx
import msgspec
from fastapi import APIRouter, Request
from fastapi.responses import Response

from hall.app.actors import current_actor
from hall.app.channels import Channels
from hall.app.pace import Pace
from hall.app.visit import current_visit
from hall.core.errors import Refused
from hall.core.process import Process

LIMIT_SECONDS = 12.0  # a camera that is asked for its presets answers within this or not at all
LIMIT_BYTES = 2 * 1024 * 1024
CONNECTIONS = 32
#: steering commands a second of one person: a key held down sends five
RATE, BURST = 10.0, 30.0
Note = Callable[..., Awaitable[None]]


class Steering:
    """Handlers and their router. `note` leaves a line in the ledger's audit."""

    def __init__(self, process: Process, channels: Channels, note: Note) -> None:
        port = process.settings.video_port
        self._base = f"http://127.0.0.1:{port}" if port else ""  # it listens nowhere else
        self._channels, self._note = channels, note
        limits = httpx.Limits(max_connections=CONNECTIONS)
        self._client = httpx.AsyncClient(timeout=LIMIT_SECONDS, limits=limits, trust_env=False)
        self._pace = Pace(rate=RATE, burst=BURST)
        self._held: dict[str, int] = {}  # channel -> since when the lease is held that the audit knows of
        self.router = APIRouter(tags=["video"])
        for path, handler, method in (
            ("/api/v1/rounds", self.rounds, "GET"),
            ("/api/v1/rounds", self.save, "POST"),
            ("/api/v1/rounds/{name}", self.drop, "DELETE"),
            ("/api/v1/rounds/{name}/coverage", self.coverage, "GET"),
            ("/api/v1/rounds/{name}/do", self.do, "POST"),
            ("/api/v1/video/ptz/{subject:path}", self.look, "GET"),
            ("/api/v1/video/ptz/{subject:path}", self.steer, "POST"),
        ):
            self.router.add_api_route(path, handler, methods=[method], response_class=Response)

    # -- rounds ------------------------------------------------------------------------------------------------------

    async def rounds(self) -> Response:
        """All rounds: how they are written down and where they are."""
        return await self._answer("GET", "/rounds")

    async def save(self, request: Request) -> Response:
        """Makes a round or changes one; the body is a plan (docs/ROUNDS.md)."""
        body = await request.body()
        answer = await self._answer("POST", "/rounds", body)
        if answer.status_code == 200:
            await self._note("round-saved", current_actor(), {"plan": msgspec.json.decode(answer.body)["plan"]})
        return answer

    async def drop(self, name: str) -> Response:
        """Forgets a round that somebody made; those of hall.toml stay."""
        answer = await self._answer("DELETE", f"/rounds/{quote(name, safe='')}")
        if answer.status_code == 200:
            await self._note("round-dropped", current_actor(), {"name": name})
        return answer

    async def coverage(self, name: str) -> Response:
        """Which cameras somebody has really seen, by department, and those nobody has seen for the longest."""
        return await self._answer("GET", f"/rounds/{quote(name, safe='')}/coverage")

    async def do(self, name: str, request: Request) -> Response:
        """`{"do": "hold" | "release" | "next" | "show", "channel": "…"}`."""
        actor = current_actor()
        headers = {"x-hall-person": quote(current_visit().identity.display or actor.name)}
        return await self._answer("POST", f"/rounds/{quote(name, safe='')}/do", await request.body(), headers)

    # -- cameras -----------------------------------------------------------------------------------------------------

    async def look(self, subject: str) -> Response:
        """A camera's presets, where it looks, and who steers it."""
        await self._channels.require(subject, current_visit().identity)
        return await self._answer("GET", f"/ptz/{quote(subject)}")

    async def steer(self, subject: str, request: Request) -> Response:
        """`{"do": "move", "pan": -1…1, "tilt": …, "zoom": …}`, `stop`, `recall` (token), `store` (name), `release`. Moving
        takes the camera for 30 s at a time; 409 `camera-taken` says who has it."""
        who, actor = current_visit().identity, current_actor()
        self._pace.take(who.name)
        await self._channels.require(subject, who)
        asker = {"person": who.name, "name": who.display or who.name, "role": who.role, "desk": actor.desk}
        headers = {"x-hall-asker": quote(msgspec.json.encode(asker).decode())}
        answer = await self._answer("POST", f"/ptz/{quote(subject)}", await request.body(), headers)
        if answer.status_code == 200:
            await self._noted(subject, msgspec.json.decode(answer.body).get("lease") or {})
        return answer

    async def _noted(self, subject: str, lease: dict[str, Any]) -> None:
        """One line when somebody takes a camera, not one for each movement."""
        since = lease.get("since", 0)
        if not since or self._held.get(subject) == since:
            return
        if len(self._held) > 10_000:
            self._held.clear()
        self._held[subject] = since
        await self._note("camera-taken", current_actor(), {"channel": subject, "taken_from": lease.get("taken_from", "")})

    # -- the video process -------------------------------------------------------------------------------------------

    async def _answer(
        self, method: str, path: str, content: bytes | None = None, headers: dict[str, str] | None = None
    ) -> Response:
        """Its answer as it is; raises Refused 503 where it gives none."""
        if not self._base:
            raise Refused("video-off", "no video process is configured (HALL_VIDEO_PORT)", 503)
        try:
            async with (
                asyncio.timeout(LIMIT_SECONDS),
                self._client.stream(method, self._base + path, content=content, headers=headers) as answer,
            ):
                body = bytearray()
                async for part in answer.aiter_bytes():
                    body += part
                    if len(body) > LIMIT_BYTES:
                        raise Refused("too-large", f"more than {LIMIT_BYTES} bytes", 503)
        except (httpx.HTTPError, TimeoutError) as error:
            raise Refused("video-down", f"the video process does not answer: {type(error).__name__}", 503) from None
        if not answer.headers.get("content-type", "").startswith("application/json"):
            raise Refused("video-down", f"the video process answered {answer.status_code}", 503)
        return Response(bytes(body), answer.status_code, {"cache-control": "no-store"}, "application/json")

    async def close(self) -> None:
        await self._client.aclose()
