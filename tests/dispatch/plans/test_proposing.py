"""What the picture proposes: by hand-written expectation, and by what must hold for any picture."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from dispatch.plans.model import HOUR, LEVELS, MINUTE, rank
from dispatch.plans.proposing import Depth, Picture, Rain, Signal, assess, observe, propose, red_since
from dispatch.plans.settings import compiled, defaults

NOW = 1_800_000_000_000
PLAN = compiled(defaults()).by_name["flood"]


def signal(severity: int, **more) -> Signal:
    return Signal(**{"subject": f"warning/w/{severity}", "event": "暴雨", "severity": severity, "since": NOW - HOUR} | more)


def wet(*cm: float, doubtful: bool = False, time: int = NOW) -> dict[str, Depth]:
    return {f"g/{n}": Depth(time=time, metres=depth / 100, doubtful=doubtful) for n, depth in enumerate(cm)}


def rained(hours: int, *mm: float) -> dict[str, Rain]:
    return {f"r/{n}": Rain(time=NOW, mm={hours: fallen}) for n, fallen in enumerate(mm)}


def up(picture: Picture) -> str:
    return propose(PLAN, picture, NOW).level


def test_each_colour_proposes_its_level_and_none_signs_it():
    assert [up(Picture(signals=[signal(n)])) for n in (1, 2, 3, 4)] == ["IV", "III", "II", "I"]


def test_the_reason_names_colour_event_and_since_when():
    (why,) = propose(PLAN, Picture(signals=[signal(4)]), NOW).why
    assert why["code"] == "signal"
    assert why["values"] == {"colour": "red", "event": "暴雨", "since": NOW - HOUR, "subject": "warning/w/4"}


def test_a_signal_of_heat_an_expired_one_and_one_to_come_propose_nothing():
    others = [signal(4, event="高温"), signal(4, expires=NOW), signal(4, since=NOW + 1), signal(0)]
    assert up(Picture(signals=others)) == ""


def test_a_signal_whose_words_say_nothing_is_known_by_the_kind_that_was_recognised():
    assert up(Picture(signals=[signal(3, event="预警信号", kind="rainstorm")])) == "II"


def test_an_exercise_signal_counts_in_an_exercise_only_and_says_so():
    picture = Picture(signals=[signal(4, exercise=True)])
    assert up(picture) == ""
    picture.exercise = True
    found = propose(PLAN, picture, NOW)
    assert (found.level, found.exercise) == ("I", True)


def test_two_streets_at_fifteen_centimetres_propose_the_mildest_level():
    assert up(Picture(depth=wet(15, 15))) == "IV"
    assert up(Picture(depth=wet(15, 14.9))) == ""


def test_three_streets_at_the_closing_depth_propose_level_three():
    assert up(Picture(depth=wet(25, 25, 25))) == "III"


def test_zhengzhous_worst_hour_at_two_gauges_proposes_level_one():
    assert up(Picture(rain=rained(1, 201.9, 130.0))) == "I"


def test_ponding_calls_of_the_last_hour_count_and_older_ones_do_not():
    assert up(Picture(cases=[NOW - MINUTE] * 15)) == "III"
    assert up(Picture(cases=[NOW - MINUTE] * 14 + [NOW - HOUR])) == "IV"


def test_doubtful_old_and_future_readings_count_for_nothing():
    assert up(Picture(depth=wet(60, 60, 60, doubtful=True))) == ""
    assert up(Picture(depth=wet(60, 60, 60, time=NOW - HOUR))) == ""
    assert up(Picture(depth=wet(60, 60, 60, time=NOW + 24 * HOUR))) == ""


def test_what_is_in_force_is_not_proposed_again():
    assert propose(PLAN, Picture(signals=[signal(3)], level="II", since=NOW - HOUR), NOW).direction == ""


def test_stepping_down_waits_until_the_conditions_have_been_gone_for_an_hour():
    since, step = NOW - 5 * HOUR, round(PLAN.step_down_minutes) * MINUTE
    picture = Picture(signals=[signal(1)], level="II", since=since, met={"IV": NOW, "III": NOW, "II": NOW - step + 1})
    assert propose(PLAN, picture, NOW).direction == ""
    picture.met = {"IV": NOW, "III": NOW - step, "II": NOW - step}
    found = propose(PLAN, picture, NOW)
    assert (found.direction, found.level) == ("down", "IV")


def test_with_nothing_left_the_end_is_proposed():
    picture = Picture(level="III", since=NOW - 5 * HOUR, met={level: NOW - 2 * HOUR for level in LEVELS})
    assert (propose(PLAN, picture, NOW).direction, propose(PLAN, picture, NOW).level) == ("end", "")


def test_a_level_signed_just_now_is_not_called_off_at_once():
    assert propose(PLAN, Picture(level="I", since=NOW - MINUTE), NOW).direction == ""


def test_water_that_wavers_about_the_line_still_counts_for_the_level_in_force():
    picture = Picture(depth=wet(21, 21, 21), level="III", since=NOW - 9 * HOUR)
    assert assess(PLAN, picture, NOW).level == "IV"
    assert observe(PLAN, picture, NOW)["III"] == NOW


def test_the_red_clock_counts_from_the_first_red_signal_in_force():
    signals = [signal(4, subject="a", since=NOW - 2 * HOUR), signal(4, subject="b"), signal(3, since=NOW - 9 * HOUR)]
    assert red_since(PLAN, Picture(signals=signals), NOW) == NOW - 2 * HOUR
    assert red_since(PLAN, Picture(signals=signals[2:]), NOW) is None


# -- what holds for any picture ------------------------------------------------------------------------------------------------

severities = st.lists(st.integers(0, 4), max_size=5)
depths = st.lists(st.floats(0, 1.5), max_size=12)


@given(severities, depths, st.lists(st.floats(0, 400), max_size=6), st.randoms(use_true_random=False))
def test_the_order_in_which_things_were_heard_does_not_matter(colours, metres, millimetres, chance: random.Random):
    signals = [signal(n, subject=f"warning/w/{k}", since=NOW - k) for k, n in enumerate(colours)]
    depth = list(wet(*(100 * one for one in metres)).items())
    rain = list(rained(1, *millimetres).items())
    first = propose(PLAN, Picture(signals=signals, depth=dict(depth), rain=dict(rain)), NOW)
    for rows in (signals, depth, rain):
        chance.shuffle(rows)
    assert propose(PLAN, Picture(signals=signals, depth=dict(depth), rain=dict(rain)), NOW) == first


@given(st.integers(0, 4), st.floats(0, 1e6), st.floats(0, 1e6), st.integers(0, 10))
def test_a_lying_sensor_alone_never_lifts_the_proposal_by_more_than_one_level(colour, metres, mm, alarms):
    """Whatever one gauge says, and in however many ways at once; also where a city asks for one witness only."""
    table = defaults()
    for level in table["flood"]["levels"].values():
        level["when"] = [{"depth_cm": 20, "sites": 1}, {"rain_mm": 30, "gauges": 1}, {"alarms": 1}]
    eager = compiled(table).by_name["flood"]
    without = Picture(signals=[signal(colour)])
    lying = Picture(
        signals=[signal(colour)],
        depth={"s": Depth(time=NOW, metres=metres)},
        rain={"s": Rain(time=NOW, mm={1: mm, 24: mm})},
        alarms={"s": min(alarms, 4)},
    )
    for plan in (PLAN, eager):
        assert rank(assess(plan, lying, NOW).level) <= rank(assess(plan, without, NOW).level) + 1


@given(severities, depths)
def test_more_water_never_proposes_less(colours, metres):
    signals = [signal(n, subject=f"warning/w/{k}") for k, n in enumerate(colours)]
    less = assess(PLAN, Picture(signals=signals, depth=wet(*(100 * one for one in metres))), NOW)
    more = assess(PLAN, Picture(signals=signals, depth=wet(*(100 * one + 5 for one in metres))), NOW)
    assert rank(more.level) >= rank(less.level)
