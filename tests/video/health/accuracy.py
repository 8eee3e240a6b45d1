"""How well faults are found on the real clips: every scene is learnt sound, then shown with known faults of known strength."""

from __future__ import annotations

import random
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import cv2

from tests.video.health import scenes
from video.decode import decode
from video.health.burntclock import time_of_day
from video.health.judge import Memory, look
from video.health.limits import TABLE
from video.health.measures import Features, measure

STRENGTHS = (0.1, 0.25, 0.5, 1.0)
LOOK_MS = 300_000  # a lap of 20,000 channels
SLICES = 4
#: hand-held: their view is no camera's, so it is not judged
UNSTEADY = ("gate", "bank", "canal")


class Trial(NamedTuple):
    """`shown`: fault and strength that was shown ("sound", 0.0), `raised`: what the hall said after four looks at it,
    `score`: of the fault shown, at each look; for "sound" None."""

    scene: str
    shown: str
    strength: float
    raised: tuple[str, ...]
    scores: list[dict[str, float]]


@lru_cache(maxsize=16)
def _pictures(folder: Path, scene: str) -> tuple:
    return scenes.frames(folder, scene, 20)


def features(image, crf: int = 26) -> Features:
    """As the hall sees it: coded, decoded, measured."""
    return measure(decode(scenes.coded([image], crf)[0], "h264", rough=True))


@lru_cache(maxsize=16)
def _sound(folder: Path, scene: str) -> tuple[Features, ...]:
    return tuple(features(image) for image in _pictures(folder, scene))


def learnt(folder: Path, scene: str) -> Memory:
    """A channel that was looked at ten times while sound (every second picture of the scene)."""
    memory = Memory()
    for number, seen in enumerate(_sound(folder, scene)[::2]):
        look(memory, seen, number * LOOK_MS, steady=scene not in UNSTEADY)
    return memory


def trial(folder: Path, scene: str, shown: str, strength: float, looks: int = 4) -> Trial:
    """Shows a learnt scene `looks` other pictures with a fault."""
    memory, scores, raised = learnt(folder, scene), [], ()
    others = list(range(1, 20, 2))
    picked = others if shown == "sound" else others[:: max(1, len(others) // looks)][:looks]
    for number, index in enumerate(picked):
        seen = _shown(folder, scene, index, shown, strength)
        verdict = look(memory, seen, (20 + number) * LOOK_MS, steady=scene not in UNSTEADY)
        scores.append(verdict.scores)
        raised = tuple(sorted({*raised, *verdict.held}))
    return Trial(scene, shown, strength, raised, scores)


def _shown(folder: Path, scene: str, index: int, shown: str, strength: float) -> Features:
    image = _pictures(folder, scene)[index]
    if shown == "sound":
        return _sound(folder, scene)[index]
    if shown.startswith("scrambled"):
        return _scrambled(image, strength, index, flagged=shown == "scrambled")
    return features(scenes.PICTURE_FAULTS[shown](image, strength))


def _scrambled(image, strength: float, seed: int, flagged: bool) -> Features:
    """Damage within the stream; not `flagged`: what another recorder makes of it when it codes the damage anew."""
    picture = decode(scenes.damaged_unit(scenes.coded([image], slices=SLICES)[0], strength, seed, SLICES), "h264")
    return measure(picture) if flagged else features(picture.bgr())


def frozen_scores(folder: Path, scene: str, kbit: int, frozen: bool) -> list[float]:
    """Seconds of stillness at looks 200 s apart, of a stream at `kbit`: one picture for ever, or the scene at one look a
    second (which is harder than life: looks are minutes apart)."""
    images = [cv2.resize(image, (640, 360)) for image in scenes.every_frame(folder, scene)]
    rate = max(1, len(images) // 12)
    stream = scenes.stream([images[0]] * (12 * 25) if frozen else images, kbit, 25 if frozen else rate)
    memory, scores = Memory(), []
    for number, unit in enumerate(stream[1:13]):
        verdict = look(memory, measure(decode(unit, "h264", rough=True)), number * 200_000)
        scores.append(verdict.scores.get("frozen", 0.0))
    return scores


def area_under(sound: list[float], faulty: list[float]) -> float:
    """Area under the ROC curve: how often a faulty look scores higher than a sound one, ties half."""
    pairs = [(1.0 if bad > good else 0.5 if bad == good else 0.0) for bad in faulty for good in sound]
    return sum(pairs) / len(pairs) if pairs else float("nan")


def faults() -> list[str]:
    """What can be shown to a scene."""
    return [name for name in (*scenes.PICTURE_FAULTS, "scrambled", "scrambled-recoded") if name.partition("-re")[0] in TABLE]


#: typefaces of this machine that the clock reader's templates were not drawn in
TYPEFACES = {
    "DejaVu Sans": "dejavu/DejaVuSans.ttf",
    "DejaVu Sans Mono": "dejavu/DejaVuSansMono.ttf",
    "Liberation Sans": "liberation/LiberationSans-Regular.ttf",
}


def clocks(folder: Path) -> dict[str, tuple[int, int, int]]:
    """Typeface -> (read right, read wrong, pictures): dates and times burnt into real pictures in four sizes."""
    chance, found = random.Random(1), {}
    for name, path in TYPEFACES.items():
        path = Path("/usr/share/fonts/truetype") / path
        if not path.exists():
            continue
        face, right, wrong, count = cv2.FontFace(str(path)), 0, 0, 0
        for size in (14, 18, 24, 32):
            for image in (
                image for scene in ("campus", "road", "gate", "parking") for image in scenes.frames(folder, scene, 6)
            ):
                h, m, s = chance.randrange(24), chance.randrange(60), chance.randrange(60)
                text = f"2026-11-{chance.randrange(1, 29):02d} {h:02d}:{m:02d}:{s:02d}"
                luma = decode(scenes.coded([_stamped(image, text, face, size)])[0], "h264").luma
                read = time_of_day(luma[4 : int(20 + size * 1.3), 2 : int(14 + size * 12.5)])
                right, wrong, count = (
                    right + (read == h * 3600 + m * 60 + s),
                    wrong + (read not in (None, h * 3600 + m * 60 + s)),
                    count + 1,
                )
        found[name] = right, wrong, count
    return found


def _stamped(image, text: str, face, size: int):
    image = image.copy()
    for dx, dy in ((-1, 0), (1, 0), (0, -1), (0, 1), (1, 1), (-1, -1)):
        cv2.putText(image, text, (10 + dx, 10 + size + dy), (0, 0, 0), face, size, 400)
    cv2.putText(image, text, (10, 10 + size), (255, 255, 255), face, size, 400)
    return image
