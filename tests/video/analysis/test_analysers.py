"""Analysers on real clips against labels made by eye, and on drawn pictures where the truth is exact."""

from pathlib import Path

import numpy as np
import pytest

from hall.core.config import parse
from hall.core.errors import ConfigError
from tests.video.analysis import accuracy, flooding
from video.analysis.motion import ANALYSER as MOTION
from video.analysis.plan import analysers, tasks
from video.analysis.road_water import ANALYSER as ROAD
from video.analysis.seam import Task
from video.analysis.water_level import ANALYSER as LEVEL
from video.decode import from_bgr

CITY = '[city]\nname={en="T"}\ncentre=[113.92,35.3]\n[[video.analysis]]\n'


@pytest.fixture(scope="module")
def clips(real_data) -> Path:
    return Path(real_data) / "video"


@pytest.mark.realdata
@pytest.mark.parametrize(("scene", "misses", "false_alarms"), [("road", 0, 0), ("parking", 0, 1), ("lawn", 0, 0)])
def test_motion_agrees_with_what_a_person_saw_in_the_labelled_frames(clips, scene, misses, false_alarms):
    counts = accuracy.moving(clips, scene)
    assert counts.misses <= misses and counts.false_alarms <= false_alarms
    assert counts.hits + counts.misses == len(accuracy.LABELS["motion"][scene]["yes"])


@pytest.mark.realdata
def test_waterlines_on_real_walls_are_found_to_a_few_pixels(clips):
    found = accuracy.lines(clips)
    off = [abs(pixels) for pixels, _ in found]
    assert np.median(off) <= 1.5 and max(off) <= 5
    assert sum(sure >= 0.6 for _, sure in found) >= 19


@pytest.mark.realdata
def test_water_without_a_shore_is_never_read_with_confidence(clips):
    assert max(accuracy.no_lines(clips, "wet")) < 0.6


@pytest.mark.realdata
def test_a_gauge_board_does_not_mislead_a_confident_reading(clips):
    assert all(abs(pixels) <= 5 for pixels, sure in accuracy.boards(clips) if sure >= 0.6)


@pytest.mark.realdata
def test_water_laid_on_real_roads_is_measured_and_nothing_else_is_taken_for_much_of_it(clips):
    """Real water on real roads, composed; scenes that the limits were not chosen on."""
    wet = [flooding.trial(clips, "campus", "calm", 0.3), flooding.trial(clips, "parking", "rough", 0.5)]
    cases = [*wet, *(flooding.trial(clips, "campus", shown) for shown in ("dry", "wet", "shadow", "night", "turned", "fog"))]
    sure = [case for case in wet if case.sure >= 0.6]
    assert len(sure) == len(wet)
    assert np.mean([abs(case.said - case.truth) for case in sure]) <= 0.08
    for case in cases:
        if case.shown in ("night", "turned", "fog"):
            assert case.sure < 0.6, f"{case} cannot be told"
        elif case.shown not in flooding.WATERS and case.sure >= 0.6:
            assert case.said <= 0.2, case


def test_a_road_that_nobody_showed_dry_is_never_read():
    state = ROAD.begin(Task(channel="channel/t/c", analyser="road-water"))
    (reading,) = ROAD.look(state, from_bgr(_shore(0.5)), 0)
    assert (reading.confidence, reading.doubt) == (0.0, "no-reference")


def _shore(level: float, seed: int = 0) -> np.ndarray:
    """A wall that meets water at `level` (share of the height), BGR."""
    chance = np.random.default_rng(seed)
    image = np.full((360, 640, 3), (150, 160, 165), np.float32) + chance.normal(0, 3, (360, 640, 3))
    row = round(level * 360)
    image[row:] = (60, 70, 62) + chance.normal(0, 14, (360 - row, 640, 1))
    return np.clip(image, 0, 255).astype(np.uint8)


def test_two_marks_turn_the_waterline_into_metres():
    task = Task(channel="channel/t/c", analyser="water-level", region=((0.4, 0), (0.5, 0), (0.5, 1), (0.4, 1)),
                options={"marks": [[0.0, 5.0], [1.0, 1.0]]})  # fmt: skip
    state = LEVEL.begin(task)
    for look, level in enumerate((0.7, 0.65, 0.5)):
        (reading,) = LEVEL.look(state, from_bgr(_shore(level, look)), look * 10_000)
        assert (reading.quantity, reading.unit) == ("water_level", "m")
        assert reading.value == pytest.approx(5 - 4 * level, abs=0.04)


def test_a_line_that_jumps_between_looks_is_doubted():
    task = Task(channel="channel/t/c", analyser="water-level", options={"marks": [[0, 2.0], [1, 0.0]]})
    steady, jumping = LEVEL.begin(task), LEVEL.begin(task)
    for look in range(5):
        (sure,) = LEVEL.look(steady, from_bgr(_shore(0.5, look)), look)
        (doubted,) = LEVEL.look(jumping, from_bgr(_shore(0.2 + 0.15 * look, look)), look)
    assert sure.confidence > 0.6 > doubted.confidence


def _lawn(seed: int, light: float = 1.0, walker: int | None = None) -> np.ndarray:
    image = np.random.default_rng(1).uniform(60, 120, (90, 160, 3)).repeat(4, 0).repeat(4, 1)
    image = image * light + np.random.default_rng(seed).normal(0, 2, image.shape)
    if walker is not None:
        image[140:240, walker : walker + 30] = (20, 20, 30)
    return np.clip(image, 0, 255).astype(np.uint8)


def _readings(scenes, **options):
    state = MOTION.begin(Task(channel="channel/t/c", analyser="motion", every_seconds=1, options=options))
    return [MOTION.look(state, from_bgr(image), number * 200) for number, image in enumerate(scenes)]


def test_an_intrusion_is_told_when_somebody_has_stayed_and_ends_when_he_has_gone():
    scenes = [_lawn(n) for n in range(20)] + [_lawn(n, walker=100 + 8 * n) for n in range(30)] + [_lawn(n) for n in range(20)]
    told = [{r.quantity: r for r in found} for found in _readings(scenes, dwell_seconds=2) if found]
    values = [one["intrusion"].value for one in told]
    assert values[0] == 0 and max(values) >= 2 and values[-1] == 0
    first = next(
        number
        for number, found in enumerate(_readings(scenes, dwell_seconds=2))
        if any(r.quantity == "intrusion" and r.value for r in found)
    )
    assert 30 <= first <= 33, "two seconds after he came"
    assert max(one["intrusion"].confidence for one in told if one["intrusion"].value) > 0.6


def test_somebody_outside_the_region_is_nobodys_business():
    state = MOTION.begin(Task(channel="channel/t/c", analyser="motion", region=((0, 0), (0.1, 0), (0.1, 1), (0, 1))))
    shares = [MOTION.moving_share(state, from_bgr(_lawn(n, walker=300 if n > 10 else None)), n * 200)[0] for n in range(20)]
    assert max(shares[5:]) < 0.004


def test_a_camera_that_adjusts_its_exposure_sees_no_motion():
    state = MOTION.begin(Task(channel="channel/t/c", analyser="motion"))
    shares = [MOTION.moving_share(state, from_bgr(_lawn(n, light=1.0 if n < 15 else 0.9)), n * 200) for n in range(20)]
    assert all(share < 0.004 or sure < 0.6 for share, sure in shares)


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ('analyser="water-level"\nchannel="channel/f/c"\n', "marks"),
        ('analyser="tea-leaves"\nchannel="channel/f/c"\n', "motion, road-water, water-level"),
        ('analyser="motion"\nchannel="f/c"\n', "channel/<feed>/<id>"),
        ('analyser="motion"\nchannel="channel/f/c"\nregion=[[0,0],[2,0],[1,1]]\n', "0 to 1"),
        ('analyser="motion"\nchannel="channel/f/c"\nregion=[[0,0],[1,0]]\n', "three corners"),
        ('analyser="motion"\nchannel="channel/f/c"\nmin_confidence=0\n', "min_confidence"),
        ('analyser="motion"\nchannel="channel/f/c"\ncolour="red"\n', "colour"),
    ],
)
def test_a_task_that_cannot_work_is_refused_where_it_is_written(row, words):
    with pytest.raises(ConfigError) as told:
        tasks(parse(CITY + row, "hall.toml"), analysers())
    assert words in str(told.value) and "hall.toml" in str(told.value)
