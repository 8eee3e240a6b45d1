"""The city's own maps over HTTP: `/tiles` (which there are, which is drawn), `/tiles/<map>.json`, `/tiles/<map>/<z>/<x>/<y>`.

docs/MAP.md. A map is an MBTiles file that `[map.tiles]` names or that lies in `<data>/maps`; one that is replaced is read anew.
"""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import json
import logging
import re
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from hall.app.demoparts import first_map
from hall.core.config import HallConfig
from hall.core.errors import Refused
from hall.core.process import Process
from hall.map.mbtiles import MEDIA_TYPES, MapFault, Tiles, whole_number

log = logging.getLogger("hall.tiles")

#: what `?v=<version>` names does not change; without it a screen asks whether it has
_HELD, _ASKED = "private, max-age=604800, immutable", "private, no-cache"
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_ROW = re.compile(r"([0-9]{1,8})(\.mvt|\.pbf|\.png|\.jpg|\.webp)?")
_NUMBER = re.compile(r"[0-9]{1,8}")
_NUMBER = re.compile(r"[0-9]{1,8}")
_DEEPEST = 22


class Maps:
    """Which maps there are. `folder` may not be there yet."""

    def __init__(self, config: HallConfig, folder: Path) -> None:
        for name in config.map.tiles:
            if not _NAME.fullmatch(name):
                raise config.error(f"map.tiles.{name}", f"{name!r}: use small letters, digits, - and _")
        self._named = {name: config.path(file) for name, file in config.map.tiles.items()}
        self._folder, self._open, self._wanted = folder, {}, config.map.basemap

    def names(self) -> list[str]:
        found = {path.stem for path in self._folder.glob("*.mbtiles") if _NAME.fullmatch(path.stem)}
        return sorted(found | set(self._named))

    def basemap(self, names: list[str]) -> str | None:
        """The one that screens draw: `[map] basemap`, else the only one there is."""
        return self._wanted or (names[0] if len(names) == 1 else None)

    def get(self, name: str) -> Tiles:
        """Raises Refused `map-unknown`."""
        path = self._named.get(name) or self._folder / f"{name}.mbtiles"
        if not _NAME.fullmatch(name) or not (name in self._named or path.is_file()):
            raise Refused("map-unknown", "there is no such map; /tiles names those there are", 404)
        if name not in self._open:
            self._open[name] = Tiles(path)
        return self._open[name]


def _place(z: str, x: str, y: str) -> tuple[int, int, int]:
    row = _ROW.fullmatch(y)
    if row is None or not (_NUMBER.fullmatch(z) and _NUMBER.fullmatch(x)):
        raise Refused("bad-request", "write /tiles/<map>/<z>/<x>/<y>, whole numbers", 422)
    zoom, column, line = int(z), int(x), int(row[1])
    if zoom > _DEEPEST or column >= 2**zoom or line >= 2**zoom:
        raise Refused("tile-outside", f"zoom 0 to {_DEEPEST}, x and y from 0 to 2^z - 1", 404)
    return zoom, column, line


def _tile_json(name: str, tiles: Tiles) -> dict[str, Any]:
    told, version = tiles.metadata(), tiles.version()
    try:
        layers = json.loads(told.get("json") or "{}").get("vector_layers", [])
    except (ValueError, AttributeError):
        layers = []
    made: dict[str, Any] = {
        "tilejson": "3.0.0",
        "name": told.get("name") or name,
        "tiles": [f"/tiles/{name}/{{z}}/{{x}}/{{y}}?v={version}"],
        "minzoom": whole_number(told, "minzoom", 0),
        "maxzoom": whole_number(told, "maxzoom", _DEEPEST),
        "attribution": told.get("attribution", ""),
        "format": told.get("format", "pbf"),
        "vector_layers": layers,
    }
    try:
        made["bounds"] = [float(bound) for bound in told["bounds"].split(",")]
    except (KeyError, ValueError):
        log.debug("%s has no bounds", name)
    return made


def _listed(maps: Maps) -> dict[str, Any]:
    """With the basemap's TileJSON: a page that starts asks once. Without, where it cannot be read: its own address says why."""
    names = maps.names()
    basemap = maps.basemap(names)
    told: dict[str, Any] = {"maps": names, "basemap": basemap}
    if basemap:
        with contextlib.suppress(Refused, MapFault, OSError, EOFError):
            told["tilejson"] = _tile_json(basemap, maps.get(basemap))
    return told


def _answer(tiles: Tiles, place: tuple[int, int, int], request: Request) -> Response:
    """Blocking. A version that is not this file's is not held: the map was replaced meanwhile."""
    found = tiles.tile(*place)
    held = request.query_params.get("v") == tiles.version()
    headers = {"Cache-Control": _HELD if held else _ASKED, "Vary": "Accept-Encoding"}
    if found is None:
        return Response(status_code=204, headers=headers)
    headers["ETag"] = f'W/"{found.etag}"'  # weak: gzipped or not
    if f'"{found.etag}"' in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    body = found.body
    if found.gzipped and "gzip" in request.headers.get("accept-encoding", ""):
        headers["Content-Encoding"] = "gzip"
    elif found.gzipped:
        body = gzip.decompress(body)
    form = tiles.metadata().get("format", "pbf")
    return Response(body, headers=headers, media_type=MEDIA_TYPES.get(form, "application/octet-stream"))


def _refusal(error: Refused | MapFault | OSError | EOFError) -> JSONResponse:
    if isinstance(error, Refused):
        return JSONResponse({"reason": error.reason, "detail": error.detail}, error.status)
    log.error("map: %s", error)
    return JSONResponse({"reason": "map-unreadable", "detail": f"{error}; `hall map check` says more"}, 503)


def router(process: Process) -> APIRouter:
    """The three addresses; files are read in threads."""
    routes = APIRouter(prefix="/tiles", tags=["geography"])
    maps = Maps(process.config, process.settings.data_dir / "maps")
    own = first_map(process)

    @routes.get("", summary="Which maps there are, and which one screens draw")
    async def listed() -> Response:
        fault = await own() if own else ""
        if fault:
            log.error("the demo city's map: %s", fault)
        return JSONResponse(await asyncio.to_thread(_listed, maps), headers={"Cache-Control": "no-store"})

    @routes.get("/{name}.json", summary="A map's TileJSON 3.0")
    async def described(name: str) -> Response:
        try:
            made = await asyncio.to_thread(_tile_json, name, maps.get(name))
        except (Refused, MapFault) as error:
            return _refusal(error)
        return JSONResponse(made, headers={"Cache-Control": _ASKED})

    @routes.get("/{name}/{z}/{x}/{y}", summary="One tile as it is stored; 204 where the map is empty")
    async def tile(name: str, z: str, x: str, y: str, request: Request) -> Response:
        try:
            place = _place(z, x, y)
            return await asyncio.to_thread(_answer, maps.get(name), place, request)
        except (Refused, MapFault, OSError, EOFError) as error:
            return _refusal(error)

    return routes
