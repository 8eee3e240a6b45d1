"""What is wrong with positions, looked at many at once: missing, placeholder, too coarse, swapped, out of the city. Pure."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from feeds.components.frames import Frame
from feeds.components.record import MARK_BITS
from feeds.components.settings import Rules

Extent = tuple[float, float, float, float]
#: a position of these stands for "unknown" in any frame; so do both numbers made of nines, such as 999 or 99999
_PLACEHOLDERS = ((0.0, 0.0), (-1.0, -1.0), (1.0, 1.0))
_NINES = tuple(float(10**digits - 1) for digits in range(3, 12))
REASONS = (
    "",
    "position-missing",
    "position-placeholder",
    "position-impossible",
    "position-swapped",
    "position-coarse",
    "position-outside",
)


class Placed(NamedTuple):
    """Of n rows: WGS-84 degrees, marks (bits), and why a row cannot be taken (index into REASONS, 0 = it can)."""

    lon: np.ndarray
    lat: np.ndarray
    marks: np.ndarray
    wrong: np.ndarray


def decimals_of(text: str) -> int:
    """Digits after the point of a number as it is written; 99 where it is no plain number."""
    whole, _, rest = text.strip().partition(".")
    if not rest:
        return 0 if whole.lstrip("+-").isdigit() else 99
    return len(rest) if rest.isdigit() else 99


def _in(lon: np.ndarray, lat: np.ndarray, extent: Extent) -> np.ndarray:
    west, south, east, north = extent
    return (lon >= west) & (lon <= east) & (lat >= south) & (lat <= north)


def _placeholder(x: np.ndarray, y: np.ndarray, more: list[tuple[float, float]]) -> np.ndarray:
    found = np.isin(np.abs(x), _NINES) & np.isin(np.abs(y), _NINES)
    for px, py in (*_PLACEHOLDERS, *more):
        found |= (x == px) & (y == py)
    return found


def examine(x: np.ndarray, y: np.ndarray, decimals: np.ndarray, frame: Frame, rules: Rules, extent: Extent) -> Placed:
    """`x`, `y` (n) as the source has them, NaN where it has none; `decimals` (n): the more precise of the two."""
    marks, wrong = np.zeros(len(x), np.uint16), np.zeros(len(x), np.uint8)
    missing = ~(np.isfinite(x) & np.isfinite(y))
    x, y = np.where(missing, 0.0, x), np.where(missing, 0.0, y)
    placeholder = _placeholder(x, y, rules.placeholder) & ~missing
    lon, lat = _wgs84(x, y, frame)
    inside = _in(lon, lat, extent)
    turned_lon, turned_lat = _wgs84(np.where(inside, x, y), np.where(inside, y, x), frame)
    swapped = ~inside & _in(turned_lon, turned_lat, extent) & ~missing & ~placeholder
    lon, lat = np.where(swapped, turned_lon, lon), np.where(swapped, turned_lat, lat)
    if rules.swapped == "park":
        wrong[swapped] = REASONS.index("position-swapped")
    marks[swapped] |= MARK_BITS["swapped"]
    impossible = ~(np.isfinite(lon) & np.isfinite(lat)) | (np.abs(lon) > 180) | (np.abs(lat) > 90)
    outside = ~inside & ~swapped & ~impossible
    if rules.outside == "park":
        wrong[outside] = REASONS.index("position-outside")
    marks[outside] |= MARK_BITS["outside-districts"]
    if frame.degrees:
        coarse = (decimals < rules.decimals) & ~missing & ~placeholder
        marks[coarse] |= MARK_BITS["coarse"]
        if rules.coarse == "park":
            wrong[coarse & (wrong == 0)] = REASONS.index("position-coarse")
    wrong[impossible] = REASONS.index("position-impossible")
    wrong[placeholder] = REASONS.index("position-placeholder")
    wrong[missing] = REASONS.index("position-missing")
    return Placed(lon, lat, marks, wrong)


def _wgs84(x: np.ndarray, y: np.ndarray, frame: Frame) -> tuple[np.ndarray, np.ndarray]:
    with np.errstate(all="ignore"):
        lon, lat = frame.to_wgs84(x, y)
    return lon, lat
