"""The HTTP side of dispatch put together: what it needs of the dispatch room is handed in by the assembly."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, NamedTuple

from fastapi import APIRouter

from hall.app.channels import Channels
from hall.app.commanding import Commands
from hall.app.dispatching import Dispatching
from hall.app.georeport import Service
from hall.app.media import Media
from hall.app.mediastore import MediaStore
from hall.app.open311 import Open311
from hall.app.overriding import Recommend, Recommendations
from hall.app.picture import Picture
from hall.app.preferences import PreferenceBook, Preferences
from hall.app.refusals import Kind, Refusals
from hall.app.reporting import Placing, Reporting
from hall.app.roster import Roster
from hall.app.surroundings import Book, Surroundings
from hall.app.tokens import Tokens
from hall.app.users import Users
from hall.app.videogrids import VideoGrids
from hall.core.command import Actor
from hall.core.process import Process


class Room(NamedTuple):
    """What the dispatch room gives. `places` loads the city's boundaries; `conditions`: hall/app/roster.py, `recommend`:
    hall/app/overriding.py."""

    desk: Any
    book: Book
    places: Callable[[], Any]
    conditions: Callable[[dict[str, Any]], list[dict[str, Any]]]
    recommend: Recommend
    services: list[Service]  # kinds of reports that outside apps may make (Open311)


class DispatchParts:
    """`routers` serve it, `refusals` takes what the door refuses. Made in a thread: it opens files."""

    def __init__(self, process: Process, users: Users, room: Room, channels: Channels) -> None:
        self._desk = room.desk
        self.refusals = Refusals(self._audit)
        self.media = Media(MediaStore(process.settings.data_dir), room.desk.state)
        self.preferences = PreferenceBook(process.settings.data_dir / "preferences.db")
        self.picture = picture = Picture(process.bus)
        self.recommendations = recommendations = Recommendations(room.desk, picture, process.clock, room.recommend)
        self.grids = VideoGrids(process, self.preferences, channels)
        self.commands = Commands(room.desk, self.media, self.refusals.count, recommendations.check)
        self.reporting = Reporting(process, room.desk, Placing(room.places))
        roster = Roster(self.commands, picture, users, process.clock, room.conditions, recommendations)
        surroundings = Surroundings(self.commands, picture, room.book, process.clock, channels)
        #: addresses below a case come before the case itself, whose number may hold slashes
        self.routers: tuple[APIRouter, ...] = (
            surroundings.router,
            roster.router,
            Dispatching(self.commands, self.reporting).router,
            self.media.router,
            Preferences(self.preferences).router,
            self.grids.router,
            Tokens(process.bus).router,
            Open311(process, self.commands, self.reporting, room.book, room.services).router,
        )

    async def _audit(self, kind: Kind, times: int) -> None:
        actor = Actor(name=kind.who or "nobody", role=kind.role)
        data = {"code": kind.reason, "address": kind.address, "path": kind.path, "times": times}
        await self._desk.note("refused", actor, data)

    async def forget(self, name: str) -> None:
        """What was kept for a user who was removed."""
        await asyncio.to_thread(self.preferences.forget, name)

    async def close(self) -> None:
        await self.refusals.close()
