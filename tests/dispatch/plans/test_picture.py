"""What is heard on the bus becomes the picture that is weighed: signals, rain, depths, calls; repeats and old words change nothing."""

from __future__ import annotations

import msgspec

from dispatch.plans.model import HOUR, MINUTE
from dispatch.plans.picture import Knowledge
from dispatch.rain.gauge import Gauges
from hall.core.model import Observation, PublicWarning

NOW = 1_800_000_000_000


def known(*events: tuple[str, int, object]) -> Knowledge:
    made = Knowledge(["道路积水"], Gauges())
    for subject, time, document in events:
        made.hear(subject, time, msgspec.json.encode(document))
    return made


def picture(knowledge: Knowledge, **more):
    return knowledge.picture(None, more.pop("now", NOW), 15 * MINUTE, more.pop("exercise", False), {})


def warning(severity: int, **more) -> PublicWarning:
    return PublicWarning(**{"feed": "w", "warning_id": "1", "event": "暴雨", "severity": severity} | more)


def depth(metres: float, **more) -> Observation:
    return Observation(**{"feed": "g", "sensor_id": "1", "quantity": "water_depth", "value": metres, "unit": "m"} | more)


def test_a_signal_counts_from_when_its_colour_was_first_given():
    knowledge = known(
        ("warning/w/1", NOW - 3 * HOUR, warning(2)),
        ("warning/w/1", NOW - 2 * HOUR, warning(4)),
        ("warning/w/1", NOW - HOUR, warning(4)),
    )
    (signal,) = picture(knowledge).signals
    assert (signal.severity, signal.since) == (4, NOW - 2 * HOUR)


def test_a_cancelled_a_test_and_a_vanished_signal_are_none():
    assert (
        picture(known(("warning/w/1", NOW, warning(4)), ("warning/w/1", NOW, warning(4, message_type="Cancel")))).signals == []
    )
    assert picture(known(("warning/w/1", NOW, warning(4, status="Test")))).signals == []
    assert picture(known(("warning/w/1", NOW, warning(4)), ("warning/w/1", NOW, None))).signals == []


def test_an_exercise_signal_is_marked_as_one():
    assert picture(known(("warning/w/1", NOW, warning(4, status="Exercise")))).signals[0].exercise


def test_the_newest_reading_of_a_site_counts_however_they_come():
    rows = [("observation/g/1/water_depth", NOW - k * MINUTE, depth(k / 100)) for k in range(5)]
    assert picture(known(*rows)).depth["g/1"].metres == picture(known(*reversed(rows))).depth["g/1"].metres == 0.0


def test_a_reading_that_its_supplier_doubts_is_left_out():
    assert picture(known(("observation/g/1/water_depth", NOW, depth(0.5, quality="Bad")))).depth == {}


def test_a_site_whose_alarm_is_doubtful_is_doubtful_until_it_is_not():
    alarm = {"cause": "observation/g/1/water_depth", "severity": 2, "active": True, "doubtful": True}
    knowledge = known(("observation/g/1/water_depth", NOW, depth(0.5)), ("alarm/g/1", NOW, alarm))
    assert picture(knowledge).depth["g/1"].doubtful and picture(knowledge).alarms == {}
    knowledge.hear("alarm/g/1", NOW, msgspec.json.encode({**alarm, "doubtful": False}))
    assert not picture(knowledge).depth["g/1"].doubtful and picture(knowledge).alarms == {"g/1": 2}


def test_hidden_alarms_and_those_out_of_service_are_no_evidence():
    alarm = {"cause": "observation/g/1/water_depth", "severity": 4, "active": True}
    assert picture(known(("alarm/g/1", NOW, {**alarm, "hidden_by": "g/0"}))).alarms == {}
    assert picture(known(("alarm/g/1", NOW, {**alarm, "out_of_service": {"by": "x"}}))).alarms == {}


def test_calls_of_ponding_are_counted_once_and_tasks_of_the_hall_are_no_calls():
    call = {"feed": "c", "case_id": "1", "subclass_name": "道路积水", "stages": {"reported": NOW - MINUTE}}
    own = {**call, "extra": {"task": "task/flood-1-inlets"}}
    other = {**call, "subclass_name": "暴露垃圾", "description": "道路积水旁"}
    knowledge = known(("case/c/1", NOW, call), ("case/c/1", NOW, call), ("case/desk/2", NOW, own), ("case/c/3", NOW, other))
    assert picture(knowledge).cases == [NOW - MINUTE]
    assert picture(knowledge, now=NOW + 25 * HOUR).cases == []


def test_rain_is_added_up_from_what_gauges_tell():
    gauges = Gauges()
    for minute in range(180):
        gauges.put("r/1", "rain_1h", 30.0, NOW - minute * MINUTE)
    assert picture(Knowledge([], gauges)).rain["r/1"].mm[3] == 90.0
