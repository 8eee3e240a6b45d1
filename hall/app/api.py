"""REST under /api/v1: feeds, screens, current documents, pairing of walls, users."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Path, Query
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field

from hall import access
from hall.app import documents
from hall.app.answers import json
from hall.app.users import PERSON_ROLES, Profile, Users
from hall.app.visit import current_visit
from hall.core.bus import entry_id
from hall.core.errors import Refused
from hall.core.model import STATE_TOPICS
from hall.core.process import Process
from hall.roles import bounds

log = logging.getLogger("hall.web")
SAMPLE_BYTES = 4096
#: reading all of a topic takes the loop's time: a few at once, and a storm of requests is refused
READS_AT_ONCE, READS_WAITING = 2, 30
#: rtsp://user:password@camera; bounded, so that the time stays in proportion to the text
_PASSWORD = re.compile(r"(:/{2}[^\s/:@\"'<>]{0,64}:)[^\s/@\"'<>]{1,128}@")
Name = Annotated[str, Path(pattern=r"^[\w-]{1,64}$")]


class Body(BaseModel):
    """Base of request bodies: an unknown field is an error."""

    model_config = ConfigDict(extra="forbid")


class Pairing(Body):
    wall: str


class UserProfile(Body):
    """What a user answers for; what is left out stays as it is."""

    unit: str | None = Field(None, description="department, needed for the role department")
    districts: list[str] | None = Field(None, description="empty: the whole city")
    display: str | None = Field(None, description="name as people say it")
    pin: str | None = Field(None, description="4 to 8 digits for walls; empty takes it away")

    def profile(self) -> Profile:
        return Profile(unit=self.unit, districts=self.districts, display=self.display, pin=self.pin)


class NewUser(UserProfile):
    name: str
    role: str
    password: str


class UserChange(UserProfile):
    role: str | None = None
    password: str | None = None


class Api:
    """Handlers and their router. `layouts` are the names of the declared walls; `forget` is told who is no longer a user."""

    def __init__(self, process: Process, users: Users, layouts: list[str], forget: Callable[[str], Awaitable[None]]) -> None:
        self.process, self.users, self.layouts, self._forget = process, users, layouts, forget
        self._turn, self._waiting = asyncio.Semaphore(READS_AT_ONCE), 0
        self.router = APIRouter()
        for method, path, handler, tag in self._routes():
            self.router.add_api_route(path, handler, methods=[method], tags=[tag], response_class=Response)

    def _routes(self):
        return (
            ("GET", "/api/v1/me", self.me, "access"),
            ("GET", "/api/v1/feeds", self.feeds, "system"),
            ("GET", "/api/v1/feeds/{feed}/parked", self.parked, "system"),
            ("POST", "/api/v1/feeds/{feed}/replay-parked", self.replay_parked, "system"),
            ("POST", "/api/v1/feeds/reload", self.reload, "system"),
            ("GET", "/api/v1/screens", self.screens, "system"),
            ("GET", "/api/v1/board/{topic}", self.board, "picture"),
            ("GET", "/api/v1/walls", self.walls, "walls"),
            ("POST", "/api/v1/walls/pair", self.pair, "walls"),
            ("DELETE", "/api/v1/walls/{token_sum}", self.unpair, "walls"),
            ("GET", "/api/v1/users", self.list_users, "access"),
            ("POST", "/api/v1/users", self.add_user, "access"),
            ("PATCH", "/api/v1/users/{name}", self.change_user, "access"),
            ("DELETE", "/api/v1/users/{name}", self.remove_user, "access"),
        )

    async def me(self) -> Response:
        """Who is signed in and what that role may do."""
        who = current_visit().identity
        acts = [act for act in access.MATRIX if access.may(who.role, act)]
        known = {"unit": who.unit, "districts": who.districts, "display": who.display, "kind": who.kind}
        topics = access.topics_for(who.role, who.districts)
        return json({"name": who.name, "role": who.role, **known, "may": acts, "topics": topics})

    # -- system ---------------------------------------------------------------------------------------------------

    async def feeds(self) -> Response:
        """State and counters of every feed, with parked input by reason."""
        found = await self._current("feed")
        rows = []
        for raw in found.events:
            status = msgspec.json.decode(raw)["data"]
            counts = await self.process.bus.hash_all("parked-counts", status["name"])
            rows.append({**status, "parked_by_reason": {reason: int(count) for reason, count in counts.items()}})
        return json({"feeds": rows, "position": found.position, "complete": found.complete})

    async def parked(
        self,
        feed: Name,
        after: Annotated[str, Query(pattern=r"^[0-9]{1,19}-[0-9]{1,19}$")] = "0-0",
        limit: Annotated[int, Query(ge=1, le=200)] = 50,
    ) -> Response:
        """Refused input of a feed, oldest first; `next` is the `after` of the following page, null at the end."""
        self._require_feed(feed)
        bus = self.process.bus
        entries = await bus.queue_read("parked", feed, after=entry_id(after), count=limit)
        rows = [{"id": f"{at[0]}-{at[1]}", **{name: _text(value) for name, value in fields.items()}} for at, fields in entries]
        counts = {reason: int(count) for reason, count in (await bus.hash_all("parked-counts", feed)).items()}
        left = await bus.queue_length("parked", feed)
        return json({"rows": rows, "kept": left, "counts": counts, "next": rows[-1]["id"] if len(rows) == limit else None})

    async def replay_parked(self, feed: Name) -> Response:
        """Asks the feeds process to try everything parked again, with the mapping as it is now."""
        self._require_feed(feed)
        command = msgspec.json.encode({"do": "replay-parked", "feed": feed})
        await self.process.bus.queue_add({"command": command}, "commands", "feeds", bound=1000)
        return json({"asked": True, "feed": feed, "kept": await self.process.bus.queue_length("parked", feed)}, 202)

    async def reload(self) -> Response:
        """Asks the feeds process to read hall.toml again; a file it cannot use changes nothing, and every feed says so."""
        await self.process.bus.queue_add({"command": msgspec.json.encode({"do": "reload"})}, "commands", "feeds", bound=1000)
        return json({"asked": True}, 202)

    def _require_feed(self, name: str) -> None:
        try:
            self.process.config.feed(name)
        except KeyError:
            raise Refused("unknown-feed", f"no feed is called {name}", 404) from None

    async def screens(self) -> Response:
        """What every screen last reported."""
        return await self.board("screen")

    async def board(self, topic: Name) -> Response:
        """Every current document of a topic, as events."""
        if topic not in STATE_TOPICS:
            raise Refused("unknown-topic", f"one of {', '.join(STATE_TOPICS)}", 404)
        who = current_visit().identity
        if topic not in access.topics_for(who.role, who.districts):
            raise Refused("forbidden", f"this role may not read {topic}", 403)
        found = await self._current(topic)
        if limits := bounds(who).get(topic):
            found.events = [raw for raw in found.events if _within(raw, limits)]
        return json(found)

    async def _current(self, topic: str) -> documents.Documents:
        if self._waiting >= READS_WAITING:
            raise Refused("busy", "too many requests at once; try again", 503)
        self._waiting += 1
        try:
            async with self._turn:
                return await documents.current(self.process.bus, topic)
        finally:
            self._waiting -= 1

    # -- walls ----------------------------------------------------------------------------------------------------

    async def walls(self) -> Response:
        """Paired screens; tokens themselves are kept nowhere."""
        paired = await access.paired_walls(self.process.bus)
        rows = [{"id": key, **msgspec.to_builtins(token)} for key, token in paired.items()]
        return json({"paired": sorted(rows, key=lambda row: row["made"]), "layouts": self.layouts})

    async def pair(self, pairing: Pairing) -> Response:
        """Makes a token for an unattended screen; it is shown in this answer only."""
        if not pairing.wall.replace("-", "").replace("_", "").isalnum() or len(pairing.wall) > 64:
            raise Refused("bad-name", "1 to 64 letters, digits, - or _", 422)
        token = await access.pair_wall(self.process.bus, pairing.wall, current_visit().identity.name)
        _noted("paired a screen of", pairing.wall)
        return json({"wall": pairing.wall, "token": token, "id": access.digest(token)}, 201)

    async def unpair(self, token_sum: Annotated[str, Path(pattern=r"^[0-9a-f]{64}$")]) -> Response:
        if not await access.unpair_wall(self.process.bus, token_sum):
            raise Refused("unknown-pairing", "no such paired screen", 404)
        _noted("took back the pairing", token_sum[:12])
        return json({"unpaired": token_sum})

    # -- users ----------------------------------------------------------------------------------------------------

    async def list_users(self) -> Response:
        return json({"users": await asyncio.to_thread(self.users.all), "roles": PERSON_ROLES})

    async def add_user(self, user: NewUser) -> Response:
        await asyncio.to_thread(self.users.add, user.name, user.role, user.password, user.profile())
        await access.end_sessions(self.process.bus, user.name)
        _noted(f"added as {user.role}", user.name)
        return json({"name": user.name, "role": user.role}, 201)

    async def change_user(self, name: str, change: UserChange) -> Response:
        """Changes role, password or profile and ends the user's sessions."""
        await access.end_sessions(self.process.bus, name)  # before as well: without the bus nothing is changed
        await asyncio.to_thread(self.users.change, name, change.role, change.password, change.profile())
        await access.end_sessions(self.process.bus, name)
        what = [f"role {change.role}"] * bool(change.role) + ["password"] * bool(change.password)
        what += [field for field in ("unit", "districts", "display", "pin") if getattr(change, field) is not None]
        _noted(f"changed {' and '.join(what) or 'nothing'} of", name)
        return json({"name": name})

    async def remove_user(self, name: str) -> Response:
        await access.end_sessions(self.process.bus, name)
        await asyncio.to_thread(self.users.remove, name)
        await access.end_sessions(self.process.bus, name)
        await self._forget(name)
        _noted("removed", name)
        return json({"removed": name})


def _within(raw: msgspec.Raw, limits: dict[str, list[Any]]) -> bool:
    data = msgspec.json.decode(raw).get("data") or {}
    return all(data.get(name) in allowed for name, allowed in limits.items())


def _noted(what: str, whom: str) -> None:
    """Who may get in was changed: that leaves a line, with who did it and from where."""
    visit = current_visit()
    log.warning("access: %r from %s %s %r", visit.identity.name, visit.address, what, whom)


def _text(value: bytes) -> Any:
    """Supplier's bytes as text, cut to a sample; what is no UTF-8 shows as escapes, passwords in addresses do not show."""
    shown = _PASSWORD.sub(r"\1•••@", value[:SAMPLE_BYTES].decode("utf-8", "backslashreplace"))
    return shown + ("…" if len(value) > SAMPLE_BYTES else "")
