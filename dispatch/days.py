"""A city's calendar days: local midnights, daylight saving included. Pure."""

from __future__ import annotations

import datetime
import zoneinfo
from typing import NamedTuple

HOUR = 3_600_000
HOURS = 24


class Day(NamedTuple):
    """One local calendar day and the day it is compared with: the same weekday, one week before. `end` is exclusive."""

    start: int
    end: int
    reference_start: int
    reference_end: int
    reference_date: str


def _midnight(date: datetime.date, zone: zoneinfo.ZoneInfo) -> int:
    return int(datetime.datetime.combine(date, datetime.time(), zone).timestamp() * 1000)


def day_of(now: int, zone: zoneinfo.ZoneInfo) -> Day:
    """The local day that the moment `now` (ms) lies in."""
    date = datetime.datetime.fromtimestamp(now / 1000, zone).date()
    one, week = datetime.timedelta(days=1), datetime.timedelta(days=7)
    before = date - week
    return Day(
        _midnight(date, zone),
        _midnight(date + one, zone),
        _midnight(before, zone),
        _midnight(before + one, zone),
        before.isoformat(),
    )


def hour_of(moment: int, start: int) -> int:
    """Which of the 24 buckets: whole hours since midnight; the 25th hour of a long day counts in the last."""
    return min((moment - start) // HOUR, HOURS - 1)
