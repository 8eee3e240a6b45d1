"""`hall.toml`: what a city is. Read once, checked against these types; errors name file, line and key.

Paths in the file are relative to the file. Feed mappings stay plain data here; the feeds room compiles them.
"""

from __future__ import annotations

import ipaddress
import os
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

from hall.core.configwords import plain_words
from hall.core.errors import ConfigError
from hall.core.tomlplaces import line_of


class Section(msgspec.Struct, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Base of every table: an unknown key is an error."""


class CityConfig(Section, kw_only=True):
    """`[city]`. `name` by language; `centre` = [lon, lat] WGS-84; `boundary` and `cells` are GeoJSON files."""

    name: dict[str, str]
    code: str = ""
    centre: tuple[float, float]
    zoom: float = 11
    timezone: str = "Asia/Shanghai"
    languages: list[str] = msgspec.field(default_factory=lambda: ["zh-CN", "en"])
    demo: bool = False
    boundary: str = ""
    boundary_name: str = "name"  # property that names a district
    boundary_crs: str = "WGS-84"
    cells: str = ""
    cells_code: str = "code"  # property that holds a cell's code
    cells_crs: str = "WGS-84"
    basemap: list[str] = []  # further GeoJSON files (roads, water), property `layer` says what they are
    basemap_crs: str = "WGS-84"
    osm: str = ""  # OSM extract (.osm.pbf, .osm.gz)


class ClockConfig(Section, kw_only=True):
    """`[clock]`: absent = live. `start` is the first city moment of a replay, `rate` city seconds per real second."""

    start: str = ""
    rate: float = 1.0
    stop: str = ""


class WallGeometry(Section, kw_only=True):
    """`[wall]` or `[walls.NAME]`: what the wall is made of; type size follows from it (20 arcmin at the distance)."""

    pixel_pitch_mm: float = 1.875
    viewing_distance_m: float = 10.0
    columns: int = 1
    rows: int = 1
    screen: tuple[int, int] = (3840, 2160)  # pixels of one screen
    arcmin: float = 20.0
    layout: str = ""  # wall declared in layouts/walls; default: the name itself


class GaugeRule(Section, kw_only=True):
    """`[[thresholds]]`: lines for sensors of one quantity (and kind); `value` in the canonical unit."""

    quantity: str
    kind: str = ""
    value: float
    severity: int
    label: dict[str, str] = {}


class FeedConfig(Section, kw_only=True):
    """`[[feeds]]`: one supplier. `url` scheme picks the transport, `format` the decoder, `mapping` makes our document."""

    name: str
    kind: str
    url: str
    label: dict[str, str] = {}
    format: str = ""  # json | jsonl | csv | xml | geojson | parquet | cap | gb28181 | open311 ...; empty: by file name
    expected_seconds: float = 60.0
    crs: str = ""  # empty: the city's WGS-84
    timezone: str = ""  # empty: the city's
    token: str = ""  # for push; `env:NAME` reads an environment variable
    enabled: bool = True
    mapping: dict[str, Any] = {}
    options: dict[str, Any] = {}  # the transport's own settings


class VideoConfig(Section, kw_only=True):
    """`[video]`: what the relay may reach, and its bounds. Networks are written as CIDR (`10.20.0.0/16`)."""

    allow: list[str] = []  # where any are named, cameras are reached in these networks only
    deny: list[str] = []  # never reached, also where `allow` names them
    allow_loopback: bool = False  # cameras on the hall's own machine: tests and demos
    linger_seconds: float = 10.0  # how long a source goes on after its last viewer left
    gop_mib: float = 8.0  # pictures kept of one channel for an instant start
    gop_total_mib: float = 512.0  # of all channels
    webrtc_ports: tuple[int, int] | None = None  # UDP, first and last; absent: any
    webrtc_addresses: list[str] = []  # of this machine, offered to players; empty: all it has
    playout_delay_ms: tuple[int, int] = (0, 0)  # least and most, as players are asked to buffer
    channels_on_stream: int = 10_000  # more than these the gate leaves out: pages ask the catalogue for those they show
    why_required: tuple[str, ...] = ("viewer", "operator", "dispatcher", "inspector", "department")  # who say why they watch
    record_days: float = 30.0  # how long recordings are kept that are no evidence
    record_gib: float = 50.0  # how much all recordings may take; the oldest that are no evidence go first
    rounds: list[dict[str, Any]] = []  # 轮巡, compiled by video/rounds/plan.py
    health: dict[str, Any] = {}  # the health round, compiled by video/health/plan.py
    analysis: list[dict[str, Any]] = []  # what is read from pictures of which channel, compiled by video/analysis/plan.py


class BoundaryConfig(Section, kw_only=True):
    """`[map.boundaries.NAME]`: areas of one administrative level (hall/core/boundaries.py)."""

    file: str  # GeoJSON, Shapefile, GeoPackage ...
    level: Annotated[int, msgspec.Meta(ge=2, le=12)]  # 省 4, 市 5, 区县 6, 街道 or 乡镇 8, 社区 9, 村 10, 网格 12
    label: dict[str, str] = {}  # what such an area is called, by language; else by the level
    crs: str = ""  # empty: what the file says, GeoJSON without a word WGS-84
    name: str = "name"  # property that names an area
    code: str = ""  # property that holds its code; empty: the name
    layer: str = ""  # of a file with several
    encoding: str = ""  # of a Shapefile's table; empty: found out


class SourceConfig(Section, kw_only=True):
    """`[map.sources.NAME]`: a tile service of somebody else (hall/map/services). `preset` fills in what is not written."""

    preset: str = ""  # tianditu-vec, -cva, -img, -cia, -ter, -cta; with _c in degrees instead of Mercator
    kind: Literal["", "xyz", "wmts"] = ""
    url: str = ""  # xyz: with {z} {x} {y} (or {-y}), {s}, {key}; wmts: the address of its capabilities
    layer: str = ""  # wmts
    style: str = ""
    matrix_set: str = ""  # wmts; empty: one that we can read
    format: str = ""  # wmts: image/png, image/jpeg; empty: the first we can read
    crs: str = ""  # EPSG:3857, EPSG:4490, EPSG:4326, GCJ-02 or BD-09
    key: str = ""  # `env:NAME` reads an environment variable
    subdomains: list[str] = []
    headers: dict[str, str] = {}  # a value may be `env:NAME`
    tile_size: Literal[256, 512] = 256
    min_zoom: Annotated[int, msgspec.Meta(ge=0, le=22)] | None = None
    max_zoom: Annotated[int, msgspec.Meta(ge=0, le=22)] | None = None
    attribution: str = ""
    label: dict[str, str] = {}
    over: list[str] = []  # sources drawn over this one: names of places on pictures
    tone: Literal["", "plain", "dark"] = ""  # dark: light and dark exchanged, for maps made for paper
    brightness: Annotated[float, msgspec.Meta(ge=0.1, le=1)] | None = None
    saturation: Annotated[float, msgspec.Meta(ge=0, le=1)] | None = None
    opacity: Annotated[float, msgspec.Meta(gt=0, le=1)] = 1.0
    detail: Annotated[int, msgspec.Meta(ge=0, le=3)] | None = None  # zooms finer than names need at the wall's distance
    timeout_seconds: Annotated[float, msgspec.Meta(gt=0, le=60)] = 8.0
    at_once: Annotated[int, msgspec.Meta(ge=1, le=32)] = 6  # tiles asked for at the same time
    fresh_days: Annotated[float, msgspec.Meta(ge=0)] = 30.0  # asked for again when older; shown all the same until it comes
    disk_mib: Annotated[int, msgspec.Meta(ge=0)] = 2048  # kept on disk; the longest unused go first; 0 keeps nothing


#: layers of the map that nobody sees before somebody switches them on; the latter two colour the same ground
OFF_AT_FIRST = ("components", "heat", "measures")


class MapConfig(Section, kw_only=True):
    """`[map]`: the city's own maps, `hall map build` makes them. Further ones may lie in `<data>/maps`."""

    tiles: dict[str, str] = {}  # name in the address -> MBTiles file
    basemap: str = ""  # which map screens draw; empty: the only one there is
    boundaries: dict[str, BoundaryConfig] = {}  # areas of further administrative levels
    sources: dict[str, SourceConfig] = {}  # tile services of others
    ground: str = ""  # what the map shows at first: "vector", "none" or the name of a source; empty: "vector"
    walls_show: list[str] = []  # layers that walls show from their start, of those that are else off: OFF_AT_FIRST
    trail_minutes: float = 10.0  # how far back the trail of a mover goes on the map; 0: none
    history: str = "72 h"  # how long what the map showed is kept, to be replayed on it
    history_megabytes: int = 2048  # what that may take; the oldest goes first


class HallConfig(Section, kw_only=True):
    """The whole file. `file` and `text` remember where it came from for error messages."""

    city: CityConfig
    clock: ClockConfig = msgspec.field(default_factory=ClockConfig)
    wall: WallGeometry = msgspec.field(default_factory=WallGeometry)
    walls: dict[str, WallGeometry] = {}
    thresholds: list[GaugeRule] = []
    feeds: list[FeedConfig] = []
    video: VideoConfig = msgspec.field(default_factory=VideoConfig)
    dispatch: dict[str, Any] = {}  # compiled by the dispatch room (dispatch/policy.py), over its default set
    components: dict[str, dict[str, Any]] = {}  # sources of street components, compiled by feeds/components/settings.py
    map: MapConfig = msgspec.field(default_factory=MapConfig)
    file: str = ""
    text: str = ""  # the source, for line numbers

    def path(self, relative: str) -> Path:
        """A path written in the file, made absolute; `$HALL_REAL_DATA` and other variables are expanded."""
        expanded = os.path.expandvars(relative)
        if "$" in expanded:
            raise ConfigError(f"{relative}: environment variable is not set", file=self.file)
        return (Path(self.file).parent / expanded).resolve()

    def error(self, key: str, problem: str) -> ConfigError:
        """A ConfigError that points at `key` (`feeds[0].mapping.time`) in this file."""
        return ConfigError(problem, file=self.file, line=line_of(self.text, key), key=key)

    def feed(self, name: str) -> tuple[int, FeedConfig]:
        """The feed called `name` with its index; raises KeyError."""
        for index, feed in enumerate(self.feeds):
            if feed.name == name:
                return index, feed
        raise KeyError(name)


def _convert(data: Any, kind: type, text: str, file: str, base: str) -> Any:
    """Checks one table against its type; the error's key is the full path from the top of the file."""
    try:
        return msgspec.convert(data, kind, strict=True)
    except msgspec.ValidationError as error:
        problem, _, place = str(error).partition(" - at `$")
        key = f"{base}{place.rstrip('`')}".lstrip(".")
        unknown = problem.partition("unknown field `")[2].rstrip("`")
        missing = problem.partition("missing required field `")[2].rstrip("`")
        if unknown:
            key = f"{key}.{unknown}".lstrip(".")
        problem = f"missing: {missing}" if missing else plain_words(problem, key)
        raise ConfigError(problem, file=file, line=line_of(text, key), key=key or "(file)") from None


def parse(text: str, file: str = "hall.toml") -> HallConfig:
    """Reads a configuration; raises ConfigError naming file, line and key."""
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        found = str(error)
        line = int(found.split("line ")[1].split(",")[0]) if "line " in found else None
        raise ConfigError(found, file=file, line=line) from None
    lists = {"feeds": FeedConfig, "thresholds": GaugeRule}
    made: dict[str, list] = {}
    for name, kind in lists.items():
        rows = data.pop(name, [])
        if not isinstance(rows, list):
            raise ConfigError(f"write [[{name}]], one table each", file=file, line=line_of(text, name), key=name)
        made[name] = [_convert(row, kind, text, file, f"{name}[{index}]") for index, row in enumerate(rows)]
    walls = _named(data, "walls", WallGeometry, text, file)
    maps = data.get("map") if isinstance(data.get("map"), dict) else {}
    boundaries = _named(maps, "boundaries", BoundaryConfig, text, file, "map.")
    sources = _named(maps, "sources", SourceConfig, text, file, "map.")
    config = _convert(data, HallConfig, text, file, "")
    config.walls, config.map.boundaries, config.map.sources = walls, boundaries, sources
    config.feeds, config.thresholds = made["feeds"], made["thresholds"]
    config.file, config.text = file, text
    names = [feed.name for feed in config.feeds]
    for index, name in enumerate(names):
        if names.index(name) != index:
            raise config.error(f"feeds[{index}].name", f"feed {name!r} is declared twice")
        if not name.replace("-", "").replace("_", "").isalnum():
            raise config.error(f"feeds[{index}].name", f"{name!r}: use letters, digits, - and _")
    _check_networks(config)
    _check_map(config)
    return config


def _named(data: dict[str, Any], key: str, kind: type, text: str, file: str, above: str = "") -> dict[str, Any]:
    """Takes `[key.NAME]` out of `data`, one table each, so that an error names the table's own key."""
    tables, full = data.pop(key, {}), above + key
    if not isinstance(tables, dict):
        raise ConfigError(f"write [{full}.NAME], one table each", file=file, line=line_of(text, full), key=full)
    return {name: _convert(table, kind, text, file, f"{full}.{name}") for name, table in tables.items()}


def _check_map(config: HallConfig) -> None:
    shown = config.map.walls_show
    for index, name in enumerate(shown):
        if name not in OFF_AT_FIRST:
            raise config.error(
                f"map.walls_show[{index}]", f"{name!r}: one of {', '.join(OFF_AT_FIRST)}; the others are shown anyway"
            )
    if {"heat", "measures"} <= set(shown):
        raise config.error("map.walls_show", '"heat" and "measures" colour the same ground; name one of them')


def _check_networks(config: HallConfig) -> None:
    for key in ("allow", "deny"):
        for index, text in enumerate(getattr(config.video, key)):
            try:
                ipaddress.ip_network(text)
            except ValueError as error:
                raise config.error(f"video.{key}[{index}]", f"{error}; write a network as 10.20.0.0/16") from None


def load(path: str | Path) -> HallConfig:
    """Reads the file; a missing or undecodable file is a ConfigError too."""
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"cannot be read: {error}", file=str(path)) from None
    return parse(text, str(Path(path).resolve()))
