"""The order components are kept in: along a Z-curve over Web Mercator, so that what lies together is read together. Pure.

A position is two whole numbers of 29 bits: the tile at zoom 13 (4.9 km at the equator) and 65,536 steps in it, 7.5 cm at most.
"""

from __future__ import annotations

import numpy as np

CHUNK_ZOOM = 13
BITS = CHUNK_ZOOM + 16
#: Web Mercator ends here
MOST_LAT = 85.0511287798066
_SPREAD = (
    (16, 0x0000FFFF0000FFFF),
    (8, 0x00FF00FF00FF00FF),
    (4, 0x0F0F0F0F0F0F0F0F),
    (2, 0x3333333333333333),
    (1, 0x5555555555555555),
)


def spread(values: np.ndarray) -> np.ndarray:
    """Every bit of a 32-bit number moved to its even place: uint64."""
    found = values.astype(np.uint64)
    for shift, mask in _SPREAD:
        found = (found | (found << np.uint64(shift))) & np.uint64(mask)
    return found


def gather(values: np.ndarray) -> np.ndarray:
    """The inverse of `spread`: uint32."""
    found = values & np.uint64(_SPREAD[-1][1])
    for (shift, _), (_, mask) in zip(reversed(_SPREAD), [*reversed(_SPREAD[:-1]), (0, 0x00000000FFFFFFFF)], strict=True):
        found = (found | (found >> np.uint64(shift))) & np.uint64(mask)
    return found.astype(np.uint32)


def key_of(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Place along the curve of whole numbers x, y: uint64."""
    return spread(x) | (spread(y) << np.uint64(1))


def steps_of(lon: np.ndarray, lat: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """WGS-84 degrees as whole steps from the north-west corner of the world, 0 .. 2^29 - 1: two uint32."""
    size = float(1 << BITS)
    phi = np.radians(np.clip(lat, -MOST_LAT, MOST_LAT))
    x = (np.asarray(lon) / 360.0 + 0.5) * size
    y = (0.5 - np.arcsinh(np.tan(phi)) / (2.0 * np.pi)) * size
    return tuple(np.clip(np.floor(v), 0, size - 1).astype(np.uint32) for v in (x, y))  # type: ignore[return-value]


def degrees_of(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The middle of a step as WGS-84 degrees."""
    size = float(1 << BITS)
    lon = ((np.asarray(x) + 0.5) / size - 0.5) * 360.0
    lat = np.degrees(np.arctan(np.sinh((0.5 - (np.asarray(y) + 0.5) / size) * 2.0 * np.pi)))
    return lon, lat
