"""Sensors that lie: never a close-the-road advice out of a reading that cannot be believed, and no real flood missed."""

from dispatch.alarming.inputs import Reading
from tests.dispatch.alarming.told import MINUTE, Told, rules

BOOK = rules(defaults=True)
DAY = 24 * 60


def _told():
    told = Told(BOOK)
    told.sensor(kind="underpass", name="U1")
    return told


def _closes(told):
    return [edge for edge in told.edges if "close" in edge.data.get("advice", ())]


def test_water_that_rises_as_water_does_closes_the_underpass():
    told = _told()
    told.read([0.0, 0.04, 0.09, 0.15, 0.2, 0.26, 0.29, 0.3])
    alarm = told.alarms["g/s1"]
    assert (alarm["severity"], alarm["priority"], "doubtful" in alarm) == (4, 1, False)
    assert "close" in alarm["advice"] and alarm["rule"] == "underpass-must-close"


def test_one_spike_raises_nothing():
    told = _told()
    assert set(told.read([0.01, 0.01, 1.5, 0.01, 0.01])) == {0}


def test_a_jump_is_doubted_until_readings_that_move_agree_with_it():
    told = _told()
    told.read([0.0, 0.0, 0.6, 0.61])
    alarm = told.alarms["g/s1"]
    assert (alarm["severity"], alarm["doubtful"], alarm["doubts"], alarm["advice"]) == (2, True, ["jump"], ["verify"])
    # 45 cm more than a step at 10 cm a minute: believed 4.5 minutes after the jump
    assert told.read([0.62, 0.63, 0.62, 0.63], start=5) == [2, 2, 2, 4]
    assert "doubtful" not in told.alarms["g/s1"]


def test_three_spikes_in_a_row_are_never_believed():
    told = _told()
    told.read([0.02, 0.02, 0.9, 0.95, 0.92, 0.02, 0.02, 0.02])
    assert told.edges[-1].move == "return" and not _closes(told)
    assert all(edge.data["doubtful"] and edge.data["severity"] <= 2 for edge in told.edges[:-1])


def test_a_sensor_that_freezes_after_a_jump_never_closes_anything():
    told = _told()
    told.read([0.0, 0.0] + [0.6] * 300)
    assert not _closes(told) and told.alarms["g/s1"]["doubtful"]


def test_a_value_that_stood_still_for_two_hours_is_doubted():
    told = _told()
    told.read([0.1, 0.15, 0.2, 0.26, 0.28, 0.3] + [0.3] * 125)
    alarm = told.alarms["g/s1"]
    assert alarm["doubts"] == ["stuck"] and alarm["advice"] == ["verify"] and alarm["severity"] == 4, (
        "water may stand: still red"
    )


def test_a_sensor_that_is_switched_to_centimetres_never_closes_anything():
    told = _told()
    dry = [0.02, 0.021, 0.022, 0.02]
    told.read(dry + [value * 100 for value in (0.02, 0.021, 0.022, 0.023, 0.024, 0.02, 0.021) * 10])
    assert not _closes(told)
    assert set(told.alarms["g/s1"]["doubts"]) <= {"unit", "jump", "range"} and told.alarms["g/s1"]["severity"] <= 2


def test_a_depth_no_street_can_have_is_out_of_range():
    told = _told()
    told.read([12.0, 12.1, 12.2, 12.1, 12.0, 12.3])
    assert not _closes(told) and "range" in told.alarms["g/s1"]["doubts"]


def test_a_clock_a_day_ahead_is_doubted_and_its_readings_still_count_by_when_they_were_heard():
    told = _told()
    for n in range(1, 8):
        told.take(
            Reading(feed="g", sensor="s1", quantity="water_depth", value=0.06 * n, time=(n + DAY) * MINUTE, at=n * MINUTE)
        )
    alarm = told.alarms["g/s1"]
    assert not _closes(told) and "clock" in alarm["doubts"] and alarm["severity"] == 2
    assert max(edge.time for edge in told.edges) <= 7 * MINUTE
    told.read([0.4, 0.41, 0.42], start=8)
    assert told.alarms["g/s1"]["severity"] == 4, "the clock is right again"


def test_a_clock_a_day_behind_is_told_as_silence():
    told = _told()
    told.read([0.0, 0.0], start=2 * DAY)
    for n in range(1, 90):
        at = (2 * DAY + 1 + n) * MINUTE
        told.take(Reading(feed="g", sensor="s1", quantity="water_depth", value=0.4, time=at - DAY * MINUTE, at=at))
    assert told.alarms["g/s1"]["rule"] == "sensor-silent" and not _closes(told)


def test_a_first_reading_that_is_a_day_old_is_doubted():
    told = _told()
    for n in range(1, 4):
        at = (2 * DAY + n) * MINUTE
        told.take(Reading(feed="g", sensor="s1", quantity="water_depth", value=0.4, time=at - DAY * MINUTE, at=at))
    assert told.alarms["g/s1"]["doubts"] == ["old"] and not _closes(told)
