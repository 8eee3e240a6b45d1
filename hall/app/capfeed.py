"""`/cap/feed.xml` and `/cap/<identifier>.xml`: the city's own warnings for other systems, as Atom and CAP 1.2; and the preview
that people look at before they approve one.

The feed is public, or asks for an API token (`Authorization: Bearer ...` or `?token=`), as configured. It names what is in
force and what ended lately, the newest first. An exercise is in it only where configuration says so.
"""

from __future__ import annotations

import asyncio
import datetime
import hashlib
from collections.abc import Callable
from typing import Annotated, Any, Protocol
from xml.sax.saxutils import escape

from fastapi import APIRouter, Path, Request
from fastapi.responses import Response

from hall import access
from hall.app.answers import json
from hall.app.seeing import told_of
from hall.app.visit import current_visit
from hall.core.clock import monotonic
from hall.core.errors import Refused
from hall.core.process import Process

CAP = "application/cap+xml"
#: states whose message was sent
SENT = ("issued", "replaced", "cancelled", "expired")
SIGNED_KEPT = 500
LOOK_SECONDS = 1.0
Identifier = Annotated[str, Path(pattern=r"^[\w.-]{1,120}$")]


class Desk(Protocol):
    async def state(self, subject: str) -> Any: ...
    async def states(self, topic: str, *, ended: bool = False) -> dict[str, Any]: ...


class CapFeed:
    """`sign(xml)` gives the bytes that are served; `preview(state, before, now)` and `options()` what the console shows.
    `feed` has `public`, `exercise`, `entries`."""

    def __init__(
        self,
        process: Process,
        desk: Desk,
        feed: Any,
        sign: Callable[[str], bytes],
        preview: Callable[[Any, Any, int], dict[str, Any]],
        options: Callable[[], dict[str, Any]],
    ) -> None:
        self.process, self.desk, self._feed, self._sign = process, desk, feed, sign
        self._preview, self._options = preview, options
        self._signed: dict[str, bytes] = {}
        self._looked: tuple[float, list[Any]] | None = None
        self.router = APIRouter(tags=["warnings"])
        add = self.router.add_api_route
        add("/cap/feed.xml", self.feed, methods=["GET"], response_class=Response)
        add("/cap/{identifier}.xml", self.message, methods=["GET"], response_class=Response)
        add("/api/v1/bulletins/options", self.options, methods=["GET"], response_class=Response)
        add("/api/v1/bulletins/{name:path}/preview", self.preview, methods=["GET"], response_class=Response)

    # -- for other systems -----------------------------------------------------------------------------------------------------

    async def feed(self, request: Request) -> Response:
        """Atom: one entry per message sent, the newest first, each with a link to its CAP."""
        await self._check(request)
        sent = sorted(await self._sent(), key=lambda state: -(state.issued_at or 0))[: self._feed.entries]
        body = self._atom(sent, str(request.base_url)).encode()
        etag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
        headers = {"ETag": etag, "Cache-Control": "private, no-cache"}
        if etag in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=headers)
        return Response(body, media_type="application/atom+xml", headers=headers)

    async def message(self, identifier: Identifier, request: Request) -> Response:
        """One message exactly as it was approved, with the city's signature where it has a key."""
        await self._check(request)
        found = next((state for state in await self._sent() if state.message.identifier == identifier), None)
        if found is None:
            raise Refused("unknown", f"no message {identifier[:120]}", 404)
        digest = found.message.digest
        if digest not in self._signed:
            if len(self._signed) >= SIGNED_KEPT:
                self._signed.clear()
            self._signed[digest] = await asyncio.to_thread(self._sign, found.message.xml)
        return Response(self._signed[digest], media_type=CAP)

    async def _sent(self) -> list[Any]:
        """Bulletins whose CAP message went out to this feed; looked up once a second at most, however many ask."""
        if self._looked is None or monotonic() - self._looked[0] > LOOK_SECONDS:
            self._looked = monotonic(), await self._look()
        return self._looked[1]

    async def _look(self) -> list[Any]:
        states = (await self.desk.states("bulletin")).values()
        return [
            state
            for state in states
            if state.issued_at is not None and state.state in SENT and state.message.xml and self._for_all(state)
        ]

    def _for_all(self, state: Any) -> bool:
        return "<scope>Public</scope>" in state.message.xml and (self._feed.exercise or not state.exercise)

    async def _check(self, request: Request) -> None:
        """Raises Refused 401 for who shows no token where one is asked for."""
        if self._feed.public:
            return
        kind, _, shown = request.headers.get("authorization", "").partition(" ")
        token = shown.strip() if kind.lower() == "bearer" else request.query_params.get("token", "")
        if not token or await access.identify_token(self.process.bus, token) is None:
            raise Refused("token-unknown", "this feed asks for an API token of the hall", 401)

    def _atom(self, sent: list[Any], base: str) -> str:
        updated = _iso(max((state.issued_at for state in sent), default=0))
        title = escape(next(iter(self.process.config.city.name.values()), "Command Hall"))
        own = escape(f"{base}cap/feed.xml")
        entries = "".join(self._entry(state, base) for state in sent)
        return (
            '<?xml version="1.0" encoding="UTF-8"?>\n<feed xmlns="http://www.w3.org/2005/Atom">'
            f'<id>{own}</id><title>{title}</title><updated>{updated}</updated><link rel="self" href="{own}"/>{entries}</feed>\n'
        )

    def _entry(self, state: Any, base: str) -> str:
        at, name = _iso(state.issued_at), state.message.identifier
        mark = "Exercise: " if state.exercise else ""
        title = escape(mark + next(iter(state.headline.values()), name))
        link = f"{base}cap/{name}.xml"
        author = escape(next(iter(self.process.config.city.name.values()), ""))
        return (
            f"<entry><id>{escape(link)}</id><title>{title}</title><updated>{at}</updated><published>{at}</published>"
            f"<author><name>{author}</name></author><summary>{escape(state.message_type)}</summary>"
            f'<link rel="alternate" type="{CAP}" href="{escape(link)}"/></entry>'
        )

    # -- for people ------------------------------------------------------------------------------------------------------------

    async def options(self) -> Response:
        """What a drafting form offers: templates, audiences, how many approve, districts."""
        _check_told()
        return json(self._options())

    async def preview(self, name: Annotated[str, Path(min_length=1, max_length=300)]) -> Response:
        """The very message and texts that would be sent, or were frozen when it was submitted."""
        state = await self.desk.state(f"bulletin/{name}")
        if state is None:
            raise Refused("unknown", f"there is no bulletin/{name[:200]}", 404)
        _check_told(state)
        before = await self.desk.state(state.replaces) if state.replaces else None
        return json(await asyncio.to_thread(self._preview, state, before, self.process.clock.now()))


def _check_told(state: Any = None) -> None:
    """Drafts are for those who are told of bulletins: what is not approved may never be said. Raises Refused 403."""
    who = current_visit().identity
    if not told_of(who, "bulletin", state):
        raise Refused("not-permitted", f"role {who.role} sees no bulletins", 403)


def _iso(ms: int | None) -> str:
    return datetime.datetime.fromtimestamp((ms or 0) / 1000, datetime.UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
