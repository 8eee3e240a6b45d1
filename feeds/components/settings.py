"""`[components.NAME]` of hall.toml, or a TOML file of its own: how one source of components is read. Compiled once to closures.

`mapping` uses the language of the feeds (docs/MAPPING.md). Mapped are either `lon` and `lat` (or easting and northing, in
`crs`) or `geometry`, a column of WKB, WKT or the geometry of a feature.
"""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, NamedTuple

import msgspec

from feeds.mapping import fields
from feeds.mapping.values import Take, Wrong, raw_value, spec_of
from hall.core.config import HallConfig
from hall.core.coordinates import crs_name
from hall.core.errors import ConfigError

#: mapped as text, straight into the record
TEXTS = (
    "class_code", "class_name", "subclass_name", "name", "state", "department", "owner", "maintainer", "district", "cell",
    "address", "accuracy",
)  # fmt: skip
_KNOWN = {*TEXTS, "component_id", "lon", "lat", "geometry", "updated", "withdrawn", "extra"}
_Pair = tuple[float, float]


class Rules(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """One `[components.NAME]` table."""

    label: dict[str, str] = {}
    crs: str = ""  # of lon/lat or geometry; empty: what the file itself says
    format: str = ""  # csv | geojson | parquet | vector | postgis; empty: by the name
    encoding: str = ""  # of CSV and Shapefile; empty: found out
    delimiter: str = ""  # empty: found out
    header: list[str] = []  # column names of a file that has none
    skip_lines: int = 0
    layer: str = ""  # of a file with several
    query: str = ""  # of a database: one SELECT
    id_structure: Literal["6-2-2-6", "6-2-3-5", "free"] = "6-2-2-6"
    id_from: list[str] = []  # columns that a number is made of, where the source has none
    duplicates: Literal["last", "first", "newest", "park"] = "last"  # which of two rows with one number wins
    decimals: int = 4  # of degrees; fewer are coarse
    coarse: Literal["mark", "park"] = "mark"
    swapped: Literal["repair", "park"] = "repair"
    outside: Literal["park", "mark"] = "park"  # what lies out of the city's reach
    extent: tuple[float, float, float, float] | None = None  # west, south, east, north; else the city's boundary and 10 km
    same_place: int = 100  # so many rows at one very position stand for "unknown"; 0: any number may
    placeholder: list[_Pair] = []  # positions that mean "unknown", besides 0,0, -1,-1 and 999…
    most_withdrawn: float = 0.2  # a whole import that would withdraw more of its source is refused
    classes: dict[str, str] = {}  # class code -> 小类
    mapping: dict[str, Any] = {}


class Source(NamedTuple):
    """A compiled source. `texts` by field; `number(row)`: the component's number."""

    name: str
    rules: Rules
    texts: dict[str, Take]
    number: Callable[[dict[str, Any]], str]
    lon: Take | None
    lat: Take | None
    geometry: Take | None
    updated: Take | None
    withdrawn: Take | None
    extra: Callable[[dict[str, Any]], dict[str, Any]]


def source_of(config: HallConfig, name: str) -> Source:
    """The source called `name`, or described by the TOML file `name`; raises ConfigError."""
    if name in config.components:
        return _compiled(
            name, config.components[name], lambda key, text: config.error(f"components.{name}.{key}".rstrip("."), text)
        )
    path = Path(name)
    if path.suffix != ".toml":
        known = ", ".join(config.components) or "none"
        raise config.error("components", f"there is no [components.{name}]; there are {known}. A file of its own ends in .toml")
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(str(error), file=name) from None
    return _compiled(str(data.pop("name", path.stem)), data, lambda key, text: ConfigError(text, file=name, key=key))


def _compiled(name: str, data: Any, fault: Callable[[str, str], ConfigError]) -> Source:
    if not name.replace("-", "").replace("_", "").isalnum():
        raise fault("", f"{name!r}: use letters, digits, - and _")
    try:
        rules = msgspec.convert(data, Rules)
        if rules.crs and not rules.crs.startswith("+proj"):
            rules.crs = crs_name(rules.crs)
    except msgspec.ValidationError as error:
        problem, _, place = str(error).partition(" - at `$.")
        raise fault(place.rstrip("`"), problem) from None
    except ValueError as error:
        raise fault("crs", str(error)) from None
    try:
        return _Maker(name, rules).made()
    except Wrong as wrong:
        raise fault(f"mapping.{wrong.key}" if wrong.key in _KNOWN or "." in wrong.key else wrong.key, wrong.problem) from None


class _Maker:
    def __init__(self, name: str, rules: Rules) -> None:
        self.name, self.rules, self.table = name, rules, rules.mapping

    def made(self) -> Source:
        for key in self.table:
            if key not in _KNOWN:
                raise Wrong(key, f"a component has no field {key!r}; there are {', '.join(sorted(_KNOWN))}")
        if ("lon" in self.table) != ("lat" in self.table):
            raise Wrong("lat" if "lon" in self.table else "lon", "lon and lat go together")
        if ("lon" in self.table) == ("geometry" in self.table):
            raise Wrong("lon", "map either lon and lat, or geometry")
        texts = {key: self._text(key) for key in TEXTS if key in self.table}
        lon, lat, geometry = (self._raw(key) for key in ("lon", "lat", "geometry"))
        updated = None
        if "updated" in self.table:
            spec = spec_of(self.table["updated"], "updated")
            updated = fields.unwarped_time(raw_value(spec, "updated")[0], spec, "UTC", "updated")
        elif self.rules.duplicates == "newest":
            raise Wrong("duplicates", "newest needs mapping.updated")
        withdrawn = fields.flag_field(self._raw("withdrawn")) if "withdrawn" in self.table else None
        return Source(self.name, self.rules, texts, self._number(), lon, lat, geometry, updated, withdrawn, self._extra())

    def _raw(self, key: str) -> Take | None:
        return raw_value(spec_of(self.table[key], key), key)[0] if key in self.table else None

    def _text(self, key: str) -> Take:
        spec = spec_of(self.table[key], key)
        return fields.text_field(raw_value(spec, key)[0], spec)

    def _number(self) -> Callable[[dict[str, Any]], str]:
        if ("component_id" in self.table) == bool(self.rules.id_from):
            raise Wrong("component_id", "map component_id, or name the columns it is made of in id_from")
        if "component_id" in self.table:
            return self._text("component_id")
        if self.rules.id_structure != "free":
            raise Wrong("id_structure", 'numbers made of columns are not the standard\'s: say id_structure = "free"')
        columns, name = self.rules.id_from, self.name

        def made(row: dict[str, Any]) -> str:
            text = "\x1f".join(str(row.get(column, "")).strip() for column in columns)
            return f"{name}-{hashlib.blake2b(text.encode('utf-8', 'replace'), digest_size=8).hexdigest()}"[-40:]

        return made

    def _extra(self) -> Callable[[dict[str, Any]], dict[str, Any]]:
        data = self.table.get("extra", {})
        if data == "*":
            return lambda row: {k: v for k, v in row.items() if v not in (None, "") and k != "geometry"}
        if isinstance(data, list):
            data = {column: {"path": [column]} for column in data}
        if not isinstance(data, dict):
            raise Wrong("extra", 'give a table, a list of columns, or "*"')
        takes = {}
        for inner, part in data.items():
            spec = spec_of(part, f"extra.{inner}")
            takes[inner] = fields.any_field(raw_value(spec, f"extra.{inner}")[0])
        return lambda row: {k: v for k, take in takes.items() if (v := take(row)) not in (None, "")}
