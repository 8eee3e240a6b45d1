"""The life of one alarm: what is told, answered, put away, and what comes back."""

from __future__ import annotations

import msgspec
import pytest

from dispatch.alarmlife.edges import DEFAULTS
from dispatch.alarmlife.table import EDGE
from hall.core.errors import Refused
from hall.core.model import Alarm
from tests.dispatch.alarmlife.world import HOUR, MINUTE, SITE, START, World


@pytest.fixture
def world():
    return World()


def test_an_alarm_that_comes_up_asks_to_be_answered(world):
    state = world.raised(label="建设路下穿 · 谨慎通行", value=0.21, district="卫滨区")
    assert (state.state, state.alarm_id, state.since, state.announced) == ("unanswered", f"{SITE}@{START}", START, START)
    document = msgspec.convert(world.document, Alarm)
    assert (document.active, document.acknowledged, document.value, document.district) == (True, False, 0.21, "卫滨区")
    assert "active" not in world.document, "the default is not sent"


def test_the_moment_of_the_condition_counts_and_the_moment_of_telling_is_kept_beside_it(world):
    world.raised(time=START - 3 * MINUTE)
    assert (world.state.since, world.state.announced) == (START - 3 * MINUTE, START)


def test_an_answered_alarm_that_comes_back_is_a_new_one_and_keeps_its_shelf(world):
    first = world.raised().alarm_id
    world.do("acknowledge")
    world.do("comment", text="crew 3 is there")
    world.do("link_case", case="file/desk/1")
    world.do("shelve", reason="pump test", until=START + HOUR)
    world.machine("return")
    world.now += MINUTE
    world.raised()
    state = world.state
    assert state.alarm_id != first and not state.acknowledged and state.since == world.now
    assert (state.cases, state.comments) == ([], []) and state.shelved["reason"] == "pump test"
    assert state.announced == START, "what lies on the shelf asks nobody"


def test_an_unanswered_alarm_that_comes_back_is_the_same_and_is_counted(world):
    first = world.raised().alarm_id
    world.machine("return")
    world.now += MINUTE
    state = world.raised()
    assert (state.alarm_id, state.since, state.times, state.announced) == (first, START, 1, world.now)


def test_the_engines_word_replaces_its_word_before_as_a_whole(world):
    world.raised(hidden_by="", advice=["close"], chattering=True, group="g1")
    world.machine("change", rule="threshold/deep", cause="observation/x", severity=2, group="g2")
    assert (world.state.advice, world.state.chattering, world.state.group) == ([], False, "g2")
    assert world.state.alarm_id and world.state.since == START


def test_an_alarm_that_gets_worse_must_be_answered_again(world):
    world.raised(severity=2)
    world.do("acknowledge")
    world.now += MINUTE
    world.machine("change", rule="r", cause="c", severity=4)
    assert (world.state.state, world.state.acked_by, world.state.announced) == ("unanswered", "", world.now)
    world.do("acknowledge")
    world.machine("change", rule="r", cause="c", severity=3)
    assert world.state.state == "acknowledged", "better is no news that asks for anything"


def test_an_answer_is_to_what_was_seen(world):
    state = world.raised(severity=2)
    world.machine("change", rule="r", cause="c", severity=4)
    with pytest.raises(Refused) as caught:
        world.do("acknowledge", alarm_id=state.alarm_id, seen=2)
    assert caught.value.reason == "alarm-worse"
    with pytest.raises(Refused) as caught:
        world.do("acknowledge", alarm_id="another", seen=4)
    assert caught.value.reason == "alarm-changed"
    assert world.do("acknowledge", alarm_id=state.alarm_id, seen=4) == ["acknowledge"]


def test_the_second_of_two_who_answer_at_once_is_no_mistake(world):
    world.raised()
    world.do("acknowledge", who="li")
    assert world.do("acknowledge", who="wang") == [] and world.state.acked_by == "li"
    assert world.do("acknowledge", who="wang", comment="I rang the station") == ["comment"]
    assert world.state.comments == [{"at": START, "who": "wang", "text": "I rang the station"}]


def test_a_latched_alarm_stands_until_somebody_resets_it(world):
    world.raised(latched=True)
    world.do("acknowledge")
    world.machine("return")
    assert world.state.state == "latched" and not world.state.active
    assert world.machine("change", rule="r", cause="c", latched=True) == ["change"]
    world.do("reset")
    assert world.state.state == "over"


def test_a_shelf_ends_at_its_time_and_not_before_unless_it_gets_worse(world):
    world.raised(severity=2)
    world.do("shelve", reason="works", until=START + HOUR)
    assert world.machine("unshelve", because="expired") == []
    world.now = START + HOUR
    assert world.machine("unshelve", because="expired") == ["unshelve"]
    assert world.state.shelved is None and world.state.announced == world.now
    world.do("shelve", reason="works", until=world.now + HOUR)
    world.now += MINUTE
    assert world.machine("change", rule="r", cause="c", severity=3) == ["change", "unshelve"]
    assert world.state.shelved is None and world.state.announced == world.now


@pytest.mark.parametrize("until", [START, START - 1, START + 13 * HOUR])
def test_a_shelf_is_for_hours_not_for_ever(world, until):
    world.raised()
    with pytest.raises(Refused) as caught:
        world.do("shelve", reason="works", until=until)
    assert caught.value.reason == "bad-field"


def test_an_operator_does_not_shelve_what_is_urgent(world):
    world.raised(priority=1)
    with pytest.raises(Refused):
        world.do("shelve", role="operator", reason="noise", until=START + HOUR)
    assert world.do("shelve", role="supervisor", reason="noise", until=START + HOUR) == ["shelve"]


def test_what_is_out_of_service_or_hidden_asks_nobody_and_asks_when_it_comes_back(world):
    world.raised(hidden_by="gauges/power", hidden_why={"code": "station-power"})
    assert world.state.announced is None and world.state.put_away
    world.now += MINUTE
    world.machine("change", rule="r", cause="c", severity=2)
    assert world.state.announced == world.now
    world.do("out_of_service", reason="broken")
    world.now += MINUTE
    world.machine("return")
    world.raised()
    assert world.state.announced == world.now - MINUTE
    world.do("in_service")
    assert world.state.announced == world.now


def test_saying_what_it_was_answers_it_and_the_halls_own_link_does_not(world):
    world.raised()
    world.do("link_case", case="file/g/1", role="system", sort="system", who="system", metres=40.0)
    assert world.state.case == "file/g/1" and not world.state.acknowledged
    assert world.do("link_case", case="file/g/1") == []
    world.do("link_case", case="file/g/2")
    assert (world.state.cases, world.state.case, world.state.acked_by) == (["file/g/1", "file/g/2"], "file/g/1", "li")
    other = World()
    other.raised()
    other.do("dispose", found="confirmed", reason="seen by video")
    assert (other.state.disposition, other.state.acknowledged) == ("confirmed", True)


def test_what_is_over_leaves_the_board_and_may_come_back(world):
    world.raised()
    world.do("acknowledge")
    world.machine("return")
    world.machine("retire", because="answered")
    assert world.document is None and world.state.ended and world.state.state == "gone"
    world.now += HOUR
    world.raised()
    assert world.state.state == "unanswered" and not world.state.ended


def test_what_somebody_put_away_does_not_leave_the_board(world):
    world.raised()
    world.do("acknowledge")
    world.do("out_of_service", reason="broken")
    world.machine("return")
    assert world.machine("retire", because="answered") == []


def test_edges_are_never_refused_and_repeating_them_changes_nothing(world):
    assert world.machine("return") == [] and world.machine("change", severity=2) == []
    world.raised()
    world.machine("return")
    assert world.machine("return") == []
    assert world.machine("change", rule="r", cause="c", value=0.1) == ["change"] and not world.state.active


def test_an_alarm_with_a_name_that_cannot_be_kept_is_still_an_alarm(world):
    world.raised(name="a\x00b\x1b", label="x" * 900, lon="east", value=float("nan"), severity=9, forecast={"at": 1})
    state = world.state
    assert (state.name, len(state.label), state.lon, state.value, state.severity) == ("ab", 500, None, None, 4)
    assert state.active and state.forecast == {"at": 1}


def test_every_field_of_the_engine_has_a_default_to_fall_back_to():
    assert set(EDGE) == set(DEFAULTS)
