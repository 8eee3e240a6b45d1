"""How right the analysers are on the real clips, against labels made by eye (labels.json)."""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import av
import cv2
import numpy as np

from video.analysis import motion, water_level
from video.analysis.seam import Task
from video.decode import from_bgr

LABELS = json.loads((Path(__file__).parent / "labels.json").read_text(encoding="utf-8"))


@lru_cache(maxsize=2)
def clip(folder: Path, name: str) -> list[np.ndarray]:
    """All BGR pictures of a clip."""
    with av.open(str(folder / name)) as container:
        return [frame.to_ndarray(format="bgr24") for frame in container.decode(video=0)]


@lru_cache(maxsize=1)
def waters(folder: Path) -> dict[int, np.ndarray]:
    """The labelled BGR pictures of the clip of water, by their numbers: a whole clip is a gigabyte."""
    label = LABELS["water"]
    wanted = {row[0] for kind in ("lines", "dry", "wet") for row in label[kind]}
    with av.open(str(folder / label["clip"])) as container:
        numbered = enumerate(container.decode(video=0))
        return {number: frame.to_ndarray(format="bgr24") for number, frame in numbered if number in wanted}


class Counts(NamedTuple):
    """Labelled frames by what was there and what was said."""

    hits: int
    misses: int
    false_alarms: int
    rejections: int


def moving(folder: Path, scene: str, confidence: float = 0.6, least: float = 0.004) -> Counts:
    """Motion in the labelled frames; every frame of the clip is shown to the analyser in its time."""
    label = LABELS["motion"][scene]
    task = Task(channel="channel/t/c", analyser="motion", region=tuple(map(tuple, label["region"])), options={"least": least})
    state, said = motion.ANALYSER.begin(task), {}
    for number, image in enumerate(clip(folder, label["clip"])):
        share, sure = motion.ANALYSER.moving_share(state, from_bgr(image), int(number * 1000 / label["fps"]))
        said[number] = share >= least and sure >= confidence
    yes, no = [said[n] for n in label["yes"]], [said[n] for n in label["no"]]
    return Counts(sum(yes), len(yes) - sum(yes), sum(no), len(no) - sum(no))


def strip(image: np.ndarray, x: int, top: int, bottom: int, half: int = 10):
    """The straightened strip of 2 x half + 1 pixels around column x."""
    height, width = image.shape[:2]
    corners = tuple(
        (px / (width - 1), py / (height - 1))
        for px, py in ((x - half, top), (x + half, top), (x + half, bottom), (x - half, bottom))
    )
    return water_level.straightened(from_bgr(image), corners)


def lines(folder: Path) -> list[tuple[float, float]]:
    """(pixels off the label, confidence) of each labelled waterline, single pictures."""
    images, found = waters(folder), []
    for number, x, top, bottom, truth in LABELS["water"]["lines"]:
        place, sure = water_level.waterline(strip(images[number], x, top, bottom), None)
        found.append((top + place * (bottom - top) - truth, sure))
    return found


def no_lines(folder: Path, kind: str) -> list[float]:
    """Confidence in strips that hold no waterline: `dry` (wall, railings) or `wet` (water only)."""
    images = waters(folder)
    return [water_level.waterline(strip(images[n], *place), None)[1] for n, *place in LABELS["water"][kind]]


def boards(folder: Path) -> list[tuple[float, float]]:
    """As `lines`, with a gauge board drawn on the wall, down to the labelled waterline: no real clip has a board."""
    images, found = waters(folder), []
    for number, x, top, bottom, truth in LABELS["water"]["lines"]:
        image = images[number].copy()
        board(image, x, top, truth)
        place, sure = water_level.waterline(strip(image, x, top, bottom), None)
        found.append((top + place * (bottom - top) - truth, sure))
    return found


def board(image: np.ndarray, x: int, top: int, waterline: int, step: int = 10) -> None:
    """A Chinese staff gauge: white, red blocks left and right in turn every 5 cm, a figure every 10 cm; in the light of the scene."""
    part = image[max(0, top) : waterline, x - 11 : x + 11]
    light = part.mean() / 200
    drawn = np.full(part.shape, 235, np.uint8)
    for count, y in enumerate(range(part.shape[0] % step - step, part.shape[0], step)):
        side = slice(0, 11) if count % 2 else slice(11, 22)
        drawn[max(0, y) : max(0, y + step // 2), side] = (50, 50, 200)
        if count % 2:
            cv2.putText(drawn, str(count % 10), (12, max(0, y + step - 2)), cv2.FONT_HERSHEY_SIMPLEX, 0.3, (20, 20, 20), 1)
    part[:] = np.clip(cv2.GaussianBlur(drawn, (3, 3), 0) * light, 0, 255).astype(np.uint8)
