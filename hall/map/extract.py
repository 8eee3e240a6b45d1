"""Objects of an extract: OpenStreetMap (.osm.pbf, .osm, .osm.gz, .osm.bz2) by pyosmium, or GeoJSON with a property `layer`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import numpy as np
import shapely
from shapely.geometry import shape
from shapely.geometry.base import BaseGeometry

from hall.core.coordinates import Convert, to_wgs84
from hall.core.encodings import of_json
from hall.core.errors import BadInput, HallError
from hall.map import schema
from hall.map.report import Report
from hall.map.sea import sea

_BROKEN = (KeyError, TypeError, ValueError, AttributeError, IndexError, shapely.errors.ShapelyError, BadInput)
#: layer of the hall's own GeoJSON basemaps -> layer, class, first zoom here
_WORDS = {
    "water": ("water", "lake", 5), "river": ("water", "river", 5), "lake": ("water", "lake", 5),
    "waterway": ("water", "river", 5), "park": ("park", "park", 9), "green": ("park", "park", 9),
    "forest": ("landcover", "wood", 7), "building": ("building", "", 13), "buildings": ("building", "", 13),
    "rail": ("transportation", "rail", 8), "railway": ("transportation", "rail", 8),
    "road_minor": ("transportation", "minor", 12), "road_medium": ("transportation", "secondary", 9),
    "road": ("transportation", "secondary", 9), "roads": ("transportation", "secondary", 9),
    "road_major": ("transportation", "primary", 7), "highway": ("transportation", "primary", 7),
    "label": ("place", "suburb", 9), "place": ("place", "suburb", 9),
}  # fmt: skip
#: `rank` of a label in such a file -> class, first zoom
_RANKS = {"1": ("city", 5), "2": ("suburb", 9), "3": ("neighbourhood", 12)}


class Thing(NamedTuple):
    """One object of one layer; `geometry` in WGS-84 degrees, valid; drawn from `zoom` on."""

    layer: str
    geometry: BaseGeometry
    fields: dict[str, Any]
    zoom: int


def mended(geometry: BaseGeometry) -> BaseGeometry:
    """A valid geometry of the same dimension, empty where there is none."""
    if geometry.is_valid:
        return geometry
    fixed = shapely.make_valid(geometry, method="structure", keep_collapsed=False)
    return of_dimension(fixed, shapely.get_dimensions(geometry))


def of_dimension(geometry: BaseGeometry, dimension: int) -> BaseGeometry:
    """What of a geometry has that dimension (0 points, 1 lines, 2 areas), as one geometry without collections in it."""
    if geometry.geom_type != "GeometryCollection":
        return geometry if shapely.get_dimensions(geometry) == dimension else shapely.Polygon()
    parts = [of_dimension(part, dimension) for part in shapely.get_parts(geometry)]
    return shapely.union_all([part for part in parts if not part.is_empty])


def things(path: Path, crs: str, report: Report) -> Iterator[Thing]:
    """Every object the map has; what cannot be drawn is parked in `report`. Raises HallError naming the file."""
    try:
        if path.name.lower().endswith((".geojson", ".json")):
            yield from _geojson_things(path, crs, report)
        else:
            yield from _osm_things(path, report)
    except (RuntimeError, OSError) as error:
        raise HallError(f"{path.name}: {error}") from None


def boundary(path: Path, crs: str, report: Report) -> BaseGeometry:
    """The one area of all polygons of a GeoJSON file, in WGS-84; invalid ones are repaired and counted. Nothing is left out."""
    areas = []
    for number, geometry, properties in _features(path, crs):
        which = f"{path.name}: feature {number}"
        if geometry is None:
            raise HallError(f"{which}: {properties}")
        if shapely.get_dimensions(geometry) != 2:
            continue
        fixed = mended(geometry)
        if fixed is not geometry:
            report.mend("boundary", f"{properties.get('name') or which}")
        areas.append(fixed)
    whole = shapely.union_all(areas) if areas else shapely.Polygon()
    if whole.is_empty:
        raise HallError(f"{path.name}: no polygon in it to clip to")
    shapely.prepare(whole)
    return whole


def _features(path: Path, crs: str) -> Iterator[tuple[int, BaseGeometry | None, Any]]:
    """(number, geometry in WGS-84, properties) of each feature; without a geometry: what is wrong with it."""
    try:
        convert = to_wgs84(crs)
        raw = path.read_bytes()
        data = msgspec.json.decode(_text(raw, path.name))
    except (OSError, ValueError, RecursionError) as error:
        raise HallError(f"{path.name}: {error}") from None
    features = data.get("features", [data]) if isinstance(data, dict) else None
    if not isinstance(features, list):
        raise HallError(f"{path.name}: not a GeoJSON feature collection")
    for number, feature in enumerate(features):
        try:
            geometry = _converted(shape(feature["geometry"]), convert)
            yield number, geometry, feature.get("properties") or {}
        except _BROKEN as error:
            yield number, None, str(error) or type(error).__name__


def _text(raw: bytes, name: str) -> str:
    """In UTF-8, UTF-16 or GB 18030, whichever its letters are. Raises ValueError where none of them reads it."""
    try:
        return raw.decode(of_json(raw, name))
    except UnicodeDecodeError as error:
        raise ValueError(f"byte {error.start} is not {error.encoding}; write the file as UTF-8") from None
    except ValueError:
        raise ValueError("neither UTF-8 nor GB 18030 reads its letters; write the file as UTF-8") from None


def _converted(geometry: BaseGeometry, convert: Convert) -> BaseGeometry:
    def each(points: np.ndarray) -> np.ndarray:
        return np.array([convert(x, y) for x, y in points.tolist()]).reshape(-1, 2)

    return shapely.transform(shapely.force_2d(geometry), each)


def _geojson_things(path: Path, crs: str, report: Report) -> Iterator[Thing]:
    for number, geometry, properties in _features(path, crs):
        which = f"feature {number}"
        if geometry is None:
            report.park("feature-malformed", f"{which}: {properties}")
            continue
        found = _WORDS.get(str(properties.get("layer") or "").lower())
        if found is None:
            report.park("layer-unknown", f"{which}: {properties.get('layer')!r}")
            continue
        layer, kind, zoom = found
        dimension = shapely.get_dimensions(geometry)
        if layer == "water" and dimension == 1:
            layer, kind = "waterway", "river"
        wanted = {"place": 0, "transportation": 1, "waterway": 1}.get(layer, 2)
        fixed = mended(geometry)
        if fixed.is_empty or dimension != wanted:
            report.park("geometry-broken", f"{which}: {geometry.geom_type} in {properties.get('layer')}")
            continue
        if fixed is not geometry:
            report.mend("extract", which)
        if layer == "place":
            kind, zoom = _RANKS.get(str(properties.get("rank")), (kind, zoom))
        fields = {"class": kind} if kind else {}
        names = schema.names_of(properties | {"name:en": properties.get("name:en") or properties.get("name_en")})
        yield Thing(layer, fixed, fields | {k: v for k, v in names.items() if k in schema.FIELDS[layer]}, zoom)
        if layer == "transportation" and names:
            yield Thing("transportation_name", fixed, fields | names, max(zoom, 8))


def _osm_things(path: Path, report: Report) -> Iterator[Thing]:
    import osmium

    factory = osmium.geom.WKBFactory()
    wanted = osmium.filter.KeyFilter(*schema.KEYS)
    waiting: dict[tuple[str, int], None] = {}  # areas that have not been put together
    coast: list[BaseGeometry] = []
    for item in osmium.FileProcessor(str(path)).with_locations().with_areas(wanted).with_filter(wanted):
        if item.is_node():
            yield from _drawn(item.tags, "point", shapely.Point(item.location.lon, item.location.lat))
        elif item.is_area():
            which = ("way" if item.from_way() else "relation", item.orig_id())
            waiting.pop(which, None)
            yield from _area(osmium, factory, item, f"{which[0]}/{which[1]}", report)
        elif item.is_way():
            if item.is_closed() and any(True for _ in schema.matches(item.tags, "area")):
                waiting[("way", item.id)] = None
            if not schema.is_area(item.tags):
                coast += _coastline(osmium, factory, item, report)
                yield from _line(osmium, factory, item, report)
        elif item.tags.get("type") in ("multipolygon", "boundary") and any(True for _ in schema.matches(item.tags, "area")):
            waiting[("relation", item.id)] = None
    for kind, number in waiting:
        report.park("area-incomplete", f"{kind}/{number}")
    yield from _borders(osmium, factory, path, report)
    water = sea(coast, _box(osmium, path, coast)) if coast else shapely.Polygon()
    if not water.is_empty:
        yield Thing("water", water, {"class": "ocean"}, schema.LEAST_ZOOM)


def _drawn(tags: Any, form: str, geometry: BaseGeometry) -> Iterator[Thing]:
    for layer, fields, zoom in schema.matches(tags, form):
        yield Thing(layer, geometry, fields, zoom)


def _area(osmium: Any, factory: Any, item: Any, which: str, report: Report) -> Iterator[Thing]:
    if not any(True for form in ("area", "point") for _ in schema.matches(item.tags, form)):
        return
    try:
        raw = shapely.from_wkb(factory.create_multipolygon(item))
        geometry = mended(raw)
    except (RuntimeError, osmium.InvalidLocationError, shapely.errors.ShapelyError):
        report.park("geometry-broken", which)
        return
    if geometry.is_empty:
        report.park("geometry-broken", which)
        return
    if geometry is not raw:
        report.mend("extract", which)
    yield from _drawn(item.tags, "area", geometry)
    yield from (thing for thing in _drawn(item.tags, "point", geometry.representative_point()) if thing.layer == "poi")


def _line(osmium: Any, factory: Any, item: Any, report: Report) -> Iterator[Thing]:
    found = list(schema.matches(item.tags, "line"))
    if not found:
        return
    geometry = _known(osmium, factory, item, report)
    if geometry.is_empty:
        return
    for layer, fields, zoom in found:
        yield Thing(layer, geometry, fields, zoom)


def _coastline(osmium: Any, factory: Any, item: Any, report: Report) -> list[BaseGeometry]:
    if item.tags.get("natural") != "coastline":
        return []
    line = _known(osmium, factory, item, report)
    return [] if line.is_empty else [line]


def _known(osmium: Any, factory: Any, way: Any, report: Report) -> BaseGeometry:
    """The way as far as the extract has its nodes; empty where it has no two that follow each other."""
    try:
        return shapely.from_wkb(factory.create_linestring(way))
    except (RuntimeError, osmium.InvalidLocationError):
        runs: list[list[tuple[float, float]]] = [[]]
        for node in way.nodes:
            if node.location.valid():
                runs[-1].append((node.location.lon, node.location.lat))
            else:
                runs.append([])
        parts = [run for run in runs if len(set(run)) > 1]
    report.park("node-missing" if len(runs) > 1 else "geometry-broken", f"way/{way.id}")
    return shapely.multilinestrings([shapely.LineString(run) for run in parts]) if parts else shapely.LineString()


def _box(osmium: Any, path: Path, coast: list[BaseGeometry]) -> tuple[float, float, float, float]:
    """What the extract says it covers; where it says nothing, what its coast does."""
    box = osmium.FileProcessor(str(path)).header.box()
    if not box.valid():
        return tuple(shapely.total_bounds(coast).tolist())
    return box.bottom_left.lon, box.bottom_left.lat, box.top_right.lon, box.top_right.lat


def _borders(osmium: Any, factory: Any, path: Path, report: Report) -> Iterator[Thing]:
    """Administrative borders: a line for each way, by the highest of the areas it bounds."""
    level: dict[int, int] = {}
    relations = osmium.FileProcessor(str(path), osmium.osm.RELATION).with_filter(osmium.filter.KeyFilter("boundary"))
    for relation in relations:
        said = relation.tags.get("admin_level") or ""
        if relation.tags.get("boundary") != "administrative" or not said.isdigit() or int(said) not in schema.ADMIN_ZOOM:
            continue
        for member in relation.members:
            if member.type == "w":
                level[member.ref] = min(level.get(member.ref, 99), int(said))
    if not level:
        return
    ways = osmium.FileProcessor(str(path), osmium.osm.NODE | osmium.osm.WAY).with_locations()
    for way in ways.with_filter(osmium.filter.EntityFilter(osmium.osm.WAY)):
        if way.id not in level:
            continue
        geometry = _known(osmium, factory, way, report)
        if geometry.is_empty:
            continue
        maritime = {"maritime": 1} if way.tags.get("maritime") == "yes" else {}
        yield Thing("boundary", geometry, {"admin_level": level[way.id], **maritime}, schema.ADMIN_ZOOM[level[way.id]])
