"""The roster of the demo city's forty crews: who they belong to, what they can do and carry, when they are on duty."""

from __future__ import annotations

from typing import Any

import numpy
import shapely

from feeds.demo.chance import rng
from feeds.demo.city import City
from feeds.demo.crews import Unit, fleet
from feeds.demo.names import UNITS, URBAN
from feeds.demo.plane import to_degrees

#: first two characters of a unit's name -> department, skills, equipment, people, whether it works in three shifts
_TEAMS: dict[str, tuple[str, list[str], list[tuple], int, bool]] = {
    "排涝": ("drainage", ["排水", "应急抢险"], [("水泵", 2, 300.0), ("沙袋", 300), ("发电机", 1)], 6, False),
    "移动": ("drainage", ["排水"], [("水泵", 1, 1000.0)], 3, False),
    "市政": ("streets", ["市政养护", "园林"], [("围挡", 20), ("警示锥", 40), ("沙袋", 50)], 4, False),
    "清扫": ("sanitation", ["环卫"], [("清扫车", 1)], 2, True),
    "综合": ("enforcement", ["综合执法"], [("执法记录仪", 4)], 4, True),
    "管网": ("water", ["管网抢修"], [("抢修车", 1), ("水泵", 1, 120.0)], 4, False),
}
_SHIFTS = (("早班", "06:00", "14:00"), ("中班", "14:00", "22:00"), ("夜班", "22:00", "06:00"))
_FAMILY = "王李张刘陈杨赵黄周吴徐孙马朱胡郭何林高罗"
_GIVEN = "伟 强 磊 军 洋 勇 杰 涛 明 超 建国 建军 志强 永刚 海涛 晓东 国庆 新民 红星 卫东".split()
_OWN_CELLS_METRES = 500.0


def rows(city: City, feed: str = "crews") -> list[dict[str, Any]]:
    """One roster row per unit of the fleet, as dispatch takes them; positions come from the demo feed `feed`."""
    seen: dict[str, int] = {}
    found = []
    for unit in fleet(city):
        team = unit.name[:2]
        number = seen[team] = seen.get(team, -1) + 1
        found.append(_row(city, unit, team, number, feed))
    return found


def _row(city: City, unit: Unit, team: str, number: int, feed: str) -> dict[str, Any]:
    department, skills, equipment, people, in_shifts = _TEAMS[team]
    chance, district = rng(city.seed, "roster", unit.id), URBAN[number % len(URBAN)]
    named = "{}" in UNITS[department]
    lon, lat = to_degrees(unit.loop[0])
    row: dict[str, Any] = {
        "crew_id": unit.id, "name": unit.name, "kind": unit.kind, "unit": UNITS[department].format(district), "skills": skills,
        "equipment": [_item(*item) for item in equipment], "position": f"position/{feed}/{unit.id}",
        "members": [{"name": chance.choice(_FAMILY) + chance.choice(_GIVEN)} for _ in range(people)],
        "base": {"lon": round(lon, 6), "lat": round(lat, 6)},
        "duty": {"districts": [district] if named else [], "cells": _cells_near(city, unit) if named else []},
    }  # fmt: skip
    if in_shifts:
        name, start, end = _SHIFTS[number // len(URBAN) % len(_SHIFTS)]
        row["shifts"] = [{"name": name, "start": start, "end": end}]
    return row


def _item(name: str, count: float, capacity: float | None = None) -> dict[str, Any]:
    item: dict[str, Any] = {"name": name, "count": count}
    return item | {"capacity": capacity, "unit": "m3/h"} if capacity else item


def _cells_near(city: City, unit: Unit) -> list[str]:
    """责任网格: the cells around its station."""
    x, y = unit.loop[0]
    centres = shapely.get_coordinates(shapely.centroid([cell.polygon for cell in city.cells]))
    near = numpy.hypot(*(centres - (x, y)).T) < _OWN_CELLS_METRES
    return sorted(city.cells[row].code for row in numpy.flatnonzero(near))
