"""What a camera sees of a place: distance, direction, sector. Pure."""

from __future__ import annotations

import math
from typing import NamedTuple

#: a camera's sector where nobody stated it: marked `assumed` in every answer
ASSUMED_FOV_DEG, ASSUMED_RANGE_M = 70.0, 150.0


class Sight(NamedTuple):
    """`sees` None where nobody can tell; `sector` says what that rests on: `stated` (all of it), `assumed` (the direction is
    stated, width or range are not), `turning` (it can be turned there), `unknown`."""

    sees: bool | None
    sector: str


def bearing(lon: float, lat: float, to_lon: float, to_lat: float) -> float:
    """Direction of the second place from the first, degrees clockwise from north, [0, 360)."""
    east, north, to_north = math.radians(to_lon - lon), math.radians(lat), math.radians(to_lat)
    x = math.sin(east) * math.cos(to_north)
    y = math.cos(north) * math.sin(to_north) - math.sin(north) * math.cos(to_north) * math.cos(east)
    return math.degrees(math.atan2(x, y)) % 360.0


def sight(
    metres: float, towards: float, looks: float | None, fov: float | None, reach: float | None, turns: bool = False
) -> Sight:
    """Whether a place `metres` away in direction `towards` (degrees, from the camera) lies in the sector around `looks`."""
    within = metres <= (ASSUMED_RANGE_M if reach is None else reach)
    if turns:
        return Sight(within, "turning")
    if looks is None:
        return Sight(None if within or reach is None else False, "unknown")
    width = ASSUMED_FOV_DEG if fov is None else fov
    off = abs((towards - looks + 180.0) % 360.0 - 180.0)
    # at the mast itself every direction is the right one
    sees = within and (off <= width / 2 or metres < 1.0)
    return Sight(sees, "stated" if fov is not None and reach is not None else "assumed")
