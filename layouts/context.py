"""What a layout may know: a plain struct made by whoever renders it. No I/O here or in any layout."""

from __future__ import annotations

import math
from typing import Any

import msgspec

from hall.core.config import HallConfig, WallGeometry

#: part of the font size that a Han character fills; figures are enlarged by the font face to fill as much
GLYPH_OF_FONT = 0.92


class Context(msgspec.Struct, kw_only=True):
    """One wall (or page) to render. `texts` is `{locale: {key: text}}`, see layouts.catalogue."""

    wall: str = "routine"
    locale: str = "zh-CN"
    languages: list[str] = msgspec.field(default_factory=lambda: ["zh-CN", "en"])
    city_name: dict[str, str] = {}
    timezone: str = "Asia/Shanghai"
    centre: tuple[float, float] = (0.0, 0.0)
    zoom: float = 11
    trail_minutes: float = 10.0  # of movers on the map
    walls_show: list[str] = []  # layers of the map that a wall shows from its start
    demo: bool = False
    geometry: WallGeometry = msgspec.field(default_factory=WallGeometry)
    thresholds: list[dict[str, Any]] = []
    approach: dict[str, Any] = {}  # {factor, kmh} of crews' straight lines, `skills` that ponding needs; empty: not told
    texts: dict[str, dict[str, str]] = {}

    def t(self, key: str) -> str:
        """The text of `key` in the page's language, in Chinese where it has none, else the key."""
        for locale in (self.locale, "zh-CN"):
            if key in self.texts.get(locale, {}):
                return self.texts[locale][key]
        return key

    def name(self, texts: dict[str, str]) -> str:
        """The entry of a `{language: text}` map that fits the page's language."""
        short = self.locale.partition("-")[0]
        for tag, text in texts.items():
            if tag == self.locale or tag.partition("-")[0] == short:
                return text
        return next(iter(texts.values()), "")


def context_of(config: HallConfig, wall: str, texts: dict[str, dict[str, str]], locale: str = "") -> Context:
    """The context of the wall called `wall` in a city's configuration."""
    city = config.city
    return Context(
        wall=wall,
        locale=locale or (city.languages[0] if city.languages else "zh-CN"),
        languages=city.languages,
        city_name=city.name,
        timezone=city.timezone,
        centre=city.centre,
        zoom=city.zoom,
        trail_minutes=config.map.trail_minutes,
        walls_show=config.map.walls_show,
        demo=city.demo,
        geometry=config.walls.get(wall, config.wall),
        thresholds=[msgspec.to_builtins(rule) for rule in config.thresholds],
        texts=texts,
    )


def glyph_px(geometry: WallGeometry) -> float:
    """Height in wall pixels of the smallest glyph that is shown: `arcmin` minutes of arc at the viewing distance."""
    height_mm = geometry.viewing_distance_m * 1000 * math.tan(math.radians(geometry.arcmin / 60))
    return height_mm / geometry.pixel_pitch_mm


def wall_pixels(geometry: WallGeometry) -> tuple[int, int]:
    """Width and height of the whole wall in its own pixels."""
    return geometry.columns * geometry.screen[0], geometry.rows * geometry.screen[1]
