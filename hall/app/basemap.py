"""What the city's map is drawn from: boundary, grid cells and basemap files brought to one plain form.

Every reader yields `Piece`s: a shapely geometry in WGS-84 degrees, the layer it belongs to and its name. Layers of the
basemap, in drawing order: `water park building rail road_minor road_medium road_major label`.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import numpy as np
import shapely
from shapely.geometry import shape
from shapely.geometry.base import BaseGeometry
from shapely.ops import polylabel

from hall.core.config import HallConfig
from hall.core.coordinates import Convert, to_wgs84
from hall.core.errors import BadInput

#: drawing order, lowest first
LAYERS = ("water", "park", "building", "rail", "road_minor", "road_medium", "road_major", "label")
#: other words found in suppliers' files for the layers above
LAYER_WORDS = {
    "river": "water", "lake": "water", "waterway": "water", "green": "park", "forest": "park", "road": "road_medium",
    "highway": "road_major", "railway": "rail", "place": "label", "buildings": "building", "roads": "road_medium",
}  # fmt: skip
_OSM_ROADS = {
    "motorway": "road_major", "trunk": "road_major", "primary": "road_major", "motorway_link": "road_major",
    "trunk_link": "road_major", "primary_link": "road_major", "secondary": "road_medium", "tertiary": "road_medium",
    "secondary_link": "road_medium", "tertiary_link": "road_medium", "residential": "road_minor", "pedestrian": "road_minor",
    "unclassified": "road_minor", "living_street": "road_minor", "service": "road_minor",
}  # fmt: skip
_OSM_PARKS = {("leisure", "park"), ("leisure", "garden"), ("landuse", "forest"), ("landuse", "grass"), ("natural", "wood")}
_OSM_KEYS = ("highway", "waterway", "natural", "leisure", "landuse", "building", "railway", "place", "water")


class Piece(NamedTuple):
    geometry: BaseGeometry
    layer: str
    name: str


def repaired(geometry: BaseGeometry) -> BaseGeometry:
    """A valid geometry of the same dimension: self-crossing polygons are split, stray lines they leave are dropped."""
    if geometry.is_valid:
        return geometry
    fixed = shapely.make_valid(geometry)
    if geometry.geom_type in ("Polygon", "MultiPolygon"):
        parts = [part for part in shapely.get_parts(fixed, return_index=False) if part.area > 0]
        polygons = [p for part in parts for p in shapely.get_parts(part) if p.geom_type == "Polygon"]
        return shapely.union_all(polygons) if polygons else shapely.Polygon()
    return fixed


def _converted(geometry: BaseGeometry, convert: Convert) -> BaseGeometry:
    def each(points: np.ndarray) -> np.ndarray:
        return np.array([convert(x, y) for x, y in points.tolist()]).reshape(-1, 2)

    return shapely.transform(shapely.force_2d(geometry), each)


def read_geojson(path: Path, convert: Convert) -> Iterator[tuple[BaseGeometry, dict[str, Any]]]:
    """The features of one GeoJSON file, valid and in WGS-84, with their properties; raises ValueError saying what is wrong."""
    try:
        data = msgspec.json.decode(path.read_bytes())
    except (OSError, msgspec.DecodeError) as error:
        raise ValueError(f"{path.name}: {error}") from None
    features = data.get("features", [data]) if isinstance(data, dict) else None
    if not isinstance(features, list):
        raise ValueError(f"{path.name}: not a GeoJSON feature collection")
    for number, feature in enumerate(features):
        if not isinstance(feature, dict) or not feature.get("geometry"):
            continue
        try:
            geometry = repaired(_converted(shape(feature["geometry"]), convert))
        except (KeyError, TypeError, ValueError, AttributeError, IndexError, shapely.errors.ShapelyError, BadInput) as error:
            raise ValueError(f"{path.name}: feature {number}: {error}") from None
        if not geometry.is_empty:
            yield geometry, feature.get("properties") or {}


def label_point(geometry: BaseGeometry) -> list[float]:
    """Where a name stands best: the middle of the widest place of the largest part, [lon, lat]."""
    largest = max(shapely.get_parts(geometry), key=lambda part: part.area)
    if largest.geom_type != "Polygon":
        point = largest.representative_point()
    else:
        west, south, east, north = largest.bounds
        point = polylabel(largest, tolerance=max(east - west, north - south, 1e-6) / 50)
    return [round(point.x, 6), round(point.y, 6)]


def _feature(geometry: BaseGeometry, properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "Feature", "properties": properties, "geometry": msgspec.json.decode(shapely.to_geojson(geometry))}


def _rounded(geometry: BaseGeometry) -> BaseGeometry:
    return shapely.transform(geometry, lambda points: np.round(points, 6))


def districts(config: HallConfig) -> list[dict[str, Any]]:
    """GeoJSON features with `name` and `label` ([lon, lat])."""
    city = config.city
    found = []
    for geometry, properties in _named_file(config, "boundary", city.boundary, city.boundary_crs):
        if geometry.geom_type in ("Polygon", "MultiPolygon"):
            name = str(properties.get(city.boundary_name) or "")
            found.append(_feature(_rounded(geometry), {"name": name, "label": label_point(geometry)}))
    return found


def cells(config: HallConfig) -> list[dict[str, Any]]:
    """GeoJSON features with `code`."""
    city = config.city
    return [
        _feature(_rounded(geometry), {"code": str(properties.get(city.cells_code) or "")})
        for geometry, properties in _named_file(config, "cells", city.cells, city.cells_crs)
        if geometry.geom_type in ("Polygon", "MultiPolygon")
    ]


def basemap(config: HallConfig) -> list[dict[str, Any]]:
    """GeoJSON features with `layer` and, where it has one, `name`; in drawing order, simplified to about a metre."""
    pieces = [*_basemap_files(config), *_osm_pieces(config)]
    order = {layer: number for number, layer in enumerate(LAYERS)}
    found = []
    for piece in sorted(pieces, key=lambda piece: order[piece.layer]):
        geometry = _rounded(piece.geometry.simplify(1e-5))
        if not geometry.is_empty:
            properties = {"layer": piece.layer, "name": piece.name} if piece.name else {"layer": piece.layer}
            found.append(_feature(geometry, properties))
    return found


def _named_file(config: HallConfig, key: str, file: str, crs: str) -> list[tuple[BaseGeometry, dict[str, Any]]]:
    if not file:
        return []
    try:
        convert = to_wgs84(crs)
    except ValueError as error:
        raise config.error(f"city.{key}_crs", str(error)) from None
    try:
        return list(read_geojson(config.path(file), convert))
    except ValueError as error:
        raise config.error(f"city.{key}", str(error)) from None


def _basemap_files(config: HallConfig) -> Iterator[Piece]:
    for file in config.city.basemap:
        for geometry, properties in _named_file(config, "basemap", file, config.city.basemap_crs):
            word = str(properties.get("layer") or "").lower()
            layer = word if word in LAYERS else LAYER_WORDS.get(word)
            if layer is None:
                problem = f"{Path(file).name}: layer {word!r} is not one of {', '.join(LAYERS)}"
                raise config.error("city.basemap", problem)
            yield Piece(geometry, layer, str(properties.get("name") or ""))


def osm_layer(tags: Any, area: bool) -> str | None:
    """The layer of an OpenStreetMap object with these tags (any mapping with `get`), None for what the map leaves out."""
    if area:
        if tags.get("natural") == "water" or tags.get("waterway") == "riverbank":
            return "water"
        if tags.get("building") not in (None, "no"):
            return "building"
        return "park" if any(tags.get(key) == value for key, value in _OSM_PARKS) else None
    if tags.get("highway") in _OSM_ROADS and tags.get("area") != "yes":
        return _OSM_ROADS[tags.get("highway")]
    if tags.get("waterway") in ("river", "canal", "stream"):
        return "water"
    return "rail" if tags.get("railway") in ("rail", "light_rail", "subway") else None


def _osm_pieces(config: HallConfig) -> list[Piece]:
    if not config.city.osm:
        return []
    path = config.path(config.city.osm)
    try:
        import osmium
    except ImportError:
        raise config.error("city.osm", "reading an OSM extract needs the package `osmium`") from None
    try:
        return list(_read_osm(osmium, path))
    except (RuntimeError, OSError) as error:
        raise config.error("city.osm", f"{path.name}: {error}") from None


def _read_osm(osmium: Any, path: Path) -> Iterator[Piece]:
    """Roads, water, parks, buildings, rails and place names of an extract (.osm.pbf, .osm, .osm.gz, .osm.bz2)."""
    areas = osmium.filter.KeyFilter("building", "natural", "leisure", "landuse", "waterway", "water")
    wanted = osmium.FileProcessor(str(path)).with_locations().with_areas(areas)
    factory = osmium.geom.WKBFactory()
    for item in wanted.with_filter(osmium.filter.KeyFilter(*_OSM_KEYS)):
        name = item.tags.get("name") or ""
        if item.is_node() and item.tags.get("place") in ("city", "town", "suburb", "village", "neighbourhood") and name:
            yield Piece(shapely.Point(item.location.lon, item.location.lat), "label", name)
            continue
        layer = osm_layer(item.tags, item.is_area()) if item.is_area() or item.is_way() else None
        if layer is None or (item.is_way() and len(item.nodes) < 2):
            continue
        try:
            raw = factory.create_multipolygon(item) if item.is_area() else factory.create_linestring(item)
        except (RuntimeError, osmium.InvalidLocationError):
            continue  # an extract cuts objects at its edge: what has no complete geometry is not drawn
        yield Piece(repaired(shapely.from_wkb(raw)), layer, name)


BUILDERS = {"basemap": basemap, "districts": districts, "cells": cells}


def collection(config: HallConfig, name: str) -> dict[str, Any]:
    """One GeoJSON feature collection with `bbox` ([west, south, east, north], absent when empty); raises ConfigError.

    `attribution` is what the data's licence wants shown on the map.
    """
    features = BUILDERS[name](config)
    made: dict[str, Any] = {"type": "FeatureCollection", "features": features}
    if name == "basemap" and config.city.osm:
        made["attribution"] = "© OpenStreetMap contributors"
    if features:
        bounds = np.array([shape(feature["geometry"]).bounds for feature in features])
        made["bbox"] = [*bounds[:, :2].min(axis=0).tolist(), *bounds[:, 2:].max(axis=0).tolist()]
    return made
