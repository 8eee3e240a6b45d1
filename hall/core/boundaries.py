"""Boundaries of every administrative level: `[city] boundary` and `cells`, and each `[map.boundaries.NAME]` of hall.toml.

A level is a file of areas: 省 4, 市 5, 区县 6, 街道 or 乡镇 8, 社区 9, 村 10, 网格 12. Broken ones are repaired and told, or
left out and told with the reason; nothing is lost silently. Blocking; a level is read once and handed on.
"""

from __future__ import annotations

import functools
import re
from typing import Any, NamedTuple

import msgspec
import numpy as np
import shapely

from hall.core.areafiles import Feature, opened
from hall.core.areas import Areas, square_metres
from hall.core.config import BoundaryConfig, HallConfig
from hall.core.coordinatearrays import to_wgs84_many
from hall.core.geometries import WRONG

#: the names of `[city] boundary` and `[city] cells`
DISTRICTS, CELLS = "districts", "cells"
COUNTY, GRID = 6, 12
NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
#: a repair that changes the area by more is no repair
MOST_CHANGE = 0.02
TOLD = 20  # reasons listed of one level


class Note(msgspec.Struct, frozen=True):
    """What became of one feature: `number` from 0, as in the file. `change`: of its area, as a share."""

    number: int
    name: str
    reason: str
    detail: str = ""
    change: float = 0.0


class Area(NamedTuple):
    """`code` is unlike every other of its level."""

    code: str
    name: str
    geometry: shapely.Geometry
    square_metres: float


class Level(NamedTuple):
    """One level. `areas` in the file's order; `tree.numbers(lons, lats)` answers with their indices. `note`: how it is read."""

    name: str
    level: int
    label: dict[str, str]
    areas: list[Area]
    tree: Areas
    repaired: list[Note]
    left_out: list[Note]
    note: str = ""

    def codes(self, lons: Any, lats: Any) -> list[str]:
        """The code of the area that each position (degrees, WGS-84) lies in; empty outside of all."""
        found = [area.code for area in self.areas] + [""]
        return [found[number] for number in self.tree.numbers(lons, lats).tolist()]


def settings(config: HallConfig) -> dict[str, BoundaryConfig]:
    """What there is, coarsest level first. Raises ConfigError for names that cannot be in an address, or are taken."""
    city, found = config.city, {}
    if city.boundary:
        found[DISTRICTS] = BoundaryConfig(file=city.boundary, level=COUNTY, crs=city.boundary_crs, name=city.boundary_name)
    if city.cells:
        code = city.cells_code
        found[CELLS] = BoundaryConfig(file=city.cells, level=GRID, crs=city.cells_crs, name=code, code=code)
    for name, one in config.map.boundaries.items():
        key = f"map.boundaries.{name}"
        if not NAME.fullmatch(name):
            raise config.error(key, f"{name!r}: use small letters, digits, - and _")
        if name in found:
            raise config.error(key, f"{name!r} is what [city] already calls its own; take another name")
        found[name] = one
    return dict(sorted(found.items(), key=lambda item: item[1].level))


def key_of(name: str) -> str:
    """Where a level is written in hall.toml."""
    return {DISTRICTS: "city.boundary", CELLS: "city.cells"}.get(name, f"map.boundaries.{name}")


def load(config: HallConfig, name: str) -> Level:
    """Reads a level. Raises KeyError for one there is not, ConfigError naming line and key for a file that cannot be used."""
    one = settings(config)[name]
    own = key_of(name).startswith("map.")
    place = functools.partial(_place, key_of(name), own)
    try:
        file = opened(config.path(one.file), one.layer, one.encoding)
        crs = one.crs or file.crs or ("WGS-84" if one.file.lower().endswith(("json",)) else "")
    except ValueError as error:
        raise config.error(place("file"), str(error)) from None
    if not crs:
        raise config.error(place("file"), "the file does not say its coordinate system: write crs")
    try:
        convert = to_wgs84_many(crs)
    except ValueError as error:
        raise config.error(place("crs"), str(error)) from None
    reading = _Reading(one, convert)
    try:
        for feature in file.features:
            reading.take(feature)
    except (ValueError, OSError) as error:
        raise config.error(place("file"), str(error)) from None
    if not reading.shapes:
        why = f": {reading.left_out[0].reason}, {reading.left_out[0].detail}" if reading.left_out else ""
        raise config.error(place("name"), f"no area in {one.file} that has a property {one.name!r}{why}")
    return reading.level(name)._replace(note=file.note)


def _place(key: str, own: bool, what: str) -> str:
    if own:
        return f"{key}.{what}"
    return {"file": key, "crs": f"{key}_crs", "name": f"{key}_{'name' if key == 'city.boundary' else 'code'}"}[what]


class _Reading:
    """Takes features one by one."""

    def __init__(self, one: BoundaryConfig, convert: Any) -> None:
        self.one, self.convert = one, convert
        self.shapes: dict[str, tuple[str, list[shapely.Geometry]]] = {}
        self.repaired: list[Note] = []
        self.left_out: list[Note] = []

    def take(self, feature: Feature) -> None:
        """One that the geometry library cannot work with is left out, as a broken one is."""
        try:
            self._take(feature)
        except WRONG as error:
            name = feature.properties.get(self.one.name)
            self._refuse(feature.number, _text(name), "geometry-broken", f"{type(error).__name__}: {error}"[:200])

    def _take(self, feature: Feature) -> None:
        name = _text(feature.properties.get(self.one.name))
        code = _text(feature.properties.get(self.one.code)) if self.one.code else name
        refuse = functools.partial(self._refuse, feature.number, name or code)
        if feature.geometry is None or feature.geometry.is_empty:
            return refuse("geometry-missing", feature.fault)
        if not code:
            return refuse("code-missing", f"no property {self.one.code or self.one.name!r}")
        geometry = feature.geometry
        if shapely.get_dimensions(geometry) != 2:
            return refuse("not-an-area", geometry.geom_type)
        if not geometry.is_valid:
            geometry = self._repaired(feature.number, name or code, geometry)
            if geometry is None:
                return None
        moved = shapely.transform(geometry, self.convert)
        if not np.isfinite(moved.bounds).all() or moved.area <= 0:
            return refuse("coordinates-outside-crs", f"{geometry.bounds}")
        if not moved.is_valid:  # a shift of hundredths of a metre can cross what nearly touched
            moved = _polygons(shapely.make_valid(moved, method="structure", keep_collapsed=False))
        known = self.shapes.setdefault(code, (name or code, []))
        if known[0] != (name or code):
            return refuse("code-duplicate", f"{code} is {known[0]}, too")
        known[1].append(moved)  # an area in several features is one area
        return None

    def _refuse(self, number: int, name: str, reason: str, detail: str = "", change: float = 0.0) -> None:
        self.left_out.append(Note(number, name, reason, detail, change))

    def _repaired(self, number: int, name: str, geometry: shapely.Geometry) -> shapely.Geometry | None:
        why = shapely.is_valid_reason(geometry)
        made = _polygons(shapely.make_valid(geometry, method="structure", keep_collapsed=False))
        before, after = abs(geometry.area), made.area
        change = abs(after - before) / max(before, after, 1e-300)
        if made.is_empty or change > MOST_CHANGE:
            self._refuse(number, name, "geometry-broken", f"{why}; repaired it would be another area", round(change, 4))
            return None
        self.repaired.append(Note(number, name, "geometry-repaired", why, change))
        return made

    def level(self, name: str) -> Level:
        codes = list(self.shapes)
        shapes = [parts[0] if len(parts) == 1 else shapely.union_all(parts) for _, parts in self.shapes.values()]
        sizes = square_metres(shapes).tolist()
        areas = [Area(code, self.shapes[code][0], shape, size) for code, shape, size in zip(codes, shapes, sizes, strict=True)]
        return Level(name, self.one.level, self.one.label, areas, Areas(shapes), self.repaired, self.left_out)


def _polygons(geometry: shapely.Geometry) -> shapely.Geometry:
    if geometry.geom_type in ("Polygon", "MultiPolygon"):
        return geometry
    parts = [part for part in shapely.get_parts(geometry) if shapely.get_dimensions(part) == 2]
    return shapely.union_all(parts) if parts else shapely.Polygon()


def _text(value: Any) -> str:
    return "" if value is None else str(value).strip()


def parents(inner: Level, outer: Level) -> list[str]:
    """For each area of `inner` the code of the area of `outer` that its middle lies in; empty where in none."""
    middles = shapely.point_on_surface([area.geometry for area in inner.areas])
    return outer.codes(shapely.get_x(middles), shapely.get_y(middles))
