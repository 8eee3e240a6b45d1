"""The shifts of GCJ-02 and BD-09 for many positions at once: the formulas of `coordinates`, over arrays.

Arrays in, arrays out: (n, 2) float64, (lon, lat) in degrees, or (easting, northing) for EPSG codes.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from hall.core.coordinates import crs_name

Many = Callable[[np.ndarray], np.ndarray]

_AXIS = 6378245.0
_ECCENTRICITY = 0.00669342162296594323
_BD_PI = math.pi * 3000.0 / 180.0
_STEPS = 12  # of the inverse; each gains three digits or more
_EQUAL = 1e-11  # degrees


def to_wgs84_many(crs: str) -> Many:
    """From `crs` to (lon, lat) in WGS-84; what has no place there becomes NaN. Raises ValueError for a CRS nobody knows."""
    name = crs_name(crs)
    if name in ("GCJ-02", "BD-09"):
        return gcj02_to_wgs84_many if name == "GCJ-02" else bd09_to_wgs84_many
    return _projected(name, inverse=False) if name.startswith("EPSG:") else _same


def from_wgs84_many(crs: str) -> Many:
    """From (lon, lat) in WGS-84 to `crs`; else as `to_wgs84_many`."""
    name = crs_name(crs)
    if name in ("GCJ-02", "BD-09"):
        return wgs84_to_gcj02_many if name == "GCJ-02" else wgs84_to_bd09_many
    return _projected(name, inverse=True) if name.startswith("EPSG:") else _same


def _same(points: np.ndarray) -> np.ndarray:
    return points


def _projected(name: str, *, inverse: bool) -> Many:
    from pyproj import Transformer
    from pyproj.exceptions import CRSError

    try:
        transformer = Transformer.from_crs(*(("EPSG:4326", name) if inverse else (name, "EPSG:4326")), always_xy=True)
    except CRSError as error:
        raise ValueError(f"unknown coordinate system {name!r}: {error}") from None

    def convert(points: np.ndarray) -> np.ndarray:
        made = np.stack(transformer.transform(points[:, 0], points[:, 1]), axis=1)
        return np.where(np.isfinite(made), made, np.nan)

    return convert


def _waves(value: np.ndarray, terms: tuple[tuple[float, float], ...]) -> np.ndarray:
    return sum(size * np.sin(value * (factor * math.pi)) for size, factor in terms) * (2.0 / 3.0)


def wgs84_to_gcj02_many(points: np.ndarray) -> np.ndarray:
    lon, lat = points[:, 0], points[:, 1]
    inside = (lon >= 72.004) & (lon <= 137.8347) & (lat >= 0.8293) & (lat <= 55.8271)
    x, y = lon - 105.0, lat - 35.0
    common = _waves(x, ((20.0, 6.0), (20.0, 2.0)))
    root = np.sqrt(np.abs(x))
    north = -100.0 + 2.0 * x + 3.0 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * root + common
    north += _waves(y, ((20.0, 1.0), (40.0, 1 / 3), (160.0, 1 / 12), (320.0, 1 / 30)))
    east = 300.0 + x + 2.0 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * root + common
    east += _waves(x, ((20.0, 1.0), (40.0, 1 / 3), (150.0, 1 / 12), (300.0, 1 / 30)))
    radians = np.radians(lat)
    magic = 1.0 - _ECCENTRICITY * np.sin(radians) ** 2
    meridian = _AXIS * (1.0 - _ECCENTRICITY) / (magic * np.sqrt(magic))
    parallel = _AXIS / np.sqrt(magic) * np.cos(radians)
    shift = np.stack((np.degrees(east / parallel), np.degrees(north / meridian)), axis=1)
    return np.where(inside[:, None], points + shift, points)


def gcj02_to_bd09_many(points: np.ndarray) -> np.ndarray:
    lon, lat = points[:, 0], points[:, 1]
    radius = np.hypot(lon, lat) + 0.00002 * np.sin(lat * _BD_PI)
    angle = np.arctan2(lat, lon) + 0.000003 * np.cos(lon * _BD_PI)
    return np.stack((radius * np.cos(angle) + 0.0065, radius * np.sin(angle) + 0.006), axis=1)


def wgs84_to_bd09_many(points: np.ndarray) -> np.ndarray:
    return gcj02_to_bd09_many(wgs84_to_gcj02_many(points))


def _inverse(forward: Many, points: np.ndarray) -> np.ndarray:
    found = points
    for _ in range(_STEPS):
        step = points - forward(found)
        found = found + step
        if not np.any(np.abs(step) > _EQUAL):
            break
    return found


def gcj02_to_wgs84_many(points: np.ndarray) -> np.ndarray:
    lon, lat = points[:, 0], points[:, 1]
    inside = (lon >= 72.004) & (lon <= 137.8347) & (lat >= 0.8293) & (lat <= 55.8271)
    return np.where(inside[:, None], _inverse(wgs84_to_gcj02_many, points), points)


def bd09_to_wgs84_many(points: np.ndarray) -> np.ndarray:
    return gcj02_to_wgs84_many(_inverse(gcj02_to_bd09_many, points))
