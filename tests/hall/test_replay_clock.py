"""A replay's clock only goes forward, stops exactly where told, and a live clock is not touched."""

import pytest

from hall.core.clock import LIVE, ClockState, city_ms, real_wait_seconds
from hall.core.errors import Refused
from hall.replay import steered

START = ClockState(anchor_real=1_000, anchor_city=500_000, rate=60)


def test_city_time_runs_at_its_rate_and_stops():
    assert city_ms(START, 2_000) == 560_000
    stopped = steered(START, 2_000, "pause", "1970-01-01T00:10:00+00:00", "UTC")
    assert city_ms(stopped, 2_000) == 560_000
    assert city_ms(stopped, 10_000_000) == 600_000
    assert real_wait_seconds(stopped, 2_000, 600_000) == pytest.approx(40 / 60)
    assert real_wait_seconds(stopped, 2_000, 600_001) is None


def test_resume_goes_on_from_where_it_stood():
    stopped = steered(START, 2_000, "pause", None, "UTC")
    resumed = steered(stopped, 900_000, "resume", None, "UTC")
    assert city_ms(resumed, 900_000) == 560_000
    assert city_ms(resumed, 901_000) == 620_000


def test_speed_changes_without_a_jump():
    faster = steered(START, 2_000, "speed", "120", "UTC")
    assert city_ms(faster, 2_000) == 560_000 and city_ms(faster, 3_000) == 680_000


@pytest.mark.parametrize(
    ("do", "value", "reason"),
    [
        ("skip", "1970-01-01T00:00:01+00:00", "moment-past"),
        ("speed", "0", "speed-range"),
        ("speed", None, "speed-missing"),
        ("skip", "noon", "moment-unreadable"),
    ],
)
def test_what_cannot_be_is_refused_with_a_reason(do, value, reason):
    with pytest.raises(Refused) as refused:
        steered(START, 2_000, do, value, "UTC")
    assert refused.value.reason == reason


def test_a_live_clock_is_refused():
    with pytest.raises(Refused, match="clock-live"):
        steered(LIVE, 2_000, "pause", None, "UTC")
