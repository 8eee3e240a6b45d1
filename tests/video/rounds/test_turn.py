"""Rounds: what is urgent comes more often, everything is seen in time, the dead are skipped."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hall.core.errors import Refused
from video.rounds.plan import RoundPlan, checked
from video.rounds.turn import Candidates, Round, advance, hold, release

HOUR = 3_600_000


def run(plan, cameras, turns, now=1_000_000_000, *, each=None):
    """Plays `turns` turns; returns [(time, [channels])]. The oracle of what was shown is this list, not the round's state."""
    state, told = Round(), []
    for number in range(turns):
        if each:
            each(number, cameras, now)
        assert advance(state, plan, cameras, now)
        told.append((now, [pick.channel for pick in state.shown]))
        now = state.until
    return told


def gaps(told, subject, start, end):
    times = [start, *(time for time, shown in told if subject in shown), end]
    return [later - earlier for earlier, later in zip(times, times[1:], strict=False)]


def cams(count):
    return Candidates([f"channel/f/{number}" for number in range(count)])


def test_a_calm_round_shows_every_camera_once_before_any_twice():
    told = run(RoundPlan(name="r", tiles=4), cams(20), 5)
    assert sorted(channel for _, shown in told for channel in shown) == sorted(cams(20).subjects)


def test_what_is_announced_as_next_is_what_comes():
    plan, cameras, state = RoundPlan(name="r", tiles=3), cams(30), Round()
    advance(state, plan, cameras, 0)
    for _ in range(12):
        coming = [pick.channel for pick in state.next[:3]]
        assert not advance(state, plan, cameras, state.until - 1)
        advance(state, plan, cameras, state.until)
        assert [pick.channel for pick in state.shown] == coming


def test_an_urgent_camera_comes_more_often_and_says_why():
    cameras = cams(100)
    cameras.weight[7] = 21
    told = run(RoundPlan(name="r", dwell_seconds=10), cameras, 400)
    seen = Counter(channel for _, shown in told for channel in shown)
    assert seen["channel/f/7"] > 8 * max(count for name, count in seen.items() if name != "channel/f/7")
    assert set(seen) == set(cameras.subjects)


def test_equally_urgent_cameras_take_turns():
    cameras = cams(200)
    cameras.weight[:6] = 30
    seen = Counter(channel for _, shown in run(RoundPlan(name="r"), cameras, 300) for channel in shown)
    urgent = [seen[f"channel/f/{number}"] for number in range(6)]
    assert max(urgent) - min(urgent) <= 2 and min(urgent) > 20


@settings(max_examples=60, deadline=None)
@given(
    st.integers(2, 60),
    st.integers(1, 9),
    st.floats(1.15, 6),
    st.dictionaries(st.integers(0, 59), st.floats(1, 60), max_size=59),
    st.randoms(use_true_random=False),
)
def test_every_living_camera_is_seen_within_the_promised_time_whatever_is_urgent(count, tiles, slack, urgent, chance):
    dwell = 10.0
    sweep = -(-count // tiles) * dwell
    plan = RoundPlan(name="r", tiles=tiles, dwell_seconds=dwell, coverage_hours=sweep * 1.1 * slack / 3600)
    cameras = cams(count)
    start = 1_000_000_000

    def each(number, cameras, now):
        for place, weight in urgent.items():  # storms wander
            if place < count:
                cameras.weight[place] = weight if chance.random() < 0.7 else 1

    promised = plan.coverage_hours * HOUR
    turns = int(promised / (dwell * 1000)) * 3 + 3
    told = run(plan, cameras, turns, start, each=each)
    end = start + turns * int(dwell * 1000)
    worst = max(max(gaps(told, subject, start, end)) for subject in cameras.subjects)
    # whole turns: a promise that ends in the middle of a dwell is kept by the turn's end
    assert worst <= promised + 2 * dwell * 1000


def test_dead_cameras_are_never_shown_and_come_back_when_they_live():
    cameras = cams(50)
    cameras.alive[10:20] = False

    def each(number, cameras, now):
        if number == 100:
            cameras.alive[10:20] = True

    told = run(RoundPlan(name="r", tiles=5), cameras, 120, each=each)
    dead = {f"channel/f/{number}" for number in range(10, 20)}
    assert not dead & {channel for _, shown in told[:100] for channel in shown}
    assert dead <= {channel for _, shown in told[101:] for channel in shown}


def test_one_that_dies_before_its_turn_is_replaced_before_it_comes():
    plan, cameras, state = RoundPlan(name="r", tiles=2), cams(30), Round()
    advance(state, plan, cameras, 0)
    doomed = state.next[0].channel
    cameras.alive[cameras.index[doomed]] = False
    assert advance(state, plan, cameras, 1)
    assert doomed not in [pick.channel for pick in state.next] and len(state.next) == 4
    advance(state, plan, cameras, state.until)
    assert len(state.shown) == 2


def test_fewer_cameras_than_tiles_and_none_at_all():
    for count, tiles in ((3, 9), (1, 1), (0, 4)):
        told = run(RoundPlan(name="r", tiles=tiles), cams(count), 4)
        assert all(len(shown) == min(count, tiles) for _, shown in told)


def test_a_hold_stays_until_released_or_forgotten():
    plan, cameras, state = RoundPlan(name="r", hold_minutes=10), cams(9), Round()
    advance(state, plan, cameras, 0)
    first = state.shown
    hold(state, plan, "li", 5_000)
    assert not advance(state, plan, cameras, 500_000) and state.shown == first
    release(state, plan, 500_000)
    assert not advance(state, plan, cameras, 509_999)
    assert advance(state, plan, cameras, 510_000) and state.shown != first
    hold(state, plan, "li", 511_000)
    held = state.shown
    assert not advance(state, plan, cameras, 511_000 + 599_999)
    assert advance(state, plan, cameras, 511_000 + 600_000) and state.shown != held and not state.held


def test_a_written_order_is_kept():
    names = tuple(f"channel/f/{number}" for number in (5, 2, 9, 4))
    plan = checked({"name": "r", "order": "list", "select": {"channels": names}})
    told = run(plan, Candidates(list(names)), 9)
    assert [shown[0] for _, shown in told] == [names[k % 4] for k in range(9)]


def test_a_promise_that_cannot_be_kept_is_known():
    plan = RoundPlan(name="r", tiles=4, dwell_seconds=10, coverage_hours=1)
    assert plan.coverage_share(1_000) < 1 < plan.coverage_share(1_400)


@pytest.mark.parametrize(
    ("data", "names"),
    [
        ({}, "name"), ({"name": "a b"}, "name"), ({"name": "r", "tiles": 0}, "tiles"), ({"name": "r", "tiles": "x"}, "tiles"),
        ({"name": "r", "dwell_seconds": 1}, "dwell"), ({"name": "r", "order": "up"}, "order"), ({"name": "r", "order": "list"}, "channels"),
        ({"name": "r", "weights": {"mood": 1}}, "weights"), ({"name": "r", "select": {"town": ["x"]}}, "town"), ([], "object"),
        # JSON has no such number: kept as null, it would keep the process from starting
        ({"name": "r", "urgent_minutes": "nan"}, "urgent"), ({"name": "r", "urgent_minutes": "inf"}, "urgent"),
        ({"name": "r", "label": {"l" * 65: "x"}}, "label"),
    ],
)  # fmt: skip
def test_a_bad_plan_is_refused_and_says_where(data, names):
    with pytest.raises(Refused, match=names):
        checked(data)
