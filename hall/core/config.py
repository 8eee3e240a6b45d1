"""`hall.toml`: what a city is. Read once, checked against these types; errors name file, line and key.

Paths in the file are relative to the file. Feed mappings stay plain data here; the feeds room compiles them.
"""

from __future__ import annotations

import ipaddress
import os
import tomllib
from pathlib import Path
from typing import Any

import msgspec

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


class MapConfig(Section, kw_only=True):
    """`[map]`: the city's own maps, `hall map build` makes them. Further ones may lie in `<data>/maps`."""

    tiles: dict[str, str] = {}  # name in the address -> MBTiles file


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
        problem = f"missing: {missing}" if missing else problem
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
    walls = data.pop("walls", {})
    if not isinstance(walls, dict):
        raise ConfigError("write [walls.NAME], one table each", file=file, line=line_of(text, "walls"), key="walls")
    config = _convert(data, HallConfig, text, file, "")
    config.walls = {name: _convert(wall, WallGeometry, text, file, f"walls.{name}") for name, wall in walls.items()}
    config.feeds, config.thresholds = made["feeds"], made["thresholds"]
    config.file, config.text = file, text
    names = [feed.name for feed in config.feeds]
    for index, name in enumerate(names):
        if names.index(name) != index:
            raise config.error(f"feeds[{index}].name", f"feed {name!r} is declared twice")
        if not name.replace("-", "").replace("_", "").isalnum():
            raise config.error(f"feeds[{index}].name", f"{name!r}: use letters, digits, - and _")
    _check_networks(config)
    return config


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
