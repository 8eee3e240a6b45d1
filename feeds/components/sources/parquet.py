"""Parquet and GeoParquet, read group by group."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from feeds.components.reading import Opened, Placed, Reader, Unreadable, plain
from feeds.components.settings import Rules

_ROWS = 20_000


def _geo(metadata: dict[bytes, bytes] | None) -> tuple[str, str]:
    """`(geometry column, crs)` of GeoParquet's own metadata; empty where there is none."""
    try:
        told = json.loads((metadata or {})[b"geo"])
        column = told["primary_column"]
        crs = told["columns"][column].get("crs", "absent")
        if crs == "absent":
            return column, "WGS-84"
        return column, f"{crs['id']['authority']}:{crs['id']['code']}".replace("OGC:CRS84", "WGS-84") if crs else ""
    except (KeyError, TypeError, ValueError):
        return "", ""


def _rows(file: Any, geometry: str) -> Iterator[Placed]:
    import pyarrow

    number = 0
    try:
        for batch in file.iter_batches(batch_size=_ROWS):
            for row in batch.to_pylist():
                number += 1
                found = row.pop(geometry, None) if geometry else None
                made = {name: plain(value) for name, value in row.items()}
                if geometry:
                    made["geometry"] = found
                yield number, made
    except (OSError, pyarrow.ArrowException) as error:
        raise Unreadable(f"after row {number}: {error}; nothing is taken of the file") from None


def open_parquet(where: str, rules: Rules) -> Opened:
    import pyarrow
    from pyarrow.parquet import ParquetFile

    try:
        file = ParquetFile(where, memory_map=True)
    except (OSError, pyarrow.ArrowException) as error:
        raise Unreadable(f"{where}: {error}") from None
    geometry, crs = _geo(file.schema_arrow.metadata)
    return Opened(_rows(file, geometry), where.rpartition("/")[2] + ": row {}", crs)


SOURCE = Reader("parquet", open_parquet, suffixes=(".parquet", ".geoparquet", ".pq"))
