"""Shapefile, GeoPackage, FlatGeobuf, File Geodatabase: whatever GDAL reads as one layer, through pyogrio, batch by batch."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from feeds.components.reading import Opened, Placed, Reader, Unreadable, plain
from feeds.components.settings import Rules

_ROWS = 20_000


def _code(crs: str | None) -> str:
    """`EPSG:n` of what GDAL says; a CRS without a number as its WKT."""
    if not crs or crs.upper().startswith("EPSG:"):
        return crs or ""
    from pyproj import CRS
    from pyproj.exceptions import CRSError

    try:
        code = CRS.from_user_input(crs).to_epsg(min_confidence=70)
    except CRSError:
        return ""
    return f"EPSG:{code}" if code else crs


def _rows(where: str, layer: str | None, encoding: str | None) -> Iterator[Placed]:
    import pyarrow
    from pyogrio.errors import DataLayerError, DataSourceError
    from pyogrio.raw import open_arrow

    number = 0
    try:
        with open_arrow(where, layer=layer, encoding=encoding, batch_size=_ROWS, use_pyarrow=True) as (meta, reader):
            column = meta["geometry_name"] or "wkb_geometry"
            for batch in reader:
                for row in batch.to_pylist():
                    number += 1
                    found = row.pop(column, None)
                    made: dict[str, Any] = {name: plain(value) for name, value in row.items()}
                    made["geometry"] = found
                    yield number, made
    except (DataSourceError, DataLayerError, UnicodeError, OSError, pyarrow.ArrowException) as error:
        raise Unreadable(f"{Path(where).name}: after feature {number}: {error}; nothing is taken of the file") from None


def open_vector(where: str, rules: Rules) -> Opened:
    import pyogrio
    from pyogrio.errors import DataLayerError, DataSourceError

    layer = rules.layer or None
    try:
        layers = [str(name) for name in pyogrio.list_layers(where)[:, 0]]
        if layer is None and len(layers) > 1:
            raise Unreadable(f"{Path(where).name} has {len(layers)} layers; say layer = one of {', '.join(layers[:20])}")
        told = pyogrio.read_info(where, layer=layer, encoding=rules.encoding or None)
    except (DataSourceError, DataLayerError, UnicodeError) as error:
        raise Unreadable(f"{Path(where).name}: {error}") from None
    note = f"{told.get('driver')}, {told.get('encoding') or 'UTF-8'}"
    rows = _rows(where, layer, rules.encoding or None)
    return Opened(rows, f"{Path(where).name}: feature {{}}", _code(told.get("crs")), note)


SOURCE = Reader("vector", open_vector, suffixes=(".shp", ".shp.zip", ".gpkg", ".fgb", ".gdb", ".gdb.zip", ".kml", ".gml"))
