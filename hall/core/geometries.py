"""Geometries as files and databases bring them: WKB, WKT, GeoJSON; arcs become lines; what has no place on earth is refused."""

from __future__ import annotations

import io
import re
import warnings
import zipfile
from typing import Any

import msgspec
import numpy as np
import shapely
from shapely.geometry import shape

#: what reading or repairing somebody else's geometry raises (GEOS: NotImplementedError for arcs; recursion is a RuntimeError)
WRONG = (
    ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RuntimeError, msgspec.MsgspecError,
    shapely.errors.ShapelyError,
)  # fmt: skip
_EPSG = re.compile(r"EPSG(?:\b.*)?[:/](\d+)$", re.IGNORECASE)
_EWKB_SRID = 0x20000000


def named_crs(member: Any) -> str:
    """The `crs` of a GeoJSON file: `EPSG:n`, WGS-84, or its name as it stands. Raises ValueError for one without a name."""
    properties = member.get("properties") if isinstance(member, dict) else None
    properties = properties if isinstance(properties, dict) else {}
    code = properties.get("code")
    name = f"EPSG:{code}" if code else properties.get("name") if properties else member
    if not isinstance(name, str) or not name:
        raise ValueError(f"crs: {str(member)[:80]} names no coordinate system")
    if name.upper().endswith(("CRS84", "CRS84H")):
        return "WGS-84"
    number = _EPSG.search(name)
    return f"EPSG:{number[1]}" if number else name


def geometry_of(value: Any) -> shapely.Geometry:
    """`value`: WKB or EWKB (bytes, or as hexadecimal text), WKT or EWKT, a GeoJSON geometry (dict or text), or shapely's own.
    In two dimensions, with its SRID (0: none). Raises ValueError: unreadable, or numbers that are none (NaN, infinity)."""
    try:
        with np.errstate(invalid="ignore"):
            found = shapely.force_2d(_read(value))
        finite = found is None or bool(np.isfinite(shapely.get_coordinates(found)).all())
    except WRONG as error:
        raise ValueError(f"{error}: {_told(value)}") from None
    if found is None:
        raise ValueError(f"no geometry: {_told(value)}")
    if not finite:
        raise ValueError(f"coordinates that are no numbers (NaN, infinity): {_told(found.wkt)}")
    return found


def _told(value: Any) -> str:
    return (bytes(value).hex() if isinstance(value, bytes | bytearray | memoryview) else str(value))[:80]


def _read(value: Any) -> shapely.Geometry:
    if isinstance(value, shapely.Geometry):
        return value
    if isinstance(value, dict):
        return shape(value)
    if isinstance(value, bytes | bytearray | memoryview):
        return _wkb(bytes(value))
    text = str(value).strip()
    if text.startswith("{"):
        return shape(msgspec.json.decode(text))
    if len(text) > 20 and text[:2] in ("00", "01"):
        return _wkb(bytes.fromhex(text))
    srid, _, rest = text.partition(";") if text[:5].upper() == "SRID=" else ("", "", text)
    try:
        found = shapely.from_wkt(rest)
    except NotImplementedError:
        found = _straightened(rest)
    return shapely.set_srid(found, int(srid[5:])) if srid else found


def _wkb(raw: bytes) -> shapely.Geometry:
    try:
        return shapely.from_wkb(raw)
    except NotImplementedError:
        order = "little" if raw[0] else "big"
        srid = int.from_bytes(raw[5:9], order) if int.from_bytes(raw[1:5], order) & _EWKB_SRID else 0
        return shapely.set_srid(_straightened(raw.hex()), srid)


def _straightened(text: str) -> shapely.Geometry:
    """Arcs (CIRCULARSTRING, COMPOUNDCURVE, CURVEPOLYGON, MULTICURVE, MULTISURFACE) as lines of 4 degrees a piece, by GDAL: GEOS
    has none. GDAL is asked by a table of one cell (WKT, or WKB as hexadecimal text), half a millisecond."""
    from pyogrio.errors import DataSourceError
    from pyogrio.raw import read

    with zipfile.ZipFile(table := io.BytesIO(), "w") as file:
        file.writestr("arcs.csv", f'geometry\n"{text.replace(chr(34), "")}"\n')
    try:
        with warnings.catch_warnings(action="ignore"):  # that it is none: said below
            made = read(table.getvalue(), columns=[], GEOM_POSSIBLE_NAMES="geometry")[2]
    except DataSourceError as error:
        raise ValueError(str(error)) from None
    if made is None or len(made) != 1 or made[0] is None:
        raise ValueError("curves that cannot be read")
    return shapely.from_wkb(made[0])
