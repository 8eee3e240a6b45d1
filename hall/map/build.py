"""`hall map build`: an extract becomes one MBTiles file, by osmium and tilemaker where they are installed, else in Python."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from hall import __version__
from hall.core.clock import real_ms
from hall.core.errors import HallError
from hall.map import cutting, extract, mvt, outside, schema
from hall.map.mbtiles import Writer, replacing
from hall.map.report import Report

#: an extract larger than this takes the Python way too long, and too much memory: bytes
MOST_PYTHON = 80_000_000
ATTRIBUTION = "© OpenStreetMap contributors"
#: (what is being done, how far: part of 1)
Progress = Callable[[str, float], None]


class Order(NamedTuple):
    """What to build. `crs` is that of GeoJSON extracts, `clip_crs` of the boundary; `way`: auto, tools or python."""

    source: Path
    out: Path
    clip: Path | None = None
    clip_crs: str = "WGS-84"
    crs: str = "WGS-84"
    way: str = "auto"
    attribution: str = ""


def build(order: Order, progress: Progress) -> Report:
    """Builds the file and puts it in place; the one that was there stays until then. Raises HallError saying what is wrong."""
    started = real_ms()
    if not order.source.is_file():
        raise HallError(f"{order.source}: no such file")
    if order.out.resolve() == order.source.resolve():
        raise HallError(f"{order.out}: that is the extract itself; name another file with --out")
    if order.out.suffix != ".mbtiles":
        raise HallError(f"{order.out}: a map is an MBTiles file; end its name with .mbtiles, or the hall does not find it")
    report = Report()
    area = extract.boundary(order.clip, order.clip_crs, report) if order.clip else None
    report.way = _way(order)
    with replacing(order.out) as part:
        if report.way != "python":
            _tools(order, area, part, report, progress)
        if report.way == "python":
            _python(order, area, part, report, progress)
        report.bytes = part.stat().st_size
    report.seconds = round((real_ms() - started) / 1000, 3)
    return report


def _tools(order: Order, area: BaseGeometry | None, part: Path, report: Report, progress: Progress) -> None:
    """tilemaker stops at the first node an extract lacks; a small one is then built in Python, unless tools were asked for."""
    try:
        outside.run(order.source, area, part, order.out.stem, report, progress)
    except HallError as error:
        if order.way == "tools" or order.source.stat().st_size > MOST_PYTHON:
            raise
        report.way, report.instead = "python", str(error)


def is_geojson(path: Path) -> bool:
    return path.name.lower().endswith((".geojson", ".json"))


def _way(order: Order) -> str:
    missing = outside.missing()
    if is_geojson(order.source):
        if order.way == "tools":
            raise HallError("tilemaker does not read GeoJSON: leave out --way")
        return "python"
    if order.way == "tools" and missing:
        raise HallError(f"not installed: {' and '.join(missing)}")
    if order.way == "tools" or (order.way == "auto" and not missing):
        return "tilemaker"
    size = order.source.stat().st_size
    if order.way == "auto" and size > MOST_PYTHON:
        raise HallError(
            f"{order.source.name} has {size / 1e6:.0f} MB, which takes {' and '.join(missing)} (Debian packages); "
            "install them, or say --way python and wait"
        )
    return "python"


def _python(order: Order, area: BaseGeometry | None, part: Path, report: Report, progress: Progress) -> None:
    progress("reading", 0.0)
    things = list(extract.things(order.source, order.crs, report))
    report.read.update(thing.layer for thing in things)
    if not things:
        raise HallError(f"{order.source.name}: nothing in it that a map is drawn from")
    if area is not None:
        progress("clipping", 0.1)
        things = cutting.clipped(things, area, report)
        if not things:
            raise HallError(f"{order.source.name}: all of it lies outside of the boundary; is its CRS right (--clip-crs)?")
    report.taken.update(thing.layer for thing in things)
    bounds = np.array([thing.geometry.bounds for thing in things])
    box = (*bounds[:, :2].min(axis=0).tolist(), *bounds[:, 2:].max(axis=0).tolist())
    things = [thing._replace(geometry=shapely.transform(thing.geometry, cutting.world)) for thing in things]
    writer = Writer(part)
    zooms = range(schema.LEAST_ZOOM, schema.MOST_ZOOM + 1)
    for zoom in zooms:
        progress(f"zoom {zoom}", 0.2 + 0.8 * (zoom - zooms[0]) / len(zooms))
        for (x, y), layers in cutting.zoom_tiles(things, zoom, report):
            plain = mvt.encode(layers)
            if plain:
                body = gzip.compress(plain, 6, mtime=0)
                writer.put(zoom, x, y, body)
                report.tiles[zoom] = report.tiles.get(zoom, 0) + 1
                report.largest = max(report.largest, len(body))
    attribution = order.attribution or ("" if is_geojson(order.source) else ATTRIBUTION)
    writer.close(metadata(order.out.stem, box, attribution))


def metadata(name: str, box: tuple[float, ...], attribution: str) -> dict[str, str]:
    """MBTiles 1.3; `box` west, south, east, north in degrees."""
    west, south, east, north = box
    return {
        "name": name,
        "format": "pbf",
        "type": "baselayer",
        "version": "1",
        "generator": f"Command Hall {__version__}",
        "minzoom": str(schema.LEAST_ZOOM),
        "maxzoom": str(schema.MOST_ZOOM),
        "bounds": f"{west:.6f},{south:.6f},{east:.6f},{north:.6f}",
        "center": f"{(west + east) / 2:.6f},{(south + north) / 2:.6f},{schema.LEAST_ZOOM + 6}",
        "attribution": attribution,
        "json": json.dumps({"vector_layers": schema.vector_layers()}),
    }
