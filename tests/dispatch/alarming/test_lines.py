"""Lines of [[thresholds]] and of sensors' own documents: deadband, delay, one alarm per site."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatch.alarming.hearing import reading_of
from hall.core.model import Observation, Threshold
from tests.dispatch.alarming.told import GAUGES, MINUTE, Told, rules

BOOK = rules(gauges=GAUGES)


@pytest.fixture
def told():
    return Told(BOOK)


def _seen(value, minute, extra):
    reading = Observation(feed="g", sensor_id="s1", quantity="water_depth", value=value, unit="m", extra=extra)
    return reading_of(reading, minute * MINUTE)


def test_an_alarm_from_a_picture_says_how_sure_the_reading_was_and_where_the_picture_is(told):
    seen = {"confidence": 0.82, "picture": "/video/poster/analysis/1/channel/c/a.jpg"}
    told.take(_seen(0.2, 1, {}), _seen(0.2, 2, seen))
    alarm = told.alarms["g/s1"]
    assert (alarm["confidence"], alarm["picture"]) == (0.82, seen["picture"])
    other = Told(BOOK)
    other.take(*(_seen(0.2, n, {"confidence": "high", "picture": "https://elsewhere/x.jpg"}) for n in (1, 2)))
    assert "confidence" not in other.alarms["g/s1"] and "picture" not in other.alarms["g/s1"]


def test_the_alarm_of_a_measuring_point_that_is_taken_away_ends(told):
    told.read([0.2, 0.2])
    (edge,) = told.gone(at=9 * MINUTE)
    assert (edge.move, edge.time, told.engine.active) == ("return", 9 * MINUTE, 0)
    assert told.gone(at=10 * MINUTE) == [], "told once"


def test_one_high_reading_is_no_alarm_and_two_are(told):
    assert told.read([0.0, 0.2, 0.0, 0.2, 0.2]) == [0, 0, 0, 0, 2]


def test_an_alarm_worsens_eases_and_returns_each_after_two_readings(told):
    assert told.read([0.2, 0.2, 0.3, 0.3, 0.2, 0.2, 0.0, 0.0]) == [0, 2, 2, 4, 4, 2, 2, 0]
    assert [edge.move for edge in told.edges] == ["raise", "change", "change", "return"]


def test_a_value_that_only_moves_is_not_told_again(told):
    told.read([0.2, 0.2, 0.21, 0.22, 0.19, 0.2])
    assert len(told.edges) == 1


def test_a_reading_within_the_deadband_keeps_the_alarm(told):
    told.read([0.2, 0.2])
    assert 0 not in told.read([0.14, 0.136, 0.14, 0.136], start=3)
    assert told.read([0.134, 0.134], start=7) == [2, 0]


def test_the_lowest_of_the_two_readings_decides_how_bad_it_is(told):
    assert told.read([0.2, 0.4])[1] == 2


def test_a_sensors_own_lines_replace_the_citys(told):
    told.sensor(thresholds=[Threshold(value=1.0, severity=3, label="own")])
    assert told.read([0.5, 0.5, 1.0, 1.1]) == [0, 0, 0, 3]
    assert told.alarms["g/s1"]["label"] == "s1 · own"


def test_rules_of_the_sensors_kind_replace_those_of_any_kind(told):
    told.sensor(kind="manhole")
    assert told.read([0.3, 0.3, 0.6, 0.6]) == [0, 0, 0, 3]


def test_two_quantities_of_a_site_share_one_alarm_that_lasts_until_both_are_normal(told):
    told.read([25.0, 25.0], quantity="rain_1h")
    assert told.read([0.3, 0.3], start=10) == [1, 4]
    alarm = told.alarms["g/s1"]
    assert alarm["rule"] == "threshold/water_depth" and alarm["cause"] == "observation/g/s1/water_depth"
    assert alarm["since"] == 2 * MINUTE
    assert told.read([0.0, 0.0], start=12) == [4, 1]
    assert told.read([0.0, 0.0], start=20, quantity="rain_1h") == [1, 0]
    assert told.edges[-1].time == 21 * MINUTE


def test_sensors_of_one_site_share_its_alarm(told):
    told.sensor("s1", site="bridge-7")
    told.sensor("s2", site="bridge-7")
    told.read([0.2, 0.2], sensor="s1")
    told.read([0.3, 0.3], start=5, sensor="s2")
    assert [(edge.site, edge.move, edge.data["severity"]) for edge in told.edges] == [
        ("bridge-7", "raise", 2),
        ("bridge-7", "change", 4),
    ]


def test_a_sensor_without_document_alarms_where_it_says_it_is(told):
    told.read([0.3, 0.3], lon=1.5, lat=2.5, district="North")
    alarm = told.alarms["g/s1"]
    assert (alarm["lon"], alarm["lat"], alarm["district"], alarm["label"]) == (1.5, 2.5, "North", "s1 · close")


def test_readings_told_again_or_too_late_change_nothing(told):
    told.read([0.0, 0.2, 0.2])
    assert told.read([0.0, 0.0, 0.0]) == [2, 2, 2]
    assert told.engine.counters["readings_late"] == 3


def test_an_alarm_adopted_from_the_ledger_goes_on_where_it_was(told):
    told.read([0.2, 0.2])
    again = Told(BOOK)
    again.engine.adopt({"g/s1": told.alarms["g/s1"]})
    again.alarms = dict(told.alarms)
    assert again.read([0.2, 0.2], start=6) == [2, 2] and again.edges == [], "told before"
    assert again.read([0.3, 0.3], start=8) == [2, 4]
    assert again.read([0.0, 0.0], start=10) == [4, 0]


def test_an_adopted_alarm_that_is_over_returns_after_two_readings(told):
    told.read([0.2, 0.2])
    again = Told(BOOK)
    again.engine.adopt({"g/s1": told.alarms["g/s1"]})
    again.alarms = dict(told.alarms)
    assert again.read([0.0, 0.0], start=6) == [2, 0]


def test_more_points_than_the_bound_are_counted():
    few = Told(rules({"points": 2}, GAUGES))
    for n in range(4):
        few.read([0.0], sensor=f"s{n}")
    assert few.engine.counters["sites_refused"] == 2


def test_a_river_level_far_above_the_sea_returns_to_normal(told):
    told.sensor(quantity="water_level", thresholds=[Threshold(value=70.0, severity=2), Threshold(value=71.0, severity=3)])
    assert told.read([70.1, 70.1, 69.6, 69.6, 69.4, 69.4], quantity="water_level") == [0, 2, 2, 2, 2, 0]


def _slow(values):
    """The life of one gauge, kept as plainly as it can be said: each line on its own, all readings looked through again."""
    found = []
    for n in range(1, len(values) + 1):
        severity = 0
        for on, of in ((0.15, 2), (0.27, 4)):
            off = on - min(on * 0.10, 0.06)
            active = False
            for before, now in zip([None, *values[: n - 1]], values[:n], strict=True):
                if before is None:
                    continue
                if not active and before >= on and now >= on:
                    active = True
                elif active and before < off and now < off:
                    active = False
            severity = max(severity, of if active else 0)
        found.append(severity)
    return found


@given(st.lists(st.sampled_from([0.0, 0.1, 0.134, 0.136, 0.14, 0.15, 0.2, 0.24, 0.26, 0.27, 0.3]), max_size=40))
def test_severity_is_what_two_readings_that_agree_say(values):
    assert Told(rules({"calming": {"times": 99}}, GAUGES)).read(values) == _slow(values)


def test_an_alarm_whose_rule_was_taken_away_while_the_hall_was_down_ends(told):
    told.read([0.2, 0.2])
    told.read([25.0, 25.0], quantity="rain_1h", sensor="s2")
    again = Told(rules(gauges=GAUGES[:3]))
    again.engine.restore(told.engine.state())
    again.alarms = dict(told.alarms)
    assert [(edge.site, edge.move) for edge in again._noted(again.engine.settle())] == [("g/s2", "return")]
    assert again.read([0.3, 0.3], start=5) == [2, 4]
    none = Told(rules())
    none.engine.adopt(told.alarms | {"station/P1/gone": {"rule": "gone", "rules": ["gone"], "severity": 2, "since": 1}})
    none.alarms = told.alarms | {"station/P1/gone": {}}
    assert [edge.site for edge in none._noted(none.engine.settle())] == ["station/P1/gone"]
