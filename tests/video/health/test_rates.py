"""Rates by department: compared with counting the channels one by one; as readings they raise alarms like any gauge's."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from dispatch.alarming import Engine, rules_of
from dispatch.alarming.hearing import reading_of
from dispatch.alarming.inputs import SensorSeen
from hall.core.config import GaugeRule
from hall.core.model import Observation, Sensor
from video.health.rates import MOST_DEPARTMENTS, Rates, Standing

STANDINGS = st.builds(
    Standing, st.sampled_from(["交警", "水务", ""]), st.booleans(), st.booleans(), st.booleans(),
    st.sampled_from([(), ("black",), ("black", "moved")]),
)  # fmt: skip


@given(st.lists(st.tuples(st.integers(0, 12), st.none() | STANDINGS), max_size=60))
def test_sums_kept_look_by_look_are_those_of_counting_all_channels(changes):
    rates, plain = Rates(), {}
    for number, standing in changes:
        if standing is None:
            rates.drop(str(number))
            plain.pop(str(number), None)
        else:
            rates.put(str(number), standing)
            plain[str(number)] = standing
    by_owner = {}
    for one in plain.values():
        by_owner.setdefault(one.owner, []).append(one)
    assert {row["name"]: row["total"] for row in rates.rows()} == {name: len(found) for name, found in by_owner.items()}
    for row in [*rates.rows(), rates.whole.row("*")]:
        found = by_owner[row["name"]] if row["name"] != "*" else list(plain.values())
        examined = [one for one in found if one.examined]
        online = [one for one in examined if one.online]
        sound = [one for one in online if not one.faults]
        assert (row["examined"], row["online"], row["sound"]) == (len(examined), len(online), len(sound))
        assert row["reported_online"] == sum(one.reported for one in found)
        assert row["online_rate"] == (round(len(online) / len(examined), 4) if examined else None)
        assert row["sound_rate"] == (round(len(sound) / len(online), 4) if online else None)
        assert row["faults"] == dict(Counter(fault for one in found for fault in one.faults))


def test_more_departments_than_are_told_are_summed_up_and_none_is_lost():
    rates = Rates()
    for number in range(MOST_DEPARTMENTS + 50):
        rates.put(str(number), Standing(f"d{number:04}", True, True))
    rows = rates.rows()
    assert len(rows) == MOST_DEPARTMENTS + 1 and rows[-1]["name"] == "" and rows[-1]["total"] == 50
    assert sum(row["total"] for row in rows) == MOST_DEPARTMENTS + 50


def test_nothing_is_said_of_a_department_before_nine_tenths_of_it_were_examined():
    rates = Rates()
    for number in range(10):
        rates.put(str(number), Standing("交警", number < 8, False))
    assert rates.readings() == {}
    rates.put("8", Standing("交警", True, True))
    assert rates.readings()["交警"]["channels_offline"] == round(100 * 8 / 9, 1)


def test_a_line_in_the_city_s_thresholds_makes_an_alarm_of_it_with_the_department_s_name():
    line = GaugeRule(quantity="channels_offline", value=20, severity=2, label={"zh": "视频离线率高"})
    engine = Engine(rules_of({}, [line], ["zh"], defaults=False))
    sensor = Sensor(feed="video-health", sensor_id="交警", name="交警", quantity="channels_offline", unit="%")
    readings = [Observation(feed="video-health", sensor_id="交警", quantity="channels_offline", value=35.0, unit="%")] * 2
    heard = [reading_of(reading, time) for time, reading in enumerate(readings, 1)]
    (edge,) = engine.take([SensorSeen(sensor=sensor, time=0), *heard])
    assert (edge.site, edge.move, edge.data["severity"], edge.data["value"]) == ("video-health/交警", "raise", 2, 35.0)
    assert (edge.data["name"], edge.data["label"]) == ("交警", "交警 · 视频离线率高")
