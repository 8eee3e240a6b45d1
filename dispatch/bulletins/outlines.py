"""Outlines of the city's districts as warnings carry them: few points, WGS-84, no holes. Read once with the configuration."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy
import shapely
from shapely.geometry import shape

from hall.core import coordinates
from hall.core.config import HallConfig

Ring = list[list[float]]
METRES_PER_DEGREE = 111_195.0
#: parts of one district that are told, largest first
PARTS = 8


class Outline(msgspec.Struct, frozen=True):
    """One district: its code (empty where the file has none) and closed rings of [lon, lat]."""

    code: str = ""
    rings: list[Ring] = []


def outlines_of(config: HallConfig, code_property: str, metres: float) -> dict[str, Outline]:
    """By name, in the file's order; none without a boundary. Raises ConfigError."""
    city = config.city
    if not city.boundary:
        return {}
    try:
        data = msgspec.json.decode(config.path(city.boundary).read_bytes())
        features = data["features"] if data["type"] == "FeatureCollection" else [data]
        convert = coordinates.to_wgs84(city.boundary_crs)
        return {
            str(name): Outline(str(known.get(code_property) or ""), rings_of(feature["geometry"], convert, metres))
            for feature in features
            if (name := (known := feature.get("properties") or {}).get(city.boundary_name)) not in (None, "")
        }
    except (
        OSError,
        msgspec.MsgspecError,
        ValueError,
        KeyError,
        TypeError,
        AttributeError,
        shapely.errors.ShapelyError,
    ) as error:
        raise config.error("city.boundary", f"{city.boundary} cannot be read as GeoJSON: {error}") from None


def rings_of(geometry: dict[str, Any], convert: Any, metres: float) -> list[Ring]:
    """Outer rings of a GeoJSON polygon, simplified by at most `metres`."""

    def moved(array: numpy.ndarray) -> numpy.ndarray:
        return numpy.array([convert(x, y) for x, y in array])

    whole = shapely.transform(shapely.make_valid(shapely.force_2d(shape(geometry))), moved)
    return outer_rings(whole, metres)


def outer_rings(whole: shapely.Geometry, metres: float) -> list[Ring]:
    plain = shapely.make_valid(shapely.simplify(whole, metres / METRES_PER_DEGREE))
    parts = [part for part in _polygons(plain) if part.area > 0]
    parts.sort(key=lambda part: -part.area)
    return [[[round(x, 5), round(y, 5)] for x, y in part.exterior.coords] for part in parts[:PARTS]]


def _polygons(geometry: shapely.Geometry) -> list[shapely.Polygon]:
    if isinstance(geometry, shapely.Polygon):
        return [geometry]
    return [polygon for part in getattr(geometry, "geoms", ()) for polygon in _polygons(part)]


def together(outlines: dict[str, Outline], metres: float) -> list[Ring]:
    """The rim of all districts."""
    shapes = [shapely.make_valid(shapely.Polygon(ring)) for outline in outlines.values() for ring in outline.rings]
    # districts that were simplified apart leave slivers between them: close those up to twice the tolerance
    gap = 2 * metres / METRES_PER_DEGREE
    return outer_rings(shapely.union_all(shapes).buffer(gap, join_style="mitre").buffer(-gap, join_style="mitre"), metres)
