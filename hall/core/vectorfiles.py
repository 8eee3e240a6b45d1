"""Shapefile, GeoPackage, FlatGeobuf, File Geodatabase: whatever GDAL reads as one layer, through pyogrio, batch by batch."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from hall.core.encodings import of_shapefile

_ROWS = 20_000


class Row(NamedTuple):
    """`fault`: why the letters of `values` are not what was written; a last letter cut by the column's width is left out."""

    values: dict[str, Any]
    geometry: bytes | None
    fault: str = ""


class Table(NamedTuple):
    """`rows` raises ValueError where the rest cannot be read. `crs`: as GDAL says it. `note`: what was found out."""

    rows: Iterator[Row]
    crs: str
    note: str


def opened(where: str, layer: str = "", encoding: str = "") -> Table:
    """`encoding` empty: what the file says; a Shapefile's is compared with its letters. Raises ValueError naming the file."""
    import pyogrio
    from pyogrio.errors import DataLayerError, DataSourceError

    path = Path(where)
    try:
        layers = [str(name) for name in pyogrio.list_layers(where)[:, 0]]
        if not layer and len(layers) > 1:
            raise ValueError(f"{path.name} has {len(layers)} layers; say layer = one of {', '.join(layers[:20])}")
        letters = ""
        if not encoding and path.name.lower().endswith((".shp", ".shp.zip", ".zip")):
            encoding, letters = of_shapefile(path)
        told = pyogrio.read_info(where, layer=layer or None, encoding=encoding or None)
    except (DataSourceError, DataLayerError, UnicodeError, LookupError, OSError) as error:
        raise ValueError(f"{path.name}: {error}") from None
    note = f"{told.get('driver')}, {letters or encoding or told.get('encoding') or 'UTF-8'}"
    return Table(_rows(where, layer or None, encoding or None), told.get("crs") or "", note)


def _rows(where: str, layer: str | None, encoding: str | None) -> Iterator[Row]:
    import pyarrow
    from pyogrio.errors import DataLayerError, DataSourceError
    from pyogrio.raw import open_arrow

    number = 0
    try:
        with open_arrow(where, layer=layer, encoding=encoding, batch_size=_ROWS, use_pyarrow=True) as (meta, reader):
            column = meta["geometry_name"] or "wkb_geometry"
            for batch in reader:
                for values, fault in _values(batch):
                    number += 1
                    yield Row(values, values.pop(column, None), fault)
    except (DataSourceError, DataLayerError, UnicodeError, LookupError, OSError, pyarrow.ArrowException) as error:
        raise ValueError(f"{Path(where).name}: after feature {number}: {error}; nothing is taken of the file") from None


def _values(batch: Any) -> Iterator[tuple[dict[str, Any], str]]:
    import pyarrow

    try:
        yield from ((row, "") for row in batch.to_pylist())
        return
    except UnicodeDecodeError:
        pass
    wide = {pyarrow.string(): pyarrow.binary(), pyarrow.large_string(): pyarrow.large_binary()}
    columns = [column.view(wide[column.type]) if column.type in wide else column for column in batch.columns]
    texts = [field.name for field in batch.schema if field.type in wide]
    for row in pyarrow.RecordBatch.from_arrays(columns, names=batch.schema.names).to_pylist():
        fault = ""
        for name in texts:
            if row[name] is not None:
                row[name], wrong = _text(row[name])
                fault = fault or (f"{name}: bytes that are no UTF-8" if wrong else "")
        yield row, fault


def _text(raw: bytes) -> tuple[str, bool]:
    try:
        return raw.decode(), False
    except UnicodeDecodeError as error:
        if error.reason == "unexpected end of data":
            return raw[: error.start].decode(), False
        return raw.decode("utf-8", "replace"), True
