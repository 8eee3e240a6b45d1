"""Working time laid out on the time line: which instants are working time, and how much of it lies before each.

Made per calendar year and joined, so that any moment is found by bisection. Two measures run through the same spans:
*hours*, the true length, and *days*, in which every working date is worth exactly one day, whatever its hours: a day is
`DAY_MS` of it, spread evenly over that date's windows.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from datetime import date, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from dispatch.clocks.dates import Dates

DAY_MS = 86_400_000


class Span(NamedTuple):
    """Working time from `start` to `end` (ms); `worth` is its share of its date's `DAY_MS`; `last` closes the date."""

    start: int
    end: int
    worth: int
    last: bool


class Line(NamedTuple):
    """All spans of some years, in order. `hours[i]`, `days[i]`: measure before span i; one element more than spans."""

    first_year: int
    last_year: int
    spans: tuple[Span, ...]
    starts: list[int]
    ends: list[int]
    hours: list[int]
    days: list[int]

    def position(self, moment: int, in_days: bool) -> int:
        """Measure of working time before `moment`, from the beginning of the line."""
        index = bisect_right(self.starts, moment) - 1
        if index < 0:
            return 0
        span = self.spans[index]
        inside = min(moment, span.end) - span.start
        return self.days[index] + inside * span.worth // (span.end - span.start) if in_days else self.hours[index] + inside

    def moment(self, position: int, in_days: bool) -> int | None:
        """The earliest moment at which the measure has reached `position`; None: not on this line."""
        marks = self.days if in_days else self.hours
        index = bisect_left(marks, position) - 1
        if index < 0 or index >= len(self.spans):
            return None
        span = self.spans[index]
        rest = position - marks[index]
        return span.start + (-(-rest * (span.end - span.start) // span.worth) if in_days else rest)

    def is_open(self, moment: int) -> bool:
        index = bisect_right(self.starts, moment) - 1
        return index >= 0 and moment < self.spans[index].end

    def close(self, moment: int) -> int:
        """The end of business of the working date `moment` falls in (its own last end counts as in it)."""
        index = bisect_left(self.ends, moment)
        while index < len(self.spans) - 1 and not self.spans[index].last:
            index += 1
        return max(moment, self.spans[index].end) if index < len(self.spans) else moment


def line(first_year: int, last_year: int, years: dict[int, list[Span]]) -> Line:
    """Joins the spans of consecutive years."""
    spans = tuple(span for year in range(first_year, last_year + 1) for span in years[year])
    hours, days = [0], [0]
    for span in spans:
        hours.append(hours[-1] + span.end - span.start)
        days.append(days[-1] + span.worth)
    return Line(first_year, last_year, spans, [span.start for span in spans], [span.end for span in spans], hours, days)


def of_year(year: int, dates: Dates, zone: ZoneInfo) -> list[Span]:
    """The spans that begin in a year. A night shift may end in the next; what two days' windows share counts once."""
    found: list[Span] = []
    day = date(year, 1, 1)
    busy = _end_of(day - timedelta(days=1), dates, zone)
    while day.year == year:
        made: list[tuple[int, int]] = []
        for first, last in dates.windows(day):
            start, end = max(busy, instant(day, first, zone)), instant(day, last, zone)
            if end > start:
                made.append((start, end))
                busy = end
        found.extend(_worth(made))
        day += timedelta(days=1)
    return found


def _end_of(day: date, dates: Dates, zone: ZoneInfo) -> int:
    return max((instant(day, last, zone) for _, last in dates.windows(day)), default=0)


def _worth(made: list[tuple[int, int]]) -> list[Span]:
    """One date's windows with their shares of a day; the shares add up to it exactly."""
    total, passed, spans = sum(end - start for start, end in made), 0, []
    for index, (start, end) in enumerate(made):
        worth = DAY_MS * (passed + end - start) // total - DAY_MS * passed // total
        spans.append(Span(start, end, worth, index == len(made) - 1))
        passed += end - start
    return spans


def instant(day: date, minutes: int, zone: ZoneInfo) -> int:
    """Ms since the epoch of a local time, `minutes` from midnight (over 1440: tomorrow). In an hour that comes twice the first
    counts; one that does not come is the same time counted on in the old offset."""
    wall = datetime(day.year, day.month, day.day, tzinfo=zone) + timedelta(minutes=minutes)
    return int(wall.timestamp()) * 1000
