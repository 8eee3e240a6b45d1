"""Live measures of areas over HTTP: what there is, and the table of one measure for one level (docs/MEASURES.md).

The dispatch process works out what was asked for within the last minute; asking is what keeps a table alive. `kpi/measures`
on the stream says which version of each is current, so a screen asks when there is something new.
"""

from __future__ import annotations

import gzip
from typing import Any

import msgspec
from fastapi import APIRouter, Request
from fastapi.responses import Response

from hall.app.answers import json
from hall.core.clock import real_ms
from hall.core.errors import Refused
from hall.core.process import Process

_NO_STORE = {"Cache-Control": "private, no-cache", "Vary": "Accept-Encoding"}


class Measures:
    """The handlers; everything is on the bus."""

    def __init__(self, process: Process) -> None:
        self._bus = process.bus
        self.router = APIRouter(prefix="/api/v1/measures", tags=["measures"])
        self.router.add_api_route("", self.listed, methods=["GET"], response_class=Response)
        self.router.add_api_route("/{measure}/{level}", self.table, methods=["GET"], response_class=Response)

    async def _catalogue(self) -> dict[str, Any]:
        kept = await self._bus.hash_get("", "measures")
        if kept is None:
            raise Refused("measures-none", "the dispatch process has not said yet what it measures; ask again", 503)
        return msgspec.json.decode(kept)

    async def listed(self) -> Response:
        """`{measures: [{name, label, unit, decimals, higher, cases}], levels: [{name, label, areas}]}`."""
        return json(await self._catalogue())

    async def table(self, measure: str, level: str, request: Request) -> Response:
        """The newest table; 202 `{"state": "counting"}` while it is worked out for the first time. ETag = version."""
        known = await self._catalogue()
        for kind, name, wanted in (("measure", measure, known["measures"]), ("level", level, known["levels"])):
            if name not in (names := [one["name"] for one in wanted]):
                raise Refused(f"{kind}-unknown", f"{name[:60]!r}: one of {', '.join(names)}", 404)
        key = f"{measure}/{level}"
        await self._bus.hash_set({key: str(real_ms())}, "measures-asked")
        body = await self._bus.hash_get(key, "measures")
        if body is None:
            return json({"state": "counting"}, 202)
        plain = gzip.decompress(body)
        version = msgspec.json.decode(plain, type=_Version).version
        headers = {"ETag": f'W/"{version}"', **_NO_STORE}
        if f'"{version}"' in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=headers)
        if "gzip" in request.headers.get("accept-encoding", ""):
            return Response(body, headers=headers | {"Content-Encoding": "gzip"}, media_type="application/json")
        return Response(plain, headers=headers, media_type="application/json")


class _Version(msgspec.Struct):
    version: str


def router(process: Process) -> APIRouter:
    return Measures(process).router
