"""What the demo city may have to close, and what its depots keep: both out of its own streets, sites and cameras."""

from __future__ import annotations

import json
import math
from typing import Any

from shapely.geometry import LineString, Point

from feeds.demo.cameras import directory
from feeds.demo.chance import rng, unit
from feeds.demo.city import City, Road, Site
from feeds.demo.names import EAST_WEST, UNITS, URBAN
from feeds.demo.plane import distance, nearest_of, to_degrees

#: low crossings one may have to close besides the underpasses
_LOW_SPOTS = 6
_CAMERAS, _NEAR_METRES = 3, 320.0
_AXES = {name for name, _ in EAST_WEST}
#: depots: name, English, kind, where in metres from the middle of the city, what is there (name, kind, count, unit, capacity)
_DEPOTS: tuple[tuple[str, str, str, tuple[int, int], tuple[tuple, ...]], ...] = (
    ("市防汛物资总库", "City flood depot", "depot", (2600, -900), (
        ("移动排水泵车", "pump", 3, "台", 1500.0), ("潜水泵", "pump", 12, "台", 200.0), ("沙袋", "sandbag", 12000, "条", None),
        ("冲锋舟", "boat", 4, "艘", None), ("照明灯组", "light", 6, "套", None), ("应急发电机", "generator", 4, "台", None))),
    ("牧野区物资库", "Muye depot", "depot", (-500, 2900), (
        ("移动排水泵车", "pump", 1, "台", 1500.0), ("潜水泵", "pump", 6, "台", 200.0), ("沙袋", "sandbag", 4000, "条", None))),
    ("卫滨区物资库", "Weibin depot", "depot", (-3000, -1900), (
        ("移动排水泵车", "pump", 1, "台", 1000.0), ("潜水泵", "pump", 6, "台", 200.0), ("沙袋", "sandbag", 4500, "条", None))),
    ("胜利桥排涝泵站", "Shengli Bridge pump station", "pump_station", (300, 400), (("固定排涝泵", "pump", 4, "台", 3600.0),)),
    ("东闸排涝泵站", "East Sluice pump station", "pump_station", (4200, 600), (("固定排涝泵", "pump", 3, "台", 3600.0),)),
    ("市第一中学安置点", "No. 1 School shelter", "shelter", (1500, -1700), (("安置床位", "place", 420, "人", None),)),
    ("市体育馆安置点", "Stadium shelter", "shelter", (3900, -2100), (("安置床位", "place", 900, "人", None),)),
    ("卫滨区文化宫安置点", "Weibin Palace shelter", "shelter", (-2700, -2600), (("安置床位", "place", 260, "人", None),)),
)  # fmt: skip


def depots(city: City) -> list[dict[str, Any]]:
    """Rows of depots.json as dispatch reads them; each stands on a street."""
    nodes = list(city.streets.at.values())
    found = []
    for number, (name, english, kind, at, items) in enumerate(_DEPOTS, 1):
        chance = rng(city.seed, "depot", name)
        place = nodes[nearest_of(nodes, (at[0] + chance.uniform(-150, 150), at[1] + chance.uniform(-150, 150)))]
        lon, lat = to_degrees(place)
        row = city.district_of(place)
        found.append({
            "id": f"K{number:02d}", "name": name, "label": {"zh-CN": name, "en": english}, "kind": kind,
            "unit": UNITS["drainage"], "lon": round(lon, 6), "lat": round(lat, 6), "district": row[0] if row else URBAN[0],
            "items": [_item(*item) for item in items],
        })  # fmt: skip
    return found


def _item(name: str, kind: str, count: int, measure: str, capacity: float | None) -> dict[str, Any]:
    item = {"name": name, "kind": kind, "count": count, "unit": measure}
    return item | ({"capacity": capacity, "capacity_unit": "m3/h"} if capacity else {})


def closures(city: City, gauges: str = "gauges", cameras: str = "cameras") -> str:
    """`[[dispatch.closures.places]]` of the city's hall.toml: every underpass and the lowest crossings."""
    low = sorted((site for site in city.sites if site.kind == "road"), key=lambda site: -site.weak)[:_LOW_SPOTS]
    sites = [site for site in city.sites if site.kind == "underpass"] + low
    seen = directory(city)
    return "".join(_place(city, site, gauges, cameras, seen) for site in sites)


def _place(city: City, site: Site, gauges: str, cameras: str, seen: list) -> str:
    lon, lat = to_degrees(site.at)
    row = city.district_of(site.at)
    other = _other_way(city, site)
    near = sorted(
        (camera for camera in seen if distance(camera.at, site.at) <= _NEAR_METRES), key=lambda c: distance(c.at, site.at)
    )
    fields: dict[str, str] = {
        "id": _text(site.id), "name": _table({"zh-CN": site.name, "en": site.english}), "kind": _text(site.kind),
        "site": _text(f"{gauges}/{site.id}"), "lon": f"{lon:.6f}", "lat": f"{lat:.6f}",
        "district": _text(row[0] if row else ""), "unit": _text(UNITS["drainage"]),
        "detour": _table({"zh-CN": f"请绕行{other.name}", "en": f"take {other.english}"}),
        "cameras": json.dumps([f"channel/{cameras}/{camera.id}" for camera in near[:_CAMERAS]]),
    }  # fmt: skip
    return "\n[[dispatch.closures.places]]\n" + "".join(f"{name} = {value}\n" for name, value in fields.items())


def _other_way(city: City, site: Site) -> Road:
    """The nearest arterial that runs the same way as the one that may be closed."""
    point = Point(site.at)
    major = [road for road in city.roads if road.layer == "road_major"]
    away = {road.name: min((point.distance(LineString(line)) for line in road.lines), default=math.inf) for road in major}
    own = next((road for road in major if site.name.startswith(road.name)), min(major, key=lambda road: away[road.name]))
    same = [road for road in major if road is not own and (road.name in _AXES) == (own.name in _AXES)]
    return min(same, key=lambda road: (away[road.name], unit(city.seed, road.name)))


def _text(value: str) -> str:
    """A TOML string; JSON's escapes are TOML's."""
    return json.dumps(value, ensure_ascii=False)


def _table(by_language: dict[str, str]) -> str:
    return "{ " + ", ".join(f"{_text(tag)} = {_text(text)}" for tag, text in by_language.items()) + " }"
