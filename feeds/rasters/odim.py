"""One ODIM_H5 composite (OPERA, EUMETNET; versions 2.x) to rain rates on the city's grid. Runs in the worker only.

Read: `what` (object, date, time, source), `where` (projdef, xsize, ysize, xscale, yscale, corners) and, per dataset, start and
end and the first quantity that gives rain: RATE (mm/h), ACRR (mm between start and end), DBZH (dBZ, by Z = a * R^b). Pixels are
taken as they are, the nearest to each of the city's: nothing is smoothed.
"""

from __future__ import annotations

import datetime
import functools
import io
import math
import re
from collections.abc import Iterator
from typing import Any

import h5py
import numpy
import pyproj

from feeds.rasters.frame import Read
from hall.core.errors import BadInput
from hall.core.raster import DRY, MOST, STEP, UNKNOWN, Grid

MOST_SIDE, MOST_CELLS = 20_000, 40_000_000
LONGEST_SECONDS = 24 * 3600
#: pixels by which the corners a file states may be off what its projection makes of them
CORNER_PIXELS = 1.5
_PROJ = re.compile(
    r"\+(proj|lat_ts|lat_0|lat_1|lat_2|lon_0|k|k_0|x_0|y_0|units|a|b|rf|f|R|ellps|datum|zone|south|no_defs|type|wktext)"
    r"(=[A-Za-z0-9_.+-]+)?$"
)


def frames(body: bytes, grid: Grid, quantity: str, z_r: tuple[float, float]) -> Iterator[Read]:
    """The datasets of one file that give rain; raises BadInput (`odim-...`) naming what is wrong where."""
    try:
        file = h5py.File(io.BytesIO(body), "r")
    except (OSError, ValueError, RuntimeError) as error:
        raise BadInput("hdf5-broken", str(error)[:200]) from None
    with file:
        try:
            yield from _frames(file, grid, quantity, z_r)
        except (OSError, KeyError, RuntimeError, TypeError, ValueError, OverflowError, MemoryError) as error:
            raise BadInput("hdf5-broken", f"{type(error).__name__}: {error}"[:200]) from None


def _frames(file: h5py.File, grid: Grid, quantity: str, z_r: tuple[float, float]) -> Iterator[Read]:
    what = _attributes(file, "what")
    kind = _text(what, "object", "what")
    if kind not in ("COMP", "IMAGE"):
        raise BadInput("odim-object", f"what/object is {kind[:20]!r}: this reader takes COMP and IMAGE")
    run = _moment(_text(what, "date", "what"), _text(what, "time", "what"), "what")
    names = sorted((name for name in file if re.fullmatch(r"dataset\d{1,4}", name)), key=lambda name: int(name[7:]))
    if not names:
        raise BadInput("odim-no-dataset", "no dataset1")
    for name in names:
        yield _frame(file, name, run, str(what.get("source", ""))[:200], grid, quantity, z_r)


def _frame(file: h5py.File, name: str, run: int, source: str, grid: Grid, quantity: str, z_r: tuple[float, float]) -> Read:
    what = {**_attributes(file, "what"), **_attributes(file, f"{name}/what")}
    where = {**_attributes(file, "where"), **_attributes(file, f"{name}/where")}
    time = _moment(_text(what, "enddate", f"{name}/what"), _text(what, "endtime", f"{name}/what"), f"{name}/what")
    start = _moment(_text(what, "startdate", f"{name}/what"), _text(what, "starttime", f"{name}/what"), f"{name}/what")
    if not 0 <= time - start <= LONGEST_SECONDS * 1000:
        raise BadInput("odim-time", f"{name}/what: from {start} to {time} ms is not a span of at most a day")
    found, data, about = _data(file, name, what, quantity)
    shape = (_whole(where, "ysize", name), _whole(where, "xsize", name))
    if data.shape != shape:
        raise BadInput("odim-size", f"{name}/{found}: data of {data.shape}, where says {shape}")
    rows, columns, seen = _places(where, shape, grid, name)
    raw = _window(data, rows[seen], columns[seen])
    if found == "ACRR" and time == start:
        raise BadInput("odim-time", f"{name}/what: ACRR needs an end after its start")
    hours = (time - start) / 3_600_000
    rates = _rates(raw, about, found, hours, z_r, f"{name}/what")
    codes = numpy.full(grid.width * grid.height, UNKNOWN, numpy.uint8)
    codes[seen] = encode(rates)
    known = codes != UNKNOWN
    most = float(numpy.nanmax(rates)) if known.any() else 0.0
    estimated = "z-r" if found == "DBZH" else ""
    return Read(time, start, run, codes.tobytes(), round(most, 3), float(known.mean()), source, estimated)


def encode(rates: numpy.ndarray) -> numpy.ndarray:
    """Codes of rates in mm/h, NaN = unknown."""
    steps = numpy.rint(numpy.sqrt(numpy.clip(numpy.nan_to_num(rates, nan=0.0), 0.0, MOST) / STEP))
    return numpy.where(numpy.isnan(rates), UNKNOWN, DRY + steps).astype(numpy.uint8)


# -- what is in the file -------------------------------------------------------------------------------------------------------


def _data(file: h5py.File, name: str, what: dict[str, Any], wanted: str) -> tuple[str, h5py.Dataset, dict[str, Any]]:
    """The quantity to use, its array, its gain, offset, nodata and undetect."""
    found: dict[str, str] = {}
    group = _own(file, name)
    for key in sorted(key for key in group if re.fullmatch(r"data\d{1,4}", key)):
        about = {**what, **_attributes(file, f"{name}/{key}/what")}
        found.setdefault(str(about.get("quantity", "")), key)
    order = [wanted] if wanted else ["RATE", "ACRR", "DBZH"]
    chosen = next((quantity for quantity in order if quantity in found), None)
    if chosen is None:
        raise BadInput("odim-quantity", f"{name}: {', '.join(sorted(found)) or 'nothing'}: this feed takes {', '.join(order)}")
    data = _own(file, f"{name}/{found[chosen]}/data")
    if not isinstance(data, h5py.Dataset) or data.dtype.kind not in "uif" or data.ndim != 2:
        raise BadInput("odim-data", f"{name}/{found[chosen]}/data: no table of numbers")
    if data.external or data.is_virtual:
        raise BadInput("odim-data", f"{name}/{found[chosen]}/data: lies in another file")
    if data.size > MOST_CELLS or max(data.shape) > MOST_SIDE:
        raise BadInput("too-large", f"{name}: {data.shape[0]} x {data.shape[1]} pixels")
    return chosen, data, {**what, **_attributes(file, f"{name}/{found[chosen]}/what")}


def _own(file: h5py.File, path: str) -> Any:
    """What lies at a path of this very file: a link may lead into another one on our disk."""
    here: Any = file
    for part in path.split("/"):
        link = here.get(part, getlink=True) if isinstance(here, h5py.Group) else None
        if link is None:
            raise BadInput("odim-incomplete", f"no {path}")
        if not isinstance(link, h5py.HardLink):
            raise BadInput("odim-data", f"{path}: a link")
        here = here[part]
    return here


def _attributes(file: h5py.File, path: str) -> dict[str, Any]:
    """Attributes of a group; none where there is none."""
    try:
        group = _own(file, path)
    except BadInput as error:
        if error.reason != "odim-incomplete":
            raise
        return {}
    found = {}
    for name, value in group.attrs.items():
        value = value[0] if isinstance(value, numpy.ndarray) and value.size == 1 else value
        found[name] = value.decode("utf-8", "replace") if isinstance(value, bytes) else value
    return found


def _text(table: dict[str, Any], name: str, place: str) -> str:
    if name not in table:
        raise BadInput("odim-incomplete", f"no {place}/{name}")
    return str(table[name])


def _number(table: dict[str, Any], name: str, place: str) -> float:
    try:
        found = float(table[name])
    except (KeyError, TypeError, ValueError):
        raise BadInput("odim-incomplete", f"{place}/{name}: no number") from None
    if not math.isfinite(found) and name not in ("nodata", "undetect"):
        raise BadInput("odim-incomplete", f"{place}/{name}: {found}")
    return found


def _whole(where: dict[str, Any], name: str, place: str) -> int:
    found = _number(where, name, f"{place}/where")
    if found != int(found) or not 1 <= found <= MOST_SIDE:
        raise BadInput("odim-size", f"{place}/where/{name}: {found:g}")
    return int(found)


def _moment(date: str, time: str, place: str) -> int:
    """ms of YYYYMMDD and HHmmss, UTC as the standard says."""
    try:
        found = datetime.datetime.strptime(f"{date} {time} +0000", "%Y%m%d %H%M%S %z")
    except ValueError:
        raise BadInput("odim-time", f"{place}: {date[:20]!r} {time[:20]!r}") from None
    return round(found.timestamp() * 1000)


# -- where its pixels are ------------------------------------------------------------------------------------------------------


def _places(where: dict[str, Any], shape: tuple[int, int], grid: Grid, name: str) -> tuple[numpy.ndarray, ...]:
    """Row and column of the file for each of the grid's pixels, and which of them lie in the file."""
    used = {key: value for key, value in where.items() if isinstance(value, (str, int, float, numpy.number))}
    return _worked_out(tuple(sorted(used.items())), shape, grid, name)


@functools.lru_cache(maxsize=4)  # the files of a tar mostly have one geometry
def _worked_out(pairs: tuple[tuple[str, Any], ...], shape: tuple[int, int], grid: Grid, name: str) -> tuple[numpy.ndarray, ...]:
    where = dict(pairs)
    forward = _projection(str(where.get("projdef", "")), name)
    xscale, yscale = (_number(where, key, f"{name}/where") for key in ("xscale", "yscale"))
    if xscale <= 0 or yscale <= 0:
        raise BadInput("odim-corners", f"{name}/where: xscale {xscale:g}, yscale {yscale:g}")
    left, top = _corner(where, forward, shape, (xscale, yscale), name)
    xs = grid.west + (numpy.arange(grid.width) + 0.5) * grid.pixel
    ys = grid.north - (numpy.arange(grid.height) + 0.5) * grid.pixel
    mercator = pyproj.Transformer.from_crs("EPSG:3857", "EPSG:4326", always_xy=True)
    lons, lats = mercator.transform(*(plane.ravel() for plane in numpy.meshgrid(xs, ys)))
    x, y = forward(lons, lats)
    with numpy.errstate(invalid="ignore"):
        columns, rows = numpy.floor((x - left) / xscale), numpy.floor((top - y) / yscale)
        seen = (columns >= 0) & (columns < shape[1]) & (rows >= 0) & (rows < shape[0])
    if not seen.any():
        raise BadInput("raster-elsewhere", f"{name}: the city lies outside of what the radar covers")
    rows[~seen] = columns[~seen] = 0
    return rows.astype(numpy.intp), columns.astype(numpy.intp), seen


def _projection(text: str, name: str) -> Any:
    """lon, lat in degrees -> the file's metres. Only parameters that name no file are taken."""
    parts = text.split()
    if not parts or len(text) > 500 or not all(_PROJ.match(part) for part in parts):
        raise BadInput("odim-projection", f"{name}/where/projdef: {text[:120]!r}")
    try:
        crs = pyproj.CRS.from_proj4(text)
        # on its own ellipsoid, as its corners are meant: no shift of datum
        transformer = pyproj.Transformer.from_crs(crs.geodetic_crs, crs, always_xy=True)
    except pyproj.exceptions.ProjError as error:
        raise BadInput("odim-projection", f"{name}/where/projdef: {error}"[:200]) from None
    geographic = crs.is_geographic

    def forward(lons: Any, lats: Any) -> tuple[numpy.ndarray, numpy.ndarray]:
        if geographic:
            return numpy.asarray(lons, float), numpy.asarray(lats, float)
        x, y = transformer.transform(lons, lats)
        return numpy.asarray(x), numpy.asarray(y)

    return forward


def _corner(
    where: dict[str, Any], forward: Any, shape: tuple[int, int], scale: tuple[float, float], name: str
) -> tuple[float, float]:
    """The outer upper left corner in the file's metres; raises BadInput where the corners do not fit the projection."""
    found = {}
    for corner in ("UL", "UR", "LL", "LR"):
        if f"{corner}_lon" in where:
            lon, lat = (_number(where, f"{corner}_{axis}", f"{name}/where") for axis in ("lon", "lat"))
            x, y = forward([lon], [lat])
            found[corner] = float(x[0]), float(y[0])
    wide, high = shape[1] * scale[0], shape[0] * scale[1]
    if "UL" not in found and "LL" not in found:
        raise BadInput("odim-incomplete", f"{name}/where: neither UL nor LL corner")
    left, top = found["UL"] if "UL" in found else (found["LL"][0], found["LL"][1] + high)
    meant = {"UL": (left, top), "UR": (left + wide, top), "LL": (left, top - high), "LR": (left + wide, top - high)}
    for corner, (x, y) in found.items():
        off = math.hypot((x - meant[corner][0]) / scale[0], (y - meant[corner][1]) / scale[1])
        if not off <= CORNER_PIXELS:
            raise BadInput(
                "odim-corners", f"{name}/where: {corner} is {off:.1f} pixels off what projdef, size and scale make of it"
            )
    return left, top


# -- what they mean ------------------------------------------------------------------------------------------------------------


def _window(data: h5py.Dataset, rows: numpy.ndarray, columns: numpy.ndarray) -> numpy.ndarray:
    """Values at the places; only the rows and columns that hold them are read."""
    top, left = int(rows.min()), int(columns.min())
    part = data[top : int(rows.max()) + 1, left : int(columns.max()) + 1]
    return part[rows - top, columns - left]


def _rates(
    raw: numpy.ndarray, about: dict[str, Any], quantity: str, hours: float, z_r: tuple[float, float], place: str
) -> numpy.ndarray:
    """mm/h, NaN where the radar does not see."""
    gain, offset = (_number({"gain": 1.0, "offset": 0.0, **about}, key, place) for key in ("gain", "offset"))
    nodata, undetect = (_number(about, key, place) for key in ("nodata", "undetect"))
    raw = raw.astype(numpy.float64)
    unknown, dry = (raw == nodata) | numpy.isnan(raw), raw == undetect
    with numpy.errstate(over="ignore", invalid="ignore"):
        values = raw * gain + offset
        if quantity == "DBZH":
            values = (10.0 ** (values / 10.0) / z_r[0]) ** (1.0 / z_r[1])
        elif quantity == "ACRR":
            values = values / hours
    values = numpy.where(dry, 0.0, values)
    if (values[~unknown] < -0.1).any():
        raise BadInput("odim-data", f"{place}: rain below zero ({float(numpy.nanmin(values[~unknown])):.2f})")
    return numpy.where(unknown | ~numpy.isfinite(values), numpy.nan, values)
