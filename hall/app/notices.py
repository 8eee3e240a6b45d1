"""`/api/v1/notices`: what was told to me and not read; and for one thing, to whom it was told, by what, and who read it."""

from __future__ import annotations

import asyncio
from typing import Any, Protocol

import msgspec
from fastapi import APIRouter
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict

from hall.app.actors import current_actor
from hall.app.answers import json
from hall.app.seeing import bounded, refusal_of, unseen_file
from hall.app.visit import current_visit
from hall.core.command import Actor, Command
from hall.core.errors import Refused

#: a notice's id: sums of what it is about and of its cause
ID_PATTERN = r"^[0-9a-f]{12}-[0-9a-f]{18}$"
SEEING_ALL = ("operator", "dispatcher", "supervisor", "leader", "admin")


class Board(Protocol):
    """dispatch.noticeboard.NoticeBoard"""

    def mine(self, actor: Actor, limit: int = 200) -> list[dict[str, Any]]: ...
    def about(self, subject: str) -> list[dict[str, Any]]: ...


class Desk(Protocol):
    """What of dispatch.desk.Desk is needed here."""

    async def execute(self, command: Command, actor: Actor) -> Any: ...
    async def state(self, subject: str) -> Any | None: ...


class Way(BaseModel):
    """By which way it was read or received: console | field | sound."""

    model_config = ConfigDict(extra="forbid")
    way: str = "console"


class NoticeApi:
    """`router` serves it."""

    def __init__(self, desk: Desk, board: Board) -> None:
        self.desk, self.board = desk, board
        self.router = APIRouter(prefix="/api/v1/notices", tags=["notices"])
        self.router.add_api_route("", self.notices, methods=["GET"])
        self.router.add_api_route("/{notice}/read", self.read, methods=["POST"])
        self.router.add_api_route("/{notice}/received", self.received, methods=["POST"])

    async def notices(self, about: str = "", limit: int = 200) -> Response:
        """Mine and unread, the most urgent first. With `about` (a stream such as `file/<feed>/<case>`): every notice ever
        made about it with its ways and readers, oldest first, for those who sit at a desk."""
        actor = current_actor()
        if not about:
            found = await asyncio.to_thread(self.board.mine, actor, max(1, min(limit, 500)))
            return json({"notices": found})
        if actor.role not in SEEING_ALL:
            raise Refused("forbidden", f"role {actor.role} sees its own notices only", 403)
        await self._check(about)
        return json({"notices": await asyncio.to_thread(self.board.about, about[:500])})

    async def _check(self, about: str) -> None:
        """Raises Refused 403 for a case of a district that is not the asker's."""
        who = current_visit().identity
        file = await self.desk.state(about) if bounded(who) and about.startswith("file/") else None
        if file is not None and (reason := unseen_file(who, about, msgspec.to_builtins(file))):
            raise refusal_of(reason)

    async def read(self, notice: str, told: Way | None = None) -> Response:
        """I have read it. Said twice it is the same."""
        return await self._stamp(notice, "read", told or Way())

    async def received(self, notice: str, told: Way | None = None) -> Response:
        """My console or phone shows it."""
        return await self._stamp(notice, "received", told or Way())

    async def _stamp(self, notice: str, move: str, told: Way) -> Response:
        outcome = await stamp(self.desk, current_actor(), notice, move, told.way)
        return json({"outcome": outcome})


async def stamp(desk: Desk, actor: Actor, notice: str, move: str, way: str) -> Any:
    """Writes that `actor` received or read a notice; its command is named by what it says, so that it is written once."""
    command = Command(
        id=f"{move}-{notice}-{actor.name}-{way}"[:200], subject=f"notice/{notice[:60]}", move=move, data={"way": way}
    )
    return await desk.execute(command, actor)
