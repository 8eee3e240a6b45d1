"""Faults are found on real pictures, sound ones stay sound; the memory of a channel is honest about what it cannot judge."""

import os
from pathlib import Path

import numpy as np
import pytest

from tests.video.health import accuracy, scenes
from video.decode import Picture, Undecodable, decode, from_bgr
from video.health.judge import Memory, look
from video.health.limits import TABLE
from video.health.measures import change, measure, turn

MINUTE = 60_000


@pytest.fixture(scope="module")
def clips(real_data) -> Path:
    return Path(real_data) / "video"


@pytest.mark.realdata
@pytest.mark.parametrize("scene", ["campus", "road", "gate"])
def test_ten_sound_looks_at_a_real_scene_raise_nothing(clips, scene):
    assert accuracy.trial(clips, scene, "sound", 0.0).raised == ()


@pytest.mark.realdata
@pytest.mark.parametrize("fault", ["black", "overexposed", "blurred", "moved", "colour-cast", "occluded", "scrambled"])
def test_a_fault_of_full_strength_is_raised_by_its_name(clips, fault):
    strength = 0.5 if fault == "moved" else 1.0
    assert fault in accuracy.trial(clips, "road" if fault == "moved" else "gate", fault, strength).raised


@pytest.mark.realdata
def test_one_picture_for_ever_is_frozen_at_a_low_rate_too_and_a_road_is_not(clips):
    assert max(accuracy.frozen_scores(clips, "road", 256, frozen=True)) >= TABLE["frozen"].raise_at
    assert max(accuracy.frozen_scores(clips, "road", 256, frozen=False)) < TABLE["frozen"].raise_at


def _scene(seed: int = 3, level: float = 110) -> np.ndarray:
    """A drawn scene with edges everywhere, BGR."""
    chance = np.random.default_rng(seed)
    image = np.full((360, 640, 3), level, np.uint8)
    for _ in range(90):
        x, y, w, h = chance.integers(0, 600), chance.integers(0, 330), chance.integers(8, 90), chance.integers(8, 60)
        image[y : y + h, x : x + w] = np.clip(level + chance.normal(0, 50), 20, 225)
    return image


def _learnt(image: np.ndarray, looks: int = 8) -> Memory:
    memory = Memory()
    for number in range(looks):
        noisy = np.clip(image + np.random.default_rng(number).normal(0, 3, image.shape) + 6 * (number % 2), 0, 255)
        look(memory, measure(from_bgr(noisy.astype(np.uint8))), number * 5 * MINUTE)
    return memory


def test_one_bad_look_raises_nothing_and_one_good_look_does_not_hide_a_lasting_fault():
    image = _scene()
    memory, black = _learnt(image), measure(from_bgr(image // 40))
    sound = measure(from_bgr(image))
    at = 60 * MINUTE
    assert look(memory, black, at).held == ()
    assert look(memory, sound, at + 1).held == ()
    assert look(memory, black, at + MINUTE).held == ()
    assert look(memory, black, at + MINUTE + 1000).held == (), "two looks within a second are one"
    verdict = look(memory, black, at + 2 * MINUTE)
    assert (verdict.held, verdict.changed, verdict.quality) == (("black",), True, 0.0)
    assert not look(memory, black, at + 3 * MINUTE).changed
    assert look(memory, sound, at + 4 * MINUTE).held == ()


def test_no_picture_twice_is_a_fault_and_what_was_held_before_stays_unknown_not_cleared():
    memory = _learnt(_scene())
    dark = measure(from_bgr(_scene() // 40))
    for at in (1, 2):
        look(memory, dark, (60 + at) * MINUTE)
    look(memory, None, 70 * MINUTE)
    assert look(memory, None, 71 * MINUTE).held == ("no-picture", "black")


def test_a_camera_that_pans_is_never_called_moved_and_one_that_does_not_is():
    image = _scene()
    turned = measure(from_bgr(np.roll(image, 50, axis=1)))
    still, panning = _learnt(image), _learnt(image)
    for at in range(3):
        held = look(still, turned, (90 + at) * MINUTE).held
        assert "moved" not in look(panning, turned, (90 + at) * MINUTE, steady=False).scores
    assert "moved" in held


def test_a_view_that_was_left_where_it_was_turned_to_is_the_usual_one_after_a_day():
    image = _scene()
    memory, turned = _learnt(image), measure(from_bgr(np.roll(image, 50, axis=1)))
    for at in range(3):
        look(memory, turned, (90 + at) * MINUTE)
    assert memory.held == ("moved",)
    assert "moved" in look(memory, turned, 24 * 60 * MINUTE).held
    verdict = look(memory, turned, (26 * 60) * MINUTE)
    assert "moved" not in verdict.held and verdict.changed
    for at in range(8):
        assert "moved" not in look(memory, turned, (27 * 60 + at) * MINUTE).held


def test_how_far_a_view_turned_is_told_in_shares_of_its_width():
    image = _scene()
    reference = measure(from_bgr(image)).view
    for pixels in (0, 20, 40, 60, 80):
        found = turn(measure(from_bgr(np.roll(image, pixels, axis=1))).view, reference)
        assert found.shift == pytest.approx(pixels / 640, abs=0.012)


def test_night_has_its_own_reference_so_that_dusk_is_no_fault():
    image = _scene()
    memory = _learnt(image)
    tinted = image.copy()
    tinted[:, :, 0] = np.clip(tinted[:, :, 0] * 1.2, 0, 255)
    memory = _learnt(tinted)
    night = _scene(seed=9, level=70)  # lamps instead of sun: other edges, no colour
    for at in range(6):
        verdict = look(memory, measure(from_bgr(night)), (90 + at) * MINUTE)
    assert verdict.held == () and memory.night is not None and memory.day is not None


def test_a_ticking_clock_alone_keeps_a_picture_from_being_frozen():
    image = _scene()
    other = image.copy()
    other[10:26, 20:100] = 255 - other[10:26, 20:100]  # digits of another second
    assert change(measure(from_bgr(image)).still, measure(from_bgr(image)).still) == 0
    assert change(measure(from_bgr(other)).still, measure(from_bgr(image)).still) > 4


def test_a_night_without_events_is_suspected_three_times_as_late():
    dark, light = measure(from_bgr(_scene(level=40) // 2)), measure(from_bgr(_scene()))
    for seen, seconds in ((dark, 1800), (light, 600)):
        memory, raised = Memory(), None
        for at in range(0, 3000, 60):
            verdict = look(memory, seen, at * 1000)
            raised = at if raised is None and "frozen" in verdict.held else raised
        assert raised is not None and seconds <= raised <= seconds + 4 * 60


@pytest.mark.parametrize("coded", [b"", b"\0" * 40, b"\0\0\0\1\x65" + bytes(range(256)), os.urandom(3000)])
@pytest.mark.parametrize("family", ["h264", "h265", "jpeg", "av1"])
def test_whatever_bytes_come_a_decoder_answers_with_a_picture_or_a_reason(coded, family):
    with pytest.raises(Undecodable) as told:
        decode(coded, family)
    assert told.value.reason in ("garbled", "codec")


def test_after_garbage_the_next_picture_is_decoded_as_if_nothing_had_been():
    image = _scene()
    unit = scenes.coded([image])[0]
    with pytest.raises(Undecodable):
        decode(b"\0\0\0\1\x65" + os.urandom(500), "h264")
    first = decode(unit, "h264")
    assert isinstance(first, Picture) and not first.corrupt and first.luma.shape == (360, 640)
    assert np.abs(first.bgr().astype(int) - image).mean() < 3
    assert first.bgr(160).shape == (90, 160, 3)


def test_a_damaged_key_picture_is_known_by_the_decoder():
    unit = scenes.coded([_scene()], slices=4)[0]
    found = [decode(scenes.damaged_unit(unit, 0.5, seed, 4), "h264").corrupt for seed in range(6)]
    assert all(found)


def test_pictures_of_another_size_follow_one_another_through_one_decoder():
    small, large = _scene()[:180, :320], np.repeat(np.repeat(_scene(), 2, 0), 2, 1)
    for image in (small, large, small):
        assert decode(scenes.coded([np.ascontiguousarray(image)])[0], "h264").luma.shape == image.shape[:2]
