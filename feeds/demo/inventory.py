"""The demo city's street components: lamps, covers, trees along its own streets, as a survey lists them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import shapely

from feeds.demo.chance import rng
from feeds.demo.city import City, Road
from feeds.demo.names import UNITS, URBAN
from feeds.demo.plane import to_degrees


class Part(NamedTuple):
    """A class along the streets of `ranks`: every `spacing` metres, `aside` of the middle; `unit`: a key of names.UNITS."""

    code: str
    name: str
    spacing: float
    aside: float
    unit: str
    ranks: tuple[str, ...] = ("road_major", "road_minor")


_MAJOR = ("road_major",)
PARTS = (
    Part("0101", "上水井盖", 190, 2.5, "water"), Part("0102", "污水井盖", 110, 0.0, "drainage"),
    Part("0103", "雨水井盖", 150, 3.5, "drainage"), Part("0104", "雨水箅子", 95, 6.0, "streets"),
    Part("0127", "通讯交接箱", 900, 9.0, "telecom"), Part("0137", "路灯", 48, 7.5, "light"),
    Part("0150", "监控电子眼", 850, 8.0, "traffic", _MAJOR), Part("0204", "公交站亭", 620, 8.5, "traffic", _MAJOR),
    Part("0212", "路名牌", 700, 8.0, "streets"), Part("0217", "交通护栏", 260, 0.5, "streets", _MAJOR),
    Part("0305", "果皮箱", 210, 8.0, "sanitation"), Part("0402", "行道树", 70, 9.0, "garden"),
    Part("0407", "街头座椅", 800, 9.5, "garden"),
)  # fmt: skip
_STATES, _WEIGHTS = ("完好", "破损", "丢失", "废弃"), (965, 26, 6, 3)


def rows(city: City) -> Iterator[dict[str, Any]]:
    """Some tens of thousands, the same for the same seed; coordinates in CGCS2000 degrees."""
    serials: dict[str, int] = {}
    areas = [shape for _, shape in city.districts]
    shapely.prepare(areas)
    for part in PARTS:
        for road in city.roads:
            if road.layer not in part.ranks:
                continue
            points = np.array(list(_along(city, part, road)))
            if not len(points):
                continue
            inside = np.array([shapely.contains_xy(area, points[:, 0], points[:, 1]) for area in areas])
            chance = rng(city.seed, "inventory", part.code, road.name, road.lines[0][0])
            for point, found in zip(points, inside.T, strict=True):
                if found.any():
                    yield _row(part, road, city.districts[int(found.argmax())][0], point, chance, serials)


def _along(city: City, part: Part, road: Road) -> Iterator[tuple[float, float]]:
    """Places on both sides of a street, in turn, shaken a little."""
    chance = rng(city.seed, "along", part.code, road.name, road.lines[0][0])
    for line in road.lines:
        whole = shapely.LineString(line)
        side = 1 if chance.random() < 0.5 else -1
        at = chance.uniform(0.2, 1.0) * part.spacing
        while at < whole.length:
            here, ahead = (whole.interpolate(where) for where in (at, min(at + 1.0, whole.length)))
            length = max(0.5, shapely.distance(here, ahead))
            aside = side * part.aside / length
            yield here.x - (ahead.y - here.y) * aside, here.y + (ahead.x - here.x) * aside
            side = -side
            at += part.spacing * chance.uniform(0.85, 1.15)


def _row(part: Part, road: Road, district: tuple, point: Any, chance: Any, serials: dict[str, int]) -> dict[str, Any]:
    code = f"{district[2]}{part.code}"
    serials[code] = serials.get(code, 0) + 1
    lon, lat = to_degrees(tuple(point))
    unit = UNITS[part.unit].format(district[0] if district[0] in URBAN else "")
    return {
        "编号": f"{code}{serials[code]:06d}", "名称": part.name, "状态": chance.choices(_STATES, _WEIGHTS)[0], "精度": "B",
        "主管部门": unit, "道路": road.name, "经度": f"{lon:.6f}", "纬度": f"{lat:.6f}",
    }  # fmt: skip
