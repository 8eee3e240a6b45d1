"""`/api/v1/video/walls/<wall>`: which pictures a wall shows, and its presets. Kept in a file, told to the wall's browsers.

The document `scene/<wall>/video` is what every browser of the wall follows: `{grid, presets, at, by}`.
"""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Path
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field

from hall import access
from hall.app import documents
from hall.app.answers import json
from hall.app.channels import Channels, refusal_of, scope_of, unseen_channel
from hall.app.preferences import PreferenceBook
from hall.app.visit import current_visit
from hall.core.clock import real_ms
from hall.core.errors import Refused
from hall.core.process import Process

LAYOUTS = (1, 4, 9, 16, 25, 64)
MOST_PRESETS = 40
_Wall = Annotated[str, Path(pattern=r"^[\w.-]{1,64}$")]
_Channel = Annotated[str, Field(pattern=r"^channel/[^/\s]+/\S+$", max_length=420)]
_NAME = "video-grid"


class Grid(BaseModel):
    """`cells`: one channel per tile, row by row, null where it is empty; without any the wall chooses by itself. `round`: the
    wall follows this round (`round/<name>`) instead."""

    model_config = ConfigDict(extra="forbid")
    layout: int = Field(description=f"tiles: one of {', '.join(map(str, LAYOUTS))}")
    cells: Annotated[list[_Channel | None], Field(max_length=64)] = []
    spotlight: Annotated[int | None, Field(ge=0, le=63)] = None
    round: Annotated[str, Field(pattern=r"^[\w-]{0,64}$")] = ""


class Change(BaseModel):
    """What to show from now on (`grid`), a preset to keep (`name` with `preset`) or to forget (`name` alone)."""

    model_config = ConfigDict(extra="forbid")
    grid: Grid | None = None
    name: Annotated[str, Field(max_length=60)] = ""
    preset: Grid | None = None


class _Shown(msgspec.Struct):
    wall: str | None = ""


class _Screen(msgspec.Struct):
    data: _Shown


class VideoGrids:
    """`router` serves it."""

    def __init__(self, process: Process, book: PreferenceBook, channels: Channels) -> None:
        self.process, self.book, self.channels = process, book, channels
        self.layouts: frozenset[str] = frozenset()  # declared walls: each is a wall of its own name
        self._turn = asyncio.Lock()  # two people's presets, kept at the same time, are both kept
        self.router = APIRouter(prefix="/api/v1/video/walls", tags=["video"])
        self.router.add_api_route("/{wall}", self.get, methods=["GET"], response_class=Response)
        self.router.add_api_route("/{wall}", self.put, methods=["PUT"], response_class=Response)

    async def get(self, wall: _Wall) -> Response:
        """What the wall shows and its presets: `{grid, presets, at, by}`; empty where nobody ever chose anything."""
        return json(await self._kept(wall))

    async def put(self, wall: _Wall, change: Change) -> Response:
        """Changes it for all browsers of the wall; the answer is what holds now. Raises Refused: `unknown-wall`, and the reason
        of a camera that the person may not see."""
        for grid in (change.grid, change.preset):
            if grid is not None and grid.layout not in LAYOUTS:
                raise Refused("unknown-layout", f"tiles: one of {', '.join(map(str, LAYOUTS))}", 422)
        kept = await self._kept(wall)
        if "at" not in kept and not await self._exists(wall):
            raise Refused("unknown-wall", "no wall is called that: none is configured, paired or open", 404)
        await self._within(change, kept)
        async with self._turn:
            made = await self._kept(wall)
            self._apply(made, change)
            made |= {"at": max(real_ms(), made.get("at", 0) + 1), "by": current_visit().identity.name}
            await asyncio.to_thread(self.book.put, f"wall:{wall}", _NAME, msgspec.json.encode(made).decode())
        self.process.fast.put(self.process.event(f"scene/{wall}/video", made, type="video.grid"))
        await self.process.fast.flush()
        return json(made)

    async def _exists(self, wall: str) -> bool:
        """Whether there is such a wall: declared, configured, paired, or open in a browser under that name."""
        if wall in self.layouts or wall in self.process.config.walls:
            return True
        if any(paired.wall == wall for paired in (await access.paired_walls(self.process.bus)).values()):
            return True
        screens = await documents.current(self.process.bus, "screen")
        return any(msgspec.json.decode(raw, type=_Screen).data.wall == wall for raw in screens.events)

    async def _within(self, change: Change, kept: dict[str, Any]) -> None:
        """Raises Refused where somebody hangs up a camera that he may not see; what hangs there already may stay."""
        who = current_visit().identity
        if scope_of(who) is None:
            return
        hanging = {cell for grid in (kept.get("grid"), *kept["presets"].values()) if grid for cell in grid["cells"]}
        wanted = {cell for grid in (change.grid, change.preset) if grid for cell in grid.cells if cell} - hanging
        known = await self.channels.known(sorted(wanted))
        for name in sorted(wanted):
            if reason := unseen_channel(who, known.get(name)):
                raise refusal_of(reason)

    @staticmethod
    def _apply(made: dict[str, Any], change: Change) -> None:
        if change.grid is not None:
            made["grid"] = change.grid.model_dump()
        name = change.name.strip()
        if not name:
            return
        presets = made.setdefault("presets", {})
        if change.preset is None:
            presets.pop(name, None)
        elif name not in presets and len(presets) >= MOST_PRESETS:
            raise Refused("too-many-presets", f"at most {MOST_PRESETS} presets of one wall", 422)
        else:
            presets[name] = change.preset.model_dump()

    async def _kept(self, wall: str) -> dict[str, Any]:
        found = await asyncio.to_thread(self.book.get, f"wall:{wall}", _NAME)
        return msgspec.json.decode(found) if found else {"presets": {}}
