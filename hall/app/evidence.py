"""Pictures as evidence of a case: of a camera now, or of a moment of a recording. Made by the hall's own processes from what
the camera sent, hashed, and attached with a line that says what they are of: no page has a hand in them.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Annotated, Any, NamedTuple
from uuid import uuid4
from zoneinfo import ZoneInfo

from fastapi import APIRouter
from fastapi.responses import Response
from httpx import Headers
from pydantic import BaseModel, ConfigDict, Field

from hall.app.actors import current_actor
from hall.app.answers import json
from hall.app.handover import Id
from hall.app.relayside import RelaySide
from hall.app.visit import current_visit
from hall.core.command import Command
from hall.core.errors import Refused
from hall.core.process import Process

_SNAPSHOT_BYTES = 12 * 1024 * 1024


class Given(NamedTuple):
    """What recordings need of the rest of the web process."""

    grant: Callable[..., Awaitable[Any]]  # hall/app/views.py: a view on record
    known: Callable[..., Awaitable[dict[str, dict[str, Any]]]]  # hall/app/channels.py
    view: Callable[[str], Awaitable[dict[str, Any]]]  # hall/app/commanding.py: a case file, refused where it is not his
    send: Callable[[Command], Awaitable[Any]]
    keep: Callable[[bytes, str], Awaitable[dict[str, Any]]]  # hall/app/media.py: a picture into the store
    note: Callable[..., Any]  # a line in the ledger's audit
    say: Callable[..., str]  # a text of the catalogue in the city's first language


class _ForCase(BaseModel):
    """A picture for a case: `usage` as photos have it; `text` is what its taker says of it."""

    model_config = ConfigDict(extra="forbid")
    case: Annotated[str, Field(max_length=400, pattern=r"^(case|file)/[^/]+/.+$")]
    usage: Annotated[str, Field(pattern=r"^(report|before|after|check|near|far|other)$")] = "other"
    text: Annotated[str, Field(max_length=300)] = ""


class Shot(_ForCase):
    """A picture of now."""

    channel: Annotated[str, Field(min_length=1, max_length=420)]


class Moment(_ForCase):
    """A picture of a recording: the `channel`'s place in it, a `segment`'s number, and `pts` within it as the list of segments
    has them: seconds of the player's clock."""

    channel: Annotated[int, Field(ge=0, le=15)]
    segment: Annotated[int, Field(ge=1, le=10**9)]
    pts: Annotated[float, Field(ge=0, le=10**9)]


class Evidence:
    """Handlers and their router. `mine(id)`: the recording, if the asker may see it; `viewed` puts a playback on record."""

    def __init__(
        self, process: Process, given: Given, relay: RelaySide, mine: Callable[[str], Awaitable[dict[str, Any]]],
        viewed: Callable[..., Awaitable[None]],
    ) -> None:  # fmt: skip
        self.process, self._given, self._relay, self._mine, self._viewed = process, given, relay, mine, viewed
        self.router = APIRouter(tags=["video"])
        for path, handler in (("/api/v1/video/snapshot", self.snapshot), ("/api/v1/recordings/{id}/still", self.still)):
            self.router.add_api_route(path, handler, methods=["POST"], response_class=Response, status_code=201)

    async def snapshot(self, shot: Shot) -> Response:
        """Takes a picture of a channel now, in its full size, and attaches it to a case as evidence."""
        case = case_of(shot.case)
        await self._given.view(file_of(case))
        await self._given.grant([shot.channel], case, "snapshot")
        body, told = await self._relay.body(f"/snapshot/{shot.channel}", _SNAPSHOT_BYTES, seconds=12.0)
        return json(await self._attached(shot, case, {"channel": shot.channel}, body, told), 201)

    async def still(self, id: Id, moment: Moment) -> Response:
        """Takes a picture out of a recording, in its full size, and attaches it to a case as evidence. It is decoded from the
        stored segment, whose hash goes on record with it: no page has a hand in it."""
        row, case = await self._mine(id), case_of(moment.case)
        await self._given.view(file_of(case))
        if moment.channel >= len(row["channels"]):
            raise Refused("unknown-channel", f"channel: 0 to {len(row['channels']) - 1}", 404)
        channel = row["channels"][moment.channel]["channel"]
        await self._viewed(row, id, moment.channel, channel)
        query = {"channel": moment.channel, "segment": moment.segment, "at": round(moment.pts * 90_000)}
        body, told = await self._relay.body(f"/recordings/{id}/still", _SNAPSHOT_BYTES, query, seconds=15.0)
        from_ = {"channel": channel, "recording": id, "segment": moment.segment}
        return json(await self._attached(moment, case, from_, body, told), 201)

    async def _attached(self, asked: _ForCase, case: str, from_: dict[str, Any], body: bytes, told: Headers) -> dict[str, Any]:
        """Keeps a picture, attaches it to the case with a line that says what it is of, and leaves that in the audit, too."""
        kept = await self._given.keep(body, current_visit().identity.name)
        taken = from_ | {"case": case, "captured": int(told.get("x-captured", "0")), "source": told.get("x-source", "")}
        known = (await self._given.known([from_["channel"]])).get(from_["channel"]) or {}
        name = str(known.get("name") or from_["channel"].rpartition("/")[2])
        when = datetime.fromtimestamp(taken["captured"] / 1000, ZoneInfo(self.process.config.city.timezone))
        said = {"name": name, "at": when.strftime("%Y-%m-%d %H:%M:%S.%f")[:-4], "source": taken["source"]}
        sort = "playback.shot-text" if "recording" in from_ else "playback.shot-live"
        words = self._given.say(sort, **said, id=from_.get("recording", ""), segment=from_.get("segment", ""))
        text = f"{words}\n{asked.text.strip()}" if asked.text.strip() else words
        data = {"text": text, "photos": [{"media": kept["media"], "usage": asked.usage}]}
        await self._given.send(Command(id=f"shot-{uuid4().hex}", subject=file_of(case), move="note", data=data))
        await self._given.note("snapshot", current_actor(), taken | {"media": kept["media"]})
        return kept | taken


def case_of(subject: str) -> str:
    """A case's subject, also where its file's was given."""
    return f"case/{subject.partition('/')[2]}" if subject.startswith("file/") else subject


def file_of(case: str) -> str:
    return f"file/{case.partition('/')[2]}"
