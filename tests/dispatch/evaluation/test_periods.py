"""Periods of a city's calendar against the standard library's dates."""

from __future__ import annotations

import datetime
import zoneinfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatch.evaluation.periods import CityCalendar

DAYS = st.dates(datetime.date(1990, 1, 1), datetime.date(2090, 12, 31))
ZONES = st.sampled_from(["Asia/Shanghai", "America/New_York", "Australia/Lord_Howe"])


def local(moment: int, zone: str) -> datetime.datetime:
    return datetime.datetime.fromtimestamp(moment / 1000, zoneinfo.ZoneInfo(zone))


@given(DAYS, ZONES, st.sampled_from(["day", "week", "month", "year"]))
def test_a_period_holds_its_date_and_runs_from_midnight_to_midnight(date, zone, kind):
    found = CityCalendar(zone).of(kind, date)
    first, end = local(found.start, zone), local(found.end, zone)
    assert first.date() <= date < end.date()
    assert first.time() == end.time() == datetime.time()
    starts = {
        "day": date,
        "week": date - datetime.timedelta(date.weekday()),
        "month": date.replace(day=1),
        "year": date.replace(month=1, day=1),
    }
    assert first.date() == starts[kind]


@given(DAYS, ZONES, st.sampled_from(["day", "week", "month", "year"]), st.integers(1, 28))
def test_periods_follow_each_other_without_a_gap(date, zone, kind, begins):
    calendar = CityCalendar(zone, begins)
    found = calendar.of(kind, date)
    before = calendar.before(found)
    assert before.end == found.start and before.start < before.end
    again = calendar.before(before)
    assert again.end == before.start


@given(DAYS, ZONES)
def test_a_month_a_year_before_is_that_month(date, zone):
    calendar = CityCalendar(zone)
    earlier = calendar.year_before(calendar.of("month", date))
    assert earlier.start == calendar.of("month", date.replace(year=date.year - 1, day=1)).start
    assert earlier.end == calendar.of("month", date.replace(year=date.year - 1, day=1)).end


@given(DAYS, ZONES)
def test_a_week_a_year_before_begins_on_the_same_weekday(date, zone):
    calendar = CityCalendar(zone)
    earlier = calendar.year_before(calendar.of("week", date))
    assert local(earlier.start, zone).weekday() == 0
    assert local(earlier.start, zone).date() == date - datetime.timedelta(date.weekday() + 364)


def test_a_leap_day_is_compared_with_the_day_before_it():
    calendar = CityCalendar("Asia/Shanghai")
    earlier = calendar.year_before(calendar.of("day", datetime.date(2028, 2, 29)))
    assert local(earlier.start, "Asia/Shanghai").date() == datetime.date(2027, 2, 28)


@pytest.mark.parametrize(
    ("now", "month", "first", "last"),
    [("2026-03-25", "2026-03", "2026-02-26", "2026-03-25"), ("2026-03-26", "2026-04", "2026-03-26", "2026-04-25"),
     ("2026-12-31", "2027-01", "2026-12-26", "2027-01-25")],
)  # fmt: skip
def test_a_working_month_from_the_26th_is_named_after_its_end(now, month, first, last):
    zone, calendar = "Asia/Shanghai", CityCalendar("Asia/Shanghai", 26)
    noon = int(datetime.datetime.fromisoformat(f"{now}T12:00:00+08:00").timestamp() * 1000)
    named = calendar.month_of(noon)
    assert f"{named:%Y-%m}" == month
    found = calendar.of("month", named)
    assert local(found.start, zone).date().isoformat() == first
    assert local(found.end - 1, zone).date().isoformat() == last
