"""Water on the road: which share of a region drawn once is covered, against pictures of the same place taken dry.

A wet road, a shadow or another light leave lane lines, cracks and kerbs where they were; water takes them away and ripples,
or has a colour that the road had not. Where the road was plain when dry, and nothing ripples or changes colour, nobody can
tell: such pixels count as unknown. What hides the road but is itself full of edges that stand still is a thing, not water.
"""

from __future__ import annotations

from typing import NamedTuple

import cv2
import msgspec
import numpy as np

from video.analysis.seam import Reading, Task, pixels
from video.decode import Picture

_LONGEST, _VIEW = 128, (160, 90)  # pixels the region's box is brought to; the whole picture, as a control
_WINDOW = (9, 9)
_NOISE = 4.0  # variance that coding leaves in a plain wall, levels squared
_TEXTURED = 6.0  # variance of the dry road from which on its own marks can tell, levels squared
_STRONG = 30.0  # ... and from which on it is marked whatever the coder leaves of it
_STAYS, _GONE = 0.55, 0.30  # correlation with the dry road: above it is seen, below it is hidden
_RIPPLE, _COLOUR = 3.5, 5.0  # levels: mean change between looks over what the surroundings do; chroma
_THING = 2.0  # times the dry road's variance, standing still
_SPECK = 0.015  # share of the region: smaller patches are leaves and people
_TELLING = 0.25  # share of the region that must have marks, ripples or colour to go by
_DARK = 45.0  # mean level below which noise hides what is to be seen
_LOOKS, _SETTLED = 5, 3  # looks that are kept, and from which on they say something


class Patch(NamedTuple):
    """The region's box, and the whole picture small: luma and chroma, float32 levels."""

    luma: np.ndarray
    u: np.ndarray
    v: np.ndarray
    view: np.ndarray


class State(msgspec.Struct):
    """`box` x, y, width, height as shares; `dry`: patches of the references; `shares`: of the last looks."""

    region: tuple[tuple[float, float], ...]
    box: tuple[float, float, float, float]
    dry: list = []
    looks: list = []
    shares: list[float] = []


class RoadWater:
    """`region`: any polygon on the road. Says nothing with confidence until it was shown the place dry (`refer`)."""

    name = "road-water"
    moving = False
    referred = True

    def begin(self, task: Task) -> State:
        if len(task.region) < 3:
            raise ValueError("region: three corners or more")
        if task.options:
            raise ValueError("options: none are known")
        x, y = (min(corner[axis] for corner in task.region) for axis in (0, 1))
        width, height = (max(corner[axis] for corner in task.region) - least for axis, least in ((0, x), (1, y)))
        if width < 0.03 or height < 0.03:
            raise ValueError("region: at least 3 % of the width and of the height")
        return State(task.region, (x, y, width, height))

    def refer(self, state: State, pictures: list[Picture]) -> None:
        """Takes these pictures of the dry road as what it is compared with; the newest count first."""
        state.dry, state.shares = [_patch(state, picture) for picture in pictures], []

    def look(self, state: State, picture: Picture, at: int) -> list[Reading]:
        patch = _patch(state, picture)
        if state.looks and state.looks[-1].luma.shape != patch.luma.shape:
            state.looks = []
        state.looks = [*state.looks, patch][-_LOOKS:]
        dry = [one for one in state.dry if one.luma.shape == patch.luma.shape]
        if not dry:
            return [Reading("water_cover", 0.0, "%", 0.0, "no-reference")]
        mask = _mask(state, patch.luma.shape)
        share, clear, plain = cover(state.looks, dry, mask)
        settled = len(state.looks) >= _SETTLED
        state.shares = [*state.shares, share][-_LOOKS:] if settled else []
        doubts = {
            "dark": min(1.0, float(patch.view.mean()) / _DARK) ** 2,
            "unlike": _alike(state, patch, dry),
            "plain": plain,
            "hidden": clear,
            "few-looks": 1.0 if settled else 0.3,
            "unsteady": float(np.exp(-np.median(np.abs(np.array(state.shares or [share]) - share)) / 0.15)),
        }
        worst = min(doubts, key=lambda name: doubts[name])
        return [Reading("water_cover", round(100 * share, 1), "%", round(float(np.prod([*doubts.values()])), 3), worst)]


def cover(looks: list[Patch], dry: list[Patch], mask: np.ndarray) -> tuple[float, float, float]:
    """(share of the region under water, how much of it could be judged 0..1, whether what was judged is enough to go by 0..1).
    A pixel is dry where any of the references explains it."""
    luma, u, v = (np.median([getattr(look, name) for look in looks], axis=0).astype(np.float32) for name in ("luma", "u", "v"))
    ripple = _ripple(looks)
    variance = _variance(luma)
    wet, seen, thing = np.ones(mask.shape, bool), np.zeros(mask.shape, bool), np.ones(mask.shape, bool)
    for one in dry:
        was = _variance(one.luma)
        shared = _mean(luma * one.luma) - _mean(luma) * _mean(one.luma)
        alike = shared / np.sqrt((was + _NOISE) * (variance + _NOISE))
        marked = was >= _TEXTURED
        tinted = np.hypot(_mean(u - one.u), _mean(v - one.v)) > _COLOUR
        lively = ripple > _RIPPLE
        hidden = marked & (alike < _GONE)
        wet &= hidden | (~marked & (tinted | lively))
        seen |= marked & (alike > _STAYS)
        thing &= (variance > _THING * was + 60) & ~lively
    water, area = _patches(wet & ~thing, mask) & mask, int(mask.sum())
    doubtful = float((thing & wet & mask).sum()) / area
    told = float(((water | seen) & mask).sum()) / area
    # what was plain and still is counts as dry; it may lie under still water, so enough of the rest must speak for it
    return float(water.sum()) / area, 1 - min(1.0, 2 * doubtful), min(1.0, told / _TELLING)


def _ripple(looks: list[Patch]) -> np.ndarray:
    """Mean change between following looks, less what all of the box does (noise, exposure)."""
    if len(looks) < 2:
        return np.zeros(looks[0].luma.shape, np.float32)
    apart = [cv2.absdiff(a.luma, b.luma) for a, b in zip(looks, looks[1:], strict=False)]
    # what passes by changes a place now and then, water does each time
    moved = _mean(np.quantile(apart, 0.25, axis=0).astype(np.float32))
    return moved - float(np.quantile(moved, 0.1))


def _patches(water: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Without holes and specks: between two ripples there is water, too."""
    whole = cv2.morphologyEx((water & mask).astype(np.uint8), cv2.MORPH_CLOSE, np.ones((9, 9), np.uint8))
    water = cv2.morphologyEx(whole, cv2.MORPH_OPEN, np.ones((5, 5), np.uint8))
    count, labels, sizes, _ = cv2.connectedComponentsWithStats(water, connectivity=8)
    large = [n for n in range(1, count) if sizes[n, cv2.CC_STAT_AREA] >= _SPECK * mask.sum()]
    return np.isin(labels, large)


def _alike(state: State, patch: Patch, dry: list[Patch]) -> float:
    """Whether the camera still sees the place as it was, by the best fifth of what is marked around the region: a camera that
    was turned, fog or a drop on the lens take all of it; a flood beyond the region, people and cars only some."""
    outside = np.ones(_VIEW[::-1], np.uint8)
    cv2.fillPoly(outside, [np.int32(pixels(state.region, *_VIEW))], 0)
    outside = cv2.erode(outside, np.ones((5, 5), np.uint8)).astype(bool)
    return max(_kept(patch.view, one.view, outside) for one in dry)


def _kept(now: np.ndarray, before: np.ndarray, outside: np.ndarray) -> float:
    """How well the marks `outside` are kept, 0..1: in their shape, and in their contrast."""
    was, shared = _variance(before), _mean(now * before) - _mean(now) * _mean(before)
    marked = outside & (was >= _STRONG)
    if marked.sum() < 0.01 * outside.size:  # too little around it: the region's own marks must do
        marked = was >= _STRONG
    if not marked.any():
        return 0.0
    shape = np.quantile((shared / np.sqrt((was + _NOISE) * (_variance(now) + _NOISE)))[marked], 0.8)
    contrast = np.quantile((shared / (was + _NOISE))[marked], 0.8)
    return float(np.clip((shape - 0.45) / 0.3, 0, 1) * np.clip((contrast - 0.3) / 0.2, 0, 1))


def _variance(plane: np.ndarray) -> np.ndarray:
    return np.maximum(_mean(plane * plane) - _mean(plane) ** 2, 0)


def _mean(plane: np.ndarray) -> np.ndarray:
    return cv2.blur(plane, _WINDOW)


def _patch(state: State, picture: Picture) -> Patch:
    x, y, width, height = state.box
    rows, columns = picture.luma.shape
    scale = _LONGEST / max(width * columns, height * rows)
    size = (max(16, round(width * columns * scale)), max(16, round(height * rows * scale)))
    planes = []
    for plane in (picture.luma, picture.u, picture.v):
        high, wide = plane.shape
        top, left = min(high - 1, round(y * high)), min(wide - 1, round(x * wide))
        cut = plane[top : max(top + 1, round((y + height) * high)), left : max(left + 1, round((x + width) * wide))]
        planes.append(cv2.resize(cut, size, interpolation=cv2.INTER_AREA).astype(np.float32))
    return Patch(*planes, cv2.resize(picture.luma, _VIEW, interpolation=cv2.INTER_AREA).astype(np.float32))


def _mask(state: State, shape: tuple[int, int]) -> np.ndarray:
    x, y, width, height = state.box
    inside = tuple(((px - x) / width, (py - y) / height) for px, py in state.region)
    found = np.zeros(shape, np.uint8)
    cv2.fillPoly(found, [np.int32(pixels(inside, shape[1], shape[0]))], 1)
    return found.astype(bool)


ANALYSER = RoadWater()
