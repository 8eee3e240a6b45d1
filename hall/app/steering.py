"""Rounds (轮巡) and turning cameras, for browsers: who may is decided here, what happens in the video process."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated, Any
from urllib.parse import quote

import msgspec
from fastapi import APIRouter, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field

from hall.access import Identity
from hall.app.actors import current_actor
from hall.app.answers import json
from hall.app.channels import Channels, scope_header, unseen_channel, words_for
from hall.app.pace import Pace
from hall.app.videoside import VideoSide
from hall.app.visit import current_visit
from hall.core.process import Process

LIMIT_SECONDS = 12.0  # a camera that is asked for its presets answers within this or not at all
LIMIT_BYTES = 2 * 1024 * 1024
CONNECTIONS = 32
#: cameras turned to a place with one request
MOST_POINTED = 16
#: steering commands a second of one person: a key held down sends five
RATE, BURST = 10.0, 30.0
Note = Callable[..., Awaitable[None]]


class Point(BaseModel):
    """A place, degrees WGS-84, and the cameras to turn to it."""

    model_config = ConfigDict(extra="forbid")
    lon: Annotated[float, Field(ge=-180, le=180)]
    lat: Annotated[float, Field(ge=-90, le=90)]
    channels: Annotated[list[Annotated[str, Field(min_length=1, max_length=420)]], Field(min_length=1, max_length=MOST_POINTED)]


class Steering:
    """Handlers and their router. `note` leaves a line in the ledger's audit."""

    def __init__(self, process: Process, channels: Channels, note: Note) -> None:
        self._video = VideoSide(process, seconds=LIMIT_SECONDS, most=LIMIT_BYTES, connections=CONNECTIONS)
        self._channels, self._note = channels, note
        self._pace = Pace(rate=RATE, burst=BURST)
        self._held: dict[str, int] = {}  # channel -> since when the lease is held that the audit knows of
        self.router = APIRouter(tags=["video"])
        for path, handler, method in (
            ("/api/v1/rounds", self.rounds, "GET"),
            ("/api/v1/rounds", self.save, "POST"),
            ("/api/v1/rounds/{name}", self.drop, "DELETE"),
            ("/api/v1/rounds/{name}/coverage", self.coverage, "GET"),
            ("/api/v1/rounds/{name}/do", self.do, "POST"),
            ("/api/v1/video/ptz/point", self.point, "POST"),
            ("/api/v1/video/ptz/{subject:path}", self.look, "GET"),
            ("/api/v1/video/ptz/{subject:path}", self.steer, "POST"),
        ):
            self.router.add_api_route(path, handler, methods=[method], response_class=Response)

    # -- rounds ------------------------------------------------------------------------------------------------------

    async def rounds(self) -> Response:
        """All rounds that show something of what the asker may see: how they are written down and where they are."""
        return await self._round("GET", "")

    async def save(self, request: Request) -> Response:
        """Makes a round or changes one; the body is a plan (docs/ROUNDS.md). 403 `beyond-yours` where cameras of others take
        part."""
        answer = await self._round("POST", "", await request.body())
        if answer.status_code == 200:
            await self._note("round-saved", current_actor(), {"plan": msgspec.json.decode(answer.body)["plan"]})
        return answer

    async def drop(self, name: str) -> Response:
        """Forgets a round that somebody made; those of hall.toml stay."""
        answer = await self._round("DELETE", f"/{quote(name, safe='')}")
        if answer.status_code == 200:
            await self._note("round-dropped", current_actor(), {"name": name})
        return answer

    async def coverage(self, name: str) -> Response:
        """Which cameras somebody has really seen, by department, and those nobody has seen for the longest; of those that the
        asker may see."""
        return await self._round("GET", f"/{quote(name, safe='')}/coverage")

    async def do(self, name: str, request: Request) -> Response:
        """`{"do": "hold" | "release" | "next" | "show", "channel": "…"}`; 403 `beyond-yours` where others' take part."""
        return await self._round("POST", f"/{quote(name, safe='')}/do", await request.body())

    async def _round(self, method: str, path: str, content: bytes | None = None) -> Response:
        who = current_visit().identity
        headers = {"x-hall-person": quote(who.display or current_actor().name), **scope_header(who)}
        return await self._video.passed(method, f"/rounds{path}", content, headers)

    # -- cameras -----------------------------------------------------------------------------------------------------

    async def look(self, subject: str) -> Response:
        """A camera's presets, where it looks, and who steers it."""
        await self._channels.require(subject, current_visit().identity)
        return await self._video.passed("GET", f"/ptz/{quote(subject)}")

    async def steer(self, subject: str, request: Request) -> Response:
        """`{"do": "move", "pan": -1…1, "tilt": …, "zoom": …}`, `stop`, `recall` (`token`, or the `before` of a point), `store`
        (name), `release`. Moving takes the camera for 30 s at a time; 409 `camera-taken` says who has it."""
        who = current_visit().identity
        self._pace.take(who.name)
        await self._channels.require(subject, who)
        answer = await self._video.passed("POST", f"/ptz/{quote(subject)}", await request.body(), _asker(who))
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

    async def point(self, asked: Point) -> Response:
        """Turns cameras to a place: `{turned: [{channel, before}], refused: [{channel, reason, detail}]}`. Each is taken as by
        a movement; `recall` of `before` undoes it."""
        who = current_visit().identity
        self._pace.take(who.name, len(asked.channels))
        wanted = list(dict.fromkeys(asked.channels))
        known = await self._channels.known(wanted)
        unseen = {name: reason for name in wanted if (reason := unseen_channel(who, known.get(name)))}
        refused = [{"channel": name, "reason": reason, "detail": words_for(reason)} for name, reason in unseen.items()]
        turned: list[dict[str, Any]] = []
        if mine := [name for name in wanted if name not in unseen]:
            body = msgspec.json.encode({"lon": asked.lon, "lat": asked.lat, "channels": mine})
            status, answer = await self._video.ask("POST", "/ptz/point", body, _asker(who))
            if status != 200:
                return Response(answer, status, {"cache-control": "no-store"}, "application/json")
            found = msgspec.json.decode(answer)
            turned, refused = found["turned"], [*refused, *found["refused"]]
        for one in turned:
            await self._noted(one["channel"], one.pop("lease"))
            data = {"channel": one["channel"], "lon": asked.lon, "lat": asked.lat, "before": one["before"]}
            await self._note("camera-pointed", current_actor(), data)
        return json({"turned": turned, "refused": refused})

    async def close(self) -> None:
        await self._video.close()


def _asker(who: Identity) -> dict[str, str]:
    """Who steers, as the video process is told."""
    asker = {"person": who.name, "name": who.display or who.name, "role": who.role, "desk": current_actor().desk}
    return {"x-hall-asker": quote(msgspec.json.encode(asker).decode())}
