"""What is kept of one reporting rhythm, and how it moves on with the time. Pure; times city ms."""

from __future__ import annotations

import msgspec

from dispatch.reporting.periods import MINUTE, Rhythm

#: periods kept in the state; what is shown is bounded by configuration
KEPT = 96


class Told(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One unit's report."""

    at: int
    by: str = ""
    text: str = ""
    numbers: dict[str, float] = {}
    late: bool = False
    period: int = 0  # the moment at which the period it counts for begins


class Excuse(msgspec.Struct, kw_only=True, omit_defaults=True):
    """Why a unit need not report; `until` None: until it is taken back."""

    by: str
    at: int
    reason: str = ""
    until: int | None = None


class Period(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A period whose reports were due: each unit is in exactly one of the four lists."""

    start: int
    end: int
    due: int
    reported: list[str] = []
    late: list[str] = []
    missing: list[str] = []
    excused: list[str] = []


class Reporting(msgspec.Struct, kw_only=True, omit_defaults=True):
    """State of `reporting/<plan>`. `open`: reports for periods not due yet, by their number; `closed`: how many are over."""

    plan: str = ""
    state: str = ""  # running | stopped
    settled: bool = False
    every_minutes: int = 60
    grace_minutes: int = 0
    start: int = 0
    units: list[str] = []
    label: dict[str, str] = {}
    response: str = ""
    exercise: bool = False
    closed: int = 0
    skipped: int = 0  # periods that passed beyond what is kept
    open: dict[int, dict[str, Told]] = {}
    last: dict[str, Told] = {}
    excuses: dict[str, Excuse] = {}
    periods: list[Period] = []
    added: dict[str, float] = {}  # figures of closed periods, added up
    revision: int = 0
    ended: bool = False


def rhythm(state: Reporting) -> Rhythm:
    return Rhythm(state.start, state.every_minutes * MINUTE, state.grace_minutes * MINUTE)


def advance(state: Reporting, now: int) -> None:
    """Closes every period whose reports were due at `now` or before. In one step or in many: the same comes of it."""
    if state.state != "running":
        return
    beat = rhythm(state)
    until = beat.closed(now)
    first = max(state.closed, until - KEPT)
    state.skipped += max(0, first - state.closed)
    for k in range(first, until):
        told = state.open.get(k, {})
        state.periods.append(_closed(state, beat, k, told))
        for report in told.values():
            add(state, report.numbers)
    state.closed = max(state.closed, until)
    state.open = {k: told for k, told in state.open.items() if k >= state.closed}
    del state.periods[:-KEPT]


def _closed(state: Reporting, beat: Rhythm, k: int, told: dict[str, Told]) -> Period:
    silent = [unit for unit in state.units if unit not in told]
    excused = {unit for unit in silent if excused_at(state, unit, beat.begin(k), beat.due(k))}
    return Period(
        start=beat.begin(k),
        end=beat.end(k),
        due=beat.due(k),
        reported=[unit for unit in state.units if unit in told],
        missing=[unit for unit in silent if unit not in excused],
        excused=[unit for unit in silent if unit in excused],
    )


def excused_at(state: Reporting, unit: str, since: int, until: int) -> bool:
    """Whether an excuse covers some of [since, until)."""
    excuse = state.excuses.get(unit)
    return excuse is not None and excuse.at < until and (excuse.until is None or excuse.until > since)


def add(state: Reporting, numbers: dict[str, float], sign: int = 1) -> None:
    for name, value in numbers.items():
        state.added[name] = state.added.get(name, 0) + sign * value


def answers(state: Reporting, unit: str, now: int) -> tuple[int, bool]:
    """Which period a report of `unit` at `now` counts for and whether it is late: the newest one that is over and has none
    of it, else the one under way. `state` has been advanced to `now`."""
    beat = rhythm(state)
    current = max(beat.at(now), state.closed)
    over = current - 1
    if over >= state.closed and unit not in state.open.get(over, {}):
        return over, False
    newest = state.periods[-1] if state.periods else None
    if over == state.closed - 1 and newest and newest.start == beat.begin(over) and unit in newest.missing:
        return over, True
    return current, False


def owing(state: Reporting) -> list[str]:
    """Units that were missing when the newest period was due and have not reported since: red."""
    if state.state != "running" or not state.periods:
        return []
    newest = state.periods[-1]
    return [unit for unit in newest.missing if unit in state.units and not _since(state.last.get(unit), newest.due)]


def _since(told: Told | None, moment: int) -> bool:
    return told is not None and told.at >= moment


def waiting(state: Reporting) -> list[str]:
    """Units whose report for the next period to be due is not there yet, and that are not excused."""
    if state.state != "running":
        return []
    beat, told = rhythm(state), state.open.get(state.closed, {})
    since, due = beat.begin(state.closed), beat.due(state.closed)
    return [unit for unit in state.units if unit not in told and not excused_at(state, unit, since, due)]
