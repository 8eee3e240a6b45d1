"""A recording handed over: asked for with a reason, then one plain download of any size, and how that ended.

Asking and the end of each download are lines of the audit: who, why, how many bytes, the SHA-256 of what was sent. The address
of the download carries a ticket: it is the asker's own, for one recording, and begins within minutes.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Annotated, Any
from uuid import uuid4

import httpx
import msgspec
from fastapi import APIRouter, Path, Query
from fastapi.responses import Response, StreamingResponse
from pydantic import BaseModel, ConfigDict, Field

from hall.app.actors import current_actor
from hall.app.answers import json
from hall.app.relayside import RelaySide, parts_of
from hall.app.visit import current_visit
from hall.core import secrets, tickets
from hall.core.clock import real_ms
from hall.core.command import Actor
from hall.core.errors import Refused
from hall.core.process import Process

log = logging.getLogger("hall.web")

TICKET_MS = 300_000
MOST_KNOWN = 256
_SILENT_SECONDS = 60.0  # of the relay: a disk that hangs
STILL_SECONDS = 900.0  # a download that takes nothing for so long is given up: its place is another's

Id = Annotated[str, Path(pattern=r"^r[0-9a-f]{6,16}-[0-9a-f]{6}$")]
_Export = Annotated[str, Path(pattern=r"^e[0-9a-f]{12}$")]


class Reason(BaseModel):
    """Why, and for whom, a recording is taken away."""

    model_config = ConfigDict(extra="forbid")
    why: Annotated[str, Field(min_length=2, max_length=300)]


class Progress(msgspec.Struct):
    """How far a handing over is: `state` asked | running | done | aborted; `bytes` sent, of about `of`; `sha256` of all that
    was sent, once it is done."""

    export: str
    recording: str
    person: str
    of: int
    state: str = "asked"
    bytes: int = 0
    sha256: str = ""


class Handovers:
    """Handlers and their router. `mine(id)`: the recording, if the asker may see it; `note` leaves a line in the audit."""

    def __init__(
        self, process: Process, relay: RelaySide, mine: Callable[[str], Awaitable[dict[str, Any]]], note: Callable[..., Any]
    ) -> None:
        self.process, self._relay, self._mine, self._note = process, relay, mine, note
        self._secrets = secrets.load(process.settings.data_dir)
        self._known: dict[str, Progress] = {}
        self.router = APIRouter(tags=["video"])
        one = "/api/v1/recordings/{id}/export"
        self.router.add_api_route(one, self.ask, methods=["POST"], response_class=Response, status_code=201)
        self.router.add_api_route(one, self.download, methods=["GET"], response_class=Response)
        self.router.add_api_route(one + "/{export}", self.progress, methods=["GET"], response_class=Response)

    async def ask(self, id: Id, reason: Reason) -> Response:
        """Leave to take a recording away: `href` is the download, to be begun before `until`; `bytes`: about how many."""
        row, actor, why = await self._mine(id), current_actor(), " ".join(reason.why.split())
        if sum(map(str.isalnum, why)) < 2:
            raise Refused("why-missing", "say why it is handed over, in words that somebody can understand later", 422)
        about = sum(taping.get("bytes", 0) for taping in row["channels"])
        export, until = f"e{uuid4().hex[:12]}", real_ms() + TICKET_MS
        ticket = tickets.Handover(export=export, recording=id, person=actor.name, why=why, until=until)
        await self._note("record-export", actor, _told(row, export) | {"why": why})
        while len(self._known) >= MOST_KNOWN:
            self._known.pop(next(iter(self._known)))
        self._known[export] = Progress(export, id, actor.name, about)
        href = f"/api/v1/recordings/{id}/export?ticket={tickets.issue(self._secrets, ticket)}"
        return json({"export": export, "href": href, "bytes": about, "until": until}, 201)

    async def download(self, id: Id, ticket: Annotated[str, Query(max_length=4000)] = "") -> Response:
        """The recording as one ZIP with its manifest, made while it is sent; `ticket` as the asking gave it."""
        given = tickets.read(self._secrets, ticket, real_ms(), tickets.Handover)
        row, actor = await self._mine(id), current_actor()
        if (given.recording, given.person) != (id, current_visit().identity.name):
            raise Refused("ticket-bad", "this ticket is for somebody else, or another recording", 403)
        of = sum(taping.get("bytes", 0) for taping in row["channels"])
        known = self._known.setdefault(given.export, Progress(given.export, id, given.person, of))
        if known.state == "running":
            raise Refused("running", "this download is under way already", 409)
        handed = {"export": given.export, "who": actor.name, "role": actor.role, "desk": actor.desk, "why": given.why}
        known.state, known.bytes, known.sha256 = "running", 0, ""
        try:
            answer = await self._relay.opened(
                "POST", f"/recordings/{id}/export", handed | {"at": real_ms()}, seconds=_SILENT_SECONDS
            )
        except BaseException:
            known.state = "aborted"
            raise
        sent = _Sent(answer, known)

        def ended() -> None:
            told = _told(row, given.export) | {"bytes": known.bytes}
            what = "record-exported" if known.state == "done" else "record-export-aborted"
            self.process.spawn(self._end(what, actor, told | sent.said()), "export ended")

        headers = {"cache-control": "no-store", "content-disposition": f'attachment; filename="{id}.zip"'}
        return _Download(sent.parts(), headers, sent, ended)

    async def progress(self, id: Id, export: _Export) -> Response:
        """How far a download of one's own is, and the SHA-256 of it once it is done."""
        known = self._known.get(export)
        if known is None or known.recording != id or known.person != current_visit().identity.name:
            raise Refused("unknown-export", "no such handing over is known here; the audit has them all", 404)
        return json(known)

    async def _end(self, what: str, actor: Actor, told: dict[str, Any]) -> None:
        """The line about the end; a ledger that cannot take it is the ledger's fault, not this download's."""
        try:
            await self._note(what, actor, told)
        except Exception:
            log.exception("export %s: its end is not on record", told["export"])


class _Sent:
    """What goes out, counted and hashed."""

    def __init__(self, answer: httpx.Response, known: Progress) -> None:
        self._answer, self._known, self._digest, self.why = answer, known, hashlib.sha256(), "left"
        self.moved: Callable[[], None] = lambda: None

    async def parts(self) -> AsyncIterator[bytes]:
        try:
            async for part in parts_of(self._answer):
                self._digest.update(part)
                yield part
                self._known.bytes += len(part)
                self.moved()
        except httpx.HTTPError as error:
            self.why = f"relay: {type(error).__name__}"
            raise
        self._known.sha256, self._known.state = self._digest.hexdigest(), "done"

    def said(self) -> dict[str, str]:
        return {"sha256": self._known.sha256} if self._known.state == "done" else {"why": self.why}

    async def close(self) -> None:
        """Whoever took it: nothing more is asked of the relay."""
        if self._known.state == "running":
            self._known.state = "aborted"
        await self._answer.aclose()


class _Download(StreamingResponse):
    """An answer whose end is noticed, also when the one who takes it goes away in the middle, or before the beginning."""

    def __init__(self, parts: AsyncIterator[bytes], headers: dict[str, str], sent: _Sent, ended: Callable[[], None]) -> None:
        super().__init__(parts, 200, headers, media_type="application/zip")
        self._sent, self._ended = sent, ended

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        try:
            async with asyncio.timeout(STILL_SECONDS) as limit:
                self._sent.moved = lambda: limit.reschedule(asyncio.get_running_loop().time() + STILL_SECONDS)
                await super().__call__(scope, receive, send)
        except TimeoutError:
            self._sent.why = "nothing was taken any more"  # the answer has no end: the one who asked sees that it broke off
        finally:
            try:
                await self._sent.close()
            finally:
                self._ended()


def _told(row: dict[str, Any], export: str) -> dict[str, Any]:
    channels = [one["channel"] for one in row["channels"]]
    return {"recording": row["id"], "case": row.get("case", ""), "channels": channels, "export": export}
