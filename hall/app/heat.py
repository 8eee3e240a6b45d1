"""Heat of past cases over HTTP: how many were reported where, by class and period, as a packed grid (docs/MEASURES.md).

Cut down to what the asker may see: people of districts to these and to what lies in none, a department to its unit's cases.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Annotated, Any, Protocol

import msgspec
from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from hall.app.answers import json
from hall.app.visit import current_visit
from hall.core.clock import monotonic
from hall.core.errors import Refused

log = logging.getLogger("hall.heat")
MAGIC = b"HCH1"
#: between two slices: while much is to be read, and when all has been read
BUSY_SECONDS, IDLE_SECONDS = 0.02, 2.0
#: after so long without a question nothing is followed
ASKED_SECONDS = 600.0
WAITING = 50
_NOWHERE = "\x01"  # a unit that nobody has


class Index(Protocol):
    """What is used of the dispatch room's index."""

    version: int
    share: float

    def step(self) -> bool: ...
    def about(self) -> dict[str, Any]: ...
    def grid(self, asked: Any) -> tuple[Any, int]: ...


class Heat:
    """Handlers and their router; the index is read and asked in own threads. `question` makes what the index is asked."""

    def __init__(self, index: Index, question: Callable[..., Any]) -> None:
        self._index, self._question = index, question
        self._threads = ThreadPoolExecutor(2, "heat")
        self._reading: asyncio.Task[None] | None = None
        self._asked, self._waiting = 0.0, 0
        self._run = uuid.uuid4().hex[:8]  # versions of an earlier process are not ours
        self.router = APIRouter(prefix="/api/v1/heat", tags=["heat"])
        self.router.add_api_route("", self.grid, methods=["GET"], response_class=Response)
        self.router.add_api_route("/about", self.about, methods=["GET"], response_class=Response)

    async def about(self) -> Response:
        """`{classes: [{name, count}], oldest, newest, total, unplaced, ready}`; `ready`: how much has been read, 0 to 1. Who
        may see a part of the city only gets the classes without counts."""
        self._wake()
        found = await self._ask(self._index.about)
        who = current_visit().identity
        if who.districts or who.role == "department":
            found = {"classes": [{"name": one["name"]} for one in found["classes"]], "ready": found["ready"]}
        return json(found)

    async def grid(
        self,
        request: Request,
        bbox: Annotated[str, Query(max_length=200)],
        zoom: Annotated[int, Query(ge=0, le=22)],
        since: Annotated[int, Query(alias="from", ge=-(2**53), le=2**53)],
        until: Annotated[int, Query(alias="to", ge=-(2**53), le=2**53)],
        class_name: Annotated[list[str] | None, Query(alias="class", max_length=100)] = None,
    ) -> Response:
        """Counts of cells of about 4 px at `zoom`: `"HCH1" | u32 n | n bytes of JSON | u16 counts[width*height]`, little
        endian, from the north-west. JSON: `{level, x, y, width, height, placed, unplaced, inside, ready}`. ETag."""
        asked = self._asked_for(since, until, _box(bbox), zoom, class_name)
        tag = f'"{self._run}-{self._index.version}-{abs(hash(asked)):x}"'
        headers = {"ETag": tag, "Cache-Control": "private, no-cache"}
        if tag in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=headers)
        found, version = await self._ask(lambda: self._index.grid(asked))
        headers["ETag"] = f'"{self._run}-{version}-{abs(hash(asked)):x}"'
        return Response(_packed(found, self._index.share), headers=headers, media_type="application/octet-stream")

    async def counted(
        self, since: int, until: int, box: tuple[float, float, float, float], zoom: int, classes: list[str]
    ) -> tuple[Any, int]:
        """The same counts for other handlers, as the present visitor may see them, with their version."""
        asked = self._asked_for(since, until, box, zoom, classes)
        return await self._ask(lambda: self._index.grid(asked))

    def _asked_for(
        self, since: int, until: int, box: tuple[float, float, float, float], zoom: int, classes: list[str] | None
    ) -> Any:
        if until <= since:
            raise Refused("bad-request", "from: must be before to", 422)
        self._wake()
        who = current_visit().identity
        return self._question(
            since,
            until,
            box,
            zoom,
            tuple(classes) if classes else None,
            ("", *who.districts) if who.districts else None,
            (who.unit or _NOWHERE) if who.role == "department" else None,
        )

    async def _ask(self, work: Callable[[], Any]) -> Any:
        if self._waiting >= WAITING:
            raise Refused("busy", "too many questions about past cases at once; try again", 503)
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work)
        finally:
            self._waiting -= 1

    # -- reading -----------------------------------------------------------------------------------------------------

    def _wake(self) -> None:
        self._asked = monotonic()
        if self._reading is None or self._reading.done():
            self._reading = asyncio.get_running_loop().create_task(self._read())

    async def _read(self) -> None:
        """Follows the casebook for as long as somebody asks."""
        told = False
        while monotonic() - self._asked < ASKED_SECONDS:
            try:
                more = await asyncio.get_running_loop().run_in_executor(self._threads, self._index.step)
                told = False
            except sqlite3.Error as error:
                if not told:
                    log.warning("heat: the casebook cannot be read, trying again: %s", error)
                more, told = False, True
            await asyncio.sleep(BUSY_SECONDS if more else IDLE_SECONDS)

    def close(self) -> None:
        if self._reading is not None:
            self._reading.cancel()
        self._threads.shutdown(wait=False, cancel_futures=True)


def _packed(found: Any, share: float) -> bytes:
    names = ("level", "x", "y", "width", "height", "placed", "unplaced", "inside")
    head = msgspec.json.encode({name: getattr(found, name) for name in names} | {"ready": round(share, 3)})
    head += b" " * (-len(head) % 4)
    return MAGIC + len(head).to_bytes(4, "little") + head + found.counts.astype("<u2").tobytes()


def _box(text: str) -> tuple[float, float, float, float]:
    try:
        west, south, east, north = (float(part) for part in text.split(","))
    except ValueError:
        raise Refused("bad-request", "bbox: give west,south,east,north in degrees", 422) from None
    if not (-180 <= west < east <= 180 and -90 <= south < north <= 90):
        raise Refused("bad-request", "bbox: west before east, south before north, within ±180 and ±90", 422)
    return west, south, east, north
