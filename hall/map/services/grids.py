"""Grids that tile services cut the world into, as pixels: where a position of the world lies in which tile of which zoom. Pure.

Pixels of a grid count from its origin, x to the east, y to the south, also where a service numbers its rows from the south.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from hall.core.coordinatearrays import wgs84_to_bd09_many, wgs84_to_gcj02_many

#: half the side of the Mercator world, metres
HALF = 20037508.342789244
_RADIUS = 6378137.0
_LATITUDE = 85.0511287798066
#: what `crs` may be -> family of the grid, shift of its content
CRS = {
    "EPSG:3857": ("mercator", None), "GCJ-02": ("mercator", wgs84_to_gcj02_many), "BD-09": ("baidu", wgs84_to_bd09_many),
    "EPSG:4490": ("geographic", None), "EPSG:4326": ("geographic", None),
}  # fmt: skip
Project = Callable[[np.ndarray], np.ndarray]


class Matrix(NamedTuple):
    """One zoom of a grid. `unit`: of the grid's plane per pixel; `left`, `top`: its origin there; `rows_up`: rows count from
    the origin to the north, the first being -1 in our count; `columns`, `rows`: how many there are, None: unknown."""

    name: str
    unit: float
    left: float
    top: float
    size: int
    columns: int | None = None
    rows: int | None = None
    rows_up: bool = False

    def has(self, column: int, row: int) -> bool:
        if self.rows_up:
            return True
        return 0 <= column < (self.columns or column + 1) and 0 <= row < (self.rows or row + 1)

    def row_name(self, row: int) -> int:
        return -row - 1 if self.rows_up else row


class Grid(NamedTuple):
    """`project`: (n, 2) WGS-84 degrees to the plane of the grid, shift included. `same`: it is the map's own grid."""

    project: Project
    matrices: tuple[Matrix, ...]
    same: bool = False


def mercator(points: np.ndarray) -> np.ndarray:
    lat = np.radians(np.clip(points[:, 1], -_LATITUDE, _LATITUDE))
    return np.stack((np.radians(points[:, 0]) * _RADIUS, np.arcsinh(np.tan(lat)) * _RADIUS), axis=1)


def projection(crs: str) -> Project:
    """Raises KeyError for a CRS that no tile service of ours has."""
    family, shift = CRS[crs]
    plane = {"mercator": mercator, "baidu": _baidu, "geographic": lambda points: points}[family]
    return plane if shift is None else lambda points: plane(shift(points))


def common(crs: str, size: int, least: int, most: int) -> Grid:
    """The grid that services of this CRS have where they say nothing else (XYZ; 天地图 `c`; Baidu's own)."""
    family = CRS[crs][0]
    made = []
    for zoom in range(least, most + 1):
        if family == "geographic":
            made.append(Matrix(str(zoom), 360 / size / 2**zoom, -180, 90, size, 2**zoom, max(1, 2 ** (zoom - 1))))
        elif family == "baidu":
            made.append(Matrix(str(zoom), 2.0 ** (18 - zoom), 0, 0, size, rows_up=True))
        else:
            made.append(Matrix(str(zoom), 2 * HALF / size / 2**zoom, -HALF, HALF, size, 2**zoom, 2**zoom))
    return Grid(projection(crs), tuple(made), crs == "EPSG:3857")


def world(zoom: int, x: int, y: int, pixels: np.ndarray) -> np.ndarray:
    """(n, 2) pixels of the map's own tile (256 to a side, from its upper left) as WGS-84 degrees."""
    unit = (np.asarray((x, y)) + pixels / 256) / 2**zoom
    lat = np.degrees(np.arctan(np.sinh((0.5 - unit[:, 1]) * 2 * math.pi)))
    return np.stack(((unit[:, 0] - 0.5) * 360, lat), axis=1)


def chosen(grid: Grid, zoom: int, y: int) -> Matrix:
    """The matrix whose pixels are nearest in size to those of the map's tile; of equal ones the finer."""
    middle = world(zoom, 0, y, np.array([[0.0, 128.0], [1.0, 128.0], [0.0, 129.0]]))
    here = grid.project(middle + (105.0 - middle[0, 0], 0.0))
    wanted = math.log(math.hypot(*(here[1] - here[0])) * math.hypot(*(here[2] - here[0]))) / 2
    return min(grid.matrices, key=lambda matrix: (round(abs(math.log(matrix.unit) - wanted), 3), matrix.unit))


# Baidu's projection of BD-09: by bands of latitude, a polynomial of the sixth degree (numbers as its own scripts have them)
_BANDS = (75.0, 60.0, 45.0, 30.0, 15.0, 0.0)
_TERMS = (
    (-0.0015702102444, 111320.7020616939, 1704480524535203.0, -10338987376042340.0, 26112667856603880.0,
     -35149669176653700.0, 26595700718403920.0, -10725012454188240.0, 1800819912950474.0, 82.5),
    (0.0008277824516172526, 111320.7020463578, 647795574.6671607, -4082003173.641316, 10774905663.51142,
     -15171875531.51559, 12053065338.62167, -5124939663.577472, 913311935.9512032, 67.5),
    (0.00337398766765, 111320.7020202162, 4481351.045890365, -23393751.19931662, 79682215.47186455,
     -115964993.2797253, 97236711.15602145, -43661946.33752821, 8477230.501135234, 52.5),
    (0.00220636496208, 111320.7020209128, 51751.86112841131, 3796837.749470245, 992013.7397791013,
     -1221952.21711287, 1340652.697009075, -620943.6990984312, 144416.9293806241, 37.5),
    (-0.0003441963504368392, 111320.7020576856, 278.2353980772752, 2485758.690035394, 6070.750963243378,
     54821.18345352118, 9540.606633304236, -2710.55326746645, 1405.483844121726, 22.5),
    (-0.0003218135878613132, 111320.7020701615, 0.00369383431289, 823725.6402795718, 0.46104986909093,
     2351.343141331292, 1.58060784298199, 8.77738589078284, 0.37238884252424, 7.45),
)  # fmt: skip


def _baidu(points: np.ndarray) -> np.ndarray:
    """(n, 2) BD-09 degrees to metres of Baidu's plane."""
    lon, lat = points[:, 0], np.clip(points[:, 1], -74.0, 74.0)
    made = np.empty_like(points)
    away = np.abs(lat)
    band = np.sum(away[:, None] < np.asarray(_BANDS), axis=1)
    for number in np.unique(band):
        here = band == number
        first, slope, *terms, unit = _TERMS[min(number, len(_TERMS) - 1)]
        made[here, 0] = np.sign(lon[here]) * (first + slope * np.abs(lon[here]))
        made[here, 1] = np.sign(lat[here]) * np.polynomial.polynomial.polyval(away[here] / unit, terms)
    return made
