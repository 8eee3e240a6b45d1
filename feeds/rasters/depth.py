"""Flood depths: areas with a depth (GeoJSON), ESRI ASCII grids, GeoTIFF, to codes on the city's grid. Runs in the worker only.

What a GeoJSON does not cover is dry; what a grid does not cover, or calls its NODATA, is not known. Where areas overlap the
deepest counts. Each moment is a frame; it is a forecast where its moment lies after its run's.
"""

from __future__ import annotations

import datetime
import io
import math
import re
import warnings
import zoneinfo
from collections.abc import Iterator
from typing import Any

import msgspec
import numpy
import pyproj
import shapely
from PIL import Image

from feeds.rasters.frame import Read
from hall.core.coordinates import to_wgs84
from hall.core.errors import BadInput
from hall.core.geometries import WRONG, geometry_of
from hall.core.raster import DEPTH_STEP, DRY, UNKNOWN, Grid

MOST_CELLS = 40_000_000
MOST_AREAS = 50_000
DEEPEST = 100.0  # metres: more is another unit
_MOMENT = re.compile(r"(?<!\d)(\d{4})-?(\d\d)-?(\d\d)[T_ -]?(\d\d)[:-]?(\d\d)(?:[:-]?(\d\d))?(Z)?(?!\d)")
_RUN = re.compile(r"run[_-]?(?=\d)", re.IGNORECASE)
_HEAD = re.compile(rb"\s*(ncols|nrows)\s", re.IGNORECASE)
_SCALE, _TIE, _KEYS, _NODATA = 33550, 33922, 34735, 42113  # TIFF tags


class About(msgspec.Struct):
    """A feed's settings: `depth` names the property, in `unit` (m, cm or mm); `crs` of grids and areas; `zone` of times
    that name none."""

    depth: str = "depth_m"
    unit: str = "m"
    crs: str = ""
    zone: str = "UTC"


def frames(body: bytes, name: str, grid: Grid, about: About) -> Iterator[Read]:
    """The moments of one file; raises BadInput (`depth-...`) naming what is wrong where. `name` of a file in a pack may hold
    the moment (`..._20210720T0800.asc`) and that of the run (`..._run20210720T0600`)."""
    factor = {"m": 1.0, "cm": 0.01, "mm": 0.001}[about.unit]
    if body[:4] in (b"II*\x00", b"MM\x00*"):
        yield _read(*_named(name, about), _onto(grid, *_tiff(body, about)), factor)
    elif _HEAD.match(body[:200]):
        yield _read(*_named(name, about), _onto(grid, *_ascii(body, about)), factor)
    else:
        yield from _areas(body, name, grid, about, factor)


def encode(depths: numpy.ndarray) -> numpy.ndarray:
    """Codes of depths in metres, NaN = not known; 6.45 m and deeper are one."""
    steps = numpy.rint(numpy.sqrt(numpy.clip(numpy.nan_to_num(depths, nan=0.0), 0.0, DEPTH_STEP * 254**2) / DEPTH_STEP))
    return numpy.where(numpy.isnan(depths), UNKNOWN, DRY + steps).astype(numpy.uint8)


def _read(time: int, run: int, values: numpy.ndarray, factor: float) -> Read:
    depths = numpy.maximum(values * factor, 0.0)
    known = ~numpy.isnan(depths)
    if not known.any():
        raise BadInput("raster-elsewhere", "the city lies outside of it")
    most = float(numpy.nanmax(depths))
    if most > DEEPEST:
        raise BadInput("depth-unit", f"{most:g} m deep: say the unit (option `unit`)")
    return Read(time, time, run, encode(depths).tobytes(), round(most, 3), float(known.mean()), "", "")


# -- when ----------------------------------------------------------------------------------------------------------------------


def _named(name: str, about: About) -> tuple[int, int]:
    """Moment and run that a file's name tells."""
    run = _RUN.search(name)
    rest = name[: run.start()] + " " + _MOMENT.sub("", name[run.end() :], 1) if run else name
    time = _moment(rest, about)
    if time is None:
        raise BadInput("depth-time", f"{name[-80:] or 'a file without a name'}: no moment in its name (…_20210720T0800…)")
    found = _moment(name[run.end() :], about) if run else None
    return time, time if found is None else found


def _moment(text: Any, about: About) -> int | None:
    if isinstance(text, int) and not isinstance(text, bool):
        return text if text > 10**11 else text * 1000
    if not isinstance(text, str):
        return None
    try:
        found = datetime.datetime.fromisoformat(text)
    except ValueError:
        match = _MOMENT.search(text)
        if match is None:
            return None
        *parts, utc = match.groups()
        try:
            found = datetime.datetime(*(int(part or 0) for part in parts), tzinfo=datetime.UTC if utc else None)
        except ValueError:
            return None
    if found.tzinfo is None:
        found = found.replace(tzinfo=zoneinfo.ZoneInfo(about.zone))
    return round(found.timestamp() * 1000)


# -- areas -------------------------------------------------------------------------------------------------------------------


def _areas(body: bytes, name: str, grid: Grid, about: About, factor: float) -> Iterator[Read]:
    try:
        data = msgspec.json.decode(body)
        features = data["features"] if data.get("type") == "FeatureCollection" else [data]
    except (msgspec.MsgspecError, KeyError, AttributeError, TypeError, UnicodeDecodeError) as error:
        raise BadInput("depth-unreadable", f"neither GeoJSON, nor an ASCII grid, nor a TIFF: {error}"[:200]) from None
    if len(features) > MOST_AREAS:
        raise BadInput("too-large", f"{len(features)} areas, at most {MOST_AREAS}")
    whole = data.get("properties") or data
    byname = None if any(key in whole for key in ("time", "valid_time")) or not name else _moment(name, about)
    found: dict[tuple[int, int], list[tuple[float, Any]]] = {}
    for number, feature in enumerate(features):
        own = feature.get("properties") or {}
        told = {**{key: whole[key] for key in ("time", "valid_time", "run") if key in whole}, **own}
        time = _moment(told.get("valid_time", told.get("time")), about) or byname
        if time is None:
            raise BadInput("depth-time", f"feature {number}: no `time`, nor one of the whole file")
        run = _moment(told.get("run"), about) if "run" in told else time
        found.setdefault((time, time if run is None else run), []).append(_area(feature, number, own, about))
    if not features:
        time = _moment(whole.get("valid_time", whole.get("time")), about) or byname
        if time is None:
            raise BadInput("depth-time", "no area, and no `time` of the file: nothing says when it is dry")
        found[time, time] = []
    convert = _converted(about)
    for (time, run), areas in sorted(found.items()):
        yield _read(time, run, _filled(grid, areas, convert, about.crs), factor)


def _area(feature: Any, number: int, own: dict[str, Any], about: About) -> tuple[float, Any]:
    depth = own.get(about.depth)
    if isinstance(depth, bool) or not isinstance(depth, int | float) or not math.isfinite(depth):
        raise BadInput("depth-missing", f"feature {number}: {about.depth} is {depth!r}"[:200])
    try:
        geometry = shapely.make_valid(geometry_of(feature["geometry"]))
    except WRONG as error:
        raise BadInput("geometry-broken", f"feature {number}: {error}"[:200]) from None
    if shapely.get_dimensions(geometry) < 2:
        raise BadInput("not-an-area", f"feature {number}: {geometry.geom_type}")
    return float(depth), geometry


def _filled(grid: Grid, areas: list[tuple[float, Any]], convert: Any, crs: str) -> numpy.ndarray:
    """Depth of each of the grid's pixels by its middle, 0 outside of all areas."""
    into = pyproj.Transformer.from_crs("EPSG:4326", "EPSG:3857", always_xy=True)
    values = numpy.zeros((grid.height, grid.width))

    def moved(points: numpy.ndarray) -> numpy.ndarray:
        return numpy.column_stack(into.transform(*convert(points[:, 0], points[:, 1])))

    for depth, geometry in sorted(areas, key=lambda one: one[0]):
        placed = shapely.transform(geometry, moved)
        if not all(map(math.isfinite, placed.bounds)):
            raise BadInput("geometry-broken", f"{geometry.bounds} is not everywhere in {crs or 'WGS-84'}")
        west, south, east, north = placed.bounds
        left, right = (round((edge - grid.west) / grid.pixel) for edge in (west, east))
        top, bottom = (round((grid.north - edge) / grid.pixel) for edge in (north, south))
        left, right, top, bottom = max(0, left), min(grid.width, right), max(0, top), min(grid.height, bottom)
        if left >= right or top >= bottom:
            continue
        xs = grid.west + (numpy.arange(left, right) + 0.5) * grid.pixel
        ys = grid.north - (numpy.arange(top, bottom) + 0.5) * grid.pixel
        shapely.prepare(placed)
        inside = shapely.contains_xy(placed, *numpy.meshgrid(xs, ys))
        values[top:bottom, left:right][inside] = depth
    return values.ravel()


def _converted(about: About) -> Any:
    """Arrays of the feed's coordinates to degrees WGS-84."""
    if not about.crs or about.crs.upper() in ("WGS-84", "EPSG:4326"):
        return lambda x, y: (x, y)
    if about.crs.upper().startswith("EPSG:"):
        return pyproj.Transformer.from_crs(about.crs, "EPSG:4326", always_xy=True).transform
    one = to_wgs84(about.crs)
    return lambda xs, ys: numpy.array([one(x, y) for x, y in zip(xs.tolist(), ys.tolist(), strict=True)]).reshape(-1, 2).T


# -- grids -------------------------------------------------------------------------------------------------------------------


def _onto(grid: Grid, values: numpy.ndarray, left: float, top: float, step: tuple[float, float], crs: str) -> numpy.ndarray:
    """The nearest value for each of the city's pixels, NaN outside. `step`: a cell's width and height in the file's units."""
    xs = grid.west + (numpy.arange(grid.width) + 0.5) * grid.pixel
    ys = grid.north - (numpy.arange(grid.height) + 0.5) * grid.pixel
    try:
        forward = pyproj.Transformer.from_crs("EPSG:3857", crs or "EPSG:4326", always_xy=True)
    except pyproj.exceptions.ProjError as error:
        raise BadInput("depth-crs", f"{crs}: {error}"[:200]) from None
    x, y = forward.transform(*(plane.ravel() for plane in numpy.meshgrid(xs, ys)))
    with numpy.errstate(invalid="ignore"):
        columns, rows = numpy.floor((x - left) / step[0]), numpy.floor((top - y) / step[1])
        seen = (columns >= 0) & (columns < values.shape[1]) & (rows >= 0) & (rows < values.shape[0])
    found = numpy.full(grid.width * grid.height, numpy.nan)
    found[seen] = values[rows[seen].astype(numpy.intp), columns[seen].astype(numpy.intp)]
    return found


def _ascii(body: bytes, about: About) -> tuple[numpy.ndarray, float, float, tuple[float, float], str]:
    head: dict[str, float] = {}
    lines = io.BytesIO(body)
    while True:
        at = lines.tell()
        parts = lines.readline(200).split()
        if len(parts) != 2 or not parts[0].isalpha() and parts[0].lower() != b"nodata_value":
            lines.seek(at)
            break
        try:
            head[parts[0].decode().lower()] = float(parts[1])
        except ValueError:
            raise BadInput("depth-header", f"{parts[0].decode()}: {parts[1][:40]!r} is no number") from None
    missing = [key for key in ("ncols", "nrows", "cellsize") if not head.get(key, 0) > 0]
    if missing or not ({"xllcorner", "yllcorner"} <= head.keys() or {"xllcenter", "yllcenter"} <= head.keys()):
        raise BadInput("depth-header", f"an ASCII grid's header lacks {', '.join(missing) or 'xllcorner, yllcorner'}")
    width, height, cell = int(head["ncols"]), int(head["nrows"]), head["cellsize"]
    if width * height > MOST_CELLS:
        raise BadInput("too-large", f"{width} x {height} cells")
    try:
        values = numpy.array(lines.read().split(), dtype=float)
    except ValueError as error:
        raise BadInput("depth-data", str(error)[:200]) from None
    if values.size != width * height:
        raise BadInput("depth-data", f"{values.size} values, {width} x {height} promised")
    half = 0.0 if "xllcorner" in head else cell / 2
    left, low = (
        head.get("xllcorner", head.get("xllcenter", 0.0)) - half,
        head.get("yllcorner", head.get("yllcenter", 0.0)) - half,
    )
    values[values == head.get("nodata_value", -9999.0)] = numpy.nan
    return values.reshape(height, width), left, low + height * cell, (cell, cell), about.crs


def _tiff(body: bytes, about: About) -> tuple[numpy.ndarray, float, float, tuple[float, float], str]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            image = Image.open(io.BytesIO(body), formats=["TIFF"])
            if image.width * image.height > MOST_CELLS or len(image.getbands()) != 1:
                raise BadInput("too-large", f"{image.width} x {image.height}, {len(image.getbands())} bands; one band is taken")
            tags = dict(image.tag_v2)
            values = numpy.asarray(image).astype(float)
    except (OSError, ValueError, SyntaxError, KeyError, TypeError, EOFError, Warning) as error:
        raise BadInput("tiff-broken", f"{type(error).__name__}: {error}"[:200]) from None
    scale, tie, keys = tags.get(_SCALE), tags.get(_TIE), tags.get(_KEYS) or ()
    if not scale or not tie or len(tie) < 6 or not (scale[0] > 0 and scale[1] > 0):
        raise BadInput("depth-place", "no GeoTIFF: neither pixel scale nor tie point say where it lies")
    geo = {keys[n]: keys[n + 3] for n in range(4, len(keys) - 3, 4) if keys[n + 1] == 0}
    code = geo.get(3072) or geo.get(2048)
    crs = about.crs or (f"EPSG:{code}" if code and code != 32767 else "")
    half = 0.5 if geo.get(1025) == 2 else 0.0  # its places are the middles of pixels
    try:
        values[values == float(str(tags.get(_NODATA, "nan")).strip("\0 "))] = numpy.nan
    except ValueError:
        raise BadInput("depth-data", f"GDAL_NODATA is {tags[_NODATA]!r}"[:200]) from None
    values[values < -1e30] = numpy.nan
    left, top = tie[3] - (tie[0] + half) * scale[0], tie[4] + (tie[1] + half) * scale[1]
    return values, left, top, (scale[0], scale[1]), crs
