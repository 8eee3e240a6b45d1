"""The way for whole provinces: `osmium extract` cuts, tilemaker makes the tiles by our tables, what overhangs is trimmed."""

from __future__ import annotations

import gzip
import json
import shutil
import sqlite3
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

import shapely
from shapely.geometry.base import BaseGeometry

from hall.core.errors import HallError
from hall.map import cutting, mvt, schema
from hall.map.extract import mended, of_dimension
from hall.map.report import Report

PROFILE = Path(__file__).parent / "profile" / "hall.lua"
#: program -> the package it comes in
PROGRAMS = {"osmium": "osmium-tool", "tilemaker": "tilemaker"}
_ONE = "WHERE zoom_level = ? AND tile_column = ? AND tile_row = ?"
_AREAS = {"water", "landcover", "landuse", "park"}


def missing() -> list[str]:
    """The packages that are not installed."""
    return [package for program, package in PROGRAMS.items() if shutil.which(program) is None]


def settings() -> dict:
    """tilemaker's configuration, made from our tables."""
    layers = {}
    for name, zoom in schema.LAYERS.items():
        layers[name] = {"minzoom": zoom, "maxzoom": schema.MOST_ZOOM}
        if schema.FIELDS[name] and name not in ("place", "poi"):
            layers[name] |= {"simplify_below": schema.MOST_ZOOM - 1, "simplify_level": 0.0003}
        if name in _AREAS:
            layers[name] |= {"filter_below": schema.MOST_ZOOM, "filter_area": 0.5}
    return {
        "layers": layers,
        "settings": {
            "minzoom": schema.LEAST_ZOOM, "maxzoom": schema.MOST_ZOOM, "basezoom": schema.MOST_ZOOM, "include_ids": False,
            "combine_below": schema.MOST_ZOOM, "name": "", "version": "1", "description": "", "compress": "gzip",
            "metadata": {"attribution": "© OpenStreetMap contributors", "type": "baselayer"},
        },
    }  # fmt: skip


def run(
    source: Path, area: BaseGeometry | None, out: Path, name: str, report: Report, progress: Callable[[str, float], None]
) -> None:
    """Writes `out`; raises HallError with what the program said."""
    with tempfile.TemporaryDirectory(prefix="hall-map-", dir=out.parent) as made:
        folder = Path(made)
        cut = folder / "extract.osm.pbf"
        progress("osmium", 0.0)
        if area is None:
            _call("osmium", "cat", str(source), "-o", str(cut))
        else:
            (folder / "clip.geojson").write_text(
                f'{{"type": "Feature", "properties": {{}}, "geometry": {_multi(area)}}}', "utf-8"
            )
            _call("osmium", "extract", "--strategy=complete_ways", "--set-bounds", "-p", str(folder / "clip.geojson"),
                  str(source), "-o", str(cut))  # fmt: skip
        (folder / "hall.lua").write_text(schema.lua_tables() + PROFILE.read_text("utf-8"), "utf-8")
        (folder / "hall.json").write_text(json.dumps(settings()), "utf-8")
        progress("tilemaker", 0.2)
        tiles = folder / "tiles.mbtiles"
        _call("tilemaker", "--input", str(cut), "--output", str(tiles), "--process", str(folder / "hall.lua"),
              "--config", str(folder / "hall.json"))  # fmt: skip
        progress("trimming", 0.8)
        _finish(tiles, name, area, report)
        shutil.move(tiles, out)


def _multi(area: BaseGeometry) -> str:
    return shapely.to_geojson(shapely.multipolygons(shapely.get_parts(area)))


def _call(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
    if done.returncode == 0:
        return
    lines = [line.strip() for line in (done.stderr + "\n" + done.stdout).replace("\r", "\n").splitlines() if line.strip()]
    ended = f"stopped by signal {-done.returncode}" if done.returncode < 0 else f"exit code {done.returncode}"
    said = f"{'; '.join(lines[-3:])} ({ended})"
    if command[0] == "tilemaker" and ("node" in done.stderr.lower() or done.returncode < 0):
        said += ". Most often a way's node is missing: make the extract with --strategy=complete_ways, or say --way python"
    raise HallError(f"{command[0]}: {said}")


def _finish(tiles: Path, name: str, area: BaseGeometry | None, report: Report) -> None:
    """Trims tiles at the boundary, counts them, and writes the metadata that tilemaker leaves out."""
    base = sqlite3.connect(tiles)
    try:
        for zoom, x, row, body in base.execute("SELECT zoom_level, tile_column, tile_row, tile_data FROM tiles").fetchall():
            new = body if area is None else _trimmed(body, zoom, x, 2**zoom - 1 - row, area)
            key = (zoom, x, row)
            if not new:
                base.execute(f"DELETE FROM tiles {_ONE}", key)
                report.outside += 1
                continue
            if new is not body:
                base.execute(f"UPDATE tiles SET tile_data = ? {_ONE}", (new, *key))
                report.cut += 1
            report.tiles[zoom] = report.tiles.get(zoom, 0) + 1
            report.largest = max(report.largest, len(new))
        words = {"json": json.dumps({"vector_layers": schema.vector_layers()}), "format": "pbf", "name": name}
        if area is not None:
            words["bounds"] = ",".join(f"{bound:.6f}" for bound in area.bounds)
        for key, value in words.items():
            base.execute("DELETE FROM metadata WHERE name = ?", (key,))
            base.execute("INSERT INTO metadata (name, value) VALUES (?, ?)", (key, value))
        base.commit()
    finally:
        base.close()
    if not report.tiles:
        raise HallError("nothing is left inside of the boundary; is its CRS right (--clip-crs)?")


def _trimmed(body: bytes, zoom: int, x: int, y: int, area: BaseGeometry) -> bytes:
    """The tile inside of the area; empty where nothing is; the very same bytes where all of it is."""
    buffer = cutting.BUFFER / mvt.EXTENT
    corners = shapely.box(x - buffer, y - buffer, x + 1 + buffer, y + 1 + buffer)
    square = shapely.transform(corners, lambda points: cutting.degrees(points / 2**zoom))
    if area.contains(square):
        return body
    if not area.intersects(square):
        return b""
    near = shapely.transform(shapely.intersection(area, square), lambda points: cutting.world(points) * 2**zoom - (x, y))
    layers: dict[str, list[mvt.Feature]] = {}
    for layer in mvt.decode(gzip.decompress(body) if body[:2] == b"\x1f\x8b" else body):
        inside = shapely.transform(near, lambda points, layer=layer: points * layer.extent)
        kept = []
        for geometry, fields in layer.features:
            part = shapely.intersection(mended(geometry), inside)
            part = of_dimension(part, shapely.get_dimensions(geometry)) if not part.is_empty else part
            if not part.is_empty and shapely.get_dimensions(part) == 2:
                part = of_dimension(shapely.set_precision(part, 1.0), 2)
            if not part.is_empty:
                kept.append(mvt.Feature(part, fields))
        layers[layer.name] = kept
    plain = mvt.encode(layers)
    return gzip.compress(plain, 6, mtime=0) if plain else b""
