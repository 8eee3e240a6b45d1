"""The city's lists (crews, depots) out of files, row by row.

CSV has a header, JSON is a list of objects, TOML has `[[table]]`s. Fields are known by the names that the caller gives; the
city's `columns` say otherwise: a column's name, or `{column, prefix, map}`, or `{const}`. `where` keeps rows whose columns have
one of the values.
"""

from __future__ import annotations

import csv
import io
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from hall.core.coordinates import to_wgs84

#: what `records` raises for a file that cannot be read at all
UNREADABLE = (OSError, ValueError, msgspec.MsgspecError, csv.Error)
#: between two words of one cell
SPLIT = re.compile(r"[;；、\n|]+")


def records(path: Path, table: str, rows: int, size: int) -> list[dict[str, Any]]:
    """Every row as it stands; at most `rows` of them, `size` bytes. Raises UNREADABLE."""
    body = path.read_bytes()
    if len(body) > size:
        raise ValueError(f"more than {size >> 20} MB")
    if path.suffix == ".toml":
        found: Any = tomllib.loads(body.decode("utf-8-sig")).get(table, [])
    elif path.suffix == ".json":
        found = msgspec.json.decode(body.removeprefix(b"\xef\xbb\xbf"))
    else:
        found = list(csv.DictReader(io.StringIO(body.decode("utf-8-sig"), newline=""), strict=True))
    if not isinstance(found, list) or not all(isinstance(record, dict) for record in found):
        raise ValueError(f"a list of rows is expected ([[{table}]] in TOML, a list of objects in JSON)")
    if len(found) > rows:
        raise ValueError(f"more than {rows} rows")
    return found


def wanted(record: Mapping[str, Any], where: Mapping[str, Any]) -> bool:
    return all(str(record.get(column, "")) in values for column, values in where.items())


def fields(
    record: Mapping[str, Any], names: Mapping[str, tuple[str, ...]], columns: Mapping[str, Any]
) -> dict[str, Any]:  # fmt: skip
    """The values of those fields that a row has."""
    found = {field: _cell(record, known, columns.get(field)) for field, known in names.items()}
    return {field: value for field, value in found.items() if value not in (None, "", [], {})}


def _cell(record: Mapping[str, Any], known: tuple[str, ...], spec: Any) -> Any:
    if isinstance(spec, dict):
        if "const" in spec:
            return spec["const"]
        value = _stripped(record.get(str(spec.get("column", ""))))
        value = spec.get("map", {}).get(value, value) if isinstance(value, str) else value
        return f"{spec['prefix']}{value}" if spec.get("prefix") and value not in (None, "") else value
    names = (str(spec),) if spec is not None else known
    return next((value for name in names if (value := _stripped(record.get(name))) not in (None, "")), None)


def _stripped(value: Any) -> Any:
    return value.strip() if isinstance(value, str) else value


def words(text: str) -> list[str]:
    """The words of one cell."""
    return [word.strip() for word in SPLIT.split(text) if word.strip()]


def place(lon: Any, lat: Any, crs: str) -> dict[str, float]:
    """A row's place in WGS-84 degrees; raises ValueError naming the values, BadInput for what lies outside the crs."""
    try:
        x, y = to_wgs84(crs)(float(lon), float(lat))
    except (TypeError, ValueError):
        raise ValueError(f"lon, lat: {str(lon)[:20]!r}, {str(lat)[:20]!r}") from None
    if not (-180 <= x <= 180 and -90 <= y <= 90):
        raise ValueError(f"lon, lat: out of range: {x:g}, {y:g}")
    return {"lon": round(x, 7), "lat": round(y, 7)}
