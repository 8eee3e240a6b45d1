"""`/api/v1/media`: photos in, photos out. In: what really is a picture; out: to those who may see a case that has it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Path, Request
from fastapi.responses import FileResponse, Response
from pydantic import BaseModel, Field
from starlette.datastructures import UploadFile

from hall.access import Identity
from hall.app import pictures
from hall.app.answers import json
from hall.app.mediastore import ID_PATTERN, MediaStore
from hall.app.pace import Pace
from hall.app.seeing import unseen_file
from hall.app.visit import current_visit
from hall.core.errors import Refused

MOST_BYTES = 12 * 1024 * 1024
#: pictures decoded at once: each may take 160 MB for a moment
DECODERS, WAITING = 2, 20
State = Callable[[str], Any]
_HEADERS = {"cache-control": "private, max-age=86400, immutable"}


class Uploaded(BaseModel):
    """A stored photo; position and time of taking as its file told them, null or empty where it did not."""

    media: str = Field(description="id, for the field `photos` of commands")
    type: str
    bytes: int
    width: int
    height: int
    lon: float | None = None
    lat: float | None = None
    taken: str = Field("", description="ISO 8601, as the camera wrote it")


class Media:
    """`router` serves it; `attach` is asked before a command may name a photo. `state(subject)` gives a case file."""

    def __init__(self, store: MediaStore, state: State) -> None:
        self.store, self._state = store, state
        self._turn, self._waiting = asyncio.Semaphore(DECODERS), 0
        self._pace = Pace(rate=2.0, burst=60.0)
        self.router = APIRouter(prefix="/api/v1/media", tags=["media"])
        self.router.add_api_route(
            "",
            self.upload,
            methods=["POST"],
            status_code=201,
            response_model=Uploaded,
            openapi_extra={"requestBody": _BODY},
        )
        self.router.add_api_route("/{media}", self.one, methods=["GET"], response_class=Response, responses=_PICTURE)

    async def upload(self, request: Request) -> Response:
        """Stores a photo: the picture as the body, or the file of a multipart form. JPEG, PNG or WebP, at most 12 MB."""
        who = current_visit().identity
        self._pace.take(who.name)
        body = await _body(request)
        if not body or len(body) > MOST_BYTES:
            raise Refused("too-large" if body else "empty", f"1 to {MOST_BYTES} bytes", 413 if body else 422)
        return json(await self.keep(body, who.name), 201)

    async def keep(self, body: bytes, who: str) -> dict[str, Any]:
        """Decodes, cleans and stores; the answer of an upload. Raises Refused."""
        if self._waiting >= WAITING:
            raise Refused("busy", "too many pictures at once; try again", 503)
        self._waiting += 1
        try:
            async with self._turn:
                picture = await asyncio.to_thread(pictures.read, body)
                stored = await asyncio.to_thread(self.store.keep, picture, who)
        finally:
            self._waiting -= 1
        kept = {"media": stored.id, "type": stored.type, "bytes": stored.bytes, "width": stored.width, "height": stored.height}
        return {**kept, "lon": picture.lon, "lat": picture.lat, "taken": picture.taken}

    async def one(self, media: Annotated[str, Path(pattern=ID_PATTERN)]) -> Response:
        """The stored picture."""
        stored = await asyncio.to_thread(self.store.find, media)
        if stored is None or not await self._visible(media, current_visit().identity):
            raise _unknown()
        path = self.store.path(stored)
        if not path.exists():
            raise _unknown()
        return FileResponse(path, media_type=stored.type, headers=_HEADERS, content_disposition_type="inline")

    async def attach(self, media: list[str], subject: str, who: Identity) -> None:
        """Notes that a case file has these photos; raises Refused 422 for one that is not there or not his to show."""
        for one in media:
            found = await asyncio.to_thread(self.store.find, one)
            if found is None or not await self._visible(one, who):
                raise Refused("unknown-media", "there is no such photo, or it is not yours to show", 422)
            await asyncio.to_thread(self.store.attach, one, subject, who.name)

    async def _visible(self, media: str, who: Identity) -> bool:
        if await asyncio.to_thread(self.store.brought_by, media, who.name):
            return True
        for subject in await asyncio.to_thread(self.store.subjects, media):
            file = await self._state(subject)
            if file is not None and not unseen_file(who, subject, msgspec.to_builtins(file)):
                return True
        return False


def _unknown() -> Refused:
    """The same words for a photo that is not there and one that is not his: ids are no secret to try."""
    return Refused("unknown-media", "there is no such photo, or you may not see it", 404)


async def _body(request: Request) -> bytes:
    if request.headers.get("content-type", "").startswith("multipart/form-data"):
        form = await request.form(max_files=1, max_fields=10)
        file = next((part for part in form.values() if isinstance(part, UploadFile)), None)
        return await file.read() if file else b""
    return await request.body()


_BINARY = {"schema": {"type": "string", "format": "binary"}}
_BODY = {
    "required": True,
    "content": {
        "image/jpeg": _BINARY,
        "image/png": _BINARY,
        "image/webp": _BINARY,
        "multipart/form-data": {"schema": {"type": "object", "properties": {"file": _BINARY["schema"]}}},
    },
}
_PICTURE: dict[int | str, dict[str, Any]] = {
    200: {"content": {kind: _BINARY for kind in ("image/jpeg", "image/png", "image/webp")}, "description": "the picture"}
}
