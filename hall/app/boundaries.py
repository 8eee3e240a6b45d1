"""Boundaries of every level over HTTP: `/api/v1/boundaries` which there are, `/api/v1/boundaries/<name>` the areas as GeoJSON,
`/api/v1/boundaries/at?lon=&lat=` which area of each level a place lies in.

Made once from the files and kept, gzipped, under `data_dir/geography/`; a changed file or setting makes a new one.
"""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import logging
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import msgspec
from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from hall.app.answers import json
from hall.core.config import HallConfig
from hall.core.errors import ConfigError, Refused
from hall.core.process import Process

log = logging.getLogger("hall.boundaries")

#: raised when what is made from the same files changes
VERSION = "3"
#: what a border is simplified by for screens, degrees: no corner moves by more than 0.7 m, 1.4 px at zoom 18; neighbours stay
#: neighbours
_SIMPLER = 4e-6
_DIGITS = 6
Lon = Annotated[float, Query(ge=-180, le=180)]
Lat = Annotated[float, Query(ge=-90, le=90)]


class Made(NamedTuple):
    """`about`: what the list says of it; `body`: gzipped GeoJSON."""

    about: dict[str, Any]
    body: bytes
    etag: str


class Boundaries:
    """Levels of one configuration; each is read once, whoever else asks meanwhile."""

    def __init__(self, config: HallConfig, folder: Path) -> None:
        self.config, self.folder = config, folder
        self._made: dict[str, Made] = {}
        self._levels: dict[str, Any] = {}
        self._locks: dict[str, asyncio.Lock] = {}

    def names(self) -> list[str]:
        """Coarsest first. Raises ConfigError."""
        from hall.core import boundaries  # late: shapely is only loaded when something has to be read

        return list(boundaries.settings(self.config))

    async def listed(self) -> list[dict[str, Any]]:
        """One row a level, coarsest first; a level that cannot be read is a row with `error`."""
        found = []
        for name in await asyncio.to_thread(self.names):
            try:
                found.append((await self.made(name)).about)
            except ConfigError as error:
                log.error("%s", error)
                found.append({"name": name, "error": f"{error.key}: {error.problem}"})
        return found

    async def made(self, name: str) -> Made:
        """Raises ConfigError; KeyError for a level there is not."""
        async with self._locks.setdefault(name, asyncio.Lock()):
            if name not in self._made:
                self._made[name] = await asyncio.to_thread(self._make, name)
            return self._made[name]

    async def at(self, lon: float, lat: float) -> list[dict[str, Any]]:
        """`[{level, name, code}]`, coarsest first; levels that the place lies outside of are left out."""
        found = []
        for name in await asyncio.to_thread(self.names):
            try:
                level = await asyncio.to_thread(self._level, name)
            except ConfigError:
                continue  # the list says so
            number = level.tree.number(lon, lat)
            if number >= 0:
                area = level.areas[number]
                found.append({"boundary": name, "level": level.level, "code": area.code, "name": area.name})
        return found

    def _level(self, name: str) -> Any:
        from hall.core import boundaries

        if name not in self._levels:
            self._levels[name] = boundaries.load(self.config, name)
        return self._levels[name]

    def _mark(self, name: str) -> str:
        from hall.core import boundaries

        known = boundaries.settings(self.config)
        if name not in known:
            raise KeyError(name)
        parts = [VERSION, name]
        for one in known:  # the coarser ones are in it, as parents
            if known[one].level >= known[name].level and one != name:
                continue
            path = self.config.path(known[one].file)
            parts.append(msgspec.json.encode(known[one]).decode())
            if path.is_file():
                stat = path.stat()
                parts.append(f"{path}:{stat.st_size}:{stat.st_mtime_ns}")
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:24]

    def _make(self, name: str) -> Made:
        """Blocking."""
        mark = self._mark(name)
        kept, told = (self.folder / f"boundary-{name}-{mark}.{end}" for end in ("geojson.gz", "about.json"))
        if kept.exists() and told.exists():
            return Made(msgspec.json.decode(told.read_bytes()), kept.read_bytes(), mark)
        about, collection = self._collected(name)
        about["version"] = mark
        body = gzip.compress(msgspec.json.encode(collection), 6, mtime=0)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            for old in (*self.folder.glob(f"boundary-{name}-{'?' * 24}.geojson.gz"),):
                old.unlink()
                old.with_name(old.name.replace(".geojson.gz", ".about.json")).unlink(missing_ok=True)
            for path, data in ((kept, body), (told, msgspec.json.encode(about))):
                part = path.with_suffix(".part")
                part.write_bytes(data)
                part.replace(path)
        except OSError as error:
            log.warning("boundaries are not kept: %s", error)
        return Made(about, body, mark)

    def _collected(self, name: str) -> tuple[dict[str, Any], dict[str, Any]]:
        from hall.core import boundaries

        level = self._level(name)
        above = self._above(name, level.level)
        codes = boundaries.parents(level, self._level(above)) if above else [""] * len(level.areas)
        features = _features(level, codes)
        about = {
            "name": name,
            "level": level.level,
            "label": level.label,
            "areas": len(level.areas),
            "note": level.note,
            "above": above,
            "repaired": level.repaired[: boundaries.TOLD],
            "repaired_count": len(level.repaired),
            "left_out": level.left_out[: boundaries.TOLD],
            "left_out_count": len(level.left_out),
        }
        if level.note:
            log.info("boundary %s: %s", name, level.note)
        for note in level.left_out[: boundaries.TOLD]:
            log.warning(
                "boundary %s: feature %d (%s) is left out: %s %s", name, note.number, note.name, note.reason, note.detail
            )
        about = msgspec.to_builtins(about)
        west, south, east, north = zip(*(feature["properties"].pop("box") for feature in features), strict=True)
        box = [min(west), min(south), max(east), max(north)]
        return about, {"type": "FeatureCollection", "bbox": box, "features": features, "boundary": about}

    def _above(self, name: str, number: int) -> str:
        """The next coarser level that can be read, or empty."""
        from hall.core import boundaries

        known = boundaries.settings(self.config)
        for one in reversed([one for one, found in known.items() if found.level < number]):
            try:
                self._level(one)
            except ConfigError:
                continue
            return one
        return ""


def _features(level: Any, parents: list[str]) -> list[dict[str, Any]]:
    import numpy as np
    import shapely

    from hall.app.basemap import label_point

    shapes = shapely.transform(np.asarray([area.geometry for area in level.areas], dtype=object), lambda p: p)
    simple = shapely.coverage_simplify(shapes, _SIMPLER)
    simple = np.where(shapely.is_empty(simple) | ~shapely.is_valid(simple), shapes, simple)
    rounded = shapely.transform(simple, lambda points: np.round(points, _DIGITS))
    found = []
    for area, shape, parent in zip(level.areas, rounded, parents, strict=True):
        properties = {"code": area.code, "name": area.name, "parent": parent, "label": label_point(area.geometry)}
        properties |= {"square_metres": round(area.square_metres), "box": [round(bound, _DIGITS) for bound in shape.bounds]}
        geometry = msgspec.json.decode(shapely.to_geojson(shape))
        found.append({"type": "Feature", "properties": properties, "geometry": geometry})
    return found


def router(process: Process) -> APIRouter:
    """The three addresses."""
    routes = APIRouter(prefix="/api/v1/boundaries", tags=["geography"])
    known = Boundaries(process.config, process.settings.data_dir / "geography")

    @routes.get("", summary="Administrative levels there are, coarsest first")
    async def listed() -> Response:
        try:
            return json({"levels": await known.listed()})
        except ConfigError as error:
            raise Refused("boundaries-unreadable", f"{error.key}: {error.problem}", 503) from None

    @routes.get("/at", summary="Which area of each level a place lies in")
    async def at(lon: Lon, lat: Lat) -> Response:
        return json({"areas": await known.at(lon, lat)})

    @routes.get("/{name}", summary="The areas of a level as GeoJSON in WGS-84")
    async def areas(name: str, request: Request) -> Response:
        try:
            found = await known.made(name)
        except KeyError:
            raise Refused("boundary-unknown", "there is no such level; /api/v1/boundaries names those there are", 404) from None
        except ConfigError as error:
            log.error("%s", error)
            raise Refused("boundary-unreadable", f"{error.key}: {error.problem}", 503) from None
        headers = {"ETag": f'W/"{found.etag}"', "Cache-Control": "private, no-cache", "Vary": "Accept-Encoding"}
        if f'"{found.etag}"' in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=headers)
        body = found.body
        if "gzip" in request.headers.get("accept-encoding", ""):
            headers["Content-Encoding"] = "gzip"
        else:
            body = await asyncio.to_thread(gzip.decompress, body)
        return Response(body, headers=headers, media_type="application/geo+json")

    return routes
