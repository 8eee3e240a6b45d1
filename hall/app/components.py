"""Street components (部件) over HTTP: packed for browsers, gridded for thin clients, filtered, searched, each with its cases.

Everything is cut down to what the asker may see: people of districts to these and to what lies in none, a department's seat and
its crews' phones to what it is competent for. Row numbers hold for one `version` only.
"""

from __future__ import annotations

import asyncio
import gzip
import logging
import sqlite3
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Annotated, Any, Protocol

import msgspec
from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field

from hall.access import Identity, may
from hall.app import fieldcomponents
from hall.app.answers import json
from hall.app.seeing import unseen
from hall.app.visit import current_visit
from hall.core.errors import HallError, Refused

log = logging.getLogger("hall.components")
AT_ONCE, WAITING = 2, 100
#: cases of one component shown, newest first; metres around it that count as its place
MOST_CASES, PLACE_METRES = 50, 15.0
_Words = Annotated[list[str], Field(max_length=100)]
_BINARY = "application/octet-stream"
_QUICK = 4  # of gzip: 2,000 features in a few ms


class Asked(BaseModel):
    """Values of one field mean any of them, fields together all of them. `kind`: class codes or beginnings of them; `q`: words,
    all of them, each in number, name, address, owner, class, district or department."""

    model_config = ConfigDict(extra="forbid")
    district: _Words = []
    department: _Words = []
    state: _Words = []
    kind: _Words = []
    source: _Words = []
    mark: _Words = []
    q: Annotated[str, Field(max_length=200)] = ""


class AskedGrid(Asked):
    """`bbox`: west,south,east,north in degrees; `most`: features."""

    bbox: Annotated[str, Field(max_length=200)]
    zoom: Annotated[int, Field(ge=0, le=22)]
    most: Annotated[int, Field(ge=50, le=2_000)] = 2_000


class AskedPage(Asked):
    offset: Annotated[int, Field(ge=0, le=10_000_000)] = 0
    limit: Annotated[int, Field(ge=1, le=200)] = 20


class Book(Protocol):
    """What is used of the casebook (the dispatch room's)."""

    def of_component(self, component_id: str, limit: int) -> list[dict[str, Any]]: ...
    def around(self, lon: float, lat: float, metres: float, limit: int) -> list[dict[str, Any]]: ...


class Inventory(Protocol):
    """What is used of the feeds room's components."""

    def view(self, districts: tuple[str, ...] | None, department: str | None) -> Any: ...
    def question(self, **fields: Any) -> Any: ...


def question_of(inventory: Inventory, asked: Asked) -> Any:
    """What the inventory is asked; raises Refused naming a value that nothing can have."""
    try:
        return inventory.question(
            districts=tuple(asked.district),
            departments=tuple(asked.department),
            states=tuple(asked.state),
            kinds=tuple(asked.kind),
            sources=tuple(asked.source),
            marks=tuple(asked.mark),
            text=asked.q,
        )
    except ValueError as error:
        raise Refused("bad-request", str(error), 422) from None


def _told(task: asyncio.Task[str]) -> None:
    if not task.cancelled() and (fault := str(task.exception() or task.result())):
        log.error("components: the first import failed: %s", fault)


def _tag(version: str) -> str:
    return f'"{version}"'


class Components:
    """Handlers and their router. Versions are read in a few threads. `first`: imports something when somebody asks and nothing
    is there (the demo city's own); run once, returns what went wrong. `crew`: a crew on the roster by its subject."""

    def __init__(
        self,
        inventory: Inventory,
        book: Book,
        first: Callable[[], Awaitable[str]] | None = None,
        crew: Callable[[str], Awaitable[Any]] | None = None,
    ) -> None:
        self.inventory, self.book, self._first, self._crew = inventory, book, first, crew
        self._importing: asyncio.Task[str] | None = None
        self._threads = ThreadPoolExecutor(AT_ONCE, "components")
        self._waiting = 0
        self.router = APIRouter(prefix="/api/v1/components", tags=["components"])
        for path, handler in (
            ("", self.about),
            ("/pack", self.pack),
            ("/filter", self.filter),
            ("/grid", self.grid),
            ("/search", self.search),
            ("/at/{row}", self.at),
            ("/{component_id:path}", self.one),
        ):
            self.router.add_api_route(path, handler, methods=["GET"], response_class=Response)

    # -- who asks, and which version ---------------------------------------------------------------------------------

    async def _unit(self) -> str | None:
        """The department that bounds what the asker may see; None: none does. Raises Refused."""
        who = current_visit().identity
        if who.role == "crew":
            return fieldcomponents.unit_of(who, await self._crew(f"crew/{who.crew}") if self._crew else None)
        return who.unit if who.role == "department" else None

    async def _view(self) -> Any:
        who, department = current_visit().identity, await self._unit()
        try:
            view = self.inventory.view(tuple(who.districts) or None, department)
        except (HallError, OSError) as error:
            raise Refused("components-unreadable", str(error), 503) from None
        if view is None:
            self._begin()
            raise Refused("components-none", "no components were imported yet", 404)
        return view

    def _begin(self) -> None:
        if self._first is not None and self._importing is None:
            self._importing = asyncio.get_running_loop().create_task(self._first())
            self._importing.add_done_callback(_told)

    async def _run(self, work: Callable[[], Any]) -> Any:
        if self._waiting >= WAITING:
            raise Refused("busy", "too many questions about components at once; try again", 503)
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work)
        finally:
            self._waiting -= 1

    def _question(self, asked: Asked) -> Any:
        return question_of(self.inventory, asked)

    async def _tagged(self, request: Request, view: Any, made: Callable[[], bytes], kind: str, **headers: str) -> Response:
        headers |= {"ETag": _tag(view.version), "Cache-Control": "private, no-cache"}
        if _tag(view.version) in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=headers)
        return Response(await self._run(made), headers=headers, media_type=kind)

    # -- answers -----------------------------------------------------------------------------------------------------

    async def about(self) -> Response:
        """How many there are and what they can be filtered by; `version` null while nothing was imported, then `importing`:
        whether something is just coming in."""
        try:
            view = await self._view()
        except Refused as refused:
            if refused.reason != "components-none":
                raise
            return json({"version": None, "total": 0, "importing": self._importing is not None and not self._importing.done()})
        return json(await self._run(view.about))

    async def pack(self, request: Request) -> Response:
        """Every position and class as one binary: `u32 magic,n,k,cz | k*(u32 cx,cy,start) | u16 x[n] | u16 y[n] | u8 class[n]`,
        little-endian. Chunk i is the tile (cx, cy) of zoom cz; x and y are 65,536ths of it. ETag = version."""
        view = await self._view()
        return await self._tagged(request, view, lambda: bytes(view.pack()), _BINARY)

    async def filter(self, request: Request, asked: Annotated[Asked, Query()]) -> Response:
        """Which rows of the pack of the same version answer: `u32 magic,n,count | one bit a row, lowest first`."""
        view, question = await self._view(), self._question(asked)
        return await self._tagged(request, view, lambda: view.bits(question), _BINARY)

    async def grid(self, request: Request, asked: Annotated[AskedGrid, Query()]) -> Response:
        """At most 2,000 features of a viewport: `[lon, lat, count, row, class]`, `row` -1 where one stands for several. ETag =
        version; compressed for who takes that."""
        box, view, question = _box(asked.bbox), await self._view(), self._question(asked)
        packed = "gzip" in request.headers.get("accept-encoding", "")

        def made() -> bytes:
            body = msgspec.json.encode(view.grid(question, box, asked.zoom, asked.most))
            return gzip.compress(body, _QUICK, mtime=0) if packed else body

        encoding = {"Content-Encoding": "gzip"} if packed else {}
        return await self._tagged(request, view, made, "application/json", Vary="Accept-Encoding", **encoding)

    async def search(self, asked: Annotated[AskedPage, Query()]) -> Response:
        """Whole records that answer; a number written out in full comes first."""
        view, question = await self._view(), self._question(asked)
        return json(await self._run(lambda: view.search(question, asked.offset, asked.limit)))

    async def at(self, row: int, version: Annotated[str, Query(max_length=80)]) -> Response:
        """The component of a row of that version's pack, with its cases; 409 when another version is current."""
        view = await self._view()
        if version.strip('"') != view.version:
            raise Refused("components-changed", "the components were imported anew; fetch the pack again", 409)
        who, unit = current_visit().identity, await self._unit()
        return json(await self._run(lambda: self._with_cases(view.at(row), who, unit or "")))

    async def one(self, component_id: str) -> Response:
        """一物一档: the component's record and its cases, open and closed, newest first."""
        if not component_id:  # the address ended in a stroke
            return await self.about()
        view, who, unit = await self._view(), current_visit().identity, await self._unit()
        return json(await self._run(lambda: self._with_cases(view.one(component_id), who, unit or "")))

    # -- for other handlers ------------------------------------------------------------------------------------------

    async def first(self, text: str, limit: int, near: tuple[float, float]) -> dict[str, Any]:
        """The first that answer words, the nearest first: `{more, rows}`. Raises Refused."""
        view = await self._view()
        return await self._run(lambda: view.first(text, limit, near))

    async def around(self, lon: float, lat: float, metres: float, limit: int) -> dict[str, Any]:
        """Those around a place: `{total, classes, rows}`. Raises Refused."""
        view = await self._view()
        return await self._run(lambda: view.around(lon, lat, metres, limit))

    def _with_cases(self, record: dict[str, Any], who: Identity, unit: str) -> dict[str, Any]:
        """`cases`: those that name it (`names` true) or lie within its place, of these the ones the asker may see; null for
        a screen without a person. A phone is told less (fieldcomponents)."""
        metres = PLACE_METRES + (record.get("accuracy_m") or 0.0)
        if who.role != "crew" and (not may(who.role, "see-desk") or who.locked):
            return {"component": record, "cases": None, "place_metres": metres}
        found = self._cases(record, metres)
        if who.role == "crew":
            return {**fieldcomponents.for_phone(record, found[:MOST_CASES], unit), "place_metres": metres}
        seen = [c for c in found if unseen(who, c.get("district", ""), c.get("unit", "")) is None]
        return {"component": record, "cases": seen[:MOST_CASES], "place_metres": metres}

    def _cases(self, record: dict[str, Any], metres: float) -> list[dict[str, Any]]:
        """All cases of a component, newest first. Raises Refused."""
        try:
            named = self.book.of_component(record["component_id"], MOST_CASES)
            near = self.book.around(record["lon"], record["lat"], metres, MOST_CASES)
        except sqlite3.Error as error:
            raise Refused("casebook-fault", f"the casebook cannot be read: {error}", 503) from None
        found = {case["subject"]: {**case, "names": False} for case in near if not case.get("component")}
        found |= {case["subject"]: {**case, "names": True} for case in named}
        return sorted(found.values(), key=lambda case: -case["time"])

    def close(self) -> None:
        if self._importing is not None:
            self._importing.cancel()
        self._threads.shutdown(wait=False, cancel_futures=True)


def _box(text: str) -> tuple[float, float, float, float]:
    try:
        west, south, east, north = (float(part) for part in text.split(","))
    except ValueError:
        raise Refused("bad-request", "bbox: give west,south,east,north in degrees", 422) from None
    if not (-180 <= west < east <= 180 and -90 <= south < north <= 90):
        raise Refused("bad-request", "bbox: west before east, south before north, within ±180 and ±90", 422)
    return west, south, east, north
