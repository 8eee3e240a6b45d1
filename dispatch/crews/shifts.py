"""Who is on duty when: weekly patterns, dates and rotations in city local time. Pure."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from typing import NamedTuple
from zoneinfo import ZoneInfo

from dispatch.crews.model import Shift

_DAY = datetime.timedelta(days=1)


class OnDuty(NamedTuple):
    """The shift a crew is in now: its begin and end in ms."""

    start: int
    end: int
    name: str


def check(shift: Shift) -> None:
    """Raises ValueError for a shift that cannot be read."""
    for text in (shift.start, shift.end):
        _minutes(text)
    for text in (*shift.dates, *shift.off, *filter(None, (shift.since, shift.until))):
        datetime.date.fromisoformat(text)
    if not all(1 <= day <= 7 for day in shift.days):
        raise ValueError(f"days are 1 (Monday) to 7: {shift.days}")
    if shift.every and not shift.since:
        raise ValueError("every needs since, the day its count begins")
    if shift.every < 0:
        raise ValueError("every: 0 or more days")


def begins_on(shift: Shift, day: datetime.date) -> bool:
    """Whether the shift begins on that day."""
    text = day.isoformat()
    if text in shift.off:
        return False
    if text in shift.dates:
        return True
    if (shift.since and text < shift.since) or (shift.until and text > shift.until):
        return False
    if shift.dates and not shift.days and not shift.every:
        return False  # only the dates named
    if shift.days and day.isoweekday() not in shift.days:
        return False
    return not shift.every or (day - datetime.date.fromisoformat(shift.since)).days % shift.every == 0


def on_duty(shifts: Sequence[Shift], now: int, zone: str) -> OnDuty | None:
    """The shift that holds at `now` (ms); None when off duty. The latest begun of several. Local clock changes are kept:
    a shift from 20:00 to 08:00 is an hour shorter or longer on the night the clock is changed."""
    tz = ZoneInfo(zone)
    today = datetime.datetime.fromtimestamp(now / 1000, tz).date()
    found: OnDuty | None = None
    for shift in shifts:
        for day in (today, today - _DAY):
            if not begins_on(shift, day):
                continue
            start, end = _span(shift, day, tz)
            if start <= now < end and (found is None or start > found.start):
                found = OnDuty(start, end, shift.name)
    return found


def _span(shift: Shift, day: datetime.date, tz: ZoneInfo) -> tuple[int, int]:
    first, last = _minutes(shift.start), _minutes(shift.end)
    end_day = day if last > first else day + _DAY
    return _ms(day, first, tz), _ms(end_day, last, tz)


def _ms(day: datetime.date, minutes: int, tz: ZoneInfo) -> int:
    if minutes == 24 * 60:
        day, minutes = day + _DAY, 0
    moment = datetime.datetime.combine(day, datetime.time(minutes // 60, minutes % 60), tz)
    return round(moment.timestamp() * 1000)


def _minutes(text: str) -> int:
    hours, _, minutes = text.partition(":")
    if not (hours.isdigit() and minutes.isdigit() and int(minutes) < 60 and int(hours) * 60 + int(minutes) <= 24 * 60):
        raise ValueError(f"not a time of day: {text!r}")
    return int(hours) * 60 + int(minutes)
