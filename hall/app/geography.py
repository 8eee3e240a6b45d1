"""The city's geography over HTTP: `/api/v1/geography/{basemap,districts,cells}.json`.

Made once from the configuration and kept, gzipped, under `data_dir/geography/`; a changed file, CRS or program makes a new
one. Answers carry an ETag, so a screen that reloads fetches nothing.
"""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import logging
from pathlib import Path
from typing import NamedTuple

import msgspec
from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from hall.core.config import HallConfig
from hall.core.errors import ConfigError
from hall.core.process import Process

log = logging.getLogger("hall.geography")

NAMES = ("basemap", "districts", "cells")
#: raised when what is made from the same files changes
VERSION = "2"


class Made(NamedTuple):
    """One answer: gzipped JSON and its strong ETag."""

    body: bytes
    etag: str


def fingerprint(config: HallConfig, name: str) -> str:
    """Changes when anything changes that the answer is made from: settings and the files' size and time."""
    city = config.city
    used = {
        "districts": (city.boundary, city.boundary_name, city.boundary_crs),
        "cells": (city.cells, city.cells_code, city.cells_crs),
        "basemap": (*city.basemap, city.basemap_crs, city.osm),
    }[name]
    parts = [VERSION, name, *used]
    for text in used:
        path = config.path(text) if text else None
        if path is not None and path.is_file():
            stat = path.stat()
            parts.append(f"{path}:{stat.st_size}:{stat.st_mtime_ns}")
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:24]


def make(config: HallConfig, name: str, folder: Path) -> Made:
    """The answer for `name`, from `folder` when it is there already; raises ConfigError. Blocking: call it in a thread."""
    mark = fingerprint(config, name)
    kept = folder / f"{name}-{mark}.json.gz"
    if kept.exists():
        return Made(kept.read_bytes(), mark)
    from hall.app import basemap  # late: shapely is only loaded when something has to be made

    body = gzip.compress(msgspec.json.encode(basemap.collection(config, name)), 6, mtime=0)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for old in folder.glob(f"{name}-*.json.gz"):
            old.unlink()
        part = kept.with_suffix(".part")
        part.write_bytes(body)
        part.replace(kept)
    except OSError as error:
        log.warning("geography is not kept: %s", error)
    return Made(body, mark)


def _wants_gzip(request: Request) -> bool:
    return "gzip" in request.headers.get("accept-encoding", "")


def router(process: Process) -> APIRouter:
    """The three addresses. Work starts with the first request and is done once, whoever else asks meanwhile."""
    routes = APIRouter(prefix="/api/v1/geography", tags=["geography"])
    folder = process.settings.data_dir / "geography"
    made: dict[str, Made] = {}
    locks = {name: asyncio.Lock() for name in NAMES}

    async def answer(name: str) -> Made:
        async with locks[name]:
            if name not in made:
                made[name] = await asyncio.to_thread(make, process.config, name, folder)
        return made[name]

    @routes.get("/{name}.json", summary="Basemap, districts or grid cells as GeoJSON in WGS-84")
    async def geography(name: str, request: Request) -> Response:
        if name not in NAMES:
            return JSONResponse({"reason": "geography-unknown", "detail": f"one of {', '.join(NAMES)}"}, 404)
        try:
            found = await answer(name)
        except ConfigError as error:
            log.error("%s", error)
            return JSONResponse({"reason": "geography-unreadable", "detail": error.problem}, 503)
        headers = {"ETag": f'W/"{found.etag}"', "Cache-Control": "private, no-cache", "Vary": "Accept-Encoding"}
        if f'"{found.etag}"' in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=headers)
        body = found.body
        if _wants_gzip(request):
            headers["Content-Encoding"] = "gzip"
        else:
            body = await asyncio.to_thread(gzip.decompress, body)
        return Response(body, headers=headers, media_type="application/json")

    return routes
