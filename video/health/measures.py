"""What is measured on one key picture. Pure: planes in, numbers out; no thresholds here (see limits.py).

All measures work on luma and chroma planes as they were decoded, most of them on 640x360 or less: 0.4-0.6 ms a picture.
"""

from __future__ import annotations

import cv2
import msgspec
import numpy as np

from video.decode import Picture

cv2.setNumThreads(1)

#: sizes (width, height) of what is worked on, pixels
SMALL, VIEW, STILL, CELLS = (320, 180), (96, 54), (48, 27), (16, 9)
_WIDE = 640  # blur is measured at about this width, so that a camera's resolution hardly matters
_DARK, _BRIGHT = 44, 229  # luma: a black sensor's noise stays below, a saturated one's above (limited and full range)
_ALIKE = 0.15  # mean step to the row above, as a share of that along the row: less than any real picture has
_PLAIN = 0.6  # levels: rows with less along them are plain
_DETAILED = 16  # a cell's mean gradient x 8 from which on it counts as usually detailed
_LOST = 0.4  # ... and below which share of the usual it counts as lost


class Features(msgspec.Struct, frozen=True):
    """One picture in numbers. Shares are 0..1 of the picture, levels 0..255."""

    width: int
    height: int
    mean: float  # level
    spread: float  # standard deviation, levels
    dark: float  # share of pixels below 44
    bright: float  # share of pixels at 229 or more
    blur: float  # 0 sharp .. 1: how little a strong blur changes it (Crete et al. 2007, no reference needed)
    smear: float  # longest run of rows that repeat the row above, share of the height: how decoders hide what is missing
    chroma: tuple[float, float]  # mean u - 128, v - 128
    floor: float  # distance from grey that even the greyest twentieth of the picture has: a cast lifts it, a lawn does not
    corrupt: bool  # the decoder says so
    still: bytes  # 48x27 means: what a frozen picture keeps, however it is coded
    view: bytes  # 96x54 means, for edges
    detail: bytes  # 16x9 cells: 8 x mean gradient, capped


def measure(picture: Picture) -> Features:
    """All features of one picture."""
    coarse = _reduced(picture.luma, max(1, round(picture.width / _WIDE)))
    small = cv2.resize(coarse, SMALL, interpolation=cv2.INTER_AREA)
    mean, spread = (float(found[0, 0]) for found in cv2.meanStdDev(small))
    share = cv2.calcHist([small], [0], None, [256], [0, 256]).ravel() / small.size
    chroma, floor = _colour(picture)
    return Features(
        width=picture.width,
        height=picture.height,
        mean=mean,
        spread=spread,
        dark=float(share[:_DARK].sum()),
        bright=float(share[_BRIGHT:].sum()),
        blur=_blur(coarse),
        smear=_smear(small),
        chroma=chroma,
        floor=floor,
        corrupt=picture.corrupt,
        still=cv2.resize(small, STILL, interpolation=cv2.INTER_AREA).tobytes(),
        view=cv2.resize(small, VIEW, interpolation=cv2.INTER_AREA).tobytes(),
        detail=_detail(small).tobytes(),
    )


def _reduced(plane: np.ndarray, by: int) -> np.ndarray:
    """The plane at a whole fraction of its size: twice as fast as at any other."""
    if by == 1:
        return plane
    height, width = plane.shape[0] // by, plane.shape[1] // by
    return cv2.resize(plane[: height * by, : width * by], (width, height), interpolation=cv2.INTER_AREA)


def _blur(coarse: np.ndarray) -> float:
    """Of the middle half of the rows: a lens is out of focus everywhere."""
    quarter = coarse.shape[0] // 4
    coarse, worst = coarse[quarter : 3 * quarter], 0.0
    for size, ahead, behind in (((9, 1), np.s_[:, 1:], np.s_[:, :-1]), ((1, 9), np.s_[1:], np.s_[:-1])):
        soft = cv2.blur(coarse, size)
        before = cv2.absdiff(coarse[ahead], coarse[behind])
        after = cv2.absdiff(soft[ahead], soft[behind])
        whole = cv2.sumElems(before)[0]
        lost = cv2.sumElems(cv2.subtract(before, after))[0]
        worst = max(worst, 1.0 - lost / whole if whole > 0.05 * before.size else 0.0)
    return worst


def _smear(small: np.ndarray) -> float:
    """Rows count that hardly differ from the row above although they are not plain: sky and overexposure are."""
    down = cv2.reduce(cv2.absdiff(small[1:], small[:-1]), 1, cv2.REDUCE_AVG, dtype=cv2.CV_32F).ravel()
    across = cv2.reduce(cv2.absdiff(small[1:, 1:], small[1:, :-1]), 1, cv2.REDUCE_AVG, dtype=cv2.CV_32F).ravel()
    longest = run = 0
    for alike in ((down < _ALIKE * across) & (across > _PLAIN)).tolist():
        run = run + 1 if alike else 0
        longest = max(longest, run)
    return longest / len(down)


def _colour(picture: Picture) -> tuple[tuple[float, float], float]:
    u, v = (
        cv2.resize(plane, (80, 45), interpolation=cv2.INTER_AREA).astype(np.float32) - 128 for plane in (picture.u, picture.v)
    )
    far = np.partition(cv2.magnitude(u, v).ravel(), u.size // 20)[u.size // 20]
    return (float(u.mean()), float(v.mean())), float(far)


def _detail(small: np.ndarray) -> np.ndarray:
    across = cv2.convertScaleAbs(cv2.Sobel(small, cv2.CV_16S, 1, 0, ksize=1))
    down = cv2.convertScaleAbs(cv2.Sobel(small, cv2.CV_16S, 0, 1, ksize=1))
    cells = cv2.resize(cv2.add(across, down).astype(np.float32), CELLS, interpolation=cv2.INTER_AREA)
    return np.clip(cells * 8, 0, 255).astype(np.uint8)


def change(still: bytes, before: bytes) -> float:
    """Largest mean change of any of 16x9 cells, levels. Noise and coding leave 4 at most, a passer-by 30 and more."""
    apart = cv2.absdiff(_array(still, STILL), _array(before, STILL)).astype(np.float32)
    return float(cv2.resize(apart, CELLS, interpolation=cv2.INTER_AREA).max())


class Turn(msgspec.Struct, frozen=True):
    """How a view lies on its reference: `shift` share of the width to the best place, `gain` of agreement there over where
    it should be, `agreement` where it should be (correlation of edges, -1..1)."""

    shift: float
    gain: float
    agreement: float


def turn(view: bytes, reference: bytes, enough: float = 2.0) -> Turn:
    """Looks for the reference's middle two thirds within the view: turns of up to a sixth of the width are found. Where it
    agrees with its own place by `enough`, nothing else is looked for."""
    width, height = VIEW
    x, y = width // 6, height // 6
    edges, middle = _edges(view), _edges(reference)[y : height - y, x : width - x]
    near = cv2.matchTemplate(edges[y - 1 : height - y + 1, x - 1 : width - x + 1], middle, cv2.TM_CCOEFF_NORMED)
    here = float(near.max())
    if here >= enough:
        return Turn(0.0, 0.0, here)
    _, best, _, place = cv2.minMaxLoc(cv2.matchTemplate(edges, middle, cv2.TM_CCOEFF_NORMED))
    return Turn(float(np.hypot(place[0] - x, place[1] - y)) / width, float(best) - here, here)


def lost_detail(detail: bytes, usual: bytes) -> tuple[float, float]:
    """(share of the usually detailed cells that lost most of their detail, share of cells that are usually detailed)."""
    now, before = np.frombuffer(detail, np.uint8), np.frombuffer(usual, np.uint8)
    detailed = before >= _DETAILED
    count = int(detailed.sum())
    lost = int((now[detailed] < before[detailed] * _LOST).sum())
    return (lost / count if count else 0.0), count / len(before)


def layout(view: bytes, usual: bytes) -> float:
    """Correlation of the coarse light and dark of two views, -1..1: defocus leaves it, a thing before the lens does not."""
    now, before = (cv2.resize(_array(one, VIEW), CELLS, interpolation=cv2.INTER_AREA) for one in (view, usual))
    return float(cv2.matchTemplate(now, before, cv2.TM_CCOEFF_NORMED)[0, 0])


def _edges(view: bytes) -> np.ndarray:
    """Square root of the gradient: one strong edge shall not outvote the rest of the picture."""
    image = _array(view, VIEW).astype(np.float32)
    return cv2.sqrt(cv2.magnitude(cv2.Sobel(image, cv2.CV_32F, 1, 0), cv2.Sobel(image, cv2.CV_32F, 0, 1)))


def _array(raw: bytes, size: tuple[int, int]) -> np.ndarray:
    return np.frombuffer(raw, np.uint8).reshape(size[1], size[0])


def blended(old: bytes, new: bytes, share: float) -> bytes:
    """`old` moved towards `new` by `share`; by at least one level where they differ, so that it arrives."""
    before, after = np.frombuffer(old, np.uint8).astype(np.int16), np.frombuffer(new, np.uint8).astype(np.int16)
    step = (after - before) * share
    return (before + np.where(step > 0, np.ceil(step), np.floor(step))).astype(np.uint8).tobytes()
