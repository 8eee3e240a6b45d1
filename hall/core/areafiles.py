"""Files of areas: GeoJSON by ourselves, Shapefile, GeoPackage and whatever else GDAL reads (hall.core.vectorfiles)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import shapely

from hall.core import vectorfiles
from hall.core.encodings import of_json
from hall.core.geometries import WRONG, geometry_of, named_crs

_GEOJSON = (".geojson", ".json")


class Feature(NamedTuple):
    """`number` from 0, as in the file. `geometry` None: `fault` says why."""

    number: int
    geometry: shapely.Geometry | None
    properties: dict[str, Any]
    fault: str = ""


class File(NamedTuple):
    """`crs`: what the file itself says, `EPSG:n` or empty. `note`: what was found out about it."""

    features: Iterator[Feature]
    crs: str
    note: str = ""


def opened(path: Path, layer: str = "", encoding: str = "") -> File:
    """Raises ValueError saying what is wrong with the file."""
    if path.name.lower().endswith(_GEOJSON):
        return _geojson(path, encoding)
    return _vector(path, layer, encoding)


def _geojson(path: Path, encoding: str) -> File:
    try:
        raw = path.read_bytes()
        encoding = encoding or of_json(raw, path.name)
        data = _decoded(raw.decode(encoding))
    except (OSError, LookupError, UnicodeDecodeError, ValueError, RecursionError) as error:
        raise ValueError(f"{path.name}: {error}") from None
    rows = data.get("features", [data]) if isinstance(data, dict) else None
    if not isinstance(rows, list):
        raise ValueError(f"{path.name}: not a GeoJSON feature collection")
    crs = named_crs(data["crs"]) if data.get("crs") else ""
    note = "" if encoding.startswith("utf-8") else f"GeoJSON, {encoding}"
    return File((_of(number, row) for number, row in enumerate(rows)), crs, note)


def _decoded(text: str) -> Any:
    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError:
        return json.loads(text)  # NaN and numbers beyond all measure, which JSON has not, cost their feature only


def _of(number: int, row: Any) -> Feature:
    properties = row.get("properties") if isinstance(row, dict) else None
    properties = properties if isinstance(properties, dict) else {}
    try:
        raw = row["geometry"]
        return Feature(number, geometry_of(raw) if raw else None, properties, "no geometry")
    except WRONG as error:
        return Feature(number, None, properties, f"{type(error).__name__}: {error}"[:200])


def _vector(path: Path, layer: str, encoding: str) -> File:
    table = vectorfiles.opened(str(path), layer, encoding)
    return File(_rows(table.rows), _code(table.crs), table.note)


def _rows(rows: Iterator[vectorfiles.Row]) -> Iterator[Feature]:
    for number, row in enumerate(rows):
        properties = {name: _plain(value) for name, value in row.values.items()}
        try:
            yield Feature(number, geometry_of(row.geometry) if row.geometry is not None else None, properties, "no geometry")
        except WRONG as error:
            yield Feature(number, None, properties, f"{type(error).__name__}: {error}"[:200])


def _plain(value: Any) -> Any:
    """A number without fraction is written without one: codes are kept in columns of numbers, too."""
    found = value.item() if hasattr(value, "item") else value
    return int(found) if isinstance(found, float) and found.is_integer() else found


def _code(crs: str | None) -> str:
    if not crs or crs.upper().startswith("EPSG:"):
        return crs or ""
    from pyproj import CRS
    from pyproj.exceptions import CRSError

    try:
        code = CRS.from_user_input(crs).to_epsg(min_confidence=70)
    except CRSError:
        return ""
    return f"EPSG:{code}" if code else ""
