"""The low spots of the demo city's flood plan: its underpasses, and the crossings where water stands first."""

from __future__ import annotations

import msgspec

from feeds.demo.city import City, Site
from feeds.demo.plane import to_degrees

#: underpasses and crossings that get crew and pumps from level III on; the next ones from level II on
_FIRST, _LATER = 4, 4


def spots(city: City, gauges: str = "gauges") -> str:
    """`[dispatch.plans.flood.spots.<gauge>]` of the city's hall.toml, those that take most water first."""
    made = ""
    for kind in ("underpass", "road"):
        sites = sorted((site for site in city.sites if site.kind == kind), key=lambda site: (-site.weak, site.id))
        for number, site in enumerate(sites[: _FIRST + _LATER]):
            made += _spot(city, site, gauges, "III" if number < _FIRST else "II")
    return made


def _spot(city: City, site: Site, gauges: str, level: str) -> str:
    lon, lat = to_degrees(site.at)
    row = city.district_of(site.at)
    fields = {"level": level, "site": f"{gauges}/{site.id}", "lon": lon, "lat": lat, "district": row[0] if row else ""}
    said = "".join(f"{name} = {_value(value)}\n" for name, value in fields.items())
    words = f'name = {{ "zh-CN" = {_value(site.name)}, en = {_value(site.english)} }}\n'
    return f"\n[dispatch.plans.flood.spots.{site.id}]\n{words}{said}"


def _value(value: object) -> str:
    """JSON's strings and numbers are TOML's, too."""
    return msgspec.json.encode(value).decode()
