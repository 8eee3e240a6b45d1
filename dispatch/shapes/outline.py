"""Geometry of drawn and imported shapes: GeoJSON in WGS-84 degrees, checked, rounded, repaired where that is asked. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import shapely
from shapely.geometry import mapping, shape

from dispatch.shapes.model import CORNERS, GEOMETRIES, RADIUS_MOST_M
from hall.core.errors import Refused

DIGITS = 6  # of degrees: a decimetre
#: features of one imported file
FEATURES = 200
_SINGLE = {"Point": "point", "LineString": "line", "Polygon": "polygon"}


class Part(NamedTuple):
    """One shape of an imported feature; `number` of the feature, from 1."""

    number: int
    kind: str
    geometry: dict[str, Any]
    repaired: bool
    properties: dict[str, Any]


class Fault(NamedTuple):
    """Why a feature was left out."""

    number: int
    reason: str
    detail: str


def _bad(detail: str, reason: str = "bad-field") -> Refused:
    return Refused(reason, f"geometry: {detail}", 422)


def _numbers(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e9


def _places(value: Any) -> list[list[float]]:
    """[[lon, lat], ...], a height cut off. Raises Refused."""
    if not isinstance(value, list) or not value:
        raise _bad("a list of places [lon, lat]")
    if len(value) > CORNERS + 1:
        raise _bad(f"{len(value)} corners, {CORNERS} are possible", "shape-corners")
    found: list[list[float]] = []
    for place in value:
        if not isinstance(place, list) or len(place) not in (2, 3) or not all(map(_numbers, place)):
            raise _bad("each place is [lon, lat]")
        lon, lat = round(float(place[0]), DIGITS), round(float(place[1]), DIGITS)
        if not (-180 <= lon <= 180 and -85 <= lat <= 85):
            raise _bad(f"[{lon:g}, {lat:g}] is no longitude and latitude in degrees", "shape-place")
        if not found or found[-1] != [lon, lat]:
            found.append([lon, lat])
    return found


def geometry_of(kind: str, value: Any) -> dict[str, Any]:
    """The GeoJSON geometry of a shape of this kind, clean. Raises Refused `bad-field`, `shape-corners`, `shape-place`,
    `shape-few`, `shape-crossing`."""
    wanted = GEOMETRIES[kind]
    if not isinstance(value, dict) or value.get("type") != wanted:
        raise _bad(f"a {kind} is a GeoJSON {wanted}")
    coordinates = value.get("coordinates")
    if wanted == "Point":
        return {"type": "Point", "coordinates": _places([coordinates])[0]}
    if wanted == "LineString":
        places = _places(coordinates)
        if len(places) < 2:
            raise _bad("a line has two places at least", "shape-few")
        return {"type": "LineString", "coordinates": places}
    return {"type": "Polygon", "coordinates": _rings(coordinates)}


def _rings(value: Any) -> list[list[list[float]]]:
    if not isinstance(value, list) or not value:
        raise _bad("a list of rings")
    if sum(len(ring) for ring in value if isinstance(ring, list)) > CORNERS + len(value):
        raise _bad(f"more than {CORNERS} corners", "shape-corners")
    rings = []
    for ring in value:
        places = _places(ring)
        if places[0] == places[-1]:
            places.pop()
        if len(places) < 3:
            raise _bad("an area has three corners at least", "shape-few")
        rings.append([*places, list(places[0])])
    area = shapely.Polygon(rings[0], rings[1:])
    if not area.is_valid or area.area == 0:
        raise _bad(f"its sides cross or touch: {shapely.is_valid_reason(area)}", "shape-crossing")
    return rings


def radius_of(kind: str, value: float | None) -> float | None:
    """Metres. Raises Refused."""
    if kind != "circle":
        if value is not None:
            raise Refused("bad-field", f"radius_m: a {kind} has none", 422)
        return None
    if value is None or not 1 <= value <= RADIUS_MOST_M:
        raise Refused("bad-field", f"radius_m: a circle has 1 to {RADIUS_MOST_M:g} metres", 422)
    return round(float(value), 1)


# -- files -----------------------------------------------------------------------------------------------------------------


def parts_of(document: Any) -> Iterator[Part | Fault]:
    """Every shape of a GeoJSON document; one that is several (MultiPolygon ...) becomes several. Invalid areas are repaired, as
    imported components are (feeds/components/shapes.py). Raises Refused for what is no GeoJSON at all."""
    features = _features(document)
    if len(features) > FEATURES:
        raise Refused("too-many", f"{len(features)} features, {FEATURES} are taken at once", 422)
    for number, feature in enumerate(features, 1):
        yield from _parts(number, feature)


def _features(document: Any) -> list[Any]:
    if isinstance(document, dict):
        _wgs84(document.get("crs"))
        if document.get("type") == "FeatureCollection" and isinstance(document.get("features"), list):
            return document["features"]
        if document.get("type") == "Feature":
            return [document]
        if "coordinates" in document:
            return [{"type": "Feature", "geometry": document, "properties": {}}]
    raise Refused("geojson-unreadable", "this is no GeoJSON: a FeatureCollection, a Feature or a geometry", 422)


def _wgs84(crs: Any) -> None:
    """GeoJSON is WGS-84; a file of before 2016 that names another system would be put somewhere else silently."""
    if not crs:
        return
    name = str(crs.get("properties", {}).get("name", "")) if isinstance(crs, dict) else str(crs)
    if not name.upper().replace("::", ":").endswith(("CRS84", "EPSG:4326", "EPSG:4490")):
        raise Refused("crs-unknown", f"coordinates are to be WGS-84 degrees, not {name[:80]}", 422)


def _parts(number: int, feature: Any) -> Iterator[Part | Fault]:
    raw = feature.get("geometry") if isinstance(feature, dict) else None
    if not raw:
        yield Fault(number, "geometry-missing", "the feature has no geometry")
        return
    properties = feature.get("properties") or {}
    properties = properties if isinstance(properties, dict) else {}
    try:
        found = shapely.force_2d(shape(raw))
    except Exception as error:  # whatever a stranger's file makes the reader stumble over costs this feature only
        yield Fault(number, "geometry-unreadable", f"{type(error).__name__}: {error}"[:200])
        return
    try:
        found, repaired = (found, False) if found.is_valid else (_repaired(found), True)
        singles = [part for part in _singles(found) if not part.is_empty]
    except (RuntimeError, ValueError, shapely.errors.ShapelyError) as error:
        yield Fault(number, "geometry-broken", f"it cannot be repaired: {error}"[:200])
        return
    if not singles:
        yield Fault(number, "geometry-broken", "nothing is left of it when it is repaired")
    for single in singles:
        yield _part(number, single, properties, repaired)


def _repaired(found: shapely.Geometry) -> shapely.Geometry:
    wanted = shapely.get_dimensions(found)
    made = shapely.get_parts(shapely.make_valid(found))
    return shapely.union_all([part for part in made if shapely.get_dimensions(part) == wanted])


def _singles(geometry: Any) -> Iterator[Any]:
    for part in shapely.get_parts(geometry):
        if part.geom_type in _SINGLE:
            yield part
        elif part.geom_type == "LinearRing":
            yield shapely.LineString(part)
        else:
            yield from _singles(part)


def _part(number: int, single: Any, properties: dict[str, Any], repaired: bool) -> Part | Fault:
    kind = _SINGLE[single.geom_type]
    if kind == "point" and properties.get("kind") in ("text", "circle"):
        kind = properties["kind"]
    elif kind == "line" and properties.get("kind") == "arrow":
        kind = "arrow"
    plain = _lists(mapping(single))
    try:
        return Part(number, kind, geometry_of(kind, plain), repaired, properties)
    except Refused as refusal:
        return Fault(number, refusal.reason, refusal.detail)


def _lists(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _lists(one) for name, one in value.items()}
    return [_lists(one) for one in value] if isinstance(value, tuple | list) else value
