"""The working calendar against minute-by-minute counting, and against what the notices and the wall clock say."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dispatch.clocks.calendar import DAY_MS, HOUR_MS, KINDS, Calendar, length
from hall.core.errors import ConfigError

from .counting import MINUTE, Counted, at, shown, weekdays, works_2026

CN, US = "Asia/Shanghai", "America/New_York"
NIGHT = [[22 * 60, 30 * 60]]


@cache
def china() -> Calendar:
    return Calendar.from_table({}, CN)


@cache
def china_by_the_close() -> Calendar:
    return Calendar.from_table({"working_day": "end-of-day"}, CN)


@cache
def boston() -> Calendar:
    return Calendar.from_table({"file": "", "hours": ["22:00-06:00"]}, US)


@cache
def counted(which: str) -> tuple[Calendar, Counted]:
    """A calendar and the same stretch of time counted."""
    stretches = {
        "spring festival": (CN, date(2026, 2, 1), date(2026, 3, 20), works_2026, ((480, 720), (840, 1080))),
        "national day": (CN, date(2026, 9, 14), date(2026, 10, 25), works_2026, ((480, 720), (840, 1080))),
        "leap day": (CN, date(2028, 2, 20), date(2028, 3, 20), weekdays, ((480, 720), (840, 1080))),
        "clocks go forward": (US, date(2011, 3, 1), date(2011, 3, 31), weekdays, ((1320, 1800),)),
        "clocks go back": (US, date(2011, 10, 25), date(2011, 11, 25), weekdays, ((1320, 1800),)),
    }
    zone, first, last, works, windows = stretches[which]
    return (china() if zone == CN else boston()), Counted(zone, first, last, works, windows)


STRETCHES = ["spring festival", "national day", "leap day", "clocks go forward", "clocks go back"]


@pytest.mark.parametrize("which", STRETCHES)
@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_working_hours_are_the_minutes_counted_on_the_wall(which, data):
    calendar, oracle = counted(which)
    total = (oracle.last - oracle.first) // MINUTE
    start = oracle.first + data.draw(st.integers(0, total - 1)) * MINUTE
    end = oracle.first + data.draw(st.integers(0, total - 1)) * MINUTE
    assert calendar.is_open(start, "working_hour") == oracle.is_open(start)
    assert calendar.between(min(start, end), max(start, end), "working_hour") == oracle.between(
        min(start, end), max(start, end)
    )
    minutes = data.draw(st.integers(1, 3000))
    due = oracle.add(start, minutes)
    if due is not None:
        assert calendar.add(start, minutes / 60, "working_hour") == due


@pytest.mark.parametrize("which", ["spring festival", "national day", "leap day"])
@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_a_working_day_is_eight_counted_hours_where_every_day_has_eight(which, data):
    calendar, oracle = counted(which)
    total = (oracle.last - oracle.first) // MINUTE
    start = oracle.first + data.draw(st.integers(0, total - 1)) * MINUTE
    days = data.draw(st.integers(1, 8))
    due = oracle.add(start, days * 480)
    if due is not None:
        assert calendar.add(start, days, "working_day") == due
        assert calendar.between(start, due, "working_day") == days * DAY_MS


@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_same_time_means_the_same_time_so_many_working_dates_later(data):
    day = date(2026, 1, 5) + timedelta(days=data.draw(st.integers(0, 340)))
    hour, minute = data.draw(st.sampled_from([9, 10, 11, 15, 16, 17])), data.draw(st.integers(0, 59))
    days = data.draw(st.integers(1, 4))
    if not works_2026(day):
        return
    later = day
    for _ in range(days):
        later += timedelta(days=1)
        while not works_2026(later):
            later += timedelta(days=1)
    start = at(CN, day.year, day.month, day.day, hour, minute)
    if later.year == 2026:
        assert china().add(start, days, "working_day") == at(CN, later.year, later.month, later.day, hour, minute)


@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_end_of_day_means_the_close_of_business_and_the_first_day_does_not_count(data):
    day = date(2026, 1, 5) + timedelta(days=data.draw(st.integers(0, 330)))
    hour, minute, days = data.draw(st.integers(0, 23)), data.draw(st.integers(0, 59)), data.draw(st.integers(1, 6))
    later = day
    for _ in range(days):
        later += timedelta(days=1)
        while not works_2026(later):
            later += timedelta(days=1)
    start = at(CN, day.year, day.month, day.day, hour, minute)
    if later.year == 2026:
        assert china_by_the_close().add(start, days, "working_day") == at(CN, later.year, later.month, later.day, 18, 0)


@pytest.mark.parametrize("zone", [CN, US, "Europe/London", "Australia/Lord_Howe"])
@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_a_natural_day_ends_at_the_same_local_time(zone, data):
    calendar = Calendar.from_table({"file": "", "hours": ["09:00-17:00"]}, zone)
    naive = datetime(2026, 1, 1) + timedelta(minutes=data.draw(st.integers(0, 525_000)))  # noqa: DTZ001 a wall clock
    days = data.draw(st.integers(1, 40))
    start, target = naive.replace(tzinfo=ZoneInfo(zone)), (naive + timedelta(days=days)).replace(tzinfo=ZoneInfo(zone))
    plain = [one.replace(fold=1).utcoffset() == one.utcoffset() for one in (start, target)]
    due = calendar.add(int(start.timestamp()) * 1000, days, "natural_day")
    if all(plain):  # neither time is skipped or comes twice that day
        assert due == int(target.timestamp()) * 1000
    assert abs(due - int(start.timestamp()) * 1000 - days * DAY_MS) <= 3 * HOUR_MS


def test_a_natural_day_over_a_skipped_hour_ends_when_the_clock_has_passed_it():
    start = at(US, 2011, 3, 12, 2, 30)
    assert shown(US, boston().add(start, 1, "natural_day")) == "2011-03-13 03:00"


@settings(max_examples=300, deadline=None)
@given(
    start=st.integers(at(US, 2011, 1, 1), at(US, 2011, 12, 31)),
    first=st.integers(0, 40 * DAY_MS),
    second=st.integers(0, 40 * DAY_MS),
    kind=st.sampled_from(KINDS),
    zone=st.sampled_from([CN, US]),
)
def test_every_clock_adds_up_and_runs_back_the_way_it_came(start, first, second, kind, zone):
    calendar = boston() if zone == US else china()
    middle, end = start + first, start + first + second
    whole = calendar.between(start, end, kind)
    assert calendar.between(start, middle, kind) + calendar.between(middle, end, kind) == whole
    assert calendar.between(end, start, kind) == -whole
    clock_ms = first // 4
    due = calendar.advance(start, clock_ms, kind)
    assert due >= start
    if clock_ms:
        run = calendar.between(start, due, kind)
        jumped = HOUR_MS if kind == "natural_day" else 2  # the skipped hour; a day's ms shared by its windows
        assert clock_ms <= run <= clock_ms + jumped
        back = calendar.advance(due, -clock_ms, kind)
        assert clock_ms - 2 <= calendar.between(back, due, kind) <= clock_ms + jumped
        if kind == "emergency":
            assert due == start + clock_ms


@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_pauses_move_the_end_by_exactly_the_running_time_they_took(data):
    """A limit paused and resumed ends where the same minutes, counted without the pause, end."""
    calendar, oracle = counted("national day")
    start = oracle.first + data.draw(st.integers(0, 10 * 1440)) * MINUTE
    pause = start + data.draw(st.integers(1, 2 * 1440)) * MINUTE
    resume = pause + data.draw(st.integers(1, 6 * 1440)) * MINUTE
    minutes = data.draw(st.integers(1, 2000))
    used = oracle.between(start, pause) // MINUTE
    if used >= minutes:
        return
    expected = oracle.add(resume, minutes - used)
    due = calendar.add(start, minutes / 60, "working_hour")
    left = calendar.between(pause, due, "working_hour")
    if expected is not None:
        assert calendar.advance(resume, left, "working_hour") == expected


@pytest.mark.parametrize(
    ("start", "amount", "kind", "due"),
    [
        ((2026, 2, 13, 15, 0), 1, "working_day", "2026-02-14 15:00"),  # Saturday worked before the Spring Festival
        ((2026, 2, 14, 15, 0), 1, "working_day", "2026-02-24 15:00"),
        ((2026, 2, 14, 17, 0), 2, "working_hour", "2026-02-24 09:00"),
        ((2026, 2, 14, 17, 0), 2, "emergency", "2026-02-14 19:00"),
        ((2026, 2, 14, 17, 0), 2, "natural_day", "2026-02-16 17:00"),
        ((2026, 9, 28, 10, 0), 5, "working_day", "2026-10-10 10:00"),
        ((2026, 11, 20, 17, 0), 4, "working_hour", "2026-11-23 11:00"),
        ((2026, 11, 20, 11, 0), 4, "working_hour", "2026-11-20 17:00"),  # over the lunch break
        ((2026, 11, 20, 14, 0), 4, "working_hour", "2026-11-20 18:00"),  # due at the close, not at the next opening
        ((2026, 11, 21, 11, 0), 1, "working_day", "2026-11-23 18:00"),  # begun on a day off: the whole next working day
        ((2028, 2, 28, 9, 0), 1, "working_day", "2028-02-29 09:00"),
        ((2026, 11, 20, 9, 0), 0.5, "working_day", "2026-11-20 15:00"),
    ],
)
def test_limits_end_as_a_city_expects(start, amount, kind, due):
    assert shown(CN, china().add(at(CN, *start), amount, kind)) == due


def test_a_short_day_is_one_working_day_all_the_same():
    calendar = Calendar.from_table({"file": "", "hours": ["08:00-16:00"], "week": {"fri": ["08:00-12:00"]}}, CN)
    thursday_noon = at(CN, 2026, 11, 19, 12)
    assert shown(CN, calendar.add(thursday_noon, 1, "working_day")) == "2026-11-20 10:00"
    assert shown(CN, calendar.add(thursday_noon, 1.5, "working_day")) == "2026-11-20 12:00"


def test_a_swapped_workday_may_have_its_own_hours():
    year = {"year": 2026, "status": "official", "workdays": [{"date": "2026-11-21", "hours": ["09:00-11:00"]}]}
    calendar = Calendar.from_table({"file": "", "hours": ["08:00-16:00"], "years": [year]}, CN)
    assert shown(CN, calendar.add(at(CN, 2026, 11, 20, 16), 3, "working_hour")) == "2026-11-23 09:00"


def test_years_the_file_does_not_know_or_only_guesses_are_named():
    found = china().warnings(at(CN, 2026, 6, 1), at(CN, 2028, 6, 1))
    assert [(code, year) for code, year, _ in found] == [("provisional", 2027), ("missing", 2028)]
    assert all(str(year) in text for _, year, text in found)
    assert china().dates.years[2026].status == "official"


def test_the_shipped_2026_is_the_notice_day_by_day():
    for step in range(365):
        day = date(2026, 1, 1) + timedelta(days=step)
        assert bool(china().dates.windows(day)) == works_2026(day), day


def test_the_shipped_2027_has_the_thirteen_days_of_the_law_and_makes_up_for_weekends():
    """13 statutory days; those on a weekend are made up, so thirteen weekdays are off and no weekend is worked."""
    days = [date(2027, 1, 1) + timedelta(days=step) for step in range(365)]
    off = [day for day in days if day.weekday() < 5 and not china().dates.windows(day)]
    assert len(off) == 13
    assert not [day for day in days if day.weekday() >= 5 and china().dates.windows(day)]


def test_a_city_replaces_one_year_and_keeps_the_rest(tmp_path):
    own = {"year": 2027, "status": "official", "source": "the notice", "holidays": ["2027-01-01..2027-01-03"]}
    calendar = Calendar.from_table({"years": [own]}, CN)
    assert [(code, year) for code, year, _ in calendar.warnings(at(CN, 2026, 1, 1), at(CN, 2027, 12, 1))] == []
    assert calendar.dates.windows(date(2027, 2, 8)) and not calendar.dates.windows(date(2026, 2, 16))


@pytest.mark.parametrize(
    ("table", "key"),
    [
        ({"hours": ["08:00-12:00", "11:00-13:00"]}, "hours"),
        ({"hours": ["8 to 12"]}, "hours"),
        ({"hours": []}, "hours"),
        ({"week": {"someday": []}}, "week.someday"),
        ({"working_day": "soon"}, "working_day"),
        ({"colour": 1}, "colour"),
        ({"years": [{"year": 2026, "status": "perhaps"}]}, "years[0].status"),
        ({"years": [{"year": 2026, "status": "official"}, {"year": 2026, "status": "official"}]}, "years[1].year"),
        ({"years": ["2026"]}, "years[0]"),
        ({"years": 2026}, "years"),
        ({"years": [{"year": 2026, "status": "official", "holidays": ["2027-01-01"]}]}, "years[0]"),
        ({"years": [{"year": 2026, "status": "official", "holidays": ["2026-02-30"]}]}, "years[0]"),
        ({"years": [{"year": 2026, "status": "official", "holidays": ["2026-01-02"], "workdays": ["2026-01-02"]}]}, "years[0]"),
    ],
)
def test_a_calendar_that_makes_no_sense_is_refused_by_key(table, key):
    with pytest.raises(ConfigError) as caught:
        Calendar.from_table(table, CN)
    assert caught.value.key.removeprefix("dispatch.calendar.").startswith(key)


def test_a_calendar_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ConfigError, match=r"not-there\.toml"):
        Calendar.from_table({"file": "not-there.toml"}, CN, lambda name: tmp_path / name)


def test_lengths_that_are_none_are_refused():
    for amount, kind in ((-1, "emergency"), (float("nan"), "working_day"), (1, "fortnight")):
        with pytest.raises(ValueError):
            length(amount, kind)
    with pytest.raises(ValueError, match="beyond"):
        china().add(at(CN, 2026, 1, 1), 90_000, "working_day")


def test_a_date_that_a_zone_left_out_ends_no_limit_early():
    """Samoa had no 30 December 2011: a day from the 29th ends when the clock has passed it, at midnight of the 31st."""
    calendar = Calendar.from_table({"file": ""}, "Pacific/Apia")
    due = calendar.add(at("Pacific/Apia", 2011, 12, 29, 10), 1, "natural_day")
    assert shown("Pacific/Apia", due) == "2011-12-31 00:00"
    assert shown("Pacific/Apia", calendar.add(at("Pacific/Apia", 2011, 12, 29, 10), 2, "natural_day")) == "2011-12-31 10:00"
