"""The clock in the picture: read right or not at all; typefaces that the reader's templates do not know."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.video.health import scenes
from video.decode import decode, from_bgr
from video.health.burntclock import seconds_off, time_of_day
from video.health.judge import Memory
from video.health.looking import _clock

DEJAVU = Path("/usr/share/fonts/truetype/dejavu/DejaVuSansMono.ttf")
NOON = 1_795_233_600_000 + 4 * 3_600_000 - 1_795_233_600_000 % 86_400_000  # 12:00:00 Beijing time of some day
REGION = (0.0, 0.0, 0.6, 0.12)


def written(text, face=None, size=24, ground=70):
    """A coded picture with a clock, white with a dark edge."""
    image = np.full((360, 640, 3), ground, np.uint8) + np.random.default_rng(3).integers(0, 12, (360, 640, 3), np.uint8)
    face = face or cv2.FontFace("sans")
    for dx, dy in ((-1, 0), (1, 0), (0, -1), (0, 1)):
        cv2.putText(image, text, (10 + dx, 10 + size + dy), (0, 0, 0), face, size, 400)
    cv2.putText(image, text, (10, 10 + size), (255, 255, 255), face, size, 400)
    return decode(scenes.coded([image])[0], "h264")


def test_a_clock_in_a_known_typeface_is_read_to_the_second():
    assert seconds_off(written("2026-11-21 12:00:07").luma, REGION, NOON) == pytest.approx(7)
    assert seconds_off(written("2026-11-21 11:43:00").luma, REGION, NOON) == pytest.approx(-17 * 60)


def test_midnight_lies_between_two_days():
    assert abs(seconds_off(written("2026-11-21 23:59:50").luma, REGION, NOON + 12 * 3_600_000 + 5_000)) == pytest.approx(15)


@pytest.mark.skipif(not DEJAVU.exists(), reason="needs a typeface that is not the reader's own")
def test_a_foreign_typeface_is_read_right_or_not_at_all():
    face, right, wrong = cv2.FontFace(str(DEJAVU)), 0, 0
    chance = np.random.default_rng(5)
    for _ in range(25):
        h, m, s = (int(chance.integers(0, most)) for most in (24, 60, 60))
        read = time_of_day(written(f"2026-10-{chance.integers(10, 29)} {h:02}:{m:02}:{s:02}", face).luma[:44, :384])
        right, wrong = right + (read == h * 3600 + m * 60 + s), wrong + (read not in (None, h * 3600 + m * 60 + s))
    assert right >= 8 and wrong <= 1


@pytest.mark.parametrize("text", ["", "2026-11-21", "人民路 3 号", "2026-19-21 12:00:00", "12:00"])
def test_what_is_no_date_and_time_is_not_read(text):
    assert seconds_off(written(text).luma, REGION, NOON) is None


def test_noise_and_tiny_regions_are_not_read():
    noise = np.random.default_rng(1).integers(0, 255, (360, 640), np.uint8)
    assert time_of_day(noise) is None and time_of_day(noise[:4, :4]) is None
    assert seconds_off(noise, (0.99, 0.99, 0.01, 0.01), NOON) is None


def test_one_reading_alone_says_nothing_and_two_that_disagree_neither():
    memory = Memory()
    wrong, other = written("2026-11-21 12:30:00"), written("2026-11-21 12:38:00")
    assert _clock(memory, wrong, REGION, NOON) == {}
    assert _clock(memory, other, REGION, NOON) == {}
    assert _clock(memory, written("2026-11-21 12:38:30"), REGION, NOON + 30_000) == {"clock-wrong": pytest.approx(2280)}
    assert _clock(memory, from_bgr(np.zeros((360, 640, 3), np.uint8)), REGION, NOON) == {}
