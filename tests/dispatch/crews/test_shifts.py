"""Who is on duty, against a list of the days written out by hand."""

import datetime
from zoneinfo import ZoneInfo

import pytest

from dispatch.crews.model import Shift
from dispatch.crews.shifts import check, on_duty

ZONE = "Asia/Shanghai"


def at(text, zone=ZONE):
    return round(datetime.datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp() * 1000)


def on(shift, text, zone=ZONE):
    found = on_duty([shift], at(text, zone), zone)
    return found and found.start


def test_weekdays_by_day():
    shift = Shift(start="08:00", end="18:00", days=[1, 2, 3, 4, 5])
    assert on(shift, "2026-07-20T08:00") == at("2026-07-20T08:00")  # a Monday
    assert on(shift, "2026-07-20T07:59") is None and on(shift, "2026-07-20T18:00") is None
    assert on(shift, "2026-07-19T12:00") is None  # a Sunday


def test_a_night_belongs_to_the_day_it_begins():
    shift = Shift(start="20:00", end="08:00", days=[7])
    assert on(shift, "2026-07-20T07:59") == at("2026-07-19T20:00")
    assert on(shift, "2026-07-20T21:00") is None


def test_one_day_on_two_off():
    shift = Shift(start="08:00", end="08:00", every=3, since="2026-07-01")
    days = [d for d in range(1, 10) if on(shift, f"2026-07-0{d}T12:00")]
    assert days == [1, 4, 7] and on(shift, "2026-07-02T07:00") == at("2026-07-01T08:00")
    assert on(shift, "2026-06-28T12:00") is None


def test_dates_alone_days_off_and_bounds():
    assert on(Shift(dates=["2026-07-20"]), "2026-07-20T12:00") and not on(Shift(dates=["2026-07-20"]), "2026-07-21T12:00")
    weekly = Shift(days=[1], off=["2026-07-20"], dates=["2026-07-22"], until="2026-07-27")
    assert not on(weekly, "2026-07-20T12:00") and on(weekly, "2026-07-22T12:00") and on(weekly, "2026-07-27T12:00")
    assert not on(weekly, "2026-08-03T12:00")


def test_the_night_of_the_clock_change_is_an_hour_longer():
    shift = Shift(start="20:00", end="08:00")
    found = on_duty([shift], at("2026-11-01T03:00", "America/New_York"), "America/New_York")
    assert found.end - found.start == 13 * 3_600_000


@pytest.mark.parametrize(
    "shift",
    [Shift(start="8"), Shift(end="25:00"), Shift(days=[0]), Shift(every=2), Shift(dates=["20260732"]), Shift(since="x")],
)
def test_a_shift_that_cannot_be_read_is_refused(shift):
    with pytest.raises(ValueError):
        check(shift)
