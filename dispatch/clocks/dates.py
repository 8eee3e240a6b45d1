"""Which hours of which date are working time: the city's week, its holidays and its swapped workdays 调休, from a file.

The table is what `calendar-cn.toml` holds and `[dispatch.calendar]` may override:
`hours` the windows of a working day, `week` windows of single weekdays (`sat = []`), `years` one table per year with
`year`, `status` (official | provisional), `source`, `holidays` (dates or `first..last`), `workdays` (dates, or
`{date, hours}`). A window that ends before it begins (`22:00-06:00`) is a night shift and belongs to the day it begins.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from typing import Any

import msgspec

from hall.core.errors import ConfigError

#: weekday names of the table, Monday first
WEEK = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
MINUTES = 24 * 60
Windows = tuple[tuple[int, int], ...]  # minutes from local midnight, end exclusive; an end above 1440 is tomorrow's

_WINDOW = re.compile(r"(\d{1,2}):(\d{2})\s*[-–—~至]\s*(\d{1,2}):(\d{2})")


class Year(msgspec.Struct, frozen=True, kw_only=True):
    """One year's exceptions. `status`: official (as announced), provisional (not announced yet)."""

    year: int
    status: str
    source: str
    holidays: frozenset[date]
    workdays: dict[date, Windows | None]  # None: the city's usual hours


class Dates:
    """Working windows by date; knows which years its file speaks of."""

    def __init__(self, week: tuple[Windows, ...], usual: Windows, years: Iterable[Year]) -> None:
        self._week, self._usual = week, usual
        self.years = {year.year: year for year in years}

    def windows(self, day: date) -> Windows:
        """The working windows that begin on `day`, in order; empty on a day off."""
        year = self.years.get(day.year)
        if year is not None:
            if day in year.workdays:
                return year.workdays[day] or self._usual
            if day in year.holidays:
                return ()
        return self._week[day.weekday()]

    def is_holiday(self, day: date) -> bool:
        """Whether the file names `day` as a day off (an ordinary weekend is none)."""
        year = self.years.get(day.year)
        return year is not None and day in year.holidays and day not in year.workdays


def read(table: Mapping[str, Any]) -> Dates:
    """Compiles a calendar table; raises ConfigError that names the key."""
    usual = _windows(table.get("hours", []), "hours")
    week = [usual] * 5 + [()] * 2
    for name, hours in _mapping(table.get("week", {}), "week").items():
        if name not in WEEK:
            raise _wrong(f"week.{name}", f"write one of {', '.join(WEEK)}")
        week[WEEK.index(name)] = _windows(hours, f"week.{name}")
    if not any(week):
        raise _wrong("hours", "no day of the week has working hours")
    rows = table.get("years", [])
    if not isinstance(rows, list):
        raise _wrong("years", "write [[years]], one table each")
    usual = usual or next(windows for windows in week if windows)
    years = [_year(row, f"years[{index}]") for index, row in enumerate(rows)]
    for index, year in enumerate(years):
        if year.year in {earlier.year for earlier in years[:index]}:
            raise _wrong(f"years[{index}].year", f"{year.year} is there twice")
    return Dates(tuple(week), usual, years)


def _year(row: Any, key: str) -> Year:
    row = _mapping(row, key)
    number, status = row.get("year"), row.get("status", "")
    if not isinstance(number, int) or isinstance(number, bool):
        raise _wrong(f"{key}.year", "a year, 2026")
    if status not in ("official", "provisional"):
        raise _wrong(f"{key}.status", "official (as announced) or provisional (not announced yet)")
    holidays: set[date] = set()
    for item in _flat(row.get("holidays", []), f"{key}.holidays"):
        holidays.update(_days(item, f"{key}.holidays"))
    workdays: dict[date, Windows | None] = {}
    for item in row.get("workdays", []):
        own = item if isinstance(item, dict) else {"date": item}
        hours = _windows(own["hours"], f"{key}.workdays") if "hours" in own else None
        for day in _days(own.get("date"), f"{key}.workdays"):
            workdays[day] = hours
    for day in [*holidays, *workdays]:
        if day.year != number:
            raise _wrong(key, f"{day} is not in {number}; put it under its own year")
    both = sorted(holidays & set(workdays))
    if both:
        raise _wrong(key, f"{both[0]} is both a holiday and a workday")
    return Year(year=number, status=status, source=str(row.get("source", "")), holidays=frozenset(holidays), workdays=workdays)


def _flat(items: Any, key: str) -> list[Any]:
    """Holidays as a list of days, or as `{name = days}` for those who like names beside them."""
    if isinstance(items, dict):
        return [part for item in items.values() for part in (item if isinstance(item, list) else [item])]
    if not isinstance(items, list):
        raise _wrong(key, "a list of dates, or names with dates")
    return items


def _days(item: Any, key: str) -> list[date]:
    """`2026-02-15`, `2026-02-15..2026-02-23` or a TOML date."""
    if isinstance(item, date):
        return [item]
    try:
        first, _, last = str(item).partition("..")
        start = date.fromisoformat(first.strip())
        end = date.fromisoformat(last.strip()) if last else start
    except ValueError:
        raise _wrong(key, f"{item!r}: write 2026-02-15 or 2026-02-15..2026-02-23") from None
    if not 0 <= (end - start).days < 60:
        raise _wrong(key, f"{item!r} ends before it begins, or lasts two months")
    return [start + timedelta(days=step) for step in range((end - start).days + 1)]


def _windows(items: Any, key: str) -> Windows:
    if not isinstance(items, list):
        raise _wrong(key, 'a list of windows, ["08:00-12:00", "14:00-18:00"]')
    found = []
    for item in items:
        match = _WINDOW.fullmatch(str(item).strip())
        if match is None:
            raise _wrong(key, f"{item!r}: write 08:00-12:00")
        hour, minute, end_hour, end_minute = map(int, match.groups())
        start, end = hour * 60 + minute, end_hour * 60 + end_minute
        if minute > 59 or end_minute > 59 or start >= MINUTES or end > MINUTES or start == end:
            raise _wrong(key, f"{item!r} is no window of a day")
        found.append((start, end if end > start else end + MINUTES))
    found.sort()
    for (_, end), (start, _) in zip(found, found[1:], strict=False):
        if start < end:
            raise _wrong(key, "windows overlap")
    if found and found[-1][1] - MINUTES > found[0][0]:
        raise _wrong(key, "the night shift runs into the next day's first window")
    return tuple(found)


def _mapping(value: Any, key: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise _wrong(key, "a table is expected")
    return value


def _wrong(key: str, problem: str) -> ConfigError:
    return ConfigError(problem, file="", key=f"dispatch.calendar.{key}")
