"""Files of areas: GeoJSON by ourselves, Shapefile, GeoPackage and whatever else GDAL reads as one layer through pyogrio."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import shapely

from hall.core.geometries import WRONG, geometry_of

_GEOJSON = (".geojson", ".json")
#: tried in turn where a table of attributes says no encoding: GB18030 holds GB2312 and GBK
_ENCODINGS = ("UTF-8", "GB18030")


class Feature(NamedTuple):
    """`number` from 0, as in the file. `geometry` None: `fault` says why."""

    number: int
    geometry: shapely.Geometry | None
    properties: dict[str, Any]
    fault: str = ""


class File(NamedTuple):
    """`crs`: what the file itself says, `EPSG:n` or empty."""

    features: Iterator[Feature]
    crs: str


def opened(path: Path, layer: str = "", encoding: str = "") -> File:
    """Raises ValueError saying what is wrong with the file."""
    if path.name.lower().endswith(_GEOJSON):
        return File(iter(_geojson(path)), "")
    return _vector(path, layer, encoding)


def _geojson(path: Path) -> list[Feature]:
    try:
        data = msgspec.json.decode(path.read_bytes())
    except (OSError, UnicodeDecodeError, msgspec.DecodeError) as error:
        raise ValueError(f"{path.name}: {error}") from None
    rows = data.get("features", [data]) if isinstance(data, dict) else None
    if not isinstance(rows, list):
        raise ValueError(f"{path.name}: not a GeoJSON feature collection")
    return [_of(number, row) for number, row in enumerate(rows)]


def _of(number: int, row: Any) -> Feature:
    properties = row.get("properties") if isinstance(row, dict) else None
    properties = properties if isinstance(properties, dict) else {}
    try:
        raw = row["geometry"]
        return Feature(number, geometry_of(raw) if raw else None, properties, "no geometry")
    except WRONG as error:
        return Feature(number, None, properties, f"{type(error).__name__}: {error}"[:200])


def _vector(path: Path, layer: str, encoding: str) -> File:
    import pyogrio
    from pyogrio.errors import DataLayerError, DataSourceError
    from pyogrio.raw import read

    try:
        layers = [str(name) for name in pyogrio.list_layers(path)[:, 0]]
        if not layer and len(layers) > 1:
            raise ValueError(f"{path.name} has {len(layers)} layers; say layer = one of {', '.join(layers[:20])}")
        tried = (encoding,) if encoding else (None, *_ENCODINGS)
        meta, _, geometry, columns = _read(read, path, layer, tried)
    except (DataSourceError, DataLayerError, UnicodeError, OSError) as error:
        raise ValueError(f"{path.name}: {error}") from None
    names = [str(name) for name in meta["fields"]]
    return File(_rows(geometry, names, columns), _code(meta.get("crs")))


def _read(read: Any, path: Path, layer: str, encodings: tuple[str | None, ...]) -> Any:
    """As the file says; where its attributes are not that, as the next of `encodings`."""
    for number, encoding in enumerate(encodings):
        try:
            return read(path, layer=layer or None, encoding=encoding)
        except UnicodeError:
            if number == len(encodings) - 1:
                raise
    raise AssertionError("no encoding")


def _rows(geometry: Any, names: list[str], columns: Any) -> Iterator[Feature]:
    for number, raw in enumerate(geometry if geometry is not None else []):
        properties = {name: _plain(column[number]) for name, column in zip(names, columns, strict=True)}
        try:
            yield Feature(number, geometry_of(raw) if raw is not None else None, properties, "no geometry")
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
