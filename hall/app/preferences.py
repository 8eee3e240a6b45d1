"""`/api/v1/preferences`: a person's own settings (saved views, volume), kept so that they follow him to another console."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from pathlib import Path as FilePath
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Path, Request
from fastapi.responses import Response

from hall.app.answers import json
from hall.app.visit import current_visit
from hall.core.clock import real_ms
from hall.core.errors import Refused

#: bytes of one setting (the door's bound of a body), settings of one person
MOST_BYTES, MOST_NAMES = 64 * 1024, 50
Name = Annotated[str, Path(pattern=r"^[\w.-]{1,64}$")]
_TABLE = """create table if not exists preferences(
    who text not null, name text not null, value text not null, changed integer not null, primary key(who, name))"""


class PreferenceBook:
    """The file. Blocking; every method opens its own connection."""

    def __init__(self, path: FilePath) -> None:
        self._path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        with self._db() as db:
            db.execute(_TABLE)

    @contextlib.contextmanager
    def _db(self):
        db = sqlite3.connect(self._path, timeout=5, isolation_level=None)
        try:
            yield db
        finally:
            db.close()

    def get(self, who: str, name: str) -> str | None:
        with self._db() as db:
            row = db.execute("select value from preferences where who = ? and name = ?", (who, name)).fetchone()
        return row[0] if row else None

    def names(self, who: str) -> list[str]:
        with self._db() as db:
            return [name for (name,) in db.execute("select name from preferences where who = ? order by name", (who,))]

    def put(self, who: str, name: str, value: str) -> None:
        """Raises Refused 422 when somebody keeps too many."""
        with self._db() as db:
            db.execute("begin immediate")
            query = "select count(*) from preferences where who = ? and name <> ?"
            if db.execute(query, (who, name)).fetchone()[0] >= MOST_NAMES:
                db.execute("rollback")
                raise Refused("too-many-settings", f"at most {MOST_NAMES} settings", 422)
            db.execute("insert or replace into preferences values(?,?,?,?)", (who, name, value, real_ms()))
            db.execute("commit")

    def forget(self, who: str, name: str = "") -> None:
        """One setting, or all of somebody who is no longer a user."""
        with self._db() as db:
            db.execute("delete from preferences where who = ? and (name = ? or ? = '')", (who, name, name))


class Preferences:
    """`router` serves it."""

    def __init__(self, book: PreferenceBook) -> None:
        self.book = book
        self.router = APIRouter(prefix="/api/v1/preferences", tags=["preferences"])
        self.router.add_api_route("", self.names, methods=["GET"], response_model=dict[str, list[str]])
        self.router.add_api_route("/{name}", self.get, methods=["GET"], response_model=Any)
        self.router.add_api_route("/{name}", self.put, methods=["PUT"], response_model=dict[str, Any], openapi_extra=_ANY_JSON)
        self.router.add_api_route("/{name}", self.forget, methods=["DELETE"], response_model=dict[str, str])

    async def names(self) -> Response:
        """Names of my settings."""
        return json({"names": await asyncio.to_thread(self.book.names, current_visit().identity.name)})

    async def get(self, name: Name) -> Response:
        """One of my settings, as it was put; null when there is none."""
        found = await asyncio.to_thread(self.book.get, current_visit().identity.name, name)
        return json(None if found is None else msgspec.Raw(found.encode()))

    async def put(self, name: Name, request: Request) -> Response:
        """Keeps one of my settings: any JSON of at most 64 kB."""
        body = await request.body()
        try:
            value = msgspec.json.encode(msgspec.json.decode(body)).decode()
        except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
            raise Refused("bad-request", f"this is no JSON: {error}"[:200], 422) from None
        if len(value.encode()) > MOST_BYTES:
            raise Refused("too-large", f"at most {MOST_BYTES} bytes", 413)
        await asyncio.to_thread(self.book.put, current_visit().identity.name, name, value)
        return json({"name": name, "bytes": len(value)})

    async def forget(self, name: Name) -> Response:
        """Forgets one of my settings."""
        await asyncio.to_thread(self.book.forget, current_visit().identity.name, name)
        return json({"forgotten": name})


_ANY_JSON = {"requestBody": {"required": True, "content": {"application/json": {"schema": {}}}}}
