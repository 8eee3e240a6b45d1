"""Mapbox Vector Tile 2.1: geometries in tile units to bytes, and back. Pure.

Tile units: x to the east, y to the south, 0..EXTENT inside of the tile; whole numbers.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

#: units along a tile's edge: 0.6 m at zoom 14 on the equator
EXTENT = 4096
_KINDS = {"Point": 1, "MultiPoint": 1, "LineString": 2, "MultiLineString": 2, "Polygon": 3, "MultiPolygon": 3}


class Feature(NamedTuple):
    """`geometry` in tile units, whole numbers; polygons valid."""

    geometry: BaseGeometry
    fields: dict[str, Any]


class Layer(NamedTuple):
    name: str
    extent: int
    features: list[Feature]


def _varint(number: int) -> bytes:
    made = bytearray()
    while number > 0x7F:
        made.append(number & 0x7F | 0x80)
        number >>= 7
    made.append(number)
    return bytes(made)


def _bytes(field: int, body: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(body)) + body


def _packed(field: int, numbers: Iterable[int]) -> bytes:
    return _bytes(field, b"".join(map(_varint, numbers)))


def _value(value: Any) -> bytes:
    if isinstance(value, bool):
        return _varint(7 << 3) + _varint(int(value))
    if isinstance(value, int):
        return _varint(6 << 3) + _varint(value << 1 if value >= 0 else (-value << 1) - 1)
    if isinstance(value, float):
        return _varint(3 << 3 | 1) + struct.pack("<d", value)
    return _bytes(1, str(value).encode())


class _Pen:
    """Writes commands; positions are told from the last one on."""

    def __init__(self) -> None:
        self.at, self.numbers = np.zeros((1, 2), np.int64), []

    def _steps(self, points: np.ndarray) -> list[int]:
        steps = np.diff(np.concatenate((self.at, points)), axis=0).ravel()
        self.at = points[-1:]
        return ((steps << 1) ^ (steps >> 63)).tolist()

    def path(self, points: np.ndarray, least: int, closed: bool) -> None:
        """A line, or a ring without its closing point."""
        if len(points) < least:
            return
        steps = self._steps(points)
        self.numbers += [1 | 1 << 3, *steps[:2], 2 | (len(points) - 1) << 3, *steps[2:]]
        if closed:
            self.numbers.append(7 | 1 << 3)

    def points(self, points: np.ndarray) -> None:
        self.numbers += [1 | len(points) << 3, *self._steps(points)]


def _whole(geometry: BaseGeometry) -> np.ndarray:
    points = np.rint(shapely.get_coordinates(geometry)).astype(np.int64)
    keep = np.ones(len(points), bool)
    keep[1:] = (points[1:] != points[:-1]).any(axis=1)
    return points[keep]


def commands(geometry: BaseGeometry) -> list[int]:
    """The geometry as the specification's command integers; empty where nothing of it is left on whole units."""
    pen, kind = _Pen(), _KINDS[geometry.geom_type]
    if kind == 1:
        pen.points(np.rint(shapely.get_coordinates(geometry)).astype(np.int64))
    for part in shapely.get_parts(geometry) if kind > 1 else ():
        if kind == 2:
            pen.path(_whole(part), 2, False)
            continue
        # outer rings have a positive area in tile units, inner ones a negative
        turned = shapely.orient_polygons(part, exterior_cw=False)
        for ring in (turned.exterior, *turned.interiors):
            pen.path(_whole(ring)[:-1], 3, True)
    return pen.numbers


def encode(layers: dict[str, list[Feature]]) -> bytes:
    """One tile, not compressed; empty bytes where nothing is left."""
    made = []
    for name, features in layers.items():
        keys: dict[str, int] = {}
        values: dict[tuple[type, Any], int] = {}
        bodies = []
        for geometry, fields in features:
            numbers = commands(geometry)
            if not numbers:
                continue
            tags: list[int] = []
            for key, value in fields.items():
                tags += (keys.setdefault(key, len(keys)), values.setdefault((type(value), value), len(values)))
            kind = _varint(3 << 3) + _varint(_KINDS[geometry.geom_type])
            bodies.append(_bytes(2, (_packed(2, tags) if tags else b"") + kind + _packed(4, numbers)))
        if bodies:
            head = _varint(15 << 3) + _varint(2) + _bytes(1, name.encode())
            words = [_bytes(3, key.encode()) for key in keys] + [_bytes(4, _value(value)) for _, value in values]
            made.append(_bytes(3, head + b"".join(bodies + words) + _varint(5 << 3) + _varint(EXTENT)))
    return b"".join(made)


def _read(data: bytes, at: int) -> tuple[int, int]:
    number = shift = 0
    while True:
        if at >= len(data) or shift > 63:
            raise ValueError("cut off")
        byte = data[at]
        number |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return number, at


def _fields(data: bytes) -> Iterator[tuple[int, Any]]:
    at = 0
    while at < len(data):
        key, at = _read(data, at)
        wire, size = key & 7, {1: 8, 5: 4}.get(key & 7, 0)
        if wire == 0:
            value, at = _read(data, at)
            yield key >> 3, value
            continue
        if wire == 2:
            size, at = _read(data, at)
        elif not size:
            raise ValueError(f"wire type {wire}")
        if at + size > len(data):
            raise ValueError("cut off")
        yield key >> 3, data[at : at + size]
        at += size


def _numbers(data: bytes) -> list[int]:
    found, at = [], 0
    while at < len(data):
        number, at = _read(data, at)
        found.append(number)
    return found


def _zigzag(number: int) -> int:
    return (number >> 1) ^ -(number & 1)


def _values(data: bytes) -> Any:
    for field, raw in _fields(data):
        if field == 1:
            return raw.decode()
        if field in (2, 3):
            return struct.unpack("<f" if field == 2 else "<d", raw)[0]
        return {6: _zigzag, 7: bool}.get(field, int)(raw)
    return None


def _paths(numbers: list[int]) -> list[list[tuple[int, int]]]:
    paths: list[list[tuple[int, int]]] = []
    x = y = at = 0
    while at < len(numbers):
        command, count = numbers[at] & 7, numbers[at] >> 3
        at += 1
        if command == 7:
            paths[-1].append(paths[-1][0])
            continue
        if command not in (1, 2) or at + 2 * count > len(numbers) or (command == 2 and not paths):
            raise ValueError(f"geometry command {command}")
        for _ in range(count):
            x, y, at = x + _zigzag(numbers[at]), y + _zigzag(numbers[at + 1]), at + 2
            if command == 1:
                paths.append([])
            paths[-1].append((x, y))
    return paths


def _geometry(kind: int, numbers: list[int]) -> BaseGeometry:
    paths = _paths(numbers)
    if kind == 1:
        points = [path[0] for path in paths]
        return shapely.Point(points[0]) if len(points) == 1 else shapely.MultiPoint(points)
    if kind == 2:
        return shapely.LineString(paths[0]) if len(paths) == 1 else shapely.MultiLineString(paths)
    polygons: list[tuple[list, list]] = []
    for path in paths:
        if shapely.LinearRing(path).is_ccw:
            polygons.append((path, []))
        elif polygons:
            polygons[-1][1].append(path)
        else:
            raise ValueError("an inner ring before any outer one")
    made = [shapely.Polygon(outer, inner) for outer, inner in polygons]
    return made[0] if len(made) == 1 else shapely.MultiPolygon(made)


def decode(data: bytes) -> list[Layer]:
    """The layers of a tile that is not compressed; raises ValueError saying what is wrong."""
    try:
        return [_layer(raw) for field, raw in _fields(data) if field == 3]
    except (IndexError, TypeError, AttributeError, struct.error, shapely.errors.ShapelyError) as error:
        raise ValueError(str(error)) from None


def _layer(data: bytes) -> Layer:
    name, extent, keys, values, raws = "", EXTENT, [], [], []
    for field, raw in _fields(data):
        if field == 1:
            name = raw.decode()
        elif field == 5:
            extent = raw
        elif field in (2, 3, 4):
            {2: raws, 3: keys, 4: values}[field].append(raw if field == 2 else raw.decode() if field == 3 else _values(raw))
    features = []
    for raw in raws:
        parts = dict(_fields(raw))
        tags = _numbers(parts.get(2, b""))
        fields = {keys[key]: values[value] for key, value in zip(tags[::2], tags[1::2], strict=True)}
        features.append(Feature(_geometry(parts.get(3, 0), _numbers(parts[4])), fields))
    return Layer(name, extent, features)
