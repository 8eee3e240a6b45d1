"""The demo city's weather radar: ODIM_H5 composites made from the same storms as its rain gauges, read again by the same reader
as any other's (feeds/formats/odim.py). A forecast is what such radars tell: the field of now, carried on by the wind it has.
"""

from __future__ import annotations

import datetime
import io
import tarfile

from feeds.demo.plane import CENTRE
from feeds.demo.story import MINUTE, Storm, Story

PERIOD = 3 * MINUTE
LEADS = tuple(range(3, 31, 3))  # minutes
REACH, CELL = 40_000.0, 500.0  # metres: how far it sees, a pixel's side
EDGE, FADE = 16_000.0, 5_000.0  # a storm's rain thins out beyond this from its core; no gauge of the city is so far from it
_SIDE = round(2 * REACH / CELL)
_PROJ = f"+proj=aeqd +lat_0={CENTRE[1]} +lon_0={CENTRE[0]} +x_0=0 +y_0=0 +a=6378137 +b=6356752.3142451802 +units=m +no_defs"


def tar_of(story: Story, moments: list[int]) -> bytes:
    """A tar of composites: what was measured at each moment (ms), and the forecast made at the last."""
    shots = [(moment, 0) for moment in moments] + [(moments[-1], lead) for lead in LEADS]
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for moment, lead in shots:
            body = _composite(moment, lead, story.storms(moment - 60 * MINUTE, moment))
            member = tarfile.TarInfo(f"demo_rate_{moment}_{lead:03d}.h5")
            member.size = len(body)
            archive.addfile(member, io.BytesIO(body))
    return packed.getvalue()


def due(after: int, now: int, most: int) -> list[int]:
    """The moments of frames in (after, now], the newest `most` of them."""
    first = max(after // PERIOD + 1, now // PERIOD - most + 1)
    return list(range(first * PERIOD, now + 1, PERIOD))


def rates(storms: list[Storm], moment: int, lead: int):
    """mm/h of each pixel, north first; `lead` minutes ahead of `moment`."""
    import numpy

    middle = (numpy.arange(_SIDE) + 0.5) * CELL - REACH
    x, y = numpy.meshgrid(middle, -middle)
    found = numpy.zeros((_SIDE, _SIDE))
    for storm in storms:
        east, north = storm.core(moment, lead)
        away = numpy.hypot(x - east, y - north)
        thin = numpy.exp(-((numpy.maximum(0.0, away - EDGE) / FADE) ** 2))
        found += storm.force(moment) * (0.35 + 0.65 * numpy.exp(-(away**2) / 6500.0**2)) * thin
    return found


def _composite(moment: int, lead: int, storms: list[Storm]) -> bytes:
    import h5py
    import numpy
    import pyproj

    field = rates(storms, moment - 30_000, lead)  # a gauge's rate is that of the minute before, too
    raw = numpy.minimum(numpy.rint(field / 0.01), 65_000).astype(numpy.uint16)
    middle = numpy.abs((numpy.arange(_SIDE) + 0.5) * CELL - REACH)
    raw[numpy.hypot(*numpy.meshgrid(middle, middle)) > REACH] = 65_535
    to_degrees = pyproj.Proj(_PROJ)
    body = io.BytesIO()
    with h5py.File(body, "w") as file:
        file.attrs["Conventions"] = numpy.bytes_("ODIM_H5/V2_3")
        said = {"object": "COMP", "version": "H5rad 2.3", "source": "ORG:0,CMT:Command Hall demo", **_at("", moment)}
        _write(file.create_group("what"), **said)
        where = {"projdef": _PROJ, "xsize": _SIDE, "ysize": _SIDE, "xscale": CELL, "yscale": CELL}
        for name, (x, y) in {"LL": (-1, -1), "UL": (-1, 1), "UR": (1, 1), "LR": (1, -1)}.items():
            where[f"{name}_lon"], where[f"{name}_lat"] = to_degrees(x * REACH, y * REACH, inverse=True)
        _write(file.create_group("where"), **where)
        end = moment + lead * MINUTE
        span = {**_at("start", end - MINUTE), **_at("end", end)}
        _write(file.create_group("dataset1/what"), product="SURF", prodname="demo rain rate", **span)
        group = file.create_group("dataset1/data1")
        _write(group.create_group("what"), quantity="RATE", gain=0.01, offset=0.0, nodata=65_535.0, undetect=0.0)
        group.create_dataset("data", data=raw, compression="gzip", compression_opts=4)
    return body.getvalue()


def _at(which: str, moment: int) -> dict[str, str]:
    found = datetime.datetime.fromtimestamp(moment / 1000, datetime.UTC)
    return {f"{which}date": found.strftime("%Y%m%d"), f"{which}time": found.strftime("%H%M%S")}


def _write(group, **values: object) -> None:
    for name, value in values.items():
        group.attrs[name] = value.encode() if isinstance(value, str) else value
