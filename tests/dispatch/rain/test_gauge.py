"""Rain added up from a gauge's moving windows, against a plain sum of what fell each minute."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatch.rain.gauge import HOUR, MINUTE, RAIN_HOURS, WINDOWS, Gauge

START = 1_800_000_000_000 // MINUTE * MINUTE


def told(gauge: Gauge, fell: list[float], quantity: str, every: int = 1) -> int:
    """The gauge says each minute what fell in its window up to then; returns the last moment."""
    window = WINDOWS[quantity] // MINUTE
    for minute in range(0, len(fell), every):
        gauge.put(quantity, sum(fell[max(0, minute - window + 1) : minute + 1]), START + minute * MINUTE)
    return START + (len(fell) - 1) * MINUTE


@given(st.lists(st.floats(0, 2), min_size=24, max_size=24), st.sampled_from(["rain_10min", "rain_1h"]))
def test_sums_are_what_fell(rates, quantity):
    fell = [rate for rate in rates for _ in range(60)]
    gauge = Gauge()
    now = told(gauge, fell, quantity)
    for hours, mm in gauge.sums(now).items():
        assert mm == pytest.approx(sum(fell[-hours * 60 :]), abs=0.02)


def test_a_gap_adds_nothing():
    gauge = Gauge()
    now = told(gauge, [0.5] * 180, "rain_10min")
    for at in range(START + 60 * MINUTE, START + 120 * MINUTE, MINUTE):
        gauge._told["rain_10min"].pop(at // MINUTE)
    assert gauge.sums(now)[1] == pytest.approx(30)
    assert 60 - 6 <= gauge.sums(now)[3] <= 60 + 5  # the window that reaches into the gap is told by its neighbour


def test_repeats_and_late_readings_change_nothing():
    one, other = Gauge(), Gauge()
    rows = [(START + k * MINUTE, 1.0 + k % 7) for k in range(120)]
    for time, mm in rows:
        one.put("rain_10min", mm, time)
    for time, mm in [*reversed(rows), *rows]:
        other.put("rain_10min", mm, time)
    now = rows[-1][0]
    assert one.sums(now) == other.sums(now)


def test_what_no_cloud_ever_dropped_is_no_rain():
    gauge = Gauge()
    assert not gauge.put("rain_1h", 2019.0, START)
    assert not gauge.put("rain_1h", -1.0, START)
    assert not gauge.put("pressure", 3.0, START)
    assert gauge.sums(START) == dict.fromkeys(RAIN_HOURS, 0.0)


def test_memory_is_bounded_in_a_month_of_rain():
    gauge = Gauge()
    for minute in range(0, 30 * 24 * 60):
        gauge.put("rain_10min", 0.1, START + minute * MINUTE)
    assert len(gauge._told["rain_10min"]) <= 2 * 24 * 60 + 1
    assert gauge.sums(START + 30 * 24 * HOUR)[24] == pytest.approx(24 * 6 * 0.1, abs=0.2)
