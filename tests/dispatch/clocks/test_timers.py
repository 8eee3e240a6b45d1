"""Timers against a plain dict that is sorted each time."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from dispatch.clocks.timer import Timers

SUBJECTS = [f"file/demo/{number}" for number in range(6)]
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("put"), st.sampled_from(SUBJECTS), st.sampled_from(["near", "due"]), st.none() | st.integers(0, 50)),
        st.tuples(st.just("due"), st.integers(0, 60)),
    ),
    max_size=200,
)


@settings(max_examples=200, deadline=None)
@given(steps=STEPS)
def test_timers_fall_as_a_sorted_dict_says(steps):
    timers, plain = Timers(), {}
    for step in steps:
        if step[0] == "put":
            _, subject, what, due = step
            timers.put(subject, what, due)
            plain[subject, what] = due
            plain = {key: value for key, value in plain.items() if value is not None}
        else:
            expected = sorted((due, *key) for key, due in plain.items() if due <= step[1])
            assert [tuple(fallen) for fallen in timers.due(step[1])] == expected
            plain = {key: due for key, due in plain.items() if due > step[1]}
        assert len(timers) == len(plain)
        assert timers.next() == min(plain.values(), default=None)


def test_ten_thousand_timers_of_one_second_fall_in_one_call_in_order():
    timers = Timers()
    for number in range(10_000):
        timers.put(f"file/demo/{number}", "due", 1_000_000 + number * 7919 % 1000)
    fallen = timers.due(1_001_000)
    assert len({one.subject for one in fallen}) == 10_000
    assert [one.due for one in fallen] == sorted(one.due for one in fallen)
    assert timers.due(2_000_000) == [] and timers.next() is None


def test_a_timer_moved_a_million_times_costs_no_more_memory_than_its_number():
    timers = Timers()
    for number in range(200_000):
        timers.put(f"file/demo/{number % 50}", "due", number)
    assert len(timers) == 50 and len(timers._heap) <= 101
    assert [one.due for one in timers.due(200_000)] == list(range(199_950, 200_000))


def test_a_great_many_may_be_taken_in_portions():
    timers = Timers()
    for number in range(100):
        timers.put(f"file/demo/{number}", "due", number)
    assert [one.due for one in timers.due(1000, most=30)] == list(range(30))
    assert len(timers.due(1000)) == 70


def test_dropped_timers_never_fall():
    timers = Timers()
    timers.put("file/demo/1", "near", 1)
    timers.put("file/demo/1", "due", 2)
    timers.drop("file/demo/1", "near", "due", "stage")
    assert timers.due(10) == []
