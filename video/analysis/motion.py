"""Motion and intrusion: what differs from a running average, within a region, for longer than a moment.

Works on 160x90. A camera that adjusts its exposure changes every pixel at once: the common change is taken out before
anything counts as foreground. What stays still long enough becomes background; what moves does not.
"""

from __future__ import annotations

import cv2
import msgspec
import numpy as np

from video.analysis.seam import Reading, Task, pixels
from video.decode import Picture

_SIZE = (160, 90)
_LEAST_LEVELS = 14.0  # a pixel differs from its background by this much, or by 4 times its usual scatter
_WARM_UP_MS = 1_500
_BACKGROUND_SECONDS = 8.0  # time constant of the running average
_HELD_SECONDS = 60.0  # ... where something is in front of it


class State(msgspec.Struct):
    """`since`: when something has been in the region without a break, real ms."""

    region: tuple[tuple[float, float], ...]
    least: float
    dwell_ms: float
    every_ms: float
    background: object = None
    scatter: object = None
    mask: object = None
    began: int = 0
    at: int = 0
    since: int | None = None
    gone: int = 0
    told: int = 0
    strength: float = 0.0


class Motion:
    """`options.least`: share of the region that must differ (0.004); `options.dwell_seconds`: how long before it counts as
    an intrusion (2)."""

    name = "motion"
    moving = True
    referred = False

    def begin(self, task: Task) -> State:
        least, dwell = task.options.get("least", 0.004), task.options.get("dwell_seconds", 2.0)
        if not isinstance(least, (int, float)) or not 0 < least < 1 or not isinstance(dwell, (int, float)) or dwell < 0:
            raise ValueError("options: least between 0 and 1, dwell_seconds 0 or more")
        if len(task.region) < 3:
            raise ValueError("region: three corners or more")
        return State(task.region, float(least), dwell * 1000, task.every_seconds * 1000)

    def look(self, state: State, picture: Picture, at: int) -> list[Reading]:
        share, sure = self.moving_share(state, picture, at)
        if at - state.began < _WARM_UP_MS:
            return []
        if share >= state.least:
            state.since = at if state.since is None else state.since
            state.gone, state.strength = at, max(state.strength, sure)
        elif state.since is not None and at - state.gone > 1_000:  # a moment behind a lamp post is no departure
            state.since, state.strength = None, 0.0
        stayed = state.gone - state.since if state.since is not None else 0
        inside = state.since is not None and stayed >= state.dwell_ms
        if at - state.told < state.every_ms and not (inside and state.told < state.since + state.dwell_ms):
            return []
        state.told = at
        sure = state.strength if state.since is not None else 1.0
        return [Reading("motion", round(100 * share, 2), "%", round(sure, 3)),
                Reading("intrusion", round(stayed / 1000, 1) if inside else 0.0, "s", round(sure, 3))]  # fmt: skip

    def moving_share(self, state: State, picture: Picture, at: int) -> tuple[float, float]:
        """(share of the region taken by the largest thing in front of the background, how clearly it stands out 0..1)."""
        image = cv2.resize(picture.luma, _SIZE, interpolation=cv2.INTER_AREA).astype(np.float32)
        if state.background is None:
            mask = np.zeros(_SIZE[::-1], np.uint8)
            cv2.fillPoly(mask, [np.int32(pixels(state.region, *_SIZE))], 1)
            state.background, state.mask, state.began, state.at = image, mask, at, at
            state.scatter = np.full(_SIZE[::-1], _LEAST_LEVELS / 4, np.float32)
            return 0.0, 0.0
        apart = image - state.background
        away = np.abs(apart - np.median(apart[::3, ::3]))  # without what exposure did to all of it
        limit = np.maximum(_LEAST_LEVELS, 4 * state.scatter)
        front = cv2.morphologyEx((away > limit).astype(np.uint8), cv2.MORPH_OPEN, np.ones((2, 2), np.uint8))
        share, sure = _largest(front & state.mask, away / limit, int(state.mask.sum()))
        self._learn(state, image, away, front, at)
        return share, sure

    @staticmethod
    def _learn(state: State, image: np.ndarray, away: np.ndarray, front: np.ndarray, at: int) -> None:
        seconds, state.at = max(0.0, (at - state.at) / 1000), at
        young = max(0.3, (at - state.began) / 1000)  # learns fast at first
        pace = (
            np.where(front > 0, seconds / _HELD_SECONDS, seconds / min(_BACKGROUND_SECONDS, young))
            .clip(0, 1)
            .astype(np.float32)
        )
        state.background += pace * (image - state.background)
        state.scatter += np.where(front > 0, 0, pace) * (np.minimum(away, 30) - state.scatter)


def _largest(front: np.ndarray, clear: np.ndarray, area: int) -> tuple[float, float]:
    count, labels, sizes, _ = cv2.connectedComponentsWithStats(cv2.dilate(front, np.ones((3, 3), np.uint8)), connectivity=8)
    if count < 2 or not area:
        return 0.0, 0.0
    largest = 1 + int(sizes[1:, cv2.CC_STAT_AREA].argmax())
    inside = (labels == largest) & (front > 0)
    pixels_inside = int(inside.sum())
    if not pixels_inside:
        return 0.0, 0.0
    contrast = float(clear[inside].mean()) - 1  # 0 at the limit
    return pixels_inside / area, float((1 - np.exp(-1.5 * contrast)) * (1 - np.exp(-pixels_inside / 12)))


ANALYSER = Motion()
