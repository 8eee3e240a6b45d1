"""An area that somebody selected, and what lies in it as a file: CSV for spreadsheets, GeoJSON for other systems. Pure."""

from __future__ import annotations

import csv
import io
import math
import zoneinfo
from collections.abc import Callable
from typing import Any

import shapely

from hall.app.discretion import redacted
from hall.app.filehead import moment
from hall.core.errors import Refused

KINDS = ("cases", "crews", "vehicles", "cameras", "gauges", "components", "shapes")
#: degrees that an area may reach from side to side
WIDEST = 4.0
COLUMNS = ("kind", "id", "name", "class", "state", "severity", "district", "unit", "address", "time", "lon", "lat", "text")
#: columns that somebody wrote freely; of some kinds the name is such a text, of others it is a number or code
_WRITTEN = ("text", "address", "commander")
_NAMED_FREELY = frozenset({"shapes", "incidents", "closures", "warnings"})
_DANGEROUS = ("=", "+", "-", "@", "\t", "\r")
_ROUND = 128  # corners that a circle is taken as
_EARTH = 6_371_008.8


def area_of(geometry_of: Callable[[str, Any], dict[str, Any]], value: dict[str, Any], radius_m: float | None) -> Any:
    """A shapely polygon of GeoJSON (a Polygon, or a Point with `radius_m`). Raises Refused."""
    if value.get("type") == "Point":
        if radius_m is None or not 1 <= radius_m <= 200_000:
            raise Refused("bad-request", "a circle has radius_m, 1 to 200000", 422)
        lon, lat = geometry_of("point", value)["coordinates"]
        found = shapely.Polygon(_circle(lon, lat, radius_m))
    else:
        rings = geometry_of("polygon", value)["coordinates"]
        found = shapely.Polygon(rings[0], rings[1:])
    west, south, east, north = found.bounds
    if east - west > WIDEST or north - south > WIDEST:
        raise Refused("area-large", f"the area reaches over more than {WIDEST:g} degrees", 422)
    return found


def _circle(lon: float, lat: float, radius: float) -> list[tuple[float, float]]:
    """On the sphere: within 0.3 % of the ellipsoid's."""
    found, arc, at = [], radius / _EARTH, math.radians(lat)
    for step in range(_ROUND):
        way = 2 * math.pi * step / _ROUND
        north = math.asin(math.sin(at) * math.cos(arc) + math.cos(at) * math.sin(arc) * math.cos(way))
        east = math.atan2(math.sin(way) * math.sin(arc) * math.cos(at), math.cos(arc) - math.sin(at) * math.sin(north))
        found.append((lon + math.degrees(east), math.degrees(north)))
    return found


def line_of(kind: str, row: dict[str, Any], calling: bool) -> dict[str, Any]:
    """One thing with the columns of a file; `time` is when it was last told of. Who does not call people reads no numbers."""
    said = row.get("description") or row.get("note") or ""
    name = row.get("name") or row.get("title") or ""
    classed = " / ".join(filter(None, (row.get("class_name"), row.get("subclass_name")))) or row.get("kind") or ""
    made = {
        "kind": kind,
        "id": row.get("component_id") or row.get("subject") or "",
        "name": name,
        "class": classed,
        "state": row.get("state", ""),
        "severity": row.get("severity", ""),
        "district": row.get("district", ""),
        "unit": row.get("unit") or row.get("department") or row.get("owner") or "",
        "address": row.get("address", ""),
        "time": row.get("time"),
        "lon": row.get("lon"),
        "lat": row.get("lat"),
        "text": said,
    }
    return made if calling else discreet(made)


def discreet(line: dict[str, Any]) -> dict[str, Any]:
    """A line (or a feature's properties, with its `kind`) for who does not call people: free texts without their numbers. What
    identifies a thing stays whole: case numbers, ids and codes of 15 or 18 digits look like a person's number and are none."""
    names = (*_WRITTEN, "name") if line.get("kind") in _NAMED_FREELY else _WRITTEN
    return line | {name: redacted(line[name]) for name in names if isinstance(line.get(name), str)}


def as_csv(lines: list[dict[str, Any]], zone: str) -> bytes:
    """UTF-8 with its mark, moments by the city's clock, no cell that a spreadsheet would take for a formula."""
    out, place = io.StringIO(), zoneinfo.ZoneInfo(zone)
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for line in lines:
        at = moment(line["time"], place)
        cells = ["" if cell is None else cell for cell in ((at if name == "time" else line[name]) for name in COLUMNS)]
        writer.writerow([f"'{cell}" if isinstance(cell, str) and cell.startswith(_DANGEROUS) else cell for cell in cells])
    return out.getvalue().encode("utf-8-sig")


def as_features(lines: list[tuple[dict[str, Any], dict[str, Any] | None]], zone: str) -> list[dict[str, Any]]:
    """GeoJSON features; the second of each is its geometry where that is more than a point."""
    place, found = zoneinfo.ZoneInfo(zone), []
    for line, geometry in lines:
        properties = {name: value for name, value in line.items() if name not in ("lon", "lat") and value not in (None, "")}
        if line["time"] is not None:
            properties["time"] = moment(line["time"], place)
        point = None if line["lon"] is None else {"type": "Point", "coordinates": [line["lon"], line["lat"]]}
        found.append({"type": "Feature", "geometry": geometry or point, "properties": properties})
    return found
