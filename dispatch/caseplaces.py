"""Which cases lie near a place: every placed case has the number of a small square, so that an index finds those around it."""

from __future__ import annotations

import math
import sqlite3
from typing import Any, NamedTuple

import shapely

from dispatch import casesql as sql
from dispatch.laidover import shown

_EARTH = 6_371_008.8
#: farther than this a look at squares is the wrong tool
MOST_METRES = 2_000.0
#: rows of squares that are looked up one by one: 2 degrees from south to north
MOST_ROWS = 2_000


def square_of(lon: float | None, lat: float | None) -> int | None:
    """The square's number, None for a case without a place; rows of squares from west to east have numbers in a row."""
    if lon is None or lat is None:
        return None
    return math.floor((lat + 90.0) * sql.PER_DEGREE) * sql.ROW + math.floor((lon + 180.0) * sql.PER_DEGREE)


def around(db: sqlite3.Connection, lon: float, lat: float, metres: float, limit: int) -> list[dict[str, Any]]:
    """Cases within `metres` (at most 2,000) of a place, the one that was last told of first, each with `distance_m`."""
    metres = min(metres, MOST_METRES)
    north = math.degrees(metres / _EARTH)
    east = min(180.0, north / max(0.01, math.cos(math.radians(lat))))
    found: list[dict[str, Any]] = []
    for row in range(math.floor((lat - north + 90.0) * sql.PER_DEGREE), math.floor((lat + north + 90.0) * sql.PER_DEGREE) + 1):
        first, last = (math.floor((lon + side + 180.0) * sql.PER_DEGREE) for side in (-east, east))
        for subject, time, doc, laid_over in db.execute(sql.IN_SQUARES, (row * sql.ROW + first, row * sql.ROW + last)):
            case = shown(doc, laid_over)
            if case.get("lon") is None or case.get("lat") is None:
                continue
            distance = _metres(lon, lat, case["lon"], case["lat"])
            if distance <= metres and case.get("state") != "withdrawn":
                found.append({"subject": subject, "time": time, **case, "distance_m": round(distance, 1)})
    found.sort(key=lambda case: -case["time"])
    return found[:limit]


class Placed(NamedTuple):
    """A case inside an area, as far as a count needs it; degrees WGS-84."""

    subject: str
    lon: float
    lat: float
    ended: bool
    district: str
    unit: str
    class_name: str
    severity: int


def inside(db: sqlite3.Connection, area: Any, ended: bool = False) -> list[Placed]:
    """Cases whose place lies in `area` (a shapely polygon, WGS-84 degrees; its edge counts), also ended ones with `ended`. No
    document is read: 1 million cases cost a second or two, on a thread."""
    west, south, east, north = area.bounds
    columns = [math.floor((side + 180.0) * sql.PER_DEGREE) for side in (west, east)]
    query = sql.OF_SQUARES if ended else f"{sql.OF_SQUARES} AND c.ended_at IS NULL"
    rows: list[Any] = []
    first, last = (math.floor((side + 90.0) * sql.PER_DEGREE) for side in (south, north))
    if last - first > MOST_ROWS:  # of squares: all of them at once, and those beside the area are left out below
        rows += db.execute(query, (first * sql.ROW, last * sql.ROW + sql.ROW - 1))
    else:
        for row in range(first, last + 1):
            rows += db.execute(query, tuple(row * sql.ROW + column for column in columns))
    shapely.prepare(area)
    held = shapely.intersects_xy(area, [row[1] for row in rows], [row[2] for row in rows]) if rows else ()
    return [Placed(*row[:3], bool(row[3]), *row[4:]) for row, within in zip(rows, held, strict=True) if within]


def _metres(lon: float, lat: float, other_lon: float, other_lat: float) -> float:
    x = math.radians(other_lon - lon) * math.cos(math.radians((lat + other_lat) / 2))
    return _EARTH * math.hypot(x, math.radians(other_lat - lat))
