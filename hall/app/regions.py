"""Regions that analysers read, for browsers: who may draw is decided here, what is read happens in the video process."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated, Any, Literal
from urllib.parse import quote

import msgspec
from fastapi import APIRouter, Path, Query
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field

from hall.app.actors import current_actor
from hall.app.channels import Channels, scope_header
from hall.app.videoside import VideoSide
from hall.app.visit import current_visit
from hall.core.process import Process

LIMIT_SECONDS, LIMIT_BYTES, CONNECTIONS = 5.0, 1024 * 1024, 8
Note = Callable[..., Awaitable[None]]
_Channel = Annotated[str, Field(pattern=r"^channel/[^/\s]+/\S+$", max_length=420)]
_Share = Annotated[float, Field(ge=0, le=1)]


class Region(BaseModel):
    """What is read where (docs/VIDEO-HEALTH.md); `id` names the one that is changed, none: a new one."""

    model_config = ConfigDict(extra="forbid")
    id: Annotated[str, Field(max_length=64, pattern=r"^[\w-]*$")] = ""
    channel: _Channel
    analyser: Annotated[str, Field(max_length=40)]
    region: Annotated[list[tuple[_Share, _Share]], Field(min_length=3, max_length=40)]
    name: Annotated[str, Field(max_length=80)] = ""
    min_confidence: Annotated[float, Field(gt=0, le=1)] = 0.6
    every_seconds: Annotated[float, Field(ge=0.5, le=3600)] = 10.0
    options: dict[str, Any] = {}


class Done(BaseModel):
    """`reference`: the place is as usual (dry) now; `remove`; `undo` takes the last step back."""

    model_config = ConfigDict(extra="forbid")
    channel: _Channel
    do: Literal["reference", "remove", "undo"]


class Regions:
    """Handlers and their router. `note` leaves a line in the ledger's audit."""

    def __init__(self, process: Process, channels: Channels, note: Note) -> None:
        self._video = VideoSide(process, seconds=LIMIT_SECONDS, most=LIMIT_BYTES, connections=CONNECTIONS)
        self._channels, self._note = channels, note
        self.router = APIRouter(prefix="/api/v1/video/regions", tags=["video"])
        self.router.add_api_route("", self.listed, methods=["GET"], response_class=Response)
        self.router.add_api_route("", self.save, methods=["POST"], response_class=Response)
        self.router.add_api_route("/{key}/do", self.do, methods=["POST"], response_class=Response)

    async def listed(self, channel: Annotated[str, Query(max_length=420)]) -> Response:
        """The regions of one channel, who drew them, what was read there last; and which analysers there are."""
        await self._channels.require(channel, current_visit().identity)
        headers = scope_header(current_visit().identity)
        return await self._video.passed("GET", f"/analysis?channel={quote(channel, safe='')}", None, headers)

    async def save(self, region: Region) -> Response:
        """Draws a region or changes one. 422 `region-bad` says what cannot work."""
        await self._channels.require(region.channel, current_visit().identity)
        task = region.model_dump(exclude={"id"})
        answer = await self._told("/analysis", {"id": region.id, "region": task})
        if answer.status_code == 200:
            await self._note("region-drawn", current_actor(), {"id": msgspec.json.decode(answer.body)["id"], **task})
        return answer

    async def do(self, key: Annotated[str, Path(pattern=r"^[\w-]{1,64}$")], done: Done) -> Response:
        """Shows the analyser the place as it usually is, takes a region away, or takes the last step back."""
        await self._channels.require(done.channel, current_visit().identity)
        answer = await self._told(f"/analysis/{key}/do", done.model_dump())
        if answer.status_code == 200:
            await self._note(f"region-{done.do}", current_actor(), {"id": key, "channel": done.channel})
        return answer

    async def _told(self, path: str, body: dict[str, Any]) -> Response:
        who = current_visit().identity
        headers = {"x-hall-person": quote(who.name), "x-hall-person-name": quote(who.display or who.name)}
        return await self._video.passed("POST", path, msgspec.json.encode(body), headers)

    async def close(self) -> None:
        await self._video.close()
