"""Flooded roads, composed: real water of one real clip laid on the real roads of three others, and what is not water but looks
like it. No clip of a flooded road was at hand; what this measures is stated in docs/VIDEO-HEALTH.md."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from tests.video.health import scenes
from video.analysis.references import typical
from video.analysis.road_water import ANALYSER
from video.analysis.seam import Task
from video.decode import Picture, decode

#: scene -> region on its road, drawn by eye
REGIONS = {
    "road": ((0.05, 0.25), (0.75, 0.15), (0.95, 0.45), (0.35, 0.95), (0.02, 0.98)),
    "campus": ((0.02, 0.36), (0.55, 0.40), (0.98, 0.60), (0.98, 0.80), (0.40, 0.52), (0.02, 0.42)),
    "crossing": ((0.20, 0.12), (0.95, 0.12), (0.98, 0.85), (0.10, 0.80)),
    "parking": ((0.05, 0.10), (0.95, 0.10), (0.95, 0.95), (0.05, 0.95)),
}
CHOSEN_ON = ("road",)
REPORTED_ON = ("campus", "crossing", "parking")
#: water of the real clip: (first frame, x, y, width, height); a calm and a rough one
WATERS = {"calm": (338, 300, 300, 420, 230), "rough": (332, 200, 300, 600, 240)}
COVERS = (0.15, 0.3, 0.5, 0.8)
NOT_WATER = ("dry", "brighter", "darker", "wet", "shadow", "parked", "night", "turned", "fog")
LOOKS = 8


class Case(NamedTuple):
    """What was shown and what was said: `truth` share of the region under water, `said` the same, `sure` 0..1."""

    scene: str
    shown: str
    truth: float
    said: float
    sure: float
    why: str


@lru_cache(maxsize=4)
def _pictures(folder: Path, scene: str) -> tuple[np.ndarray, ...]:
    return tuple(cv2.resize(image, (640, 360), interpolation=cv2.INTER_AREA) for image in scenes.frames(folder, scene, 12))


@lru_cache(maxsize=4)
def _water(folder: Path, kind: str) -> tuple[np.ndarray, ...]:
    first, x, y, width, height = WATERS[kind]
    clip = scenes.every_frame(folder, "bank")
    picked = [clip[first - scenes.SCENES["bank"][1] + 5 * n] for n in range(LOOKS)]
    return tuple(cv2.resize(image[y : y + height, x : x + width], (640, 360)) for image in picked)


def mask_of(region: tuple[tuple[float, float], ...]) -> np.ndarray:
    found = np.zeros((360, 640), np.uint8)
    cv2.fillPoly(found, [np.int32([(x * 639, y * 359) for x, y in region])], 1)
    return found.astype(bool)


def flooded(image: np.ndarray, water: np.ndarray, region, cover: float) -> tuple[np.ndarray, float]:
    """The picture with water over the lower `cover` of the region, its shore uneven and soft, in the light of the scene; and
    the true share. A fifth of the mirrored scene is seen in it."""
    inside = mask_of(region)
    if not cover:
        return image, 0.0
    rows = np.arange(360)[:, None] + 8 * np.sin(np.arange(640) / 40)[None, :]
    edge = np.quantile(rows[inside], 1 - cover)
    covered = (rows > edge).astype(np.float32)
    soft = cv2.GaussianBlur(covered, (9, 9), 0)[:, :, None]
    light = image[inside].mean() / max(1.0, water.mean())
    mirrored = cv2.GaussianBlur(cv2.flip(image, 0), (1, 15), 0)
    lying = 0.8 * np.clip(water.astype(np.float32) * light, 0, 255) + 0.2 * mirrored
    made = image * (1 - soft) + lying * soft
    return np.clip(made, 0, 255).astype(np.uint8), float(covered[inside].mean())


def other(image: np.ndarray, shown: str, number: int, region) -> np.ndarray:
    """What is not water."""
    chance, out = np.random.default_rng(number), image.astype(np.float32)
    if shown == "brighter":
        out = out * 1.3 + 10
    elif shown in ("darker", "wet"):
        out *= 0.7
    if shown == "wet":  # darker, and the sky lies on it in streaks
        streaks = cv2.GaussianBlur(np.random.default_rng(4).uniform(0, 1, (360, 640)).astype(np.float32), (61, 15), 0)
        out += 160 * np.clip(streaks - 0.5, 0, 1)[:, :, None] * 2
    if shown == "shadow":
        out[:, 160:420] *= 0.6
    if shown == "parked":  # a lorry's side: edges of its own, standing still
        xs, ys = zip(*region, strict=True)
        x, y = int(640 * (min(xs) + max(xs)) / 2), int(360 * (min(ys) + max(ys)) / 2)
        box = np.random.default_rng(5).uniform(40, 200, (7, 12, 3)).astype(np.float32)
        part = out[y - 40 : y + 40, x - 75 : x + 75]
        part[:] = cv2.resize(box, part.shape[1::-1], interpolation=cv2.INTER_NEAREST)
    if shown == "night":
        out = out * 0.15 + chance.normal(0, 6, out.shape)
    if shown == "turned":
        out = np.roll(out, 60, axis=1)
    if shown == "fog":
        out = cv2.GaussianBlur(out, (15, 15), 0) * 0.3 + 150
    return np.clip(out, 0, 255).astype(np.uint8)


def _coded(images: Sequence[np.ndarray]) -> Iterator[Picture]:
    """As the hall sees them, one after the other."""
    for unit in scenes.coded(list(images), 28):
        picture = decode(unit, "h264")
        yield Picture(picture.luma.copy(), picture.u.copy(), picture.v.copy(), picture.corrupt)


def trial(folder: Path, scene: str, shown: str, cover: float = 0.0) -> Case:
    """Learns the scene dry from its first pictures, as a person's act does, and shows it eight others."""
    images, region = _pictures(folder, scene), REGIONS[scene]
    state = ANALYSER.begin(Task(channel="channel/t/c", analyser="road-water", region=region))
    ANALYSER.refer(state, [typical(list(_coded(images[:4])))])
    truth, seen = 0.0, []
    for number, image in enumerate(images[4:]):
        if shown in WATERS:
            image, truth = flooded(image, _water(folder, shown)[number], region, cover)
        else:
            image = other(image, shown, number, region)
        seen.append(image)
    for number, picture in enumerate(_coded(seen)):
        (said,) = ANALYSER.look(state, picture, number * 10_000)
    return Case(scene, shown, truth, said.value / 100, said.confidence, said.doubt)


def all_cases(folder: Path, group: tuple[str, ...]) -> list[Case]:
    wet = [trial(folder, scene, kind, cover) for scene in group for kind in WATERS for cover in COVERS]
    return wet + [trial(folder, scene, shown) for scene in group for shown in NOT_WATER]


def table(folder: Path) -> list[str]:
    """Lines of docs/VIDEO-HEALTH.md: what was said with confidence (>= 0.6), by scene."""
    lines = [
        "| scene | water: confident | off, points of the region: mean, worst | no water: confident | most said of those | dark, turned, fog: confident |",
        "|---|---|---|---|---|---|",
    ]
    for scene in (*CHOSEN_ON, *REPORTED_ON):
        cases = all_cases(folder, (scene,))
        wet = [case for case in cases if case.shown in WATERS]
        blind = [case for case in cases if case.shown in ("night", "turned", "fog")]
        other_ = [case for case in cases if case not in wet and case not in blind]
        sure, wrong = [case for case in wet if case.sure >= 0.6], [case for case in other_ if case.sure >= 0.6]
        off = [100 * abs(case.said - case.truth) for case in sure] or [0.0]
        most = max(wrong, key=lambda case: case.said, default=None)
        said = f"{100 * most.said:.0f} % ({most.shown})" if most else "–"
        lines.append(
            f"| {scene} | {len(sure)}/{len(wet)} | {sum(off) / len(off):.0f}, {max(off):.0f} | {len(wrong)}/{len(other_)} | {said} "
            f"| {sum(case.sure >= 0.6 for case in blind)}/{len(blind)} |"
        )
    return lines
