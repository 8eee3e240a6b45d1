"""What every GeoJSON file of the hall says of itself: who made it when, of which view, how old its data is. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any, Literal, NamedTuple
from zoneinfo import ZoneInfo

#: RFC 7946 knows no other and no member that says so
COORDINATES = "WGS 84 (RFC 7946)"
#: what a map says of all that is on it
Mark = Literal["exercise", "demo", "replay"]
# metres across the world's width at the equator in pixels of 256 at zoom 0, each 0.28 mm as OGC's scales have it
_SCALE = 2 * math.pi * 6_378_137 / 256 / 0.00028


class Head(NamedTuple):
    """`at`: city ms; `box` (west, south, east, north in degrees) and `zoom` of the view, where there is one."""

    title: str
    by: str
    at: int
    marks: Iterable[str] = ()
    box: list[float] | None = None
    zoom: float | None = None


def head(told: Head, zone: str) -> dict[str, Any]:
    """Members of a FeatureCollection before its features; moments by the city's clock, ISO 8601 with offset."""
    made = {"type": "FeatureCollection", "title": told.title, "coordinates": COORDINATES}
    made |= {"made_at": moment(told.at, ZoneInfo(zone)), "made_by": told.by, "marks": list(told.marks)}
    if told.box is None:
        return made
    view: dict[str, Any] = {"box": told.box}
    if told.zoom is not None:
        view |= {"zoom": round(told.zoom, 2), "scale": scale_of(told.zoom, (told.box[1] + told.box[3]) / 2)}
    return made | {"view": view}


def scale_of(zoom: float, latitude: float) -> str:
    """`1:24000`: of a pixel of 0.28 mm at a latitude, three figures."""
    metres = _SCALE * math.cos(math.radians(latitude)) / 2**zoom
    return f"1:{float(f'{max(metres, 1):.3g}'):.0f}"


def collection(begun: dict[str, Any], features: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    """A file of a head and features: `bbox` of their geometries, `as_of` the oldest and newest `time` of each `kind`."""
    corners = [corner for one in features if one["geometry"] for corner in _corners(one["geometry"])]
    if corners:
        lons, lats = zip(*corners, strict=True)
        begun = begun | {"bbox": [min(lons), min(lats), max(lons), max(lats)]}
    return begun | {"as_of": ages(features)} | more | {"features": features}


def ages(features: Iterable[dict[str, Any]]) -> dict[str, dict[str, str]]:
    """`{kind: {oldest, newest}}` of features whose `time` is ISO 8601; kinds without a time are left out."""
    times: dict[str, list[str]] = {}
    for own in (one["properties"] for one in features):
        if own.get("time"):
            times.setdefault(own["kind"], []).append(own["time"])
    first = {kind: min(some, key=datetime.fromisoformat) for kind, some in times.items()}
    return {kind: {"oldest": first[kind], "newest": max(some, key=datetime.fromisoformat)} for kind, some in times.items()}


def moment(ms: int | None, place: ZoneInfo) -> str | None:
    """ISO 8601 by the city's clock."""
    return None if ms is None else datetime.fromtimestamp(ms / 1000, place).isoformat(timespec="seconds")


def _corners(given: Any) -> Iterator[tuple[float, float]]:
    """Of a geometry or of coordinates as deep as they are."""
    if isinstance(given, dict):
        given = given.get("geometries") or given.get("coordinates") or ()
    if given and isinstance(given[0], int | float):
        yield given[0], given[1]
        return
    for part in given:
        yield from _corners(part)
