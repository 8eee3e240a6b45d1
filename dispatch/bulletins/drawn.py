"""Outlines that somebody drew: closed, simple, at most 100 corners, or refused saying which sides are wrong. Pure."""

from __future__ import annotations

from typing import Any

import shapely

from hall.core.errors import Refused

Ring = list[list[float]]
#: corners of one drawn outline, the closing one not counted, and outlines of one area
CORNERS, OUTLINES = 100, 20
DIGITS = 5  # of degrees, as CAP is written here: about a metre


def rings_of(area: dict[str, Any]) -> list[Ring]:
    """Closed rings of [lon, lat] of an area's `polygon` and `polygons`. Raises Refused."""
    drawn = area.get("polygons") or []
    if not isinstance(drawn, list) or len(drawn) > OUTLINES:
        raise Refused("bad-field", f"polygons: a list of at most {OUTLINES} outlines", 422)
    return [ring_of(points) for points in ([area["polygon"]] if area.get("polygon") else []) + drawn]


def ring_of(points: Any) -> Ring:
    """One outline as it is sent: rounded, closed, without corners that repeat the one before. Raises Refused."""
    if not isinstance(points, list) or not all(is_place(point) for point in points):
        raise Refused("bad-field", f"polygon: 3 to {CORNERS} points [lon, lat]", 422)
    ring: Ring = []
    for lon, lat in points:
        place = [round(float(lon), DIGITS), round(float(lat), DIGITS)]
        if not ring or place != ring[-1]:
            ring.append(place)
    if len(ring) > 1 and ring[0] == ring[-1]:
        ring.pop()
    if not 3 <= len(ring) <= CORNERS:
        raise Refused("outline-corners", f"polygon: {len(ring)} corners, 3 to {CORNERS} are possible", 422)
    ring.append(list(ring[0]))
    shape = shapely.Polygon(ring)
    if not shape.is_valid:
        raise Refused("outline-crossing", f"polygon: {_fault(ring, shape)}", 422)
    return ring


def _fault(ring: Ring, shape: shapely.Polygon) -> str:
    """Which sides, counted from 1 at the first corner, cross or touch; of one that is flat, where."""
    sides = [shapely.LineString(pair) for pair in zip(ring, ring[1:], strict=False)]
    for one, first in enumerate(sides):
        for other in range(one + 1, len(sides)):
            beside = other == one + 1 or (one == 0 and other == len(sides) - 1)
            shared = first.intersection(sides[other])
            if not shared.is_empty and not (beside and shared.geom_type == "Point"):
                return f"sides {one + 1} and {other + 1} cross"
    return shapely.is_valid_reason(shape)


def is_place(point: Any) -> bool:
    numbers = isinstance(point, list) and len(point) == 2 and all(is_number(x) for x in point)
    return numbers and -180 <= point[0] <= 180 and -90 <= point[1] <= 90


def is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value == value
