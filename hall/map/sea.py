"""The sea of an extract, from its coastline: OpenStreetMap has no area for it, only lines with the water on their right."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

#: how far from a coastline one looks which side is water: degrees, about 10 cm
_STEP = 1e-6
#: of so many segments one may say otherwise: inlets narrower than the step
_DOUBT = 50


def sea(coast: Sequence[BaseGeometry], box: tuple[float, float, float, float]) -> BaseGeometry:
    """The water of `box` (west, south, east, north, degrees) beside coastlines (land left, water right); may be empty.

    The box is divided by the lines; a piece is sea where all of the coast beside it says so. A line that ends inside of the
    box (the extract cut it off) divides nothing: its piece has it on both sides and stays land.
    """
    frame = shapely.box(*box)
    merged = shapely.line_merge(shapely.multilinestrings([part for line in coast for part in shapely.get_parts(line)]))
    lines = shapely.intersection(merged, frame)
    if lines.is_empty:
        return shapely.Polygon()
    edges = shapely.get_parts(shapely.union_all([lines, frame.exterior]))
    pieces = shapely.get_parts(shapely.polygonize(list(edges)))
    right, left = _sides(merged)
    tree = shapely.STRtree(pieces)
    said = np.zeros((2, len(pieces)), int)
    for row, points in enumerate((right, left)):
        _, hit = tree.query(shapely.points(points), predicate="within")
        np.add.at(said[row], hit, 1)
    found = pieces[(said[0] > 0) & (said[1] * _DOUBT <= said[0])]
    return shapely.union_all(found) if len(found) else shapely.Polygon()


def _sides(lines: BaseGeometry) -> tuple[np.ndarray, np.ndarray]:
    """(n, 2) points a little to the right and to the left of the middle of each segment."""
    middles, aside = [], []
    for line in shapely.get_parts(lines):
        points = shapely.get_coordinates(line)
        along = np.diff(points, axis=0)
        length = np.hypot(*along.T)
        along, start = along[length > 0] / length[length > 0, None], points[:-1][length > 0]
        middles.append(start + along * length[length > 0, None] / 2)
        aside.append(np.stack((along[:, 1], -along[:, 0]), axis=1) * _STEP)
    middle, step = np.concatenate(middles), np.concatenate(aside)
    return middle + step, middle - step
