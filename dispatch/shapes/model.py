"""A drawn shape as the ledger keeps it and as screens get it."""

from __future__ import annotations

from typing import Any

import msgspec

KINDS = ("point", "line", "polygon", "circle", "text", "arrow")
#: what GeoJSON each kind is kept as; a circle is its middle with `radius_m`
GEOMETRIES = {
    "point": "Point",
    "text": "Point",
    "circle": "Point",
    "line": "LineString",
    "arrow": "LineString",
    "polygon": "Polygon",
}
#: none of them a severity's (blue, yellow, orange, red); assets/map/86-shapes.js has them as paint
COLOURS = ("white", "aqua", "violet", "pink", "lime", "sand")
#: whom it is shown to: its owner, his department, the control room, that and every wall
SHARES = ("me", "unit", "room", "walls")
#: what a shape may be linked to
ABOUT = ("incident", "file")
#: of one hall, not removed; corners of one shape, all its rings counted
MOST, CORNERS = 1_000, 500
RADIUS_MOST_M = 200_000.0
TITLE, NOTE = 60, 1_000


class Shape(msgspec.Struct, kw_only=True, omit_defaults=True):
    """State and document of `shape/<id>`. `geometry`: GeoJSON, WGS-84 degrees; `radius_m` of a circle. `to`: who is told of it
    (hall/roles.py: bounds). Moments are city ms; `expires` None: until somebody removes it."""

    shape_id: str = ""
    kind: str = ""
    title: str = ""
    note: str = ""
    colour: str = ""
    geometry: dict[str, Any] = {}
    radius_m: float | None = None
    share: str = ""
    to: str = ""
    owner: str = ""
    unit: str = ""
    about: str = ""
    expires: int | None = None
    exercise: bool = False
    state: str = "kept"  # or removed
    made: int = 0
    changed: int = 0
    changed_by: str = ""
    revision: int = 0
    ended: bool = False


#: what a command may set, and what going back to an earlier version brings back
CONTENT = ("kind", "title", "note", "colour", "geometry", "radius_m", "share", "unit", "about", "expires", "exercise")


def content(shape: Shape) -> dict[str, Any]:
    """All that people set of it, absent values left out."""
    return {name: value for name in CONTENT if (value := getattr(shape, name)) not in (None, "", False)}


def audience(share: str, owner: str, unit: str) -> str:
    """Who is told of it; its owner asks for his own besides."""
    return {"me": f"person:{owner}", "unit": f"unit:{unit}"}.get(share, share)
