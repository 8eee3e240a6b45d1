"""The contract of what reads a source of components: places and rows, one after the other, never the whole file at once."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import msgspec

import feeds.components.sources
from feeds.components.settings import Rules
from hall.core.discover import discover
from hall.core.errors import HallError


class Broken(NamedTuple):
    """A row that could not be read; `raw` as it stood there."""

    reason: str
    detail: str
    raw: str


#: number (of a line, a feature) and the row: plain values by column; a feature's geometry (shapely, WKB, WKT) as `geometry`
Placed = tuple[int, "dict[str, Any] | Broken"]


class Opened(NamedTuple):
    """An opened source. `place`: how a number is written ("lights.csv:{}"). `crs`: what the file itself says, empty where
    nothing. `note`: what was found out about it. `crs_of`: the CRS that a geometry's SRID stands for in this source."""

    rows: Iterator[Placed]
    place: str
    crs: str = ""
    note: str = ""
    crs_of: Callable[[int], str] = "EPSG:{}".format


class Reader(NamedTuple):
    """`open(where, rules)` raises Unreadable; so may its rows, when the rest of the source cannot be read."""

    name: str
    open: Callable[[str, Rules], Opened]
    suffixes: tuple[str, ...] = ()
    schemes: tuple[str, ...] = ()


class Unreadable(HallError):
    """The source, or the rest of it, cannot be read: nothing is taken of it."""


@functools.cache
def readers() -> dict[str, Reader]:
    return discover(feeds.components.sources, "SOURCE")


def reader_for(where: str, rules: Rules) -> Reader:
    """By `format`, else the address's scheme, else the name's ending; raises Unreadable."""
    known = readers()
    if rules.format:
        if rules.format not in known:
            raise Unreadable(f"format {rules.format!r}: there are {', '.join(known)}")
        return known[rules.format]
    scheme, name = where.partition("://")[0].lower(), where.lower()
    for reader in known.values():
        if "://" in where and scheme in reader.schemes:
            return reader
    plain = name.removesuffix(".gz").removesuffix(".zip") if not name.endswith((".shp.zip", ".gdb.zip")) else name
    for reader in known.values():
        if reader.suffixes and plain.endswith(reader.suffixes):
            return reader
    raise Unreadable(f"{where}: by its name nobody knows what it is; say format = one of {', '.join(known)}")


def plain(value: Any) -> Any:
    """A value of a database or a table file as JSON has it."""
    if value is None or isinstance(value, (str, int, float, bool)):
        return value
    if hasattr(value, "isoformat"):
        return value.isoformat()
    if hasattr(value, "item"):
        return plain(value.item())
    if isinstance(value, (bytes, bytearray, memoryview)):
        return bytes(value).hex()
    if isinstance(value, dict):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    return str(value)


_encode = msgspec.json.Encoder(enc_hook=plain).encode


def encoded(value: Any) -> bytes:
    """JSON of a row or a record, whatever a file has brought (`shown`)."""
    try:
        return _encode(value)
    except (UnicodeEncodeError, OverflowError):
        return _encode(shown(msgspec.to_builtins(value, enc_hook=plain)))


def shown(value: Any) -> Any:
    """Without what JSON in UTF-8 has not: half a surrogate pair becomes `?`, whole numbers beyond 64 bits are their digits."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, int):
        return value if -(2**63) <= value < 2**64 else str(value)
    if isinstance(value, dict):
        return {shown(key): shown(inner) for key, inner in value.items()}
    return [shown(inner) for inner in value] if isinstance(value, list | tuple) else value
