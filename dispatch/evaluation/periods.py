"""Periods of a city's own calendar: days, weeks, working months, years; what they are compared with. Pure.

Moments are ms since the epoch; a period holds its first moment and not its last. Local midnights follow daylight saving.
"""

from __future__ import annotations

import datetime
import zoneinfo
from typing import NamedTuple

_DAY = datetime.timedelta(days=1)
KINDS = ("day", "week", "month", "year", "custom")


class Period(NamedTuple):
    """`start` <= moment < `end`."""

    kind: str
    start: int
    end: int


class CityCalendar:
    """`month_begins`: the day on which a working month begins; from the 2nd on the month is named after its end,
    so the month of March that begins on the 26th runs from 26 February to 25 March."""

    def __init__(self, timezone: str, month_begins: int = 1) -> None:
        self.zone, self.month_begins = zoneinfo.ZoneInfo(timezone), month_begins

    def of(self, kind: str, date: datetime.date) -> Period:
        """The day, week (from Monday), working month or year that has `date` in it, or in its name for months and years."""
        first, last = {"day": self._day, "week": self._week, "month": self._month, "year": self._year}[kind](date)
        return Period(kind, self._midnight(first), self._midnight(last))

    def today(self, now: int) -> datetime.date:
        return self._local(now).date()

    def month_of(self, now: int) -> datetime.date:
        """A date in the calendar month that names the working month `now` lies in."""
        today = self.today(now)
        return _months(today.replace(day=1), 1) if self.month_begins > 1 and today.day >= self.month_begins else today

    def before(self, period: Period) -> Period:
        """环比: the one right before it; of a custom period, the same length before it."""
        if period.kind == "custom":
            return Period("custom", period.start - (period.end - period.start), period.start)
        start = self._local(period.start).date()
        if period.kind == "month":
            return Period("month", self._midnight(_months(start, -1)), period.start)
        if period.kind == "year":
            return Period("year", self._midnight(_months(start, -12)), period.start)
        days = 1 if period.kind == "day" else 7
        return Period(period.kind, self._midnight(start - days * _DAY), period.start)

    def year_before(self, period: Period) -> Period:
        """同比: the same dates a year earlier (29 February: the 28th); a week: 52 weeks earlier, so that weekdays match."""
        start, end = (self._local(moment) for moment in (period.start, period.end))
        if period.kind == "week":
            return Period("week", *(self._moment(moment - 364 * _DAY) for moment in (start, end)))
        return Period(period.kind, *(self._moment(_year_earlier(moment)) for moment in (start, end)))

    # -- dates -----------------------------------------------------------------------------------------------------

    def _day(self, date: datetime.date) -> tuple[datetime.date, datetime.date]:
        return date, date + _DAY

    def _week(self, date: datetime.date) -> tuple[datetime.date, datetime.date]:
        monday = date - date.weekday() * _DAY
        return monday, monday + 7 * _DAY

    def _month(self, date: datetime.date) -> tuple[datetime.date, datetime.date]:
        first = date.replace(day=1)
        if self.month_begins == 1:
            return first, _months(first, 1)
        return _months(first, -1).replace(day=self.month_begins), first.replace(day=self.month_begins)

    def _year(self, date: datetime.date) -> tuple[datetime.date, datetime.date]:
        return self._month(date.replace(month=1, day=1))[0], self._month(date.replace(month=12, day=1))[1]

    def _midnight(self, date: datetime.date) -> int:
        return int(datetime.datetime.combine(date, datetime.time(), self.zone).timestamp() * 1000)

    def _local(self, moment: int) -> datetime.datetime:
        return datetime.datetime.fromtimestamp(moment / 1000, self.zone)

    def _moment(self, local: datetime.datetime) -> int:
        return round(local.timestamp() * 1000)


def _months(date: datetime.date, more: int) -> datetime.date:
    """So many months later; `date` must be a day that every month has (1 to 28)."""
    count = date.year * 12 + date.month - 1 + more
    return date.replace(year=count // 12, month=count % 12 + 1)


def _year_earlier(moment: datetime.datetime) -> datetime.datetime:
    day = 28 if (moment.month, moment.day) == (2, 29) else moment.day
    return moment.replace(year=moment.year - 1, day=day)
