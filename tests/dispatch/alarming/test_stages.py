"""What stages make of sites together: causes hide consequences, events are gathered, what chatters is held."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dispatch.alarming.inputs import Supplied
from dispatch.alarming.tables import Ranking
from tests.dispatch.alarming.told import GAUGES, MINUTE, Told, rules

DEFAULT = rules(defaults=True)
CALM = {"calming": {"times": 99}}


def _station(told, number=30):
    for n in range(number):
        told.sensor(f"s{n}", kind="road", station="P1", lon=1 + n / 1e4, lat=1.0)
    told.sensor("power", quantity="power", kind="power", station="P1", name="Pump station 1", lon=1.0, lat=1.0)
    for n in range(number):
        told.read([0.0], sensor=f"s{n}")


def test_a_stations_power_failure_hides_the_silence_of_its_30_sensors_and_says_so():
    told = Told(DEFAULT)
    _station(told)
    told.read([0.0], start=2, sensor="power", quantity="power")
    for minute in (2, 59, 118):  # the rest of the city goes on speaking
        for n in range(40):
            told.read([0.0], start=minute, sensor=f"other{n}")
    told.advance(120 * MINUTE)
    silent = {site: alarm for site, alarm in told.alarms.items() if alarm["rule"] == "sensor-silent" and site != "g/power"}
    assert len(silent) == 30 and {alarm["hidden_by"] for alarm in silent.values()} == {"g/power"}
    why = silent["g/s7"]["hidden_why"]
    assert why == {
        "code": "explained-power",
        "values": {"cause": "power", "name": "Pump station 1", "since": 2 * MINUTE, "reach": "station"},
    }
    shown = [site for site, alarm in told.alarms.items() if "hidden_by" not in alarm]
    assert shown == ["g/power"]


def test_when_the_cause_is_over_what_still_stands_comes_up_again():
    told = Told(DEFAULT)
    _station(told, 3)
    told.read([0.0], start=2, sensor="power", quantity="power")
    told.advance(100 * MINUTE)
    assert told.alarms["g/s1"]["hidden_by"] == "g/power"
    told.read([230.0], start=101, sensor="power", quantity="power")
    assert all("hidden_by" not in alarm for alarm in told.alarms.values()) and len(told.alarms) == 3


def test_water_is_never_explained_by_a_power_failure():
    told = Told(DEFAULT)
    _station(told, 3)
    told.read([0.0], start=2, sensor="power", quantity="power")
    told.read([0.1, 0.2, 0.2], start=3, sensor="s1")
    told.advance(300 * MINUTE)
    alarm = told.alarms["g/s1"]
    assert set(alarm["rules"]) >= {"road-care", "sensor-silent"} and "hidden_by" not in alarm


def test_many_silent_sensors_of_a_station_are_one_alarm_that_explains_them():
    told = Told(DEFAULT)
    _station(told, 6)
    told.advance(90 * MINUTE)
    shown = {site for site, alarm in told.alarms.items() if "hidden_by" not in alarm}
    assert shown == {"station/P1/station-silent"} and len(told.alarms) == 7


def _wet(told, name, lon, at, lat=1.0):
    told.sensor(name, lon=lon, lat=lat)
    told.read([0.2, 0.2], start=at, sensor=name)


def test_gauges_that_one_storm_fills_are_one_event_and_a_far_one_is_another():
    told = Told(rules(CALM, GAUGES))
    for n in range(28):
        _wet(told, f"s{n}", 1 + n * 0.001, 1 + n % 10)
    _wet(told, "far", 1.5, 5)
    groups = {site: alarm["group"] for site, alarm in told.alarms.items()}
    assert len(set(groups.values())) == 2 and len({groups[f"g/s{n}"] for n in range(28)}) == 1


def test_an_event_ends_in_time_and_in_space():
    told = Told(rules(CALM | {"gathering": {"metres": 1500.0, "minutes": 60.0, "span_metres": 3000.0}}, GAUGES))
    for n in range(10):
        _wet(told, f"s{n}", 1 + n * 0.01, 1)  # 1.1 km apart
    assert len({alarm["group"] for alarm in told.alarms.values()}) > 1, "at most 3 km across"
    _wet(told, "later", 1.0, 90)
    assert told.alarms["g/later"]["group"] != told.alarms["g/s0"]["group"]


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)), min_size=2, max_size=25, unique=True))
def test_alarms_of_one_moment_are_one_event_where_neighbours_lead_from_one_to_the_other(places):
    """Worked out by plain distances: the connected parts, whatever the order in which they came up; named by the eldest."""
    told = Told(rules(CALM | {"gathering": {"metres": 1500.0, "minutes": 60.0, "span_metres": 1e9}}, GAUGES))
    step, parts = 0.005, []
    for n, (x, y) in enumerate(places):
        _wet(told, f"s{n}", x * step, 1, lat=y * step)
        near = [
            part for part in parts if any(111_195 * step * math.hypot(places[m][0] - x, places[m][1] - y) <= 1500 for m in part)
        ]
        parts = [part for part in parts if part not in near] + [{n}.union(*near)]
    groups = [told.alarms[f"g/s{n}"]["group"] for n in range(len(places))]
    assert {frozenset(m for m in range(len(places)) if groups[m] == name) for name in groups} == set(map(frozenset, parts))


BETWEEN = {"gathering": {"metres": 1500.0, "minutes": 60.0, "span_metres": 6000.0}}


def test_an_alarm_between_two_events_makes_one_of_them_and_says_what_went_into_it():
    told = Told(rules(CALM | BETWEEN, GAUGES))
    _wet(told, "west", 1.0, 1)
    _wet(told, "east", 1.02, 3)  # 2.2 km
    elder, younger = (told.alarms[f"g/{name}"]["group"] for name in ("west", "east"))
    assert elder != younger
    _wet(told, "middle", 1.01, 5)
    raised, changed = told.edges[-2:]
    assert (raised.site, raised.move, changed.site, changed.move) == ("g/middle", "raise", "g/east", "change")
    assert {alarm["group"] for alarm in told.alarms.values()} == {elder}, "the elder goes on"
    assert raised.data["group_was"] == changed.data["group_was"] == [younger] and "group_was" not in told.alarms["g/west"]
    before = len(told.edges)
    told.read([0.2, 0.21, 0.2], start=8, sensor="east")
    assert len(told.edges) == before, "said once"


def test_events_that_together_would_be_too_large_stay_two():
    book = rules(CALM | {"gathering": {"metres": 1500.0, "minutes": 60.0, "span_metres": 2000.0}}, GAUGES)
    told = Told(book)
    for name, lon, at in (("west", 1.0, 1), ("east", 1.02, 3), ("middle", 1.01, 5)):
        _wet(told, name, lon, at)
    groups = {site: alarm["group"] for site, alarm in told.alarms.items()}
    assert (
        groups["g/middle"] == groups["g/east"] != groups["g/west"] or groups["g/middle"] == groups["g/west"] != groups["g/east"]
    )


def test_rain_and_the_water_of_the_same_rain_are_one_event():
    storm = {"storm": {"families": ["rain", "ponding"], "metres": 3000.0, "minutes": 60.0, "span_metres": 9000.0}}
    families = {"family_of": {"rain_1h": "rain", "water_depth": "ponding"}, "events": storm}
    told = Told(rules(CALM | BETWEEN | families, GAUGES))
    told.sensor("rain", lon=1.0, lat=1.0)
    told.read([25.0, 25.0], start=1, sensor="rain", quantity="rain_1h")
    _wet(told, "far", 1.05, 2)
    _wet(told, "near", 1.02, 3)
    assert told.alarms["g/near"]["group"] == told.alarms["g/rain"]["group"] != told.alarms["g/far"]["group"]
    assert told.alarms["g/rain"]["group"].startswith("storm-") and told.alarms["g/near"]["family"] == "ponding"
    _wet(told, "later", 1.02, 90)
    assert told.alarms["g/later"]["group"] not in {told.alarms["g/rain"]["group"], told.alarms["g/far"]["group"]}


def test_what_was_brought_together_is_adopted_from_the_ledger_and_goes_on():
    told = Told(rules(CALM | BETWEEN, GAUGES))
    for name, lon, at in (("west", 1.0, 1), ("east", 1.02, 3), ("middle", 1.01, 5)):
        _wet(told, name, lon, at)
    again = Told(rules(CALM | BETWEEN, GAUGES))
    again.alarms = dict(told.alarms)
    again.engine.adopt(told.alarms)
    for name, lon in (("west", 1.0), ("east", 1.02), ("middle", 1.01)):
        again.sensor(name, at=6 * MINUTE, lon=lon, lat=1.0)
        again.read([0.2], start=7, sensor=name)
    assert {alarm["group"] for alarm in again.alarms.values()} == {alarm["group"] for alarm in told.alarms.values()}
    _wet(again, "more", 1.03, 9)
    assert again.alarms["g/more"]["group"] == again.alarms["g/west"]["group"]


def test_a_site_that_comes_and_goes_is_held_and_marked_instead_of_storming():
    told = Told(rules(gauges=GAUGES))
    wet, dry = [0.2, 0.2], [0.0, 0.0]
    told.read((wet + dry) * 20, step=30_000)
    moves = [edge.move for edge in told.edges]
    assert moves == ["raise", "return", "raise", "return", "raise"] and told.alarms["g/s1"]["chattering"]
    (edge,) = told.advance(100 * MINUTE)
    assert edge.move == "return"
    last_change = 79.5 * MINUTE / 2 + 15_000  # the last reading of all, at half minutes
    assert edge.time == pytest.approx(last_change + 10 * MINUTE, abs=MINUTE)


def test_what_chattered_and_stays_up_loses_its_mark_when_it_kept_still():
    told = Told(rules(gauges=GAUGES))
    told.read([0.2, 0.2, 0.0, 0.0] * 2 + [0.2, 0.2], step=30_000)
    assert told.alarms["g/s1"]["chattering"]
    told.advance(60 * MINUTE)
    assert "chattering" not in told.alarms["g/s1"]


def test_an_alarm_of_less_than_a_minute_was_fleeting():
    told = Told(rules(gauges=GAUGES))
    told.read([0.2, 0.2, 0.0, 0.0], step=10_000)
    assert told.edges[-1].data["fleeting"]


def test_a_latching_rule_says_so_when_its_condition_has_gone():
    told = Told(
        rules(
            {
                "rules": [
                    {
                        "name": "gas",
                        "kind": "threshold",
                        "quantity": "methane",
                        "unit": "%LEL",
                        "value": 50,
                        "severity": 4,
                        "latch": True,
                    }
                ]
            }
        )
    )
    told.read([60.0, 60.0, 0.0, 0.0], quantity="methane")
    assert [(edge.move, edge.data["latched"]) for edge in told.edges] == [("raise", True), ("return", True)]


@pytest.mark.parametrize(
    ("severity", "minutes", "priority"), [(4, 5, 1), (4, 60, 2), (3, 5, 1), (3, 10, 2), (2, 5, 2), (2, 10, 3), (1, 1, 3)]
)
def test_priority_is_severity_and_the_time_there_is_to_respond(severity, minutes, priority):
    assert Ranking().of(severity, minutes * 60) == priority


def test_a_suppliers_own_alarm_lines_go_through_the_same_stages():
    told = Told(rules())
    for n in range(6):
        told.take(Supplied(site="plant/v1", active=n % 2 == 0, severity=2, family="valve", time=n * MINUTE))
    assert [edge.move for edge in told.edges] == ["raise", "return", "raise", "return", "raise"]
    assert told.alarms["plant/v1"]["chattering"] and told.alarms["plant/v1"]["group"].startswith("valve-")
