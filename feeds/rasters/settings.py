"""What a feed of kind `raster` is set to, checked when the feed starts; the city's grid follows from it."""

from __future__ import annotations

import functools
import math
from typing import Any

import msgspec

from hall.core.config import FeedConfig, HallConfig
from hall.core.errors import ConfigError
from hall.core.raster import BREAKS, DEPTH_BREAKS, Grid, grid_over

KIND = "raster"
DEPTH = "depth"  # the format of water depths
MOST_PIXELS = 1024  # of a side
MOST_DEPTH_PIXELS = 2048  # of a field of depths, which is looked at more closely
UNITS = ("m", "cm", "mm")
QUANTITIES = ("RATE", "ACRR", "DBZH")
_KILOMETRE = 1 / 111.2  # degrees of latitude


class RasterOptions(msgspec.Struct, kw_only=True):
    """`options` of a raster feed, beside its transport's."""

    product: str = "rain"
    quantity: str = ""  # of several in one file: RATE, ACRR or DBZH; empty: in this order
    z_r: tuple[float, float] = (200.0, 1.6)  # a, b of Z = a * R^b, for DBZH (Marshall and Palmer 1948)
    bounds: list[float] = []  # west, south, east, north; empty: the city's boundary, else 30 km around its centre
    margin_km: float = 10.0  # beyond the boundary
    pixel_metres: float = 250.0
    breaks: list[float] = msgspec.field(default_factory=lambda: list(BREAKS))
    keep_minutes: float = 120.0
    stale_seconds: float = 0.0  # a frame older than this says so; 0: three times expected_seconds
    walls: bool = True
    loop_seconds: float = 60.0
    source: str = ""  # whom the data is owed to, as it is shown; empty: as the file says


class DepthOptions(RasterOptions, kw_only=True):
    """The same of a feed with `format = "depth"`."""

    product: str = "depth"
    depth: str = "depth_m"  # property of an area
    unit: str = "m"  # of that property and of grids: m, cm, mm
    margin_km: float = 0.0
    pixel_metres: float = 20.0
    breaks: list[float] = msgspec.field(default_factory=lambda: list(DEPTH_BREAKS))
    keep_minutes: float = 1_440.0
    loop_seconds: float = 0.0


def settings_of(feed: FeedConfig, config: HallConfig) -> RasterOptions:
    """Checked options; raises ConfigError that names the key."""
    index = next((n for n, one in enumerate(config.feeds) if one.name == feed.name), 0)
    key = f"feeds[{index}].options"
    try:
        found = msgspec.convert(feed.options, DepthOptions if feed.format == DEPTH else RasterOptions, strict=True)
    except msgspec.ValidationError as error:
        problem, _, place = str(error).partition(" - at `$")
        raise config.error(f"{key}{place.rstrip('`')}", problem) from None
    for name, problem in _problems(found):
        raise config.error(f"{key}.{name}", problem)
    return found


def _problems(found: RasterOptions) -> list[tuple[str, str]]:
    made: list[tuple[str, str]] = []
    if not found.product or len(found.product) > 40 or not found.product.replace("-", "").replace("_", "").isalnum():
        made.append(("product", "use letters, digits, - and _, 40 at most"))
    if found.quantity and found.quantity not in QUANTITIES:
        made.append(("quantity", f"one of {', '.join(QUANTITIES)}"))
    if not (0 < found.z_r[0] <= 10_000 and 0.5 <= found.z_r[1] <= 5):
        made.append(("z_r", "a from 0 to 10000 and b from 0.5 to 5 of Z = a * R^b"))
    if found.bounds:
        made += _bounds_problem(found.bounds)
    for name, low, high in (
        ("margin_km", 0, 500), ("pixel_metres", 2, 20_000), ("keep_minutes", 5, 1_440), ("stale_seconds", 0, 86_400),
        ("loop_seconds", 0, 86_400),
    ):  # fmt: skip
        if not low <= getattr(found, name) <= high:
            made.append((name, f"from {low} to {high}"))
    rising = all(a < b for a, b in zip(found.breaks, found.breaks[1:], strict=False))
    if not 1 <= len(found.breaks) <= 6 or not rising or found.breaks[0] <= 0 or not all(map(math.isfinite, found.breaks)):
        made.append(("breaks", "one to six rising numbers above 0 (mm/h, of depths m)"))
    if isinstance(found, DepthOptions) and found.unit not in UNITS:
        made.append(("unit", f"one of {', '.join(UNITS)}"))
    return made


def _bounds_problem(bounds: list[float]) -> list[tuple[str, str]]:
    if len(bounds) != 4 or not (-180 <= bounds[0] < bounds[2] <= 180 and -85 <= bounds[1] < bounds[3] <= 85):
        return [("bounds", "west, south, east, north in degrees, latitudes within 85")]
    return []


def grid_of(feed: FeedConfig, config: HallConfig) -> Grid:
    """The pixels of the city that every frame of this feed is cut to; raises ConfigError."""
    settings, city = settings_of(feed, config), config.city
    bounds = tuple(settings.bounds)
    if not bounds and city.boundary:
        path = str(config.path(city.boundary))
        bounds = _boundary_box(path, city.boundary, city.boundary_name, city.boundary_crs, config.file)
    margin = 0.0 if settings.bounds else settings.margin_km
    lon, lat = city.centre
    west, south, east, north = bounds or (lon, lat, lon, lat)
    margin = margin if bounds else max(margin, 30.0)
    high = margin * _KILOMETRE
    wide = high / max(0.05, math.cos(math.radians((south + north) / 2)))
    box = (max(-180.0, west - wide), max(-85.0, south - high), min(180.0, east + wide), min(85.0, north + high))
    return grid_over(box, settings.pixel_metres, MOST_DEPTH_PIXELS if feed.format == DEPTH else MOST_PIXELS)


@functools.lru_cache(maxsize=8)
def _boundary_box(path: str, file: str, name: str, crs: str, config_file: str) -> tuple[float, float, float, float]:
    """West, south, east, north of the city's districts; `path` is where `file` lies."""
    from feeds.places import load_areas
    from hall.core.config import CityConfig

    config = HallConfig(city=CityConfig(name={}, centre=(0.0, 0.0)), file=config_file)
    boxes: list[Any] = [shape.bounds for shape in load_areas(config, file, name, crs, "city.boundary").shapes]
    if not boxes:
        raise ConfigError("no polygon", file=path, key="city.boundary")
    west, south, east, north = zip(*boxes, strict=True)
    return float(min(west)), float(min(south)), float(max(east)), float(max(north))
