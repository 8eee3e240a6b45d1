"""Alarm rules: deadband, delay, one alarm per site, and the same end whatever is told twice."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatch.alarms import Gauge, judge, level, lines
from dispatch.sites import Sites
from hall.core.config import GaugeRule
from hall.core.model import Observation, Sensor, Threshold

RULES = (
    GaugeRule(quantity="water_depth", value=0.15, severity=2, label={"en": "care"}),
    GaugeRule(quantity="water_depth", value=0.27, severity=4, label={"en": "close"}),
    GaugeRule(quantity="water_depth", kind="manhole", value=0.5, severity=3),
    GaugeRule(quantity="rain_1h", value=20.0, severity=1),
)
MINUTE = 60_000


def _reading(value, sensor="s1", quantity="water_depth", **more):
    return Observation(feed="g", sensor_id=sensor, quantity=quantity, value=value, unit="m", **more)


def _run(sites, values, start=1, **reading):
    """Severities told, one per reading, None where nothing was."""
    told = []
    for n, value in enumerate(values, start):
        answer = sites.reading(_reading(value, **reading), n * MINUTE)
        told.append(None if answer is None else answer[1].severity)
    return told


@pytest.fixture
def sites():
    return Sites(RULES, "en")


def test_an_alarm_from_a_picture_says_how_sure_the_reading_was_and_where_the_picture_is(sites):
    seen = {"confidence": 0.82, "picture": "/video/poster/analysis/1/channel/c/a.jpg"}
    for minute, extra in enumerate(({}, seen), 1):
        told = sites.reading(_reading(0.2, extra=extra), minute * MINUTE)
    assert (told[1].confidence, told[1].picture) == (0.82, seen["picture"])
    sites.reading(_reading(0.0), 3 * MINUTE)
    measured = sites.reading(_reading(0.0, extra={"confidence": "high", "picture": "https://elsewhere/x.jpg"}), 4 * MINUTE)
    assert (measured[1].active, measured[1].confidence, measured[1].picture) == (False, None, "")


def test_the_alarm_of_a_measuring_point_that_is_taken_away_ends(sites):
    _run(sites, [0.2, 0.2])
    _, ended = sites.sensor("sensor/g/s1", None, 9 * MINUTE)
    assert (ended.active, ended.severity, ended.returned, sites.active) == (False, 0, 9 * MINUTE, 0)
    assert sites.sensor("sensor/g/s1", None, 10 * MINUTE) is None, "told once"


def test_one_high_reading_is_no_alarm_and_two_are(sites):
    assert _run(sites, [0.0, 0.2, 0.0, 0.2, 0.2]) == [None, None, None, None, 2]


def test_an_alarm_worsens_eases_and_returns_each_after_two_readings(sites):
    values = [0.2, 0.2, 0.3, 0.3, 0.2, 0.2, 0.0, 0.0]
    changes = [told for told in _run(sites, values) if told is not None]
    # a changed value of an active alarm is told as well: what counts is the order of the severities
    assert list(dict.fromkeys(changes)) == [2, 4, 0]
    assert changes[0] == 2 and changes[-1] == 0 and 4 in changes


def test_a_reading_within_the_deadband_keeps_the_alarm(sites):
    _run(sites, [0.2, 0.2])
    assert 0 not in _run(sites, [0.14, 0.136, 0.14, 0.136], start=3)
    assert sites.active == 1
    assert 0 in _run(sites, [0.134, 0.134], start=7)
    assert sites.active == 0


def test_the_lowest_of_the_two_readings_decides_how_bad_it_is(sites):
    assert _run(sites, [0.2, 0.4])[1] == 2


def test_a_sensors_own_lines_replace_the_citys(sites):
    sites.sensor("sensor/g/s1", Sensor(feed="g", sensor_id="s1", thresholds=[Threshold(value=1.0, severity=3, label="own")]))
    assert _run(sites, [0.5, 0.5, 1.0, 1.1]) == [None, None, None, 3]


def test_rules_of_the_sensors_kind_replace_those_of_any_kind(sites):
    sites.sensor("sensor/g/s1", Sensor(feed="g", sensor_id="s1", kind="manhole"))
    assert _run(sites, [0.3, 0.3, 0.6, 0.6]) == [None, None, None, 3]


def test_two_quantities_of_a_site_share_one_alarm_that_lasts_until_both_are_normal(sites):
    _run(sites, [25.0, 25.0], quantity="rain_1h")
    first = sites.reading(_reading(0.3), 10 * MINUTE)
    site, alarm = sites.reading(_reading(0.3), 11 * MINUTE)
    assert first is None and (site, alarm.severity, alarm.since) == ("g/s1", 4, 2 * MINUTE)
    assert alarm.rule == "threshold/water_depth" and alarm.cause == "observation/g/s1/water_depth"
    _run(sites, [0.0, 0.0], start=12)
    assert sites.active == 1
    told = [sites.reading(_reading(0.0, quantity="rain_1h"), n * MINUTE) for n in (20, 21)]
    assert told[1][1].returned == 21 * MINUTE and not told[1][1].active
    assert told[1][1].since == 2 * MINUTE


def test_a_sensor_without_document_alarms_where_it_says_it_is(sites):
    sites.reading(_reading(0.3, lon=1.5, lat=2.5, district="North"), MINUTE)
    _, alarm = sites.reading(_reading(0.3, lon=1.5, lat=2.5, district="North"), 2 * MINUTE)
    assert (alarm.lon, alarm.lat, alarm.district, alarm.label) == (1.5, 2.5, "North", "s1 · close")


def test_readings_told_again_or_too_late_change_nothing(sites):
    _run(sites, [0.0, 0.2, 0.2])
    assert [sites.reading(_reading(0.0), n * MINUTE) for n in (1, 2, 3)] == [None] * 3
    assert sites.active == 1


def test_an_alarm_restored_after_a_restart_goes_on_where_it_was(sites):
    _run(sites, [0.2, 0.2])
    site, alarm = sites.reading(_reading(0.22), 5 * MINUTE)
    again = Sites(RULES, "en")
    again.restore(site, alarm, 5 * MINUTE)
    assert again.reading(_reading(0.0), 5 * MINUTE) is None
    assert _run(again, [0.3, 0.3], start=6)[-1] == 4
    assert again.active == 1


def test_an_acknowledgement_is_kept_while_the_alarm_lasts(sites):
    _run(sites, [0.2])
    site, alarm = sites.reading(_reading(0.2), 2 * MINUTE)
    alarm.acknowledged = True
    sites.acknowledged(site, alarm)
    sites.reading(_reading(0.4), 3 * MINUTE)
    _, worse = sites.reading(_reading(0.4), 4 * MINUTE)
    assert worse.severity == 4 and worse.acknowledged


def test_a_returned_alarm_is_forgotten_after_its_time_and_an_active_one_never(sites):
    _run(sites, [0.2, 0.2, 0.0, 0.0])
    _run(sites, [0.2, 0.2], sensor="s2")
    assert sites.forget_returned(4 * MINUTE) == []
    assert sites.forget_returned(4 * MINUTE + 1) == [("g/s1", 4 * MINUTE)]
    assert sites.forget_returned(99 * MINUTE) == []


def test_more_sites_than_the_bound_are_counted():
    few = Sites(RULES, "en", bound=2)
    for n in range(4):
        few.reading(_reading(0.0, sensor=f"s{n}"), MINUTE)
    assert few.refused == 2


def test_a_river_level_far_above_the_sea_returns_to_normal():
    sensor = Sensor(
        feed="g",
        sensor_id="r",
        quantity="water_level",
        thresholds=[Threshold(value=70.0, severity=2), Threshold(value=71.0, severity=3)],
    )
    scale = lines(sensor, "water_level", (), "en")
    assert level(69.4, 2, scale) == 0 and level(69.6, 2, scale) == 2


@given(st.lists(st.floats(0, 1), max_size=40))
def test_severity_never_jumps_against_the_readings(values):
    scale = lines(None, "water_depth", RULES, "en")
    gauge = Gauge()
    for n, value in enumerate(values):
        before = gauge
        gauge, told = judge(gauge, value, n, scale)
        if gauge.severity > before.severity:
            assert told and all(level(v, before.severity, scale) >= gauge.severity for v in values[max(0, n - 1) : n + 1])
        if gauge.severity < before.severity:
            assert told and all(level(v, before.severity, scale) <= gauge.severity for v in values[max(0, n - 1) : n + 1])
    if len(values) >= 2 and max(values[-2:]) < 0.135:
        assert gauge.severity == 0
    if len(values) >= 2 and min(values[-2:]) >= 0.27:
        assert gauge.severity == 4
