"""`/api/v1/lock`: a console that nobody works at is locked, by itself or by hand, and opened by the same person.

The session is what is locked, so the door refuses everything else (423) whatever a page shows; a console whose page died
counts as locked once it has been silent for longer than its limit.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Annotated, Any, Literal

from fastapi import APIRouter
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field

from hall import access
from hall.app import acting
from hall.app.actors import current_actor
from hall.app.answers import json
from hall.app.attempts import count_attempt, forgive
from hall.app.shifts import settings_of
from hall.app.users import User, Users
from hall.app.visit import current_visit
from hall.core.errors import Refused
from hall.core.process import Process

log = logging.getLogger("hall.web")
#: a page says that it is used at most this often; the server waits this much longer than the page
SLACK_MS = 90_000
#: password hashes computed at once: each takes 64 MiB
_HASHING = asyncio.Semaphore(2)


class LockIn(BaseModel):
    """`why`: idle | hand."""

    model_config = ConfigDict(extra="forbid")
    why: Literal["idle", "hand"] = "hand"


class OpenIn(BaseModel):
    """One of the two."""

    model_config = ConfigDict(extra="forbid")
    password: Annotated[str, Field(max_length=200)] = ""
    pin: Annotated[str, Field(max_length=20)] = ""


class Lock:
    """Handlers and their router. `desk` writes the audit lines."""

    def __init__(self, process: Process, desk: Any, users: Users) -> None:
        self.process, self.desk, self.users = process, desk, users
        settings = settings_of(process.config)
        self.limit_ms = round(settings.lock_minutes * 60_000)
        self.warning_ms = min(round(settings.lock_warning_seconds * 1000), self.limit_ms)
        self.router = APIRouter(prefix="/api/v1/lock", tags=["access"])
        for method, path, handler in (
            ("GET", "", self.state),
            ("POST", "", self.lock),
            ("POST", "/active", self.active),
            ("POST", "/open", self.open),
        ):
            self.router.add_api_route(path, handler, methods=[method], response_class=Response)

    async def state(self) -> Response:
        """Whether this session is locked, after how long it locks itself, and by what it opens."""
        visit = current_visit()
        user = await self._user()
        return json(
            {
                "locked": visit.identity.locked,
                "limit_ms": self.limit_ms if user else 0,
                "warning_ms": self.warning_ms,
                "can": user is not None,
                "pin": bool(user and user.has_pin),
                "name": visit.identity.name,
            }
        )

    async def lock(self, asked: LockIn) -> Response:
        """Locks this session, on all of this browser's pages."""
        if await self._user() is None:
            raise Refused("cannot-unlock", "you have no password here and could not unlock it; sign out instead", 409)
        await access.lock_session(self.process.bus, current_visit().secret)
        await self.desk.note("session-locked", current_actor(), {"why": asked.why})
        return json({"locked": True})

    async def active(self) -> Response:
        """Somebody works here: the time until it locks itself begins anew."""
        if await self._user() is not None:
            await access.session_active(self.process.bus, current_visit().secret, self._limit())
        return json({"locked": False})

    async def open(self, asked: OpenIn) -> Response:
        """Unlocks this session for the one it belongs to."""
        visit = current_visit()
        name, by = visit.identity.name, "pin" if asked.pin and not asked.password else "password"
        await count_attempt(self.process.bus, name, visit.address)
        if by == "pin":
            await acting.count_pin(self.process.bus, name, f"lock:{visit.address}")
        async with _HASHING:
            check, secret = (self.users.check_pin, asked.pin) if by == "pin" else (self.users.check, asked.password)
            user = await asyncio.to_thread(check, name, secret)
        if user is None:
            log.warning("access: wrong %s at the lock of %r from %s", by, name, visit.address)
            await self.desk.note("unlock-refused", current_actor(), {"by": by})
            raise Refused(f"wrong-{by}", f"the {by} is not right", 403)
        await forgive(self.process.bus, name, visit.address)
        if by == "pin":
            await acting.forgive(self.process.bus, name)
        await access.session_active(self.process.bus, visit.secret, self._limit(), unlock=True)
        await self.desk.note("session-unlocked", current_actor(), {"by": by})
        return json({"locked": False})

    def _limit(self) -> int:
        return self.limit_ms + SLACK_MS if self.limit_ms else 0

    async def _user(self) -> User | None:
        """Who could unlock this; None for a demo's guest, who has no password. `secret` is empty for a machine client."""
        visit = current_visit()
        if not visit.secret or visit.identity.kind != "person":
            return None
        return await asyncio.to_thread(self.users.get, visit.identity.name)
