"""Pictures of the map that leave the hall: who took which view when is in the record; PDF pages are made here."""

from __future__ import annotations

import asyncio
import io
import time
from collections.abc import Awaitable, Callable
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from PIL import Image, UnidentifiedImageError
from pydantic import BaseModel, ConfigDict, Field

from hall.app.actors import current_actor
from hall.app.answers import json
from hall.app.filehead import Head, Mark, head
from hall.app.visit import current_visit
from hall.core.errors import Refused
from hall.core.process import Process

#: inches, landscape
PAPERS = {"a4": (297 / 25.4, 210 / 25.4), "a3": (420 / 25.4, 297 / 25.4)}
MOST_PIXELS = 40_000_000
_Short = Annotated[str, Field(max_length=200)]


class Sheet(BaseModel):
    """What leaves: `box` west, south, east, north in degrees and `zoom` of the view; `layers` that are on it."""

    model_config = ConfigDict(extra="forbid")
    what: Literal["png", "pdf", "geojson"]
    title: _Short = ""
    paper: Annotated[str, Field(max_length=10)] = ""
    box: Annotated[list[float], Field(min_length=4, max_length=4)]
    moment: int | None = None
    layers: Annotated[list[_Short], Field(max_length=60)] = []
    marks: Annotated[list[Mark], Field(max_length=3)] = []
    zoom: Annotated[float, Field(ge=0, le=24)] | None = None


class MapExports:
    """`router` serves it; `note` writes an audit line."""

    def __init__(self, process: Process, note: Callable[..., Awaitable[None]]) -> None:
        self.process, self._note = process, note
        self._turn = asyncio.Semaphore(1)
        self.router = APIRouter(prefix="/api/v1/map/exports", tags=["map"])
        self.router.add_api_route("", self.begin, methods=["POST"], response_class=Response)
        self.router.add_api_route("/pdf", self.pdf, methods=["POST"], response_class=Response)

    async def begin(self, sheet: Sheet) -> Response:
        """A line in the record; `{at, who, display, head}` is what the sheet, or a GeoJSON file that is written in the browser,
        says of itself. Without it nothing is exported."""
        who = current_visit().identity
        told = {"kind": sheet.what} | sheet.model_dump(exclude={"what"}, exclude_defaults=True)
        await self._note("export", current_actor(), {**told, "what": "map"})
        at = self.process.clock.now()
        file = Head(sheet.title, who.name, at, sheet.marks, sheet.box, sheet.zoom)
        made = {"head": head(file, self.process.config.city.timezone)} if sheet.what == "geojson" else {}
        return json({"at": at, "who": who.name, "display": who.display or who.name, **made})

    async def pdf(
        self, request: Request, paper: Literal["a4", "a3"] = "a4", title: Annotated[str, Query(max_length=200)] = ""
    ) -> Response:
        """One landscape page of the picture (JPEG or PNG, of the paper's shape) in the body."""
        body = await request.body()
        async with self._turn:
            made = await asyncio.to_thread(page, body, paper, title, current_visit().identity.name)
        return Response(made, media_type="application/pdf", headers={"cache-control": "no-store"})


def page(body: bytes, paper: str, title: str, author: str) -> bytes:
    """A PDF of one page, the picture over all of it. Raises Refused."""
    wide, high = PAPERS[paper]
    try:
        with Image.open(io.BytesIO(body), formats=("JPEG", "PNG")) as picture:
            if picture.width * picture.height > MOST_PIXELS:
                raise Refused("too-large", f"{picture.width} x {picture.height}: {MOST_PIXELS} pixels at most", 413)
            if abs(picture.width / picture.height - wide / high) > 0.01:
                raise Refused("bad-request", f"the picture has not the shape of {paper.upper()} landscape", 422)
            plain = picture.convert("RGB")
    except (UnidentifiedImageError, OSError, ValueError, Image.DecompressionBombError) as error:
        raise Refused("picture-unreadable", f"this is no JPEG or PNG: {error}"[:200], 422) from None
    out: Any = io.BytesIO()
    at = time.gmtime(0)  # the moment is on the sheet; the file is the same for the same sheet
    plain.save(
        out, "PDF", resolution=plain.width / wide, quality=92, title=title, author=author, producer="Command Hall",
        creationDate=at, modDate=at,
    )  # fmt: skip
    return out.getvalue()
