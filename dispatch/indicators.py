"""The hall's indicators, kept as sums of per-case 0/1 columns. Pure: time is an argument.

For a moment `now`, with `day start` the local midnight before it and the stage moments of `dispatch.facts`:

==============  ===========================================================================  ===================
key             counts cases with                                                            denominator
==============  ===========================================================================  ===================
reported        day start <= reported <= now                                                 none
accepted        reported today and accepted <= now                                           reported
dispatched      accepted (as above) and dispatched <= now                                    accepted
handled         day start <= handled <= now                                                  to_handle 应处置
closed          day start <= closed <= now                                                   to_close 应结案
overdue         open and due < now                                                           open
open            reported <= now, not ended, whatever the day                                 none
==============  ===========================================================================  ===================

`to_handle` = handled today + open and not yet handled; `to_close` = closed today + open. docs/INDICATORS.md says it in
full. A corrected or repeated document takes its case's old columns out and puts the new ones in; what changes with time
alone (a deadline passes, a stamp from the future arrives) waits in a heap.
"""

from __future__ import annotations

import heapq
import zoneinfo
from collections.abc import Iterable
from typing import Any, NamedTuple

from dispatch.days import HOUR, HOURS, Day, day_of, hour_of
from dispatch.facts import Facts

ROWS = 50
_FLAGS = ("reported", "accepted", "dispatched", "handled", "closed", "open", "overdue", "unhandled")
_BREAKDOWNS = {"kpi/by_class": "class_name", "kpi/by_district": "district", "kpi/by_source": "report_source"}


class _Columns(NamedTuple):
    """One case's columns at one moment; `hour` and `reference_hour` are its buckets in the trend, None = in neither."""

    reported: bool
    accepted: bool
    dispatched: bool
    handled: bool
    closed: bool
    open: bool
    overdue: bool
    unhandled: bool
    hour: int | None
    reference_hour: int | None


_NOTHING = _Columns(*(False,) * 8, None, None)


class _Kept(NamedTuple):
    facts: Facts
    columns: _Columns
    change: int | None  # when time alone changes the columns


class Indicators:
    """Counters for one city. `start` fills them for a day, `put` changes one case, `advance` moves time forward."""

    def __init__(self, timezone: str) -> None:
        self._zone = zoneinfo.ZoneInfo(timezone)
        self.revision = 0  # grows whenever a number changed
        self.now = 0
        self.start(0, ())

    def outdated(self, now: int) -> bool:
        """Whether `now` is on another day, or before what was counted: `start` must be called with that day's cases."""
        return not max(self.now, self.day.start) <= now < self.day.end

    def day_at(self, now: int) -> Day:
        return day_of(now, self._zone)

    def start(self, now: int, cases: Iterable[tuple[str, Facts]]) -> None:
        """Counts anew for `now`. `cases`: at least every case that is not ended, has a stage moment since the start of
        the day, or was reported on the reference day; others contribute nothing."""
        self.now, self.day = now, self.day_at(now)
        self._cases: dict[str, _Kept] = {}
        self._heap: list[tuple[int, str]] = []
        self._totals = dict.fromkeys(_FLAGS, 0)
        self._groups: dict[str, dict[str, list[int]]] = {subject: {} for subject in _BREAKDOWNS}
        self._cells: dict[str, list[int]] = {}
        self._hours, self._reference_hours = [0] * HOURS, [0] * HOURS
        self.revision += 1
        for subject, facts in cases:
            self.put(subject, facts)

    def put(self, subject: str, facts: Facts | None) -> None:
        """The newest version of a case; None when it was withdrawn. The caller decides what is newest."""
        known = self._cases.pop(subject, None)
        columns = _NOTHING if facts is None else self._columns(facts)
        change = None if facts is None else self._next_change(facts)
        if known is not None:
            self._count(known.facts, known.columns, -1)
        if columns != _NOTHING or change is not None:
            self._count(facts, columns, +1)
            self._cases[subject] = _Kept(facts, columns, change)
            if change is not None:
                heapq.heappush(self._heap, (change, subject))
        if len(self._heap) > 1000 + 4 * len(self._cases):
            self._heap = [(kept.change, name) for name, kept in self._cases.items() if kept.change is not None]
            heapq.heapify(self._heap)

    def advance(self, now: int) -> None:
        """Moves to `now`, on the same day and not before the present moment (see `outdated`)."""
        self.now = now
        while self._heap and self._heap[0][0] <= now:
            change, subject = heapq.heappop(self._heap)
            kept = self._cases.get(subject)
            if kept is not None and kept.change == change:
                self.put(subject, kept.facts)

    # -- one case --------------------------------------------------------------------------------------------------

    def _columns(self, facts: Facts) -> _Columns:
        now, start, day = self.now, self.day.start, self.day
        seen = facts.reported <= now
        reported = seen and facts.reported >= start
        accepted = reported and facts.accepted is not None and facts.accepted <= now
        dispatched = accepted and facts.dispatched is not None and facts.dispatched <= now
        handled = facts.handled is not None and facts.handled <= now
        is_open = seen and facts.ended_at is None
        in_reference = day.reference_start <= facts.reported < day.reference_end
        return _Columns(
            reported,
            accepted,
            dispatched,
            handled and facts.handled >= start,
            facts.closed is not None and start <= facts.closed <= now,
            is_open,
            is_open and facts.due is not None and facts.due < now,
            is_open and not handled,
            hour_of(facts.reported, start) if reported else None,
            hour_of(facts.reported, day.reference_start) if in_reference else None,
        )

    def _next_change(self, facts: Facts) -> int | None:
        moments = [facts.reported, facts.accepted, facts.dispatched, facts.handled, facts.closed]
        if facts.due is not None and facts.ended_at is None:
            moments.append(facts.due + 1)
        return min((moment for moment in moments if moment is not None and moment > self.now), default=None)

    def _count(self, facts: Facts, columns: _Columns, sign: int) -> None:
        self.revision += 1
        totals = self._totals
        for flag, value in zip(_FLAGS, columns, strict=False):
            if value:
                totals[flag] += sign
        if columns.hour is not None:
            self._hours[columns.hour] += sign
        if columns.reference_hour is not None:
            self._reference_hours[columns.reference_hour] += sign
        change = (columns.reported, columns.open, columns.overdue, columns.closed)
        if any(change):
            for subject, field in _BREAKDOWNS.items():
                _add(self._groups[subject], getattr(facts, field), change, sign)
        if columns.open and facts.cell:
            severities = tuple(facts.severity == level for level in range(5))
            _add(self._cells, facts.cell, severities, sign)

    # -- documents -------------------------------------------------------------------------------------------------

    def documents(self) -> dict[str, dict[str, Any]]:
        """Subject -> data of every KPI document at the present moment, as ARCHITECTURE.md has them."""
        found = {"kpi/today": self._today(), "kpi/trend": self._trend()}
        for subject in _BREAKDOWNS:
            found[subject] = {"as_of": self.now, "rows": _rows(self._groups[subject])}
        cells = {code: [sum(counts), _worst(counts)] for code, counts in sorted(self._cells.items())}
        found["kpi/cells"] = {"as_of": self.now, "rows": cells}
        return found

    def _today(self) -> dict[str, Any]:
        n = self._totals
        shares = {
            "reported": (None, ""),
            "accepted": (n["reported"], "reported"),
            "dispatched": (n["accepted"], "accepted"),
            "handled": (n["handled"] + n["unhandled"], "to_handle"),
            "closed": (n["closed"] + n["open"], "to_close"),
            "overdue": (n["open"], "open"),
            "open": (None, ""),
        }
        cards = [{"key": key, "value": n[key], "of": of, "of_key": of_key} for key, (of, of_key) in shares.items()]
        return {"as_of": self.now, "since": self.day.start, "cards": cards}

    def _trend(self) -> dict[str, Any]:
        begun = [count if self.day.start + hour * HOUR <= self.now else None for hour, count in enumerate(self._hours)]
        return {
            "as_of": self.now,
            "start": self.day.start,
            "bucket_seconds": HOUR // 1000,
            "today": begun,
            "reference": list(self._reference_hours),
            "reference_day": self.day.reference_date,
        }


def _add(groups: dict[str, list[int]], name: str, change: tuple[bool, ...], sign: int) -> None:
    counts = groups.setdefault(name, [0] * len(change))
    for index, value in enumerate(change):
        counts[index] += sign * value
    if not any(counts):
        del groups[name]


def _worst(counts: list[int]) -> int:
    return max((level for level, count in enumerate(counts) if count), default=0)


def _rows(groups: dict[str, list[int]]) -> list[dict[str, Any]]:
    """At most ROWS rows, most reported today first, then most open; the unnamed and the rest are summed as `""`."""
    named = sorted(((name, counts) for name, counts in groups.items() if name), key=lambda g: (-g[1][0], -g[1][1], g[0]))
    rest = [groups[""]] if "" in groups else []
    room = ROWS if not rest and len(named) <= ROWS else ROWS - 1
    rest += [counts for _, counts in named[room:]]
    rows = named[:room] + ([("", [sum(column) for column in zip(*rest, strict=True)])] if rest else [])
    return [{"name": n, "today": c[0], "open": c[1], "overdue": c[2], "closed": c[3]} for n, c in rows]
