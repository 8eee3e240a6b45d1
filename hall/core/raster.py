"""A field of rain over the city, as frames of 8-bit codes on one grid of Web-Mercator pixels (docs/FEEDS.md, "Radar").

Pure, and without numpy: the feeds room makes such frames, the web process answers from them, screens colour them.
A code is 0 where nothing is known, 1 where it is dry, else n = code - 1 stands for STEP * n * n millimetres an hour: fine
where it rains little, up to 258 mm/h; off by at most 0.07 mm/h at 1 mm/h, 0.2 at 10, 0.4 at 40.
"""

from __future__ import annotations

import math

import msgspec

from hall.core.model import Doc

UNKNOWN, DRY = 0, 1
STEP = 0.004  # mm/h
MOST = STEP * 254 * 254
DEPTH_STEP = 0.0001  # m: the same of a water depth; 0.15 m is kept to 4 mm, 1 m to 1 cm, nothing above 6.45 m
EARTH = 6_378_137.0
#: depths (m) from which water is drawn in another blue: a trace, a case (15 cm), the red line of underpasses (27 cm), deep
DEPTH_BREAKS = (0.03, 0.15, 0.27, 0.5, 1.0)
#: the screens' bounds of light, moderate, heavy rain, rainstorm, downpour, extreme downpour in one hour (mm)
BREAKS = (0.1, 1.6, 7.0, 15.0, 40.0, 50.0)


class Grid(msgspec.Struct, frozen=True):
    """`width` x `height` pixels, the first row in the north; `west` and `north` are the outer edges in EPSG:3857 metres, and
    `pixel` is a pixel's side in them."""

    west: float
    north: float
    pixel: float
    width: int
    height: int

    def bounds(self) -> tuple[float, float, float, float]:
        """West, south, east, north in degrees, of the outer edges."""
        east, south = self.west + self.width * self.pixel, self.north - self.height * self.pixel
        return longitude(self.west), latitude(south), longitude(east), latitude(self.north)

    def index(self, lon: float, lat: float) -> int | None:
        """The place of a position's pixel in a frame; None outside of the grid."""
        if not -89.0 <= lat <= 89.0:
            return None
        column = math.floor((x_of(lon) - self.west) / self.pixel)
        row = math.floor((self.north - y_of(lat)) / self.pixel)
        return row * self.width + column if 0 <= column < self.width and 0 <= row < self.height else None


class Frame(Doc, kw_only=True):
    """One moment. `time` is when what it shows ended (ms), `start` when it began, `run` when it was worked out: a frame with
    `time` after `run` is a forecast. `version` names its pixels."""

    time: int
    start: int
    run: int
    version: str
    most: float = 0.0  # mm/h, the wettest pixel
    covered: float = 1.0  # 0..1: how much of the grid the radar sees


class Raster(Doc, kw_only=True):
    """What a feed's rain field is. Subject `raster/<feed>/<product>`; the pixels are at
    `/api/v1/rasters/<feed>/<product>/<version>`."""

    feed: str
    product: str
    label: dict[str, str] = {}
    quantity: str = "rain_rate"
    unit: str = "mm/h"
    grid: Grid
    bounds: tuple[float, float, float, float]  # west, south, east, north: degrees
    step: float  # mm/h of code 2
    breaks: list[float] = []
    frames: list[Frame] = []  # oldest first, forecasts last
    source: str = ""
    estimated: str = ""  # "z-r": the rate was worked out from reflectivity
    stale_seconds: float = 900.0
    walls: bool = True  # walls show it without being asked
    loop_seconds: float = 60.0  # walls play the loop so often, 0: only when asked
    demo: bool = False


def x_of(lon: float) -> float:
    return EARTH * math.radians(lon)


def y_of(lat: float) -> float:
    return EARTH * math.log(math.tan(math.pi / 4 + math.radians(lat) / 2))


def longitude(x: float) -> float:
    return math.degrees(x / EARTH)


def latitude(y: float) -> float:
    return math.degrees(2 * math.atan(math.exp(y / EARTH)) - math.pi / 2)


def rate_of(code: int, step: float = STEP) -> float | None:
    """mm/h (or what `step` is in) of a code; None where nothing is known."""
    return None if code == UNKNOWN else step * (code - 1) ** 2


def grid_over(bounds: tuple[float, float, float, float], pixel_metres: float, most: int) -> Grid:
    """A grid over west, south, east, north (degrees) with pixels of about `pixel_metres` on the ground; larger ones where
    a side would have more than `most`."""
    west, south, east, north = bounds
    left, right, low, high = x_of(west), x_of(east), y_of(south), y_of(north)
    pixel = pixel_metres / math.cos(math.radians((south + north) / 2))
    pixel = max(pixel, (right - left) / most, (high - low) / most)
    # a hair less than the quotient, so that a grid that was limited to `most` does not get one more by rounding
    width, height = (max(1, math.ceil(side / pixel - 1e-6)) for side in (right - left, high - low))
    return Grid(left, high, pixel, width, height)


def newest_observed(raster: Raster, at: int | None = None) -> Frame | None:
    """The newest frame that was measured (not after `at`)."""
    seen = [frame for frame in raster.frames if frame.time <= frame.run and (at is None or frame.time <= at)]
    return max(seen, key=lambda frame: frame.time, default=None)


def current(raster: Raster, at: int) -> Frame | None:
    """What a map shows at a moment: the newest measured frame; where nothing was measured, the forecast nearest to it.

    None where there is no frame, or the last forecast is over: it stands as long as the step that led to it (one alone
    for `stale_seconds`).
    """
    seen = newest_observed(raster)
    if seen or not raster.frames:
        return seen
    times = sorted(frame.time for frame in raster.frames)
    reach = times[-1] - times[-2] if len(times) > 1 else raster.stale_seconds * 1000
    near = min(raster.frames, key=lambda frame: (abs(frame.time - at), frame.time))
    return near if at <= times[-1] + reach else None


def frame_at(raster: Raster, at: int) -> Frame | None:
    """The frame nearest to a moment, forecasts included; None where the nearest is further away than it may be old."""
    found = min(raster.frames, key=lambda frame: (abs(frame.time - at), frame.time), default=None)
    return found if found and abs(found.time - at) <= raster.stale_seconds * 1000 else None
