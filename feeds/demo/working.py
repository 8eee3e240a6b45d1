"""Deadlines in working time: 08-12 and 14-18 local on weekdays; urgent limits never stop (DOMAIN 1.4)."""

from __future__ import annotations

import datetime

DAY, HOUR = 86_400_000, 3_600_000
ZONE = 8 * HOUR  # Asia/Shanghai has had one offset since 1991
_SHIFTS = ((8 * HOUR, 12 * HOUR), (14 * HOUR, 18 * HOUR))
_SERVICE = ((13 * HOUR // 2, 43 * HOUR // 2),)


def local_day(time: int) -> int:
    """Number of the local calendar day since 1970-01-01."""
    return (time + ZONE) // DAY


def day_start(day: int) -> int:
    return day * DAY - ZONE


def case_date(time: int) -> str:
    """yyyymmdd of the local day, first part of a 任务号."""
    return (datetime.date(1970, 1, 1) + datetime.timedelta(days=local_day(time))).strftime("%Y%m%d")


def is_workday(day: int) -> bool:
    return (day + 3) % 7 < 5  # 1970-01-01 was a Thursday; 0 = Monday


def add_working(time: int, span: float) -> int:
    """The moment `span` ms of working time after `time`: what deadlines are counted in."""
    return _add(time, span, _SHIFTS, False)


def add_service(time: int, span: float) -> int:
    """The moment `span` ms of service time after `time`: crews and patrols are out 06:30-21:30 every day."""
    return _add(time, span, _SERVICE, True)


def _add(time: int, span: float, shifts: tuple[tuple[int, int], ...], every_day: bool) -> int:
    left = span
    day = local_day(time)
    while True:
        for opens, closes in shifts if every_day or is_workday(day) else ():
            begin = max(time, day_start(day) + opens)
            end = day_start(day) + closes
            if begin < end:
                if left <= end - begin:
                    return int(begin + left)
                left -= end - begin
        day += 1


def deadline(time: int, hours: float, mode: str) -> int:
    """When work ordered at `time` is due: mode "urgent" (clock never stops), "work" (hours), "days" (8 h each)."""
    if mode == "urgent":
        return int(time + hours * HOUR)
    return add_working(time, hours * HOUR * (8 if mode == "days" else 1))
