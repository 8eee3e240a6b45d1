"""Tiles of other services over HTTP: `/pictures` which there are, `/pictures/<source>/<z>/<x>/<y>` one in the map's own grid.

docs/MAP.md. Screens need neither the internet nor a key: the hall asks, and keeps.
"""

from __future__ import annotations

import asyncio
import re
from typing import Any

from fastapi import APIRouter
from fastapi.responses import Response

from hall import __version__
from hall.app.answers import json
from hall.core.clock import real_ms
from hall.core.errors import Refused
from hall.core.process import Process
from hall.map.services.settings import VECTOR, sources

_NUMBER = re.compile(r"[0-9]{1,8}")
_DEEPEST = 22
_HELD, _SHORTLY = "private, max-age=86400", "private, max-age=60"
_RETRY_SECONDS = 10


class MapServices:
    """All sources of one configuration. Raises ConfigError when it is made."""

    def __init__(self, process: Process) -> None:
        self._compiled = sources(process.config)
        self._folder = process.settings.data_dir / "pictures"
        self._open: dict[str, Any] = {}
        self._ground = process.config.map.ground or VECTOR
        self.router = APIRouter(prefix="/pictures", tags=["geography"])
        self.router.add_api_route("", self.listed, methods=["GET"], summary="Tile services of others that the map can show")
        self.router.add_api_route("/{name}/{z}/{x}/{y}", self.tile, methods=["GET"], summary="One tile, Web Mercator, WGS-84")

    def _get(self, name: str) -> Any:
        if name not in self._compiled:
            raise Refused("source-unknown", "there is no such source; /pictures names those there are", 404)
        if name not in self._open:
            from hall.map.services.service import Pictures  # late: a hall without sources loads nothing for them

            self._open[name] = Pictures(self._compiled[name], self._folder, real_ms, f"CommandHall/{__version__}")
        return self._open[name]

    async def listed(self) -> Response:
        """`{ground, sources}`: what is shown at first; each source with how it does."""
        rows = [self._get(name).shown() for name in self._compiled]
        answer = json({"ground": self._ground, "sources": rows})
        answer.headers["Cache-Control"] = "no-store"
        return answer

    async def tile(self, name: str, z: str, x: str, y: str) -> Response:
        """204 where the service has nothing. `Age`: seconds since it was asked; `Hall-Stale`: old, away, or nothing-there."""
        if not all(_NUMBER.fullmatch(part) for part in (z, x, y)):
            raise Refused("bad-request", "write /pictures/<source>/<z>/<x>/<y>, whole numbers", 422)
        zoom, column, row = int(z), int(x), int(y)
        if zoom > _DEEPEST or column >= 2**zoom or row >= 2**zoom:
            raise Refused("tile-outside", f"zoom 0 to {_DEEPEST}, x and y from 0 to 2^z - 1", 404)
        found = await self._get(name).tile(zoom, column, row)
        held = _SHORTLY if found.stale or not found.body else _HELD
        headers = {"Age": str(max(0, (real_ms() - found.fetched) // 1000)), "Cache-Control": held}
        if found.stale:
            headers["Hall-Stale"] = found.stale
        if not found.body:
            return Response(status_code=204, headers=headers)
        return Response(found.body, headers=headers, media_type=found.media)

    async def close(self) -> None:
        await asyncio.gather(*(one.close() for one in self._open.values()))
