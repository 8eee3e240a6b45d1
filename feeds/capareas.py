"""Where a CAP warning holds: polygons, circles and geocodes as rings of [lon, lat] in WGS-84 without holes."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element

import msgspec
from shapely import Polygon, make_valid, unary_union
from shapely.geometry import LineString
from shapely.geometry.base import BaseGeometry
from shapely.ops import split as cut

from hall.core.cap.shapes import circle
from hall.core.config import FeedConfig, HallConfig
from hall.core.errors import BadInput
from hall.core.model import WarningArea
from hall.core.xmltree import content

Ring = list[list[float]]
#: a geocode of this name is no code but a hole in the polygon (Deutscher Wetterdienst's profile)
EXCLUDE = "EXCLUDE_POLYGON"


@dataclass(frozen=True)
class Areas:
    """Outlines of geocodes, by code."""

    rings: dict[str, list[Ring]]

    @classmethod
    def of(cls, feed: FeedConfig, config: HallConfig) -> Areas:
        """Reads `options.areas` (once per file and change); no option: nothing known. Raises ConfigError."""
        file = feed.options.get("areas", "")
        if not file:
            return cls({})
        path = config.path(file)
        key = f"feeds[{config.feed(feed.name)[0]}].options.areas" if feed in config.feeds else "options.areas"
        try:
            radius = float(feed.options.get("point_radius_km", 5.0))
            return cls(_read(path, path.stat().st_mtime_ns, str(feed.options.get("areas_code", "code")), radius))
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise config.error(key, f"cannot be read: {error}") from None


@functools.lru_cache(maxsize=8)
def _read(path: Path, changed: int, code: str, radius_km: float) -> dict[str, list[Ring]]:
    """GeoJSON features by property `code`, or `{code: [lon, lat] | ring}`; raises ValueError for something else."""
    data = msgspec.json.decode(path.read_bytes())
    if not isinstance(data, dict):
        raise ValueError("neither GeoJSON nor an object of codes")
    if data.get("type") != "FeatureCollection":
        return {name: [_ring(place, radius_km)] for name, place in data.items()}
    found: dict[str, list[Ring]] = {}
    for feature in data["features"]:
        name, shape = feature["properties"].get(code), feature.get("geometry")
        if name is not None and shape is not None:
            found.setdefault(str(name), []).extend(_geojson_rings(shape, radius_km))
    if not found:
        raise ValueError(f"no feature has a property {code!r}: set options.areas_code")
    return found


def _ring(place: Any, radius_km: float) -> Ring:
    if len(place) == 2 and all(isinstance(number, (int, float)) for number in place):
        return circle(place[0], place[1], radius_km)
    return [[float(point[0]), float(point[1])] for point in place]


def _geojson_rings(shape: dict[str, Any], radius_km: float) -> list[Ring]:
    kind, coordinates = shape["type"], shape["coordinates"]
    if kind == "Point":
        return [circle(coordinates[0], coordinates[1], radius_km)]
    if kind not in ("Polygon", "MultiPolygon"):
        raise ValueError(f"geometry {kind}: give Point, Polygon or MultiPolygon")
    polygons = [coordinates] if kind == "Polygon" else coordinates
    return [ring for rings in polygons for ring in simple_rings(Polygon(rings[0], rings[1:]))]


def simple_rings(shape: BaseGeometry) -> list[Ring]:
    """A geometry's polygons as closed rings without holes: a polygon with a hole is cut through it."""
    if not shape.is_valid:
        shape = make_valid(shape)
    rings: list[Ring] = []
    waiting = [shape]
    while waiting:
        part = waiting.pop()
        if hasattr(part, "geoms"):
            waiting.extend(part.geoms)
        elif isinstance(part, Polygon) and not part.is_empty:
            if part.interiors:
                x = part.interiors[0].envelope.centroid.x
                low, high = part.bounds[1] - 1, part.bounds[3] + 1
                waiting.append(cut(part, LineString([(x, low), (x, high)])))
            else:
                rings.append([[x, y] for x, y in part.exterior.coords])
    return rings


def _pairs(text: str) -> Ring:
    """CAP's `lat,lon lat,lon ...` as [lon, lat]; raises BadInput."""
    try:
        points = [[float(lon), float(lat)] for lat, lon in (pair.split(",") for pair in text.split())]
    except ValueError:
        raise BadInput("cap-area", f"not lat,lon pairs: {text[:60]!r}") from None
    if not all(-180 <= lon <= 180 and -90 <= lat <= 90 for lon, lat in points):
        raise BadInput("cap-area", f"coordinates out of range: {text[:60]!r}")
    return points


def _circle(text: str) -> Ring:
    centre, _, radius = text.strip().partition(" ")
    (point,) = _pairs(centre) or [[0.0, 0.0]]
    try:
        metres = float(radius)
        if metres != metres:
            raise ValueError
        return circle(point[0], point[1], min(max(metres, 0.0), 5_000.0))
    except ValueError:
        raise BadInput("cap-area", f"not lat,lon radius: {text[:60]!r}") from None


def _outline(element: Element) -> list[Ring]:
    """An <area>'s own polygons and circles, without what it excludes."""
    rings = [_pairs(polygon.text or "") for polygon in element.iterfind("polygon")]
    rings += [_circle(text) for c in element.iterfind("circle") if (text := (c.text or "").strip())]
    rings = [ring for ring in rings if len(ring) >= 4]
    holes = [_pairs(content(code, "value")) for code in element.iterfind("geocode") if content(code, "valueName") == EXCLUDE]
    holes = [hole for hole in holes if len(hole) >= 4]
    if not holes:
        return rings
    whole = unary_union([make_valid(Polygon(ring)) for ring in rings])
    return simple_rings(whole.difference(unary_union([make_valid(Polygon(hole)) for hole in holes])))


def areas_of(infos: list[Element], known: Areas) -> list[WarningArea]:
    """All areas of some infos, each once. Geocodes known to `known` get its outlines; raises BadInput."""
    found: dict[bytes, WarningArea] = {}
    for element in (area for info in infos for area in info.iterfind("area")):
        found_codes = [code for code in element.iterfind("geocode") if content(code, "valueName") != EXCLUDE]
        # a bare code, without name and value, is no valid CAP and yet sent
        codes = [value for code in found_codes if (value := content(code, "value") or (code.text or "").strip())]
        rings = _outline(element)
        for code in codes:
            rings.extend(known.rings.get(code, []))
        area = WarningArea(description=content(element, "areaDesc"), polygons=rings, geocodes=codes)
        found[msgspec.json.encode(area)] = area
    return list(found.values())
