"""The drawn street as a moving picture: still parts drawn once, what moves drawn into them, straight in YUV 4:2:0.

A wall of the demo city shows two dozen at once beside everything else, so a picture costs a copy and some rectangles.
"""

from __future__ import annotations

import datetime

import av
import cv2
import numpy as np

from video import testcard

_LOCAL = datetime.timezone(datetime.timedelta(hours=8))
_GLYPHS = "0123456789:.- "
#: the moment for machines, at the foot of the picture: white, black, milliseconds of the UTC day, even parity, white
CLOCK_BITS = 27
CLOCK_CELLS = CLOCK_BITS + 4
_CELLS_ACROSS = 80  # one cell is this part of the width


class Scene:
    """One channel's card. `depth`: metres of water at the gauge beside it, if any. Width and height even."""

    def __init__(self, subject: str, name: str, width: int, depth: float | None = None) -> None:
        self.width, self.height = width, width * 9 // 16 // 2 * 2
        self._subject, self._wet = subject, testcard.wetness(depth)
        self._size = testcard.caption_size(self.height)
        self._band = slice(*(row & ~1 for row in testcard.mark_rows(self.height)))
        self._glyphs = _glyphs(self._size)
        still = testcard.still(subject, name, depth, self.width, self.height)
        self._still = cv2.cvtColor(still, cv2.COLOR_BGR2YUV_I420)

    def frame(self, at: int) -> av.VideoFrame:
        """The picture of the real moment `at` (ms), with that moment burnt in for people and for machines."""
        planes = self._still.copy()
        self._cars(planes, at)
        self._clock(planes, at)
        return av.VideoFrame.from_ndarray(planes, format="yuv420p")

    def _cars(self, planes: np.ndarray, at: int) -> None:
        views, stills = _planes(planes, self.height), _planes(self._still, self.height)
        for place in testcard.car_places(self._subject, self.width, self.height, at / 1000, self._wet):
            _car(views, *place)
        for view, still, part in zip(views, stills, (1, 2, 2), strict=True):
            band = slice(self._band.start // part, self._band.stop // part)
            view[band] = still[band]

    def _clock(self, planes: np.ndarray, at: int) -> None:
        luma, u, v = _planes(planes, self.height)
        moment = datetime.datetime.fromtimestamp(at / 1000, _LOCAL)
        line = np.hstack([self._glyphs[c] for c in f"{moment:%Y-%m-%d %H:%M:%S}.{moment.microsecond // 100_000}"])
        x, y = self._size // 2 & ~1, self._size // 3 & ~1
        high, wide = line.shape
        wide = min(wide, self.width - x)
        luma[y : y + high, x : x + wide] = line[:, :wide]
        for plane in (u, v):
            plane[y // 2 : (y + high) // 2, x // 2 : (x + wide) // 2] = 128
        edge = self.width // _CELLS_ACROSS
        cells = np.repeat(_cells(at), edge)
        luma[self.height - edge :, : cells.size] = cells
        for plane in (u, v):
            plane[(self.height - edge) // 2 :, : cells.size // 2 + 1] = 128


def _car(views: tuple[np.ndarray, np.ndarray, np.ndarray], x: int, y: int, half: int, going: bool) -> None:
    """Body, roof, and two lights: luma in full size, colour only where the lights are."""
    luma, u, v = views
    high = int(half * 1.1)
    cv2.rectangle(luma, (x - half, y - high), (x + half, y), 40, -1)
    roof = int(half * 0.75)
    cv2.rectangle(luma, (x - roof, y - int(half * 1.5)), (x + roof, y - int(half * 0.9)), 28, -1)
    radius = max(1, half // 4)
    for plane in (u, v):  # a car hides the colour of what stands behind it
        cv2.rectangle(plane, ((x - half) // 2, (y - high) // 2), ((x + half) // 2, y // 2), 128, -1)
    shine = (96, 104, 214) if going else (232, 118, 132)
    for side in (-1, 1):
        at = x + side * int(half * 0.7), y - half // 2
        cv2.circle(luma, at, radius, shine[0], -1)
        for plane, value in ((u, shine[1]), (v, shine[2])):
            cv2.circle(plane, (at[0] // 2, at[1] // 2), max(1, radius // 2), value, -1)


def _planes(planes: np.ndarray, height: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Views of luma and the two quarter-size chroma planes of an I420 array."""
    width = planes.shape[1]
    flat = planes.reshape(-1)
    luma, quarter = height * width, height * width // 4
    shape = height // 2, width // 2
    return planes[:height], flat[luma : luma + quarter].reshape(shape), flat[luma + quarter :].reshape(shape)


def _cells(at: int) -> np.ndarray:
    day = at % 86_400_000
    bits = [day >> (CLOCK_BITS - 1 - place) & 1 for place in range(CLOCK_BITS)]
    return np.array([235 if bit else 20 for bit in (1, 0, *bits, sum(bits) & 1, 1)], np.uint8)


def _glyphs(size: int) -> dict[str, np.ndarray]:
    """Each character of the clock as light on dark, of even sizes."""
    high = (size * 5 // 4 + 1) & ~1
    found = {}
    for glyph in _GLYPHS:
        wide = (size * 5 // 8 + 1) & ~1 if glyph.isdigit() else (size * 3 // 8 + 1) & ~1
        tile = np.full((high, wide, 3), 24, np.uint8)
        testcard.write(tile, glyph, max(0, wide // 12), size, size, (235, 235, 235))
        found[glyph] = tile[:, :, 0].copy()
    return found
