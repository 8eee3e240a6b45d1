"""The oracle: working time counted minute by minute, by the local clock on the wall; knows nothing of the code under test."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

MINUTE = 60_000

#: 国务院办公厅关于2026年部分节假日安排的通知, typed off the notice: days off, and weekend days worked
OFF_2026 = {
    *((1, day) for day in (1, 2, 3)),
    *((2, day) for day in range(15, 24)),
    *((4, day) for day in (4, 5, 6)),
    *((5, day) for day in (1, 2, 3, 4, 5)),
    *((6, day) for day in (19, 20, 21)),
    *((9, day) for day in (25, 26, 27)),
    *((10, day) for day in range(1, 8)),
}
WORKED_2026 = {(1, 4), (2, 14), (2, 28), (5, 9), (9, 20), (10, 10)}


def works_2026(day: date) -> bool:
    if day.year == 2026 and (day.month, day.day) in WORKED_2026:
        return True
    return day.weekday() < 5 and not (day.year == 2026 and (day.month, day.day) in OFF_2026)


def weekdays(day: date) -> bool:
    return day.weekday() < 5


class Counted:
    """All working minutes of a stretch of dates. `windows` in minutes of the local day; an end over 1440 is tomorrow's."""

    def __init__(self, zone: str, first: date, last: date, works, windows=((480, 720), (840, 1080))) -> None:
        self.zone = ZoneInfo(zone)
        self.first = int(datetime(first.year, first.month, first.day, tzinfo=self.zone).timestamp()) * 1000
        self.last = int(datetime(last.year, last.month, last.day, tzinfo=self.zone).timestamp()) * 1000
        self.minutes = []
        for moment in range(self.first, self.last, MINUTE):
            local = datetime.fromtimestamp(moment / 1000, UTC).astimezone(self.zone)
            at, day = local.hour * 60 + local.minute, local.date()
            today = works(day) and any(start <= at < end for start, end in windows)
            night = works(day - timedelta(days=1)) and any(start <= at + 1440 < end for start, end in windows)
            if today or night:
                self.minutes.append(moment)

    def between(self, first: int, last: int) -> int:
        """Working ms between two whole minutes."""
        return (bisect_left(self.minutes, last) - bisect_left(self.minutes, first)) * MINUTE

    def add(self, start: int, minutes: int) -> int | None:
        """The end of the n-th working minute from `start`; None: beyond what was counted."""
        index = bisect_left(self.minutes, start) + minutes - 1
        return self.minutes[index] + MINUTE if index < len(self.minutes) else None

    def is_open(self, moment: int) -> bool:
        index = bisect_right(self.minutes, moment) - 1
        return index >= 0 and moment < self.minutes[index] + MINUTE


def at(zone: str, *wall: int) -> int:
    return int(datetime(*wall, tzinfo=ZoneInfo(zone)).timestamp() * 1000)


def shown(zone: str, moment: int) -> str:
    return datetime.fromtimestamp(moment / 1000, ZoneInfo(zone)).strftime("%Y-%m-%d %H:%M")
