"""ODIM_H5 composites as tests need them: a small field on a projection of their own."""

from __future__ import annotations

import io

import h5py
import numpy
import pyproj

PROJ = "+proj=stere +lat_ts=60 +lat_0=90 +lon_0=114 +x_0=0 +y_0=0 +a=6378137 +b=6356752.3142451802 +units=m +no_defs"
UPPER_LEFT = (-40_000.0, -6_156_000.0)  # metres of PROJ: 80 x 60 km about 114 E 35.1 N


def composite(
    raw, *, quantity="RATE", gain=0.01, offset=0.0, nodata=65_535.0, undetect=0.0, scale=1_000.0, run="120000", end="120000",
    start="115500", proj=PROJ, kind="COMP", leave=(), **where,
) -> bytes:  # fmt: skip
    """One file; `leave` names attributes to be left out, `where` overrides some."""
    raw = numpy.asarray(raw)
    high, wide = raw.shape
    left, top = UPPER_LEFT
    degrees = pyproj.Proj(PROJ)
    corners = {"UL": (left, top), "UR": (left + wide * scale, top), "LL": (left, top - high * scale),
               "LR": (left + wide * scale, top - high * scale)}  # fmt: skip
    place = {"projdef": proj, "xsize": wide, "ysize": high, "xscale": scale, "yscale": scale}
    for name, at in corners.items():
        place[f"{name}_lon"], place[f"{name}_lat"] = degrees(*at, inverse=True)
    groups = {
        "what": {"object": kind, "version": "H5rad 2.3", "date": "20260721", "time": run, "source": "CMT:test"},
        "where": {**place, **where},
        "dataset1/what": {
            "product": "SURF",
            "startdate": "20260721",
            "starttime": start,
            "enddate": "20260721",
            "endtime": end,
        },
        "dataset1/data1/what": {"quantity": quantity, "gain": gain, "offset": offset, "nodata": nodata, "undetect": undetect},
    }
    body = io.BytesIO()
    with h5py.File(body, "w") as file:
        for path, values in groups.items():
            group = file.require_group(path)
            for name, value in values.items():
                if name not in leave:
                    group.attrs[name] = value.encode() if isinstance(value, str) else value
        file["dataset1/data1"].create_dataset("data", data=raw, compression="gzip")
    return body.getvalue()


def place_of(row: int, column: int, scale: float = 1_000.0) -> tuple[float, float]:
    """Longitude and latitude of the middle of a pixel."""
    left, top = UPPER_LEFT
    return pyproj.Proj(PROJ)(left + (column + 0.5) * scale, top - (row + 0.5) * scale, inverse=True)
