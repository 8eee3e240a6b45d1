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
    """A case inside an area, as far as a count needs it."""

    subject: str
    ended: bool
    district: str
    unit: str
    class_name: str
    severity: int
    state: str


def inside(db: sqlite3.Connection, area: Any, ended: bool = False) -> list[Placed]:
    """Cases whose place lies in `area` (a shapely polygon, WGS-84 degrees), also ended ones with `ended`. Documents are read
    only of cases in squares that its edge crosses."""
    west, south, east, north = area.bounds
    columns = [math.floor((side + 180.0) * sql.PER_DEGREE) for side in (west, east)]
    shapely.prepare(area)
    found: list[Placed] = []
    whole: dict[int, bool] = {}  # square -> whether it lies wholly inside
    query = sql.OF_SQUARES if ended else f"{sql.OF_SQUARES} AND c.ended_at IS NULL"
    for row in range(math.floor((south + 90.0) * sql.PER_DEGREE), math.floor((north + 90.0) * sql.PER_DEGREE) + 1):
        for subject, square, ended_at, *rest in db.execute(query, tuple(row * sql.ROW + column for column in columns)):
            if rest[-1] == "withdrawn":
                continue
            if square not in whole:
                whole[square] = bool(area.contains_properly(_box(square)))
            if whole[square] or _is_in(db, subject, area):
                found.append(Placed(subject, ended_at is not None, *rest))
    return found


def _box(square: int) -> Any:
    row, column = divmod(square, sql.ROW)
    west, south = column / sql.PER_DEGREE - 180.0, row / sql.PER_DEGREE - 90.0
    return shapely.box(west, south, west + 1 / sql.PER_DEGREE, south + 1 / sql.PER_DEGREE)


def _is_in(db: sqlite3.Connection, subject: str, area: Any) -> bool:
    case = shown(*db.execute(sql.GET, (subject,)).fetchone()[2:])
    return case.get("lon") is not None and case.get("lat") is not None and area.covers(shapely.Point(case["lon"], case["lat"]))


def _metres(lon: float, lat: float, other_lon: float, other_lat: float) -> float:
    x = math.radians(other_lon - lon) * math.cos(math.radians((lat + other_lat) / 2))
    return _EARTH * math.hypot(x, math.radians(other_lat - lat))
