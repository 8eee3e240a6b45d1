"""Bus events as inputs: which responses are in force, what is gone, what a document of another kind does."""

import msgspec
import pytest

from dispatch.alarming.hearing import Hearing
from dispatch.alarming.inputs import Heard, Position, Posture, Reading, SensorGone, SensorSeen
from dispatch.reader import Head
from tests.dispatch.alarming.told import rules


def _head(subject, data, time=5, recorded=7):
    return Head(
        id="e", source="s", subject=subject, time=time, recordedtime=recorded, data=msgspec.Raw(msgspec.json.encode(data))
    )


def _levels(hearing, *documents):
    return [hearing.inputs(_head(f"response/{plan}", data))[0].level for plan, data in documents]


def test_the_worst_level_of_all_responses_in_force_counts_and_an_exercise_does_not():
    on = lambda level, **more: {"state": "in_force", "level": level, **more}  # noqa: E731
    found = _levels(
        Hearing(rules()),
        ("flood", on("III")), ("rain", on("II")), ("drill", on("I", exercise=True)), ("rain", {"state": "ended", "level": "II"}),
        ("flood", {"state": "proposed", "level": ""}), ("flood", None),
    )  # fmt: skip
    assert found == ["III", "II", "II", "III", "", ""]


def test_a_reading_is_of_when_it_was_measured_and_heard_when_it_was_recorded():
    data = {"feed": "g", "sensor_id": "a/b", "quantity": "tilt", "value": 3.5, "lon": 1.0, "lat": 2.0}
    (found,) = Hearing(rules()).inputs(_head("observation/g/a/b/tilt", data))
    assert isinstance(found, Reading) and (found.sensor, found.value, found.time, found.at) == ("a/b", 3.5, 5, 7)


def test_a_sensor_comes_and_goes():
    hearing = Hearing(rules())
    (seen,) = hearing.inputs(_head("sensor/g/a/b", {"feed": "g", "sensor_id": "a/b"}))
    (gone,) = hearing.inputs(_head("sensor/g/a/b", None))
    assert isinstance(seen, SensorSeen) and isinstance(gone, SensorGone) and (gone.feed, gone.sensor) == ("g", "a/b")


def test_only_what_rules_need_is_heard():
    assert Hearing(rules()).topics == {"observation", "sensor", "response", "supplied"}
    report = {"name": "f", "kind": "missing_report", "subject": "feed/", "minutes": 5}
    fence = {"name": "p", "kind": "geofence", "centre": [1.0, 2.0], "metres": 50.0}
    hearing = Hearing(rules({"rules": [report, fence]}))
    assert hearing.topics == {"observation", "sensor", "response", "supplied", "feed", "position"}
    assert [type(one) for one in hearing.inputs(_head("feed/x", {"name": "x"}))] == [Heard]
    crew = {"feed": "c", "unit_id": "7", "lon": 1.0, "lat": 2.0}
    assert [type(one) for one in hearing.inputs(_head("position/c/7", crew))] == [Position]
    assert hearing.inputs(_head("position/c/7", None)) == []


def test_a_document_of_another_kind_is_refused():
    with pytest.raises(msgspec.MsgspecError):
        Hearing(rules()).inputs(_head("observation/g/a/tilt", {"feed": 1}))
    with pytest.raises(msgspec.MsgspecError):
        Hearing(rules()).inputs(_head("response/x", [1]))
    assert isinstance(Hearing(rules()).inputs(_head("response/x", {"level": "red", "state": "in_force"}))[0], Posture)
