"""What is near a place, and which earlier reports may be the same thing. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import msgspec

#: mean radius of the earth, metres
_EARTH = 6_371_008.8
#: beyond these a report is another one: metres, ms
SAME_METRES, SAME_MS = 300.0, 24 * 3_600_000
#: weights of distance, class and time; at or above LIKELY it is offered for merging
WEIGHTS, LIKELY = (0.4, 0.35, 0.25), 0.5


class Spot(msgspec.Struct, frozen=True):
    """A thing with a place (WGS-84 degrees). `shown` is what the answer says of it, `time` its moment, ms."""

    subject: str
    lon: float
    lat: float
    time: int
    shown: dict[str, Any]


def metres(lon: float, lat: float, other_lon: float, other_lat: float) -> float:
    """Distance on a plane that touches the sphere half way between: right to 0.1 % within 100 km, away from the poles."""
    east = (other_lon - lon + 180) % 360 - 180
    x = math.radians(east) * math.cos(math.radians((lat + other_lat) / 2))
    return _EARTH * math.hypot(x, math.radians(other_lat - lat))


def bearing(lon: float, lat: float, other_lon: float, other_lat: float) -> int:
    """Degrees from north, clockwise, 0 .. 359, in which the other place lies."""
    east = ((other_lon - lon + 180) % 360 - 180) * math.cos(math.radians((lat + other_lat) / 2))
    return round(math.degrees(math.atan2(east, other_lat - lat))) % 360


def nearest(spots: Iterable[Spot], lon: float, lat: float, radius: float, limit: int) -> list[dict[str, Any]]:
    """The spots within `radius` metres, nearest first, each `{subject, distance_m, lon, lat, ...shown}`."""
    band = math.degrees(radius / _EARTH) * 1.001
    found = []
    for spot in spots:
        if abs(spot.lat - lat) <= band:
            distance = metres(lon, lat, spot.lon, spot.lat)
            if distance <= radius:
                found.append((distance, spot.subject, spot))
    found.sort(key=lambda row: row[:2])
    return [
        {"subject": subject, "distance_m": round(distance, 1), "lon": spot.lon, "lat": spot.lat, **spot.shown}
        for distance, subject, spot in found[:limit]
    ]


def alike(case: dict[str, Any], reported: int, spots: Iterable[Spot], limit: int) -> list[dict[str, Any]]:
    """Probable duplicates among open cases: `{..., score, why: [{code, ...}]}`, most probable first.

    Score = 0.4 x nearness (1 at the place, 0 at 300 m) + 0.35 x class (1 same minor, 0.5 same major, 0 another) + 0.25 x time
    (1 at once, 0 after a day). Another major class or beyond 300 m or a day: none.
    """
    found = []
    for near in nearest(spots, case["lon"], case["lat"], SAME_METRES, 500):
        same = _same_class(case, near)
        apart = abs(near.get("reported", reported) - reported)
        if not same or apart > SAME_MS:
            continue
        close = 1 - near["distance_m"] / SAME_METRES
        parts = (close, 1.0 if same == "subclass" else 0.5, 1 - apart / SAME_MS)
        score = sum(weight * part for weight, part in zip(WEIGHTS, parts, strict=True))
        if score >= LIKELY:
            why = [
                {"code": "distance", "metres": near["distance_m"]},
                {"code": "class", "same": same},
                {"code": "time", "minutes": round(apart / 60_000)},
            ]
            found.append({**near, "score": round(score, 3), "why": why})
    found.sort(key=lambda row: (-row["score"], row["subject"]))
    return found[:limit]


def _same_class(case: dict[str, Any], other: dict[str, Any]) -> str:
    """subclass | class | empty. Two reports that both name no class at all may be the same thing."""
    minor, major = (case.get(name, "") for name in ("subclass_name", "class_name"))
    if minor and minor == other.get("subclass_name", ""):
        return "subclass"
    return "class" if major == other.get("class_name", "") else ""
