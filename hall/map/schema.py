"""Which objects of an extract the map has, in which layer, from which zoom: OpenMapTiles' layer names and classes.

The one table for both ways of building: the pure-Python one walks it, tilemaker gets it as Lua (`lua_tables`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

#: zooms that are built; a screen that goes deeper enlarges the deepest
LEAST_ZOOM, MOST_ZOOM = 5, 14
#: an object smaller than so many pixels (of 256 a tile) squared is left out at that zoom
LEAST_PIXELS = 4.0
ANY = "*"
#: what a Chinese city wants to read, first found first
NAME_KEYS = ("name:zh-Hans", "name:zh-CN", "name:zh", "name")


class Rule(NamedTuple):
    """Objects of `shape` (area, line, point) with `key` = one of `values` (value -> class, first zoom) are in `layer`."""

    layer: str
    shape: str
    key: str
    values: dict[str, tuple[str, int]]
    named: bool = False  # only what has a name


def _each(kind: str, zoom: int, *values: str) -> dict[str, tuple[str, int]]:
    return {value: (kind, zoom) for value in values}


_ROADS = {
    **_each("motorway", 5, "motorway"), **_each("trunk", 6, "trunk"), **_each("primary", 8, "primary"),
    **_each("motorway", 9, "motorway_link"), **_each("trunk", 10, "trunk_link"), **_each("primary", 11, "primary_link"),
    **_each("secondary", 9, "secondary"), **_each("tertiary", 11, "tertiary"),
    **_each("secondary", 12, "secondary_link"), **_each("tertiary", 12, "tertiary_link"),
    **_each("minor", 12, "residential", "unclassified", "living_street", "road"), **_each("service", 13, "service"),
    **_each("path", 13, "pedestrian"), **_each("path", 14, "track", "footway", "cycleway", "path", "steps", "bridleway"),
}  # fmt: skip
_POI = {
    **_each("hospital", 12, "hospital"), **_each("police", 13, "police"), **_each("fire_station", 13, "fire_station"),
    **_each("town_hall", 13, "townhall"), **_each("college", 13, "university"), **_each("school", 14, "school", "kindergarten"),
    **_each("bus", 14, "bus_station"), **_each("fuel", 14, "fuel"), **_each("shelter", 14, "shelter"),
}  # fmt: skip
RULES: tuple[Rule, ...] = (
    Rule("water", "area", "natural", _each("lake", 5, "water")),
    Rule("water", "area", "waterway", {**_each("river", 5, "riverbank"), **_each("dock", 10, "dock")}),
    Rule("water", "area", "landuse", _each("lake", 5, "reservoir", "basin")),
    Rule("landcover", "area", "natural", {
        **_each("wood", 7, "wood"), **_each("grass", 9, "grassland", "scrub", "heath"), **_each("wetland", 8, "wetland"),
        **_each("sand", 10, "sand", "beach"),
    }),
    Rule("landcover", "area", "landuse", {
        **_each("wood", 7, "forest"), **_each("grass", 10, "grass", "meadow", "village_green"),
        **_each("farmland", 8, "farmland", "orchard"),
    }),
    Rule("park", "area", "leisure", _each("park", 9, "park", "garden", "nature_reserve", "golf_course")),
    Rule("park", "area", "boundary", _each("national_park", 7, "national_park")),
    Rule("landuse", "area", "landuse", {
        **_each("residential", 9, "residential"), **_each("commercial", 10, "commercial", "retail"),
        **_each("industrial", 9, "industrial", "port"), **_each("cemetery", 11, "cemetery"),
        **_each("military", 10, "military"), **_each("railway", 11, "railway"),
    }),
    Rule("landuse", "area", "amenity", {
        **_each("school", 12, "school", "university", "college", "kindergarten"), **_each("hospital", 11, "hospital"),
    }),
    Rule("landuse", "area", "leisure", {**_each("stadium", 12, "stadium"), **_each("pitch", 13, "pitch")}),
    Rule("building", "area", "building", {ANY: ("", 13)}),
    Rule("waterway", "line", "waterway", {
        **_each("river", 8, "river"), **_each("canal", 10, "canal"), **_each("stream", 12, "stream"),
        **_each("drain", 14, "drain", "ditch"),
    }),
    Rule("transportation", "line", "highway", _ROADS),
    Rule("transportation", "line", "railway", {
        **_each("rail", 8, "rail"), **_each("transit", 11, "subway", "light_rail", "tram", "monorail"),
        **_each("rail", 13, "narrow_gauge", "funicular"),
    }),
    Rule("transportation", "line", "route", _each("ferry", 11, "ferry")),
    Rule("place", "point", "place", {
        **_each("city", 5, "city"), **_each("town", 7, "town"), **_each("suburb", 10, "borough", "suburb", "quarter"),
        **_each("village", 11, "village"), **_each("neighbourhood", 12, "neighbourhood"),
        **_each("hamlet", 13, "hamlet"), **_each("island", 11, "island", "islet"),
    }, named=True),
    Rule("poi", "point", "amenity", _POI, named=True),
    Rule("poi", "point", "railway", _each("railway", 12, "station", "halt"), named=True),
    Rule("poi", "point", "tourism", _each("attraction", 14, "attraction", "museum"), named=True),
)  # fmt: skip
#: every layer in drawing order -> the zoom it may begin at
LAYERS = {
    "water": 5, "landcover": 7, "landuse": 9, "park": 7, "waterway": 8, "building": 13, "boundary": 5,
    "transportation": 5, "transportation_name": 8, "place": 5, "poi": 12,
}  # fmt: skip
#: attribute -> type, as `vector_layers` of the metadata has them
FIELDS = {
    "water": {"class": "String", "name": "String"},
    "landcover": {"class": "String"},
    "landuse": {"class": "String"},
    "park": {"class": "String", "name": "String"},
    "waterway": {"class": "String", "name": "String"},
    "building": {},
    "boundary": {"admin_level": "Number", "maritime": "Number"},
    "transportation": {"class": "String", "brunnel": "String", "ramp": "Number", "layer": "Number"},
    "transportation_name": {"class": "String", "name": "String", "name:en": "String", "ref": "String"},
    "place": {"class": "String", "name": "String", "name:en": "String"},
    "poi": {"class": "String", "name": "String", "name:en": "String"},
}
#: keys that an object must have one of to be looked at
KEYS = tuple(sorted({rule.key for rule in RULES}))
#: layers whose objects carry their name
_NAMED = frozenset(layer for layer, fields in FIELDS.items() if "name" in fields)
#: administrative level of OpenStreetMap -> the zoom its line begins at; deeper levels are not drawn
ADMIN_ZOOM = {2: 5, 4: 5, 5: 6, 6: 8, 7: 9, 8: 10}


def name_of(tags: Mapping[str, str] | Any) -> str:
    """The name people here read, empty where there is none; `tags` is any mapping with `get`."""
    return next((found for key in NAME_KEYS if (found := (tags.get(key) or "").strip())), "")


def names_of(tags: Any) -> dict[str, Any]:
    name, english = name_of(tags), (tags.get("name:en") or "").strip()
    return ({"name": name} if name else {}) | ({"name:en": english} if name and english and english != name else {})


def matches(tags: Any, shape: str) -> Iterator[tuple[str, dict[str, Any], int]]:
    """(layer, attributes, first zoom) of what is drawn of an object with these tags as this shape; one per layer."""
    seen = set()
    for rule in RULES:
        if rule.shape != shape or rule.layer in seen:
            continue
        value = tags.get(rule.key)
        if value is None or value == "no":
            continue
        found = rule.values.get(value) or rule.values.get(ANY)
        if found is None or (rule.named and not name_of(tags)):
            continue
        seen.add(rule.layer)
        kind, zoom = found
        fields = {"class": kind} if kind else {}
        if rule.layer in _NAMED:
            fields |= {key: text for key, text in names_of(tags).items() if key in FIELDS[rule.layer]}
        if rule.layer == "transportation":
            fields |= _road(tags, value)
        yield rule.layer, fields, zoom
        if rule.layer == "transportation" and (name_of(tags) or tags.get("ref")) and rule.key == "highway":
            ref = (tags.get("ref") or "").strip()
            yield "transportation_name", {"class": kind, **names_of(tags), **({"ref": ref} if ref else {})}, max(zoom, 8)


def _road(tags: Any, value: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key in ("bridge", "tunnel"):
        if tags.get(key) not in (None, "no"):
            found["brunnel"] = key
    if value.endswith("_link"):
        found["ramp"] = 1
    layer = tags.get("layer") or ""
    if layer.lstrip("-").isdigit() and -10 < int(layer) < 10 and int(layer):
        found["layer"] = int(layer)
    return found


def is_area(tags: Any) -> bool:
    """Whether a closed way with these tags is drawn as an area only: an `area=yes` street is no loop of road."""
    return tags.get("area") == "yes"


def vector_layers() -> list[dict[str, Any]]:
    """The `vector_layers` of the metadata (MBTiles 1.3, TileJSON 3.0)."""
    return [
        {"id": layer, "minzoom": LAYERS[layer], "maxzoom": MOST_ZOOM, "fields": fields, "description": ""}
        for layer, fields in FIELDS.items()
    ]


def lua_tables() -> str:
    """The tables of this module as Lua source, put before profile/hall.lua."""

    def text(words: Any) -> str:
        return '"' + str(words).replace("\\", "\\\\").replace('"', '\\"') + '"'

    rows = []
    for rule in RULES:
        values = ", ".join(f"[{text(value)}] = {{{text(kind)}, {zoom}}}" for value, (kind, zoom) in rule.values.items())
        head = (
            f"layer = {text(rule.layer)}, shape = {text(rule.shape)}, key = {text(rule.key)}, named = {str(rule.named).lower()}"
        )
        rows.append(f"  {{{head}, values = {{{values}}}}},")
    keys = ", ".join(text(key) for key in (*KEYS, "boundary"))
    admin = ", ".join(f"[{level}] = {zoom}" for level, zoom in ADMIN_ZOOM.items())
    named = ", ".join(f"[{text(layer)}] = true" for layer in sorted(_NAMED))
    return "\n".join((
        f"node_keys = {{{keys}}}", "RULES = {", *rows, "}", f"NAME_KEYS = {{{', '.join(map(text, NAME_KEYS))}}}",
        f"ADMIN_ZOOM = {{{admin}}}", f"NAMED = {{{named}}}", "",
    ))  # fmt: skip
