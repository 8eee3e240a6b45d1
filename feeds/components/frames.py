"""Coordinates of a source, many at once, to WGS-84: the same as hall.core.coordinates does one by one."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from hall.core.coordinates import crs_name

_AXIS, _ECCENTRICITY = 6378245.0, 0.00669342162296594323
_BD_PI = np.pi * 3000.0 / 180.0
_STEPS, _EQUAL = 30, 1e-10
Move = Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]


class Frame(NamedTuple):
    """A CRS. `degrees`: whether its numbers are degrees. `accuracy_m`: of the way to WGS-84 on this machine, None = unknown.
    `srid`: that of the source's first geometry, where the CRS was taken from it."""

    name: str
    degrees: bool
    to_wgs84: Move
    accuracy_m: float | None
    srid: int = 0


def _waves(value: np.ndarray, terms: tuple[tuple[float, float], ...]) -> np.ndarray:
    return sum(size * np.sin(value * factor * np.pi) for size, factor in terms) * 2.0 / 3.0


def _to_gcj02(lon: np.ndarray, lat: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    x, y = lon - 105.0, lat - 35.0
    common = _waves(x, ((20.0, 6.0), (20.0, 2.0)))
    north = -100.0 + 2.0 * x + 3.0 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * np.sqrt(np.abs(x)) + common
    north += _waves(y, ((20.0, 1.0), (40.0, 1 / 3), (160.0, 1 / 12), (320.0, 1 / 30)))
    east = 300.0 + x + 2.0 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * np.sqrt(np.abs(x)) + common
    east += _waves(x, ((20.0, 1.0), (40.0, 1 / 3), (150.0, 1 / 12), (300.0, 1 / 30)))
    radians = np.radians(lat)
    magic = 1.0 - _ECCENTRICITY * np.sin(radians) ** 2
    meridian = _AXIS * (1.0 - _ECCENTRICITY) / (magic * np.sqrt(magic))
    parallel = _AXIS / np.sqrt(magic) * np.cos(radians)
    inside = (lon >= 72.004) & (lon <= 137.8347) & (lat >= 0.8293) & (lat <= 55.8271)
    return lon + np.where(inside, np.degrees(east / parallel), 0.0), lat + np.where(inside, np.degrees(north / meridian), 0.0)


def _to_bd09(lon: np.ndarray, lat: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    radius = np.hypot(lon, lat) + 0.00002 * np.sin(lat * _BD_PI)
    angle = np.arctan2(lat, lon) + 0.000003 * np.cos(lon * _BD_PI)
    return radius * np.cos(angle) + 0.0065, radius * np.sin(angle) + 0.006


def _inverse(forward: Move) -> Move:
    def back(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        lon, lat = x.copy(), y.copy()
        for _ in range(_STEPS):
            got_x, got_y = forward(lon, lat)
            lon, lat = lon + x - got_x, lat + y - got_y
            if not np.any((np.abs(x - got_x) >= _EQUAL) | (np.abs(y - got_y) >= _EQUAL)):
                break
        return lon, lat

    return back


def _same(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return x, y


def _from_bd09(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return _inverse(_to_gcj02)(*_inverse(_to_bd09)(x, y))


def frame_of(crs: str) -> Frame:
    """The frame called `crs` (a name of hall.core.coordinates, a PROJ string or WKT); raises ValueError."""
    name = crs if crs.startswith(("+proj", "PROJCRS", "PROJCS", "GEOGCRS", "GEOGCS", "COMPD")) else crs_name(crs)
    if name in ("WGS-84", "CGCS2000"):
        return Frame(name, True, _same, 0.0 if name == "WGS-84" else 0.5)
    if name == "GCJ-02":
        return Frame(name, True, _inverse(_to_gcj02), 0.1)
    if name == "BD-09":
        return Frame(name, True, _from_bd09, 0.5)
    return _projected(name)


def _projected(name: str) -> Frame:
    from pyproj import CRS, Transformer
    from pyproj.exceptions import CRSError
    from pyproj.transformer import TransformerGroup

    try:
        known = CRS.from_user_input(name)
        transformer = Transformer.from_crs(known, "EPSG:4326", always_xy=True)
        with warnings.catch_warnings(action="ignore", category=UserWarning):  # that a finer grid is not on this machine
            ways = TransformerGroup(known, "EPSG:4326", always_xy=True).transformers
    except CRSError as error:
        raise ValueError(f"unknown coordinate system {name[:60]!r}: {error}") from None

    def move(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        lon, lat = transformer.transform(x, y)
        return np.asarray(lon, float), np.asarray(lat, float)

    accuracy = ways[0].accuracy if ways else -1.0
    return Frame(name if len(name) < 60 else known.name, known.is_geographic, move, accuracy if accuracy >= 0 else None)
