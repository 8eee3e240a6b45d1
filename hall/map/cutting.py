"""Objects cut into tiles, zoom by zoom: projected, generalised, clipped, brought to whole tile units. Pure.

World units: Web Mercator with the world from 0 to 1, x to the east, y to the south.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from hall.map import mvt, schema
from hall.map.extract import Thing, mended, of_dimension
from hall.map.report import Report

#: what a tile has beyond its edge, in units, so that lines and outlines run through
BUFFER = 64
#: units of a pixel, of 256 along a tile's edge
_PIXEL = mvt.EXTENT / 256
#: a name is written where its road is at least so long, in pixels
_NAME_PIXELS = 32
MOST_LATITUDE = 85.0511287798066
Tile = tuple[int, int]
Layers = dict[str, list[mvt.Feature]]


def world(points: np.ndarray) -> np.ndarray:
    """(n, 2) degrees to world units."""
    lat = np.radians(np.clip(points[:, 1], -MOST_LATITUDE, MOST_LATITUDE))
    return np.stack((points[:, 0] / 360 + 0.5, 0.5 - np.arcsinh(np.tan(lat)) / (2 * math.pi)), axis=1)


def degrees(points: np.ndarray) -> np.ndarray:
    """(n, 2) world units to degrees."""
    lat = np.degrees(np.arctan(np.sinh((0.5 - points[:, 1]) * 2 * math.pi)))
    return np.stack(((points[:, 0] - 0.5) * 360, lat), axis=1)


def clipped(things: list[Thing], area: BaseGeometry, report: Report) -> list[Thing]:
    """The things inside of `area` (WGS-84), cut at it."""
    kept = []
    for thing in things:
        if area.contains(thing.geometry):
            kept.append(thing)
            continue
        found = shapely.intersection(thing.geometry, area) if area.intersects(thing.geometry) else shapely.Point()
        found = of_dimension(found, shapely.get_dimensions(thing.geometry)) if not found.is_empty else found
        if found.is_empty:
            report.outside += 1
            continue
        report.cut += 1
        kept.append(thing._replace(geometry=found))
    return kept


def zoom_tiles(things: list[Thing], zoom: int, report: Report) -> Iterator[tuple[Tile, Layers]]:
    """((x, y), layers) of every tile of `zoom` that has something; `things` with geometries in world units."""
    found: dict[Tile, Layers] = defaultdict(lambda: defaultdict(list))
    scale = 2**zoom * mvt.EXTENT
    for thing in _generalised([one for one in things if one.zoom <= zoom], zoom):
        geometry = shapely.transform(thing.geometry, lambda points: points * scale)
        for simple in _simplified(geometry, thing.layer, zoom):
            west, south, east, north = (math.floor(bound / mvt.EXTENT) for bound in _reach(simple))
            last = 2**zoom - 1
            span = (max(west, 0), max(south, 0), min(east, last), min(north, last))
            for tile, part in _split(simple, span, thing, report):
                found[tile][thing.layer].append(mvt.Feature(part, thing.fields))
    for tile, layers in sorted(found.items()):
        yield tile, {layer: layers[layer] for layer in schema.LAYERS if layer in layers}


def _reach(geometry: BaseGeometry) -> tuple[float, float, float, float]:
    west, south, east, north = geometry.bounds
    return west - BUFFER, south - BUFFER, east + BUFFER, north + BUFFER


def _generalised(things: list[Thing], zoom: int) -> Iterator[Thing]:
    """Lines that look the same become one; names stand on roads that have room for them."""
    groups: dict[tuple, list[Thing]] = defaultdict(list)
    for thing in things:
        names = thing.layer == "transportation_name"
        if shapely.get_dimensions(thing.geometry) != 1 or (zoom == schema.MOST_ZOOM and not names):
            yield thing
            continue
        groups[thing.layer, tuple(sorted(thing.fields.items()))].append(thing)
    room = _NAME_PIXELS * _PIXEL / mvt.EXTENT / 2**zoom
    for (layer, _), members in groups.items():
        parts = shapely.get_parts([member.geometry for member in members])
        merged = shapely.line_merge(shapely.multilinestrings(parts))
        if layer == "transportation_name":
            long = [part for part in shapely.get_parts(merged) if part.length >= room]
            merged = shapely.multilinestrings(long) if long else None
        if merged is not None:
            yield members[0]._replace(geometry=merged)


def _simplified(geometry: BaseGeometry, layer: str, zoom: int) -> Iterator[BaseGeometry]:
    """The geometry in tile units as this zoom needs it; nothing where it is too small to be seen."""
    dimension = shapely.get_dimensions(geometry)
    if dimension == 2:
        parts = shapely.get_parts(geometry)
        seen = parts[shapely.area(parts) >= schema.LEAST_PIXELS * _PIXEL**2] if zoom < schema.MOST_ZOOM else parts
        if not len(seen):
            return
        geometry = shapely.multipolygons(seen)
    if dimension and zoom < schema.MOST_ZOOM:
        geometry = geometry.simplify(_PIXEL / 4)
    if not geometry.is_empty:
        yield geometry


def _split(geometry: BaseGeometry, span: tuple[int, int, int, int], thing: Thing, report: Report):
    """Halves the span of tiles until one is left: a long outline is not cut anew for each of its tiles."""
    west, north, east, south = span
    if west > east or north > south:
        return
    size = mvt.EXTENT
    box = (west * size - BUFFER, north * size - BUFFER, (east + 1) * size + BUFFER, (south + 1) * size + BUFFER)
    part = _cut(geometry, box)
    if part.is_empty:
        return
    if west == east and north == south:
        whole = _whole(part, west * size, north * size)
        if whole is None:
            report.park("tile-broken", f"{thing.layer} {thing.fields.get('name', '')} in {west}/{north}")
        elif not whole.is_empty:
            yield (west, north), whole
        return
    if east - west >= south - north:
        middle = (west + east) // 2
        halves = ((west, north, middle, south), (middle + 1, north, east, south))
    else:
        middle = (north + south) // 2
        halves = ((west, north, east, middle), (west, middle + 1, east, south))
    for half in halves:
        yield from _split(part, half, thing, report)


def _cut(geometry: BaseGeometry, box: tuple[float, float, float, float]) -> BaseGeometry:
    west, north, east, south = geometry.bounds
    if west >= box[0] and north >= box[1] and east <= box[2] and south <= box[3]:
        return geometry
    dimension = shapely.get_dimensions(geometry)
    if not dimension:
        return shapely.intersection(geometry, shapely.box(*box))
    try:
        part = shapely.clip_by_rect(geometry, *box)
    except shapely.errors.GEOSException:
        part = shapely.intersection(mended(geometry), shapely.box(*box))
    return part if part.is_empty else of_dimension(part, dimension)


def _whole(geometry: BaseGeometry, west: int, north: int) -> BaseGeometry | None:
    """In the tile's own units, whole numbers; areas stay valid. None where the library gives up."""
    moved = shapely.transform(geometry, lambda points: points - (west, north))
    dimension = shapely.get_dimensions(geometry)
    if dimension < 2:
        return (
            shapely.remove_repeated_points(shapely.transform(moved, np.rint))
            if dimension
            else shapely.transform(moved, np.rint)
        )
    try:
        made = shapely.set_precision(mended(moved), 1.0)
    except shapely.errors.GEOSException:
        return None
    return made if made.is_empty else of_dimension(made, 2)
