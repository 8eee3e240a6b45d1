"""What is kept for an instant start is bounded by bytes and by time, and never has a hole; times never jump back."""

from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from video.relay.gop import GOP_SECONDS, Budget, Gop
from video.relay.timeline import Timeline


def unit(number, key, size):
    return SimpleNamespace(number=number, key=key, size=size)


@given(
    st.lists(st.tuples(st.integers(0, 2), st.booleans(), st.integers(1, 60), st.floats(0, 5)), max_size=80),
    st.integers(20, 200),
    st.integers(20, 100),
)
@settings(max_examples=150, deadline=None)
def test_what_is_kept_is_whole_and_within_all_bounds(steps, total, each):
    budget = Budget(total, each)
    gops, since, now = [Gop(budget) for _ in range(3)], [[], [], []], 0.0
    for number, (which, key, size, passed) in enumerate(steps):
        now += passed
        gop = gops[which]
        gop.add(unit(number, key, size), now)
        # the oracle: everything since the last key picture, in order
        since[which] = [number] if key else since[which] + [number]
        assert [u.number for u in gop.units] in ([], since[which])
        assert sum(u.size for g in gops for u in g.units) == budget.used <= total
        assert gop.bytes <= each
    for gop in gops:
        gop.forget()
    assert budget.used == 0


def test_a_group_that_lasts_too_long_is_given_up_but_its_key_picture_stays():
    gop = Gop(Budget(10**6, 10**6))
    gop.add(unit(0, True, 10), 0.0)
    gop.add(unit(1, False, 10), GOP_SECONDS - 1)
    assert len(gop.units) == 2
    gop.add(unit(2, False, 10), GOP_SECONDS + 1)
    assert gop.units == [] and gop.key.number == 0
    gop.add(unit(3, False, 10), GOP_SECONDS + 2)
    assert gop.units == []
    gop.add(unit(4, True, 10), GOP_SECONDS + 3)
    assert [u.number for u in gop.units] == [4]


def test_a_steady_source_keeps_its_steps_whatever_its_origin():
    line = Timeline()
    placed = [line.place(2**40 + n * 3600, 5.0 + n * 0.04) for n in range(50)]
    assert [b[0] - a[0] for a, b in zip(placed, placed[1:], strict=False)] == [3600] * 49
    assert [fitted for _, fitted in placed] == [True] + [False] * 49


def test_over_a_reconnect_time_goes_on_by_what_passed():
    line = Timeline()
    last = line.place(1000, 10.0)[0]
    line.restart()
    assert line.place(9_000_000, 15.0)[0] - last == pytest.approx(5 * 90_000, abs=10)


@pytest.mark.parametrize("jump", [-(10**9), 10**9])
def test_a_source_whose_clock_is_set_does_not_take_viewers_along(jump):
    line = Timeline()
    first = line.place(10**10, 1.0)[0]
    second, fitted = line.place(10**10 + jump, 1.04)
    assert fitted and second - first == pytest.approx(3600, abs=5)


def test_a_burst_at_the_start_and_pictures_out_of_order_are_no_jumps():
    line = Timeline()
    placed = [line.place(n * 3600, 1.0) for n in (0, 3, 1, 2, 6, 4, 5, 60)]
    assert [p - placed[0][0] for p, _ in placed] == [n * 3600 for n in (0, 3, 1, 2, 6, 4, 5, 60)]
    assert not any(fitted for _, fitted in placed[1:])
