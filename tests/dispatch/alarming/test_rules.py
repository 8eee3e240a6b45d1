"""Each kind of rule, by figures that can be worked out by hand."""

import random

import numpy as np
import pytest

from dispatch.alarming.inputs import Heard, Position, Posture
from dispatch.alarming.trend import trend
from tests.dispatch.alarming.told import MINUTE, Told, rules

CM = {"quantity": "water_depth", "unit": "cm", "severity": 2}


def _one(**entry):
    return Told(rules({"rules": [{"name": "r", **entry}], "calming": {"times": 99}}))


def test_a_line_may_ask_for_time_as_well_as_for_readings():
    told = _one(kind="threshold", value=15, readings_on=2, seconds_on=150, readings_off=1, **CM)
    assert told.read([0.2, 0.2, 0.2, 0.2]) == [0, 0, 0, 2], "150 s after the first reading over the line is the fourth"
    assert told.read([0.1], start=5) == [0]


def test_a_delay_runs_out_without_another_reading_and_starts_anew_when_one_says_otherwise():
    told = _one(kind="threshold", value=15, readings_on=1, seconds_on=150, readings_off=1, seconds_off=3_600, **CM)
    told.read([0.2, 0.1, 0.2])
    assert [(edge.move, edge.time) for edge in told.advance(60 * MINUTE)] == [("raise", 3 * MINUTE + 150_000)]
    told.read([0.0, 0.2, 0.0], start=70)
    (edge,) = told.advance(200 * MINUTE)
    assert (edge.move, edge.time, edge.data["value"]) == ("return", 72 * MINUTE + 3_600_000, 0.0)


def test_a_line_below_is_left_above_its_deadband():
    told = _one(kind="threshold", quantity="battery", unit="%", severity=1, value=15, deadband=5, when="below")
    assert told.read([14, 15, 19, 19, 21, 21], quantity="battery") == [0, 1, 1, 1, 1, 0]


def test_a_figure_in_inches_is_the_same_line_as_in_metres():
    told = _one(kind="threshold", quantity="water_depth", unit="in", severity=2, value=4)
    assert told.read([0.1015, 0.1015, 0.1016, 0.1016]) == [0, 0, 0, 2]


def test_other_figures_hold_at_a_response_level_and_no_exercise_changes_them():
    told = _one(kind="threshold", value=15, at_level={"II": {"value": 10}}, **CM)
    assert told.read([0.12, 0.12]) == [0, 0]
    told.take(Posture(level="II", exercise=True, time=3 * MINUTE))
    assert told.read([0.12, 0.12], start=4) == [0, 0]
    told.take(Posture(level="II", time=6 * MINUTE))
    assert told.read([0.12, 0.12], start=7) == [0, 2]
    told.take(Posture(level="", time=9 * MINUTE))
    assert told.read([0.12, 0.12], start=10) == [2, 0]


def test_the_rate_of_rise_is_found_and_a_single_wild_reading_is_none():
    rising = _one(kind="rate", quantity="water_depth", unit="cm/min", severity=2, rate=2, window_seconds=300)
    assert rising.read([0.0, 0.02, 0.04, 0.06, 0.08])[-1] == 2
    wild = _one(kind="rate", quantity="water_depth", unit="cm/min", severity=2, rate=2, window_seconds=300)
    assert set(wild.read([0.0, 0.0, 0.0, 0.9, 0.0, 0.0, 0.0])) == {0}


@pytest.mark.parametrize("slope", [0.004, 0.01, 0.02])
def test_a_forecast_says_when_the_line_is_reached_and_encloses_the_truth(slope):
    told = _one(kind="forecast", value=25, horizon_seconds=3600, **CM)
    generator = random.Random(3)
    values = [max(0.0, 0.05 + slope * n + generator.gauss(0, 0.001)) for n in range(9)]
    told.read(values)
    forecast = told.alarms["g/s1"]["forecast"]
    truth = MINUTE * (1 + (0.25 - 0.05) / slope)
    assert forecast["low"] <= forecast["at"] <= forecast["high"] and abs(forecast["at"] - truth) < 0.15 * truth
    assert forecast["low"] - MINUTE <= truth <= forecast["high"] + MINUTE
    assert (forecast["value"], told.alarms["g/s1"]["threshold"]) == (0.25, 0.25)


def test_a_forecast_ends_when_the_line_is_reached_and_falling_water_has_none():
    told = _one(kind="forecast", value=25, horizon_seconds=3600, **CM)
    assert told.read([0.05 + 0.02 * n for n in range(11)])[-2:] == [2, 0]
    falling = _one(kind="forecast", value=25, horizon_seconds=3600, **CM)
    assert set(falling.read([0.24 - 0.01 * n for n in range(12)])) == {0}


def test_the_line_through_readings_is_the_median_of_all_pairs():
    generator = random.Random(5)
    samples = [(n * MINUTE, generator.random()) for n in range(12)]
    slopes = [(b[1] - a[1]) / (b[0] - a[0]) for n, a in enumerate(samples) for b in samples[n + 1 :]]
    found = trend(samples)
    assert found.slope == pytest.approx(np.median(slopes))
    level = np.median([value - found.slope * (time - samples[-1][0]) for time, value in samples])
    assert found.level == pytest.approx(level)
    assert trend(samples[:2]) is None


def test_a_value_that_stands_still_is_stuck_and_a_dry_street_is_not():
    told = _one(kind="stuck", quantity="water_depth", unit="cm", severity=1, minutes=10, readings=5, above=3)
    assert set(told.read([0.0] * 30)) == {0}
    found = told.read([0.08] * 12, start=40)
    assert found.index(1) == 10, "10 minutes after the first of them"
    assert told.read([0.081], start=52) == [0]


def test_a_silent_sensor_is_told_at_the_very_moment_and_ends_when_it_speaks():
    told = _one(kind="silence", severity=1, minutes=10)
    told.read([0.0, 0.0])
    assert told.advance(12 * MINUTE - 1) == []
    (edge,) = told.advance(50 * MINUTE)
    assert (edge.move, edge.time) == ("raise", 12 * MINUTE)
    assert told.read([0.0], start=51) == [0]
    (edge,) = told.advance(99 * MINUTE)
    assert edge.time == 61 * MINUTE


def test_a_report_that_does_not_come_is_missed():
    told = _one(kind="missing_report", severity=2, subject="feed/", minutes=5)
    told.take(Heard(subject="feed/a", time=MINUTE), Heard(subject="crew/1", time=MINUTE))
    (edge,) = told.advance(9 * MINUTE)
    assert (edge.site, edge.time) == ("report/feed/a", 6 * MINUTE)
    (edge,) = told.take(Heard(subject="feed/a", time=10 * MINUTE))
    assert edge.move == "return"


def test_a_vehicle_outside_its_ring_is_told_after_two_positions():
    ring = [[1.0, 1.0], [1.1, 1.0], [1.1, 1.1], [1.0, 1.1]]
    told = _one(kind="geofence", severity=1, polygon=ring, where={"kind": "pump"})
    at = lambda n, lon, kind="pump": Position(feed="c", unit="p1", kind=kind, lon=lon, lat=1.05, time=n * MINUTE)  # noqa: E731
    assert not told.take(at(1, 1.05), at(2, 1.2))
    assert [edge.site for edge in told.take(at(3, 1.2))] == ["c/p1"]
    assert not told.take(at(3, 1.05), at(4, 1.05)) and told.take(at(5, 1.05))[0].move == "return"
    assert not told.take(*(at(n, 1.2, "crew") for n in range(6, 9)))


def test_a_combination_holds_where_its_first_rule_holds_and_the_others_are_near():
    entries = [
        {"name": "wet", "kind": "threshold", "value": 10, **CM, "severity": 0},
        {
            "name": "rain",
            "kind": "threshold",
            "quantity": "rain_10min",
            "unit": "mm",
            "value": 5,
            "readings_on": 1,
            "readings_off": 1,
        },
        {"name": "both", "kind": "combination", "all": ["wet", "rain"], "metres": 2_000, "severity": 3},
    ]
    told = Told(rules({"rules": entries}))
    for name, lon in (("s1", 1.0), ("near", 1.01), ("far", 1.1)):
        told.sensor(name, lon=lon, lat=0.0)
    told.read([0.2, 0.2])
    told.read([9.0], start=3, sensor="far", quantity="rain_10min")
    assert told.alarms == {}
    told.read([9.0], start=4, sensor="near", quantity="rain_10min")
    assert told.alarms["g/s1"]["rule"] == "both" and list(told.alarms) == ["g/s1"]
    told.read([0.0], start=5, sensor="near", quantity="rain_10min")
    assert told.alarms == {}


def test_n_of_m_counts_sensors_of_a_scope():
    entries = [
        {"name": "wet", "kind": "threshold", "value": 10, "readings_on": 1, "readings_off": 1, **CM, "severity": 0},
        {"name": "many", "kind": "n_of_m", "of": ["wet"], "count": 3, "count_off": 2, "per": "district", "severity": 3},
    ]
    told = Told(rules({"rules": entries}))
    for n in range(4):
        told.sensor(f"s{n}", district="North" if n < 3 else "South")
        told.read([0.2], start=n + 1, sensor=f"s{n}")
    assert told.alarms["district/North/many"]["value"] == 3 and len(told.alarms) == 1
    told.read([0.0], start=9, sensor="s0")
    assert len(told.alarms) == 1, "two are still enough to keep it"
    told.read([0.0], start=9, sensor="s1")
    assert told.alarms == {}
