"""Ended cases leave the board once, when their time has come, and not when they were opened again."""

from hypothesis import given
from hypothesis import strategies as st

from dispatch.retirement import Retirements

told = st.lists(st.tuples(st.sampled_from("abc"), st.none() | st.integers(0, 50), st.integers(0, 9)), max_size=20)


@given(told, st.lists(st.integers(0, 30), max_size=5))
def test_a_case_leaves_exactly_when_a_plain_scan_says(versions, steps):
    retirements, waiting, now = Retirements(keep=10), {}, 0
    for subject, ended_at, time in versions:
        retirements.put(subject, ended_at, time)
        waiting.pop(subject, None)
        if ended_at is not None:
            waiting[subject] = (ended_at + 10, time)
    for step in steps:
        now += step
        expected = {(subject, time) for subject, (leaves, time) in waiting.items() if leaves <= now}
        waiting = {subject: kept for subject, kept in waiting.items() if kept[0] > now}
        assert sorted(retirements.due(now)) == sorted(expected)
