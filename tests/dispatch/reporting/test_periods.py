"""Every unit is in exactly one list of every period, whatever comes when; a hall that was down comes to the same."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from dispatch.reporting.model import KEPT, Reporting
from dispatch.reporting.periods import Rhythm, aligned
from tests.dispatch.reporting.world import HALL, HOUR, MINUTE, START, UNITS, started

GRACE = 10 * MINUTE


def told(stream, now, unit, **more):
    return stream.do(now, "report", unit=unit, text="正常", **more)


def expected(reports, end):
    """Written down period by period from the rule in words: a report answers the newest period that is over and has none of
    the unit, else the one under way; after the hour and ten minutes it is late."""
    when: dict[tuple[int, str], int] = {}
    for at, unit in reports:
        under_way = (at - START) // HOUR
        k = under_way - 1 if under_way > 0 and (under_way - 1, unit) not in when else under_way
        when.setdefault((k, unit), at)
    found = []
    k = 0
    while START + (k + 1) * HOUR + GRACE <= end:
        due = START + (k + 1) * HOUR + GRACE
        lists = {"reported": set(), "late": set(), "missing": set()}
        for unit in UNITS:
            at = when.get((k, unit))
            lists["missing" if at is None or at > end else "reported" if at < due else "late"].add(unit)
        found.append(lists)
        k += 1
    return found


def lists_of(state):
    return [{name: set(getattr(period, name)) for name in ("reported", "late", "missing")} for period in state.periods]


STEPS = st.lists(st.tuples(st.integers(0, 150), st.sampled_from([*UNITS, "look", "restart"])), max_size=40)


@settings(max_examples=80, deadline=None)
@given(STEPS)
def test_each_unit_is_reported_late_or_missing_in_every_period_and_in_one_of_them_only(steps):
    stream, now, reports = started(), START, []
    for minutes, what in steps:
        now += minutes * MINUTE
        if what == "look":
            stream.do(now, "roll", HALL)
        elif what == "restart":
            stream.state = msgspec.json.decode(msgspec.json.encode(stream.state), type=Reporting)
        else:
            told(stream, now, what)
            reports.append((now, what))
    stream.do(now, "roll", HALL)
    assert lists_of(stream.state) == expected(reports, now)
    for period in stream.state.periods:
        assert sorted(period.reported + period.late + period.missing) == sorted(UNITS)


@settings(max_examples=25, deadline=None)
@given(STEPS)
def test_a_hall_that_looked_at_every_minute_and_one_that_slept_come_to_the_same(steps):
    awake, asleep, now = started(), started(), START
    for minutes, what in steps:
        for _ in range(minutes):
            now += MINUTE
            awake.do(now, "roll", HALL)
        if what in UNITS:
            told(awake, now, what)
            told(asleep, now, what)
    for stream in (awake, asleep):
        stream.do(now, "roll", HALL)
        stream.state.revision = 0
    assert awake.state == asleep.state


def test_a_leap_of_years_keeps_the_newest_periods_and_counts_the_others():
    stream = started()
    state = stream.do(START + 5 * 365 * 24 * HOUR, "roll", HALL)
    assert len(state.periods) == KEPT and state.periods[-1].missing == UNITS
    assert state.skipped + KEPT == state.closed == 5 * 365 * 24 - 1


def test_periods_begin_at_the_full_hour_of_the_citys_day():
    zone = ZoneInfo("Asia/Shanghai")
    at = lambda text: int(datetime.fromisoformat(text).replace(tzinfo=zone).timestamp() * 1000)  # noqa: E731
    assert aligned(at("2021-07-20T16:37:12"), 60 * MINUTE, zone) == at("2021-07-20T16:00:00")
    assert aligned(at("2021-07-20T16:37:12"), 120 * MINUTE, zone) == at("2021-07-20T16:00:00")
    assert aligned(at("2021-07-20T16:00:00"), 30 * MINUTE, zone) == at("2021-07-20T16:00:00")
    assert aligned(at("2021-07-20T00:10:00"), 24 * 60 * MINUTE, zone) == at("2021-07-20T00:00:00")


def test_reports_are_due_ten_minutes_after_the_hour():
    beat = Rhythm(START, HOUR, GRACE)
    assert (beat.at(START), beat.at(START + HOUR - 1), beat.at(START + HOUR)) == (0, 0, 1)
    assert (beat.closed(START + HOUR + GRACE - 1), beat.closed(START + HOUR + GRACE)) == (0, 1)
