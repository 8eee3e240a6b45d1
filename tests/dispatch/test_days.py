"""Local days against the standard library's own date arithmetic, on days with a change of the clock too."""

import datetime
import zoneinfo

import pytest

from dispatch.days import HOUR, day_of, hour_of

NEW_YORK = zoneinfo.ZoneInfo("America/New_York")


def _ms(*parts, zone=NEW_YORK, fold=0):
    return int(datetime.datetime(*parts, tzinfo=zone, fold=fold).timestamp() * 1000)


@pytest.mark.parametrize(("date", "hours"), [((2011, 3, 13), 23), ((2011, 8, 28), 24), ((2011, 11, 6), 25)])
def test_a_day_lasts_from_midnight_to_midnight_whatever_its_length(date, hours):
    for moment in (_ms(*date), _ms(*date, 12), _ms(*date, 23, 59, 59)):
        day = day_of(moment, NEW_YORK)
        assert (day.start, day.end) == (_ms(*date), _ms(*date) + hours * HOUR)
    assert day_of(_ms(*date) - 1, NEW_YORK).end == _ms(*date)


def test_the_reference_is_the_same_weekday_a_week_before_also_across_a_change_of_the_clock():
    day = day_of(_ms(2011, 11, 9, 8), NEW_YORK)
    assert day.reference_date == "2011-11-02"
    assert (day.reference_start, day.reference_end) == (_ms(2011, 11, 2), _ms(2011, 11, 3))


def test_the_twenty_fifth_hour_counts_in_the_last_bucket():
    start = _ms(2011, 11, 6)
    assert hour_of(_ms(2011, 11, 6, 1, 30, fold=1), start) == 2
    assert hour_of(_ms(2011, 11, 6, 23, 30), start) == 23
