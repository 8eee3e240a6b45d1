"""What is asked of the evaluation, checked and made definite: which period, which cases, as of when. Pure."""

from __future__ import annotations

import datetime
from typing import Any

import msgspec

from dispatch.evaluation.columns import EXPRESSIONS, Selection, selection
from dispatch.evaluation.kpis import BASES, PARTS, EvaluationTable, Kpi
from dispatch.evaluation.periods import KINDS, CityCalendar, Period
from dispatch.evaluation.store import DIMENSIONS, Scope
from hall.core.errors import Refused

#: periods that rows may stand for
SPANS = ("day", "week", "month")
BY = ("city", *DIMENSIONS, *SPANS)
MOST_SPANS = 400
_FIRST, _LAST = 0, 4_102_444_800_000  # 1970 to 2100: what moments a question may name
_YEARS = range(1971, 2100)


class Question(msgspec.Struct, kw_only=True):
    """`by` one of BY; `period` one of KINDS with `date` in it, or `start` and `end` (ms); `at` ms: as of when."""

    by: str = "unit"
    period: str = ""
    date: str = ""
    to: str = ""  # last day of a custom period that begins on `date`
    start: int | None = None
    end: int | None = None
    basis: str = ""
    at: int | None = None
    kpis: list[str] = []  # empty: all
    filters: dict[str, list[str]] = {}  # dimension -> any of these values
    compare: bool = False


class Figure(msgspec.Struct, kw_only=True):
    """What a list of cases stands behind: a column, or a part of a rate; of one row (`value`) or of all."""

    column: str = ""
    kpi: str = ""
    part: str = "numerator"
    raw: bool = False
    value: str | None = None


class Asked(msgspec.Struct, frozen=True):
    """A definite question."""

    by: str
    period: Period
    scope: Scope
    kpis: list[Kpi]


class Rules:
    """What a question may say in one city. Every method raises Refused 422 with what may be said instead."""

    def __init__(self, table: EvaluationTable, timezone: str) -> None:
        self.table, self.calendar = table, CityCalendar(timezone, table.month_begins)
        self.kpis = {kpi.name: kpi for kpi in table.kpis}

    def definite(self, question: Question, now: int) -> Asked:
        """`now` is city time, ms; a moment after it cannot be asked about."""
        by = _one_of("by", question.by, BY)
        basis = _one_of("basis", question.basis or self.table.basis, BASES)
        period = self.period(question, now)
        at = now if question.at is None else min(_moment("at", question.at), now)
        filters = tuple((DIMENSIONS[_one_of("filter", k, DIMENSIONS)], tuple(v)) for k, v in question.filters.items())
        kpis = [self.kpis[_one_of("kpis", name, self.kpis)] for name in question.kpis] or list(self.kpis.values())
        return Asked(by, period, Scope(basis, period.start, period.end, at, filters), kpis)

    def period(self, question: Question, now: int) -> Period:
        if question.period == "custom" and question.date:
            return self._days(_date(question.date), _date(question.to or question.date))
        if question.start is not None or question.end is not None or question.period == "custom":
            if question.start is None or question.end is None:
                raise Refused("bad-request", "a custom period has both from and until", 422)
            start, end = _moment("from", question.start), _moment("until", question.end)
            if start >= end:
                raise Refused("bad-request", "from lies before until", 422)
            return Period("custom", start, end)
        kind = _one_of("period", question.period or "month", KINDS)
        if question.date:
            return self.calendar.of(kind, _date(question.date))
        named = kind in ("month", "year")
        return self.calendar.of(kind, self.calendar.month_of(now) if named else self.calendar.today(now))

    def _days(self, first: datetime.date, last: datetime.date) -> Period:
        if first > last:
            raise Refused("bad-request", "from lies before until", 422)
        return Period("custom", self.calendar.of("day", first).start, self.calendar.of("day", last).end)

    def spans(self, kind: str, period: Period) -> dict[str, tuple[int, int]]:
        """The days, weeks or months that a period has a part of: name (ISO date, or `2026-11`) -> the part's first and end."""
        found: dict[str, tuple[int, int]] = {}
        moment = period.start
        while moment < period.end:
            date = self.calendar.month_of(moment) if kind == "month" else self.calendar.today(moment)
            span = self.calendar.of(kind, date)
            first = self.calendar.today(span.start)
            name = f"{date:%Y-%m}" if kind == "month" else first.isoformat()
            found[name] = (max(span.start, period.start), min(span.end, period.end))
            if len(found) > MOST_SPANS:
                raise Refused("evaluation-too-long", f"at most {MOST_SPANS} rows of a {kind}: choose a shorter period", 422)
            moment = span.end
        return found

    def narrowed(self, asked: Asked, value: str | None) -> Scope:
        """The scope of one row of the table."""
        scope = asked.scope
        if value is None or asked.by == "city":
            return scope
        if asked.by in SPANS:
            spans = self.spans(asked.by, asked.period)
            start, end = spans[_one_of("value", value, spans)]
            return scope._replace(start=start, end=end)
        return scope._replace(filters=(*scope.filters, (DIMENSIONS[asked.by], (value,))))

    def behind(self, figure: Figure) -> Selection:
        """The cases that a figure counts."""
        if figure.kpi:
            kpi = self.kpis[_one_of("kpi", figure.kpi, self.kpis)]
            return kpi.part(_one_of("part", figure.part, PARTS), figure.raw)
        if figure.column == "cases":
            return Selection(0)
        return selection(_one_of("column", figure.column, ("cases", *EXPRESSIONS)))


def _one_of(name: str, value: str, allowed: Any) -> str:
    if value not in allowed:
        raise Refused("bad-request", f"{name}: one of {', '.join(list(allowed)[:80])}", 422)
    return value


def _moment(name: str, value: int) -> int:
    if not _FIRST <= value <= _LAST:
        raise Refused("bad-request", f"{name}: ms since 1970, before 2100", 422)
    return value


def _date(text: str) -> datetime.date:
    try:
        found = datetime.date.fromisoformat(text if len(text) > 7 else f"{text}-01")
    except ValueError:
        raise Refused("bad-request", "date: 2026-11-21, or 2026-11", 422) from None
    if found.year not in _YEARS:
        raise Refused("bad-request", "date: a year from 1971 to 2099", 422)
    return found
