"""Coordinate systems that suppliers use, brought to WGS-84.

Mainland China publishes maps in GCJ-02 (a deliberate, smooth shift of some hundred metres) and Baidu's BD-09 on top of
it. Both shifts are defined only in the forward direction; the inverse here iterates the forward one until it agrees, so a
round trip is exact to the arithmetic. CGCS2000 agrees with WGS-84 to decimetres and is taken as equal.

Scalars in, scalars out: `(x, y)` is (lon, lat) in degrees, or (easting, northing) in the CRS's own unit for EPSG codes.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable

from hall.core.errors import BadInput

Convert = Callable[[float, float], tuple[float, float]]

_AXIS = 6378245.0  # Krasovsky 1940, the ellipsoid of the shift
_ECCENTRICITY = 0.00669342162296594323
_BD_PI = math.pi * 3000.0 / 180.0
_EQUAL = 1e-10  # degrees: a hundredth of a millimetre

#: spellings without punctuation -> the name used here
NAMES = {
    "": "WGS-84", "WGS84": "WGS-84", "EPSG4326": "WGS-84", "OGCCRS84": "WGS-84", "CRS84": "WGS-84",
    "CGCS2000": "CGCS2000", "EPSG4490": "CGCS2000", "GCJ02": "GCJ-02", "BD09": "BD-09", "BD09LL": "BD-09",
}  # fmt: skip


def crs_name(text: str) -> str:
    """The canonical name of a CRS: WGS-84, CGCS2000, GCJ-02, BD-09 or EPSG:n; raises ValueError naming the text."""
    plain = "".join(c for c in text.upper() if c.isalnum())
    if plain in NAMES:
        return NAMES[plain]
    if plain.startswith("EPSG") and plain[4:].isdigit():
        return f"EPSG:{plain[4:]}"
    raise ValueError(f"unknown coordinate system {text!r}: use WGS-84, CGCS2000, GCJ-02, BD-09 or EPSG:<code>")


def to_wgs84(crs: str) -> Convert:
    """The function from `(x, y)` in `crs` to (lon, lat) in WGS-84 degrees; raises ValueError for a CRS nobody knows.

    The returned function raises BadInput `coordinates-outside-crs` where the position has no place in the CRS.
    """
    name = crs_name(crs)
    return {"GCJ-02": gcj02_to_wgs84, "BD-09": bd09_to_wgs84}.get(name) or (
        _projected(name) if name.startswith("EPSG:") else _same
    )


def _same(x: float, y: float) -> tuple[float, float]:
    return x, y


@functools.cache
def _projected(name: str) -> Convert:
    """A pyproj transformation as a scalar function; imported late, most cities need none."""
    from pyproj import Transformer
    from pyproj.exceptions import CRSError

    try:
        transformer = Transformer.from_crs(name, "EPSG:4326", always_xy=True)
    except CRSError as error:
        raise ValueError(f"unknown coordinate system {name!r}: {error}") from None

    def convert(x: float, y: float) -> tuple[float, float]:
        lon, lat = transformer.transform(x, y)
        if not (math.isfinite(lon) and math.isfinite(lat)):
            raise BadInput("coordinates-outside-crs", f"{name}: x={x!r} y={y!r}")
        return lon, lat

    return convert


def _shifted(lon: float, lat: float) -> bool:
    """Whether GCJ-02 differs from WGS-84 here: the rectangle around mainland China that every publisher uses."""
    return 72.004 <= lon <= 137.8347 and 0.8293 <= lat <= 55.8271


def _waves(value: float, unit: float, terms: tuple[tuple[float, float], ...]) -> float:
    return sum(size * math.sin(value * factor * unit) for size, factor in terms) * 2.0 / 3.0


def _shift(lon: float, lat: float) -> tuple[float, float]:
    """How far GCJ-02 lies from WGS-84 at a WGS-84 position, in degrees."""
    x, y, pi = lon - 105.0, lat - 35.0, math.pi
    common = _waves(x, pi, ((20.0, 6.0), (20.0, 2.0)))
    north = -100.0 + 2.0 * x + 3.0 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * math.sqrt(abs(x)) + common
    north += _waves(y, pi, ((20.0, 1.0), (40.0, 1 / 3), (160.0, 1 / 12), (320.0, 1 / 30)))
    east = 300.0 + x + 2.0 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * math.sqrt(abs(x)) + common
    east += _waves(x, pi, ((20.0, 1.0), (40.0, 1 / 3), (150.0, 1 / 12), (300.0, 1 / 30)))
    radians = math.radians(lat)
    magic = 1.0 - _ECCENTRICITY * math.sin(radians) ** 2
    meridian = _AXIS * (1.0 - _ECCENTRICITY) / (magic * math.sqrt(magic))
    parallel = _AXIS / math.sqrt(magic) * math.cos(radians)
    return math.degrees(east / parallel), math.degrees(north / meridian)


def wgs84_to_gcj02(lon: float, lat: float) -> tuple[float, float]:
    if not _shifted(lon, lat):
        return lon, lat
    east, north = _shift(lon, lat)
    return lon + east, lat + north


def gcj02_to_bd09(lon: float, lat: float) -> tuple[float, float]:
    radius = math.hypot(lon, lat) + 0.00002 * math.sin(lat * _BD_PI)
    angle = math.atan2(lat, lon) + 0.000003 * math.cos(lon * _BD_PI)
    return radius * math.cos(angle) + 0.0065, radius * math.sin(angle) + 0.006


def _inverse(forward: Convert, x: float, y: float) -> tuple[float, float]:
    """The position that `forward` takes to (x, y). The shifts change slowly, so each step gains three digits or more."""
    lon, lat = x, y
    for _ in range(30):
        got_x, got_y = forward(lon, lat)
        lon, lat = lon + x - got_x, lat + y - got_y
        if abs(x - got_x) < _EQUAL and abs(y - got_y) < _EQUAL:
            break
    return lon, lat


def gcj02_to_wgs84(lon: float, lat: float) -> tuple[float, float]:
    return _inverse(wgs84_to_gcj02, lon, lat) if _shifted(lon, lat) else (lon, lat)


def bd09_to_gcj02(lon: float, lat: float) -> tuple[float, float]:
    return _inverse(gcj02_to_bd09, lon, lat)


def bd09_to_wgs84(lon: float, lat: float) -> tuple[float, float]:
    return gcj02_to_wgs84(*bd09_to_gcj02(lon, lat))
