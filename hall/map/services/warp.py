"""One tile of the map's own grid (Web Mercator, WGS-84, 256 pixels) made of tiles of another grid or another datum. Pure.

For each pixel the place in the source is worked out in double precision (to centimetres), and its colour taken there by cubic
interpolation. OpenCV's rounds places to a 32nd of a pixel, half a metre at zoom 12: wider zooms have weights of our own.
"""

from __future__ import annotations

import functools
import math
from typing import NamedTuple

import numpy as np

from hall.map.services.grids import Grid, Matrix, chosen, world

SIDE = 256
#: pixels between two places that are worked out exactly; none between on wide zooms, where a shift bends within a few pixels
_STRIDE, _STRIDE_FROM = 8, 12
_ROUNDED_FROM = 13
_REACH = 2  # pixels that interpolation looks beyond
MOST_TILES = 36


class Need(NamedTuple):
    """What a tile is made of: tiles `columns` x `rows` of `matrix`, and (256, 256, 2) pixels of the grid for its own pixels."""

    zoom: int
    matrix: Matrix
    columns: range
    rows: range
    places: np.ndarray

    def tiles(self) -> list[tuple[int, int]]:
        return [(column, row) for row in self.rows for column in self.columns if self.matrix.has(column, row)]


def need(grid: Grid, zoom: int, x: int, y: int) -> Need:
    """Which source tiles the map's tile needs. Raises ValueError where they are too many (a grid that ends far too early)."""
    matrix = chosen(grid, zoom, y)
    places = _places(grid, matrix, zoom, x, y)
    low, high = places.min(axis=(0, 1)) - _REACH, places.max(axis=(0, 1)) + _REACH
    columns = range(math.floor(low[0] / matrix.size), math.floor(high[0] / matrix.size) + 1)
    rows = range(math.floor(low[1] / matrix.size), math.floor(high[1] / matrix.size) + 1)
    if len(columns) * len(rows) > MOST_TILES:
        raise ValueError(f"{len(columns)} x {len(rows)} tiles of its zoom {matrix.name} would be needed for one of zoom {zoom}")
    return Need(zoom, matrix, columns, rows, places)


def _places(grid: Grid, matrix: Matrix, zoom: int, x: int, y: int) -> np.ndarray:
    """(256, 256, 2): where the middle of each pixel of the map's tile lies, in pixels of the source's zoom."""
    stride = _STRIDE if zoom >= _STRIDE_FROM else 1
    at = np.arange(0, SIDE + 1, stride, dtype=np.float64) if stride > 1 else np.arange(SIDE) + 0.5
    across, down = np.meshgrid(at, at)
    plane = grid.project(world(zoom, x, y, np.stack((across.ravel(), down.ravel()), axis=1)))
    pixels = np.stack(((plane[:, 0] - matrix.left) / matrix.unit, (matrix.top - plane[:, 1]) / matrix.unit), axis=1)
    pixels = pixels.reshape(len(at), len(at), 2)
    return pixels if stride == 1 else np.einsum("ai,ijc,bj->abc", _between(stride), pixels, _between(stride), optimize=True)


@functools.cache
def _between(stride: int) -> np.ndarray:
    """(256, n): weights of the exact places for the middle of each pixel."""
    middles = (np.arange(SIDE) + 0.5) / stride
    weights = np.zeros((SIDE, SIDE // stride + 1))
    low = middles.astype(int)
    weights[np.arange(SIDE), low] = 1 - (middles - low)
    weights[np.arange(SIDE), low + 1] = middles - low
    return weights


def _weights(part: np.ndarray) -> np.ndarray:
    """(4, n) Catmull-Rom weights for offsets 0 <= part < 1 from the second of four pixels."""
    t = part.astype(np.float32)
    t2, t3 = t * t, t * t * t
    return np.stack((-t3 + 2 * t2 - t, 3 * t3 - 5 * t2 + 2, -3 * t3 + 4 * t2 + t, t3 - t2)) * np.float32(0.5)


def _exact(whole: np.ndarray, at: np.ndarray) -> np.ndarray:
    """(n, 4): colours of `whole` at places (256, 256, 2), about 25 ms."""
    at = at.reshape(-1, 2)
    base = np.floor(at).astype(np.int64)
    across, down = (_weights(at[:, axis] - base[:, axis]) for axis in (0, 1))
    flat, width = whole.reshape(-1, 4), whole.shape[1]
    first = (base[:, 1] - 1) * width + base[:, 0] - 1
    made = np.zeros((len(first), 4), np.float32)
    for j in range(4):
        line = np.zeros_like(made)
        for i in range(4):
            line += flat.take(first + (j * width + i), axis=0, mode="clip") * across[i][:, None]
        made += line * down[j][:, None]
    return made


def _rounded(whole: np.ndarray, at: np.ndarray) -> np.ndarray:
    """The same by OpenCV, about 2 ms."""
    import cv2  # late: a hall whose sources are all on the map's own grid loads it never

    return cv2.remap(whole, at.astype(np.float32), None, cv2.INTER_CUBIC)


def warped(found: Need, pictures: dict[tuple[int, int], np.ndarray]) -> np.ndarray:
    """(256, 256, 4) uint8 RGBA. `pictures`: (size, size, 4) uint8 RGBA by column and row; missing ones are transparent."""
    size = found.matrix.size
    left, top = found.columns.start * size, found.rows.start * size
    whole = np.zeros((len(found.rows) * size + 2 * _REACH, len(found.columns) * size + 2 * _REACH, 4), np.float32)
    for (column, row), picture in pictures.items():
        x, y = (column * size - left) + _REACH, (row * size - top) + _REACH
        alpha = picture[:, :, 3:].astype(np.float32) / 255
        whole[y : y + size, x : x + size, :3] = picture[:, :, :3] * alpha
        whole[y : y + size, x : x + size, 3] = picture[:, :, 3]
    at = found.places - (left, top) - 0.5 + _REACH  # in middles of pixels
    made = (_rounded if found.zoom >= _ROUNDED_FROM else _exact)(whole, at).reshape(-1, 4)
    alpha = np.clip(made[:, 3:], 0, 255)
    colour = np.divide(made[:, :3] * 255, alpha, out=np.zeros_like(made[:, :3]), where=alpha > 0.5)
    return np.rint(np.clip(np.concatenate((colour, alpha), axis=1), 0, 255)).astype(np.uint8).reshape(SIDE, SIDE, 4)
