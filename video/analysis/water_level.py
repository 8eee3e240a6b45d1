"""Water level on a wall, pier or gauge board: where, along a strip drawn once, the dry upright meets the water.

The strip is straightened; each row is described by its brightness, colour and roughness and by how much it moves between
looks. The waterline is the row that best tells what lies above it from what lies below it, in a window around the row rather
than over the whole strip, so that a stain or a shadow does not decide. Two marks turn its place into metres.
"""

from __future__ import annotations

import cv2
import msgspec
import numpy as np

from video.analysis.seam import Reading, Task, pixels
from video.decode import Picture

_SIZE = (24, 256)  # of the straightened strip, pixels
_MARGIN = 0.04  # of the strip's length at both ends: a line there has nothing on its other side
_REMEMBERED = 5
_WINDOW = 0.22  # share of the strip on each side of a row that is compared
_SPREAD = 0.04  # share of the strip that readings may scatter before they are doubted


class State(msgspec.Struct):
    """`metres` at the strip's first and last edge; the last strips and lines (share of the strip)."""

    corners: tuple[tuple[float, float], ...]
    metres: tuple[float, float]
    before: list[bytes] = []
    lines: list[float] = []


class WaterLevel:
    """`region`: four corners, upper left first, clockwise. `options.marks`: two `[share of the strip from its upper edge,
    metres]`, for example the board's 1.00 and 2.00 lines."""

    name = "water-level"
    moving = False
    referred = False

    def begin(self, task: Task) -> State:
        marks = task.options.get("marks")
        if len(task.region) != 4:
            raise ValueError("region: four corners, upper left first, clockwise")
        if not isinstance(marks, list) or len(marks) != 2 or any(not isinstance(m, list) or len(m) != 2 for m in marks):
            raise ValueError("options.marks: two of [share of the strip from its upper edge, metres]")
        (a, high), (b, low) = marks
        if a == b:
            raise ValueError("options.marks: two different places")
        slope = (low - high) / (b - a)
        return State(task.region, (high - a * slope, high + (1 - a) * slope))

    def look(self, state: State, picture: Picture, at: int) -> list[Reading]:
        strip = straightened(picture, state.corners)
        moved = [cv2.absdiff(strip[0], _plane(old)).mean(axis=1) for old in state.before]
        place, sharp = waterline(strip, np.mean(moved, axis=0) if moved else None)
        state.before = [*state.before, strip[0].tobytes()][-_REMEMBERED:]
        state.lines = [*state.lines, place][-_REMEMBERED:]
        agreed = float(np.exp(-np.median(np.abs(np.array(state.lines) - place)) / _SPREAD))
        top, bottom = state.metres
        return [Reading("water_level", round(top + place * (bottom - top), 3), "m", round(sharp * agreed, 3))]


def straightened(picture: Picture, corners: tuple[tuple[float, float], ...]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Luma, u and v of the strip, each 256 rows of 24 pixels, its first row at the upper edge."""
    width, height = _SIZE
    target = np.float32([[0, 0], [width, 0], [width, height], [0, height]])
    found = []
    for plane in (picture.luma, picture.u, picture.v):
        source = np.float32(pixels(corners, plane.shape[1], plane.shape[0]))
        found.append(cv2.warpPerspective(plane, cv2.getPerspectiveTransform(source, target), _SIZE, flags=cv2.INTER_AREA))
    return found[0], found[1], found[2]


def _plane(raw: bytes) -> np.ndarray:
    return np.frombuffer(raw, np.uint8).reshape(_SIZE[1], _SIZE[0])


def waterline(strip: tuple[np.ndarray, np.ndarray, np.ndarray], moved: np.ndarray | None) -> tuple[float, float]:
    """(place of the waterline as a share of the strip, how clear it is 0..1)."""
    luma = strip[0].astype(np.float32)
    rough = np.abs(np.diff(luma, axis=1)).mean(axis=1)
    rows = [
        luma.mean(axis=1),
        2 * strip[1].astype(np.float32).mean(axis=1),
        2 * strip[2].astype(np.float32).mean(axis=1),
        2 * rough,
    ]
    if moved is not None:
        rows.append(2 * moved.astype(np.float32))
    score = sum(_step(np.convolve(np.pad(row, 2, "edge"), np.full(5, 0.2), "valid")) for row in rows)
    edge = int(len(luma) * _MARGIN)
    score[:edge] = score[len(score) - edge :] = 0
    best = int(score.argmax())
    beside = np.delete(score, slice(max(0, best - len(luma) // 8), best + len(luma) // 8))
    # a row among others is no line: it must stand out in itself, and over the next best elsewhere
    strength = 1 - np.exp(-score[best] / 2.0)
    alone = 1 - 0.7 * min(1.0, float(beside.max(initial=0)) / max(score[best], 1e-6))
    return (best + 0.5) / len(luma), float(strength * alone)


def _step(row: np.ndarray) -> np.ndarray:
    """For each place: how far the means above and below it lie apart, in units of what scatters on both sides (and of 6
    levels, so that a faint step on a flawless wall is not taken for water), weighted by the step itself."""
    count, reach = len(row), int(len(row) * _WINDOW)
    sums, squares = np.concatenate([[0], np.cumsum(row)]), np.concatenate([[0], np.cumsum(row**2)])
    here = np.arange(count)
    low, high = np.maximum(here - reach, 0), np.minimum(here + reach, count)
    above, below = np.maximum(here - low, 1), np.maximum(high - here, 1)
    mean_above, mean_below = (sums[here] - sums[low]) / above, (sums[high] - sums[here]) / below
    scatter = (squares[high] - squares[low]) / (above + below) - ((sums[high] - sums[low]) / (above + below)) ** 2
    apart = np.abs(mean_above - mean_below)
    explained = above * below / (above + below) ** 2 * apart**2
    return explained / (np.maximum(scatter - explained, 0) + 36.0)


ANALYSER = WaterLevel()
