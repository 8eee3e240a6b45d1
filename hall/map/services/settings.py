"""`[map.sources.NAME]` of hall.toml, compiled: what is asked where, and how it is shown. Mistakes are named by line and key."""

from __future__ import annotations

import hashlib
import os
import re
from typing import Any, NamedTuple
from urllib.parse import quote, urlsplit

from hall.core.config import HallConfig, SourceConfig
from hall.map.services.grids import CRS

NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
#: what the map shows besides sources
VECTOR, NONE = "vector", "none"
_OWED = "天地图 · 国家地理信息公共服务平台"
_TIANDITU = (
    "https://t{s}.tianditu.gov.cn/LAYER_GRID/wmts?SERVICE=WMTS&REQUEST=GetTile&VERSION=1.0.0&LAYER=LAYER&STYLE=default"
    "&TILEMATRIXSET=GRID&FORMAT=tiles&TILEMATRIX={z}&TILEROW={y}&TILECOL={x}&tk={key}"
)
#: layer of 天地图 -> (zh, en, last zoom, tone, brightness, saturation)
_LAYERS = {
    "vec": ("天地图 矢量", "Tianditu map", 18, "dark", 0.8, 0.2), "cva": ("矢量注记", "names", 18, "dark", 0.9, 0.2),
    "img": ("天地图 影像", "Tianditu imagery", 18, "plain", 0.6, 0.6), "cia": ("影像注记", "names", 18, "plain", 0.95, 0.4),
    "ter": ("天地图 地形", "Tianditu terrain", 14, "dark", 0.8, 0.2), "cta": ("地形注记", "names", 14, "dark", 0.9, 0.2),
}  # fmt: skip
_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")


class Source(NamedTuple):
    """One service. `url`: a template (xyz), or the capabilities' address (wmts), key and all: never shown, never logged.
    `fault`: why it cannot be asked at all (a key that is not there), or empty. `version` changes with what is asked."""

    name: str
    kind: str
    url: str
    key: str
    headers: dict[str, str]
    crs: str
    settings: SourceConfig
    label: dict[str, str]
    attribution: str
    least: int
    most: int
    tone: str
    brightness: float
    saturation: float
    version: str
    fault: str

    def address(self, zoom: str, column: int, row: int, rows: int) -> str:
        """Of one tile of an xyz source; subdomains go by the tile, so that a tile is always asked of the same one."""
        domains = self.settings.subdomains
        filled = {"z": zoom, "x": str(column), "y": str(row), "-y": str(rows - 1 - row), "key": quote(self.key, safe="")}
        filled["s"] = domains[(column + row) % len(domains)] if domains else ""
        return _PLACEHOLDER.sub(lambda match: filled[match[1]], self.url)

    def shown(self) -> dict[str, Any]:
        """What screens are told: nothing of where it is asked."""
        one = self.settings
        return {
            "name": self.name, "label": self.label, "attribution": self.attribution, "min_zoom": self.least,
            "max_zoom": self.most, "over": one.over, "tone": self.tone, "brightness": self.brightness,
            "saturation": self.saturation, "opacity": one.opacity, "version": self.version, "fault": self.fault,
            "detail": one.detail if one.detail is not None else int(one.preset.startswith("tianditu-img")),
        }  # fmt: skip


def sources(config: HallConfig) -> dict[str, Source]:
    """All, as written. Raises ConfigError."""
    found = {name: _Maker(config, name, one).made() for name, one in config.map.sources.items()}
    for name, one in found.items():
        for number, other in enumerate(one.settings.over):
            if other not in found or other == name:
                known = ", ".join(sorted(set(found) - {name})) or "none"
                raise config.error(
                    f"map.sources.{name}.over", f"over[{number}]: {other!r} is no other source; there are {known}"
                )
    if config.map.ground not in ("", VECTOR, NONE, *found):
        known = ", ".join((VECTOR, NONE, *found))
        raise config.error("map.ground", f"{config.map.ground!r}: one of {known}")
    return found


class _Maker:
    def __init__(self, config: HallConfig, name: str, one: SourceConfig) -> None:
        self.config, self.name, self.one, self.fault = config, name, one, ""

    def error(self, key: str, problem: str) -> Exception:
        return self.config.error(f"map.sources.{self.name}.{key}".rstrip("."), problem)

    def made(self) -> Source:
        one, name = self.one, self.name
        if not NAME.fullmatch(name) or name in (VECTOR, NONE):
            raise self.error("", f"{name!r}: use small letters, digits, - and _, and neither {VECTOR!r} nor {NONE!r}")
        url, kind, crs, label, owed, least, most, tone, brightness, saturation = self._preset()
        if crs not in CRS:
            raise self.error("crs", f"{crs!r}: one of {', '.join(CRS)}")
        if least > most:
            raise self.error("min_zoom", f"{least} is more than max_zoom {most}")
        self._check(url, kind)
        key = self._secret("key", one.key)
        headers = {header: self._secret(f"headers.{header}", value) for header, value in one.headers.items()}
        if kind == "wmts":
            url = url.replace("{key}", quote(key, safe=""))
        if one.tone == "dark" and not one.preset:
            saturation = 0.2  # exchanged colours are orange and brown otherwise: severities own those
        parts = (
            url.replace(key, "") if key else url,
            kind,
            crs,
            one.layer,
            one.style,
            one.matrix_set,
            one.format,
            str(one.tile_size),
        )
        version = hashlib.sha256("\0".join(parts).encode()).hexdigest()[:12]
        return Source(
            name, kind, url, key, headers, crs, one, one.label or label, one.attribution or owed, least, most,
            one.tone or tone, one.brightness or brightness, saturation if one.saturation is None else one.saturation,
            version, self.fault,
        )  # fmt: skip

    def _preset(self) -> tuple:
        one = self.one
        least, most = one.min_zoom, one.max_zoom
        if not one.preset:
            if not one.url:
                raise self.error("", "missing: url (or a preset)")
            crs = one.crs or "EPSG:3857"
            label = {"zh-CN": self.name, "en": self.name}
            return one.url, one.kind or "xyz", crs, label, "", least or 0, 18 if most is None else most, "plain", 0.8, 0.6
        layer, _, grid = one.preset.removeprefix("tianditu-").partition("_")
        if not one.preset.startswith("tianditu-") or layer not in _LAYERS or grid not in ("", "w", "c"):
            raise self.error("preset", f"{one.preset!r}: tianditu- and one of {', '.join(_LAYERS)}, with _w or _c behind it")
        grid = grid or "w"
        url = _TIANDITU.replace("LAYER_GRID", f"{layer}_{grid}").replace("LAYER=LAYER", f"LAYER={layer}")
        url = url.replace("TILEMATRIXSET=GRID", f"TILEMATRIXSET={grid}")
        if one.url:  # a province's own node, a proxy of the city's
            url = one.url.rstrip("/") + url[len("https://t{s}.tianditu.gov.cn") :]
        elif not one.subdomains:
            one.subdomains = list("01234567")
        if not one.key:
            raise self.error("preset", '天地图 wants a key: write key = "env:NAME"')
        zh, en, last, *shown = _LAYERS[layer]
        crs = "EPSG:3857" if grid == "w" else "EPSG:4490"
        return url, "xyz", one.crs or crs, {"zh-CN": zh, "en": en}, _OWED, least or 1, last if most is None else most, *shown

    def _check(self, url: str, kind: str) -> None:
        key = "url" if self.one.url else "preset"
        found = set(_PLACEHOLDER.findall(url))
        if unknown := found - {"z", "x", "y", "-y", "s", "key"}:
            raise self.error(key, f"{{{sorted(unknown)[0]}}} is nothing we can fill in: {{z}} {{x}} {{y}} {{-y}} {{s}} {{key}}")
        parts = urlsplit(_PLACEHOLDER.sub("0", url))
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise self.error(key, "write a whole address, http:// or https://")
        if parts.username or parts.password:
            raise self.error(key, "no user in the address: write it into headers, as env:NAME")
        if kind == "xyz" and not ({"z", "x"} <= found and found & {"y", "-y"}):
            raise self.error(key, "an xyz address has {z}, {x} and {y} (or {-y})")
        if "s" in found and not self.one.subdomains:
            raise self.error(key, "{s} needs subdomains")
        if "{" in urlsplit(url).netloc.replace("{s}", ""):
            raise self.error(key, "only {s} may stand in the host's name")
        if kind == "wmts" and not self.one.layer:
            raise self.error("layer", "missing: which layer of the service")
        if "key" in found and not self.one.key:
            raise self.error("key", "missing: the address has {key}")

    def _secret(self, key: str, text: str) -> str:
        if not text.startswith("env:"):
            return text
        found = os.environ.get(text[4:], "")
        if not found:
            self.fault = f"{key}: the environment variable {text[4:]} is not set"
        return found
