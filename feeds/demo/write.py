"""Writes the demo city: districts, cells, basemap (GeoJSON, WGS-84), the rosters of its crews and depots, hall.toml."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any
from zlib import crc32

import msgspec
import shapely

from feeds.demo import land, lowspots, roster, supplies
from feeds.demo.chance import Field
from feeds.demo.city import City, build
from feeds.demo.names import DISTRICTS
from feeds.demo.plane import to_degrees

_SOURCES = Path(__file__).parent


def write_city(folder: Path, seed: int) -> Path:
    """Writes all files (each appears whole or not at all, the version mark last); returns the path of hall.toml."""
    mark, config = folder / "version", folder / "hall.toml"
    wanted = f"{_version()} {seed}"
    if mark.exists() and mark.read_text(encoding="utf-8") == wanted and config.exists():
        return config
    folder.mkdir(parents=True, exist_ok=True)
    city = build(seed)
    _write(folder / "districts.geojson", _collection(_district_features(city)))
    _write(folder / "cells.geojson", _collection(_cell_features(city)))
    _write(folder / "basemap.geojson", _collection(_basemap_features(city)))
    _write(folder / "crews.json", msgspec.json.encode(roster.rows(city)))
    _write(folder / "depots.json", msgspec.json.encode(supplies.depots(city)))
    text = (_SOURCES / "hall.toml").read_text(encoding="utf-8") + supplies.closures(city) + lowspots.spots(city)
    _write(config, text.replace("@seed@", str(seed)).encode())
    _write(mark, wanted.encode())
    return config


def _version() -> str:
    """Changes with anything the files are made by, so that no stale city outlives an upgrade."""
    found = 0
    for path in sorted([*_SOURCES.glob("*.py"), _SOURCES / "hall.toml"]):
        found = crc32(path.read_bytes(), found)
    return f"{found:08x}"


def _write(path: Path, body: bytes) -> None:
    part = path.with_suffix(path.suffix + ".part")
    part.write_bytes(body)
    os.replace(part, path)


def _collection(features: list[dict]) -> bytes:
    return msgspec.json.encode({"type": "FeatureCollection", "features": features})


def _feature(geometry: dict, **properties: Any) -> dict:
    kept = {name: value for name, value in properties.items() if value not in ("", None)}
    return {"type": "Feature", "properties": kept, "geometry": geometry}


def _ring(ring: Any) -> list:
    return [to_degrees(point) for point in shapely.get_coordinates(ring)]


def _area(shape: Any) -> dict:
    parts = [[_ring(p.exterior), *(_ring(hole) for hole in p.interiors)] for p in shapely.get_parts(shape) if p.area > 0]
    return {"type": "Polygon", "coordinates": parts[0]} if len(parts) == 1 else {"type": "MultiPolygon", "coordinates": parts}


def _lines(lines: list) -> dict:
    parts = [[to_degrees(point) for point in line] for line in lines]
    return (
        {"type": "LineString", "coordinates": parts[0]}
        if len(parts) == 1
        else {"type": "MultiLineString", "coordinates": parts}
    )


def _district_features(city: City) -> list[dict]:
    return [
        _feature(
            _area(shape), name=row[0], name_en=row[1], code=row[2], centre=to_degrees(shape.representative_point().coords[0])
        )
        for row, shape in city.districts
    ]


def _cell_features(city: City) -> list[dict]:
    return [_feature(_area(cell.polygon), code=cell.code, district=cell.district) for cell in city.cells]


def _basemap_features(city: City) -> list[dict]:
    """Surfaces first, then lines, then labels: the order they are painted in."""
    seed, found = city.seed, []
    for name, english, shape in [*land.hills(seed), *city.parks]:
        found.append(_feature(_area(shape), layer="park", name=name, name_en=english))
    found += [_feature(_area(shape), layer="park") for shape in _greens(city)]
    for name, english, shape in [*land.waters(city.streets), *city.lakes]:
        found.append(_feature(_area(shape), layer="water", name=name, name_en=english))
    found.append(_feature(_lines(land.country_lanes(seed, land.outline(seed))), layer="road_minor"))
    for road in city.roads:
        found.append(_feature(_lines(road.lines), layer=road.layer, name=road.name, name_en=road.english))
    for row in DISTRICTS[3:]:
        major, minor = land.town(seed, row[0], row[3])
        found.append(_feature(_lines(minor), layer="road_minor"))
        found.append(_feature(_lines(major), layer="road_major"))
    for name, english, layer, line in land.highways(city.streets):
        found.append(_feature(_lines([line]), layer=layer, name=name, name_en=english))
    for name, english, line in land.rails(seed):
        found.append(_feature(_lines([line.coords]), layer="rail", name=name, name_en=english))
    return found + _labels(city)


def _greens(city: City) -> list[Any]:
    """A green strip along the river where the bank is wide, broken here and there."""
    river = land.river(city.streets)
    strip = river.buffer(62, quad_segs=2).difference(river.buffer(36, quad_segs=2))
    wide = Field(900, city.seed, "green")
    pieces = []
    for cell in shapely.get_parts(shapely.voronoi_polygons(shapely.MultiPoint(river.coords[::4]))):
        x, y = cell.centroid.coords[0]
        if wide(x, y) > -0.15:
            pieces.append(cell.intersection(strip))
    whole = shapely.union_all([p for p in pieces if not p.is_empty])
    return [p for p in shapely.get_parts(whole) if p.geom_type == "Polygon" and p.area > 4000]


def _labels(city: City) -> list[dict]:
    """Names of places: `rank` 1 the city, 2 districts, 3 parks; the larger the number the earlier it gives way."""

    def label(name: str, english: str, at: tuple[float, float], rank: int) -> dict:
        point = {"type": "Point", "coordinates": to_degrees(at)}
        return _feature(point, layer="label", name=name, name_en=english, rank=rank)

    found = [label("新乡演示市", "Demo City", (0, -300), 1)]
    found += [label(row[0], row[1], row[3], 2) for row, _ in city.districts]
    return found + [label(n, e, shape.centroid.coords[0], 3) for n, e, shape in city.parks]
