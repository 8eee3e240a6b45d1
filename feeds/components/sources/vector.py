"""Shapefile, GeoPackage, FlatGeobuf, File Geodatabase (hall.core.vectorfiles): broken letters cost their row."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from feeds.components.reading import Broken, Opened, Placed, Reader, Unreadable, plain
from feeds.components.settings import Rules
from hall.core import vectorfiles


def _code(crs: str) -> str:
    """`EPSG:n` of what GDAL says; a CRS without a number as its WKT."""
    if not crs or crs.upper().startswith("EPSG:"):
        return crs
    from pyproj import CRS
    from pyproj.exceptions import CRSError

    try:
        code = CRS.from_user_input(crs).to_epsg(min_confidence=70)
    except CRSError:
        return ""
    return f"EPSG:{code}" if code else crs


def _rows(rows: Iterator[vectorfiles.Row]) -> Iterator[Placed]:
    try:
        for number, row in enumerate(rows, 1):
            made: dict[str, Any] = {name: plain(value) for name, value in row.values.items()}
            if row.fault:
                yield number, Broken("encoding-broken", row.fault, json.dumps(made, ensure_ascii=False))
                continue
            made["geometry"] = row.geometry
            yield number, made
    except ValueError as error:
        raise Unreadable(str(error)) from None


def open_vector(where: str, rules: Rules) -> Opened:
    try:
        table = vectorfiles.opened(where, rules.layer, rules.encoding)
    except ValueError as error:
        raise Unreadable(str(error)) from None
    return Opened(_rows(table.rows), f"{Path(where).name}: feature {{}}", _code(table.crs), table.note)


SOURCE = Reader("vector", open_vector, suffixes=(".shp", ".shp.zip", ".gpkg", ".fgb", ".gdb", ".gdb.zip", ".kml", ".gml"))
