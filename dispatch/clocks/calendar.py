"""The city's working calendar: four kinds of clock that run, stand still and fall due.

| kind | unit | runs |
|---|---|---|
| `emergency` 紧急工作时 | hour | always |
| `working_hour` 工作时 | hour | in the working windows |
| `working_day` 工作日 | day | in the working windows; each working date is one day |
| `natural_day` 自然日 | day | always, by the wall clock: one day later is the same local time |

All moments are ms since the epoch. *Clock ms* measure a running clock: 3,600,000 to an hour, 86,400,000 to a day of the
day kinds. docs/CLOCKS.md says what each means to people.
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from dispatch.clocks import dates, spans, walltime
from hall.core.errors import ConfigError

KINDS = ("emergency", "working_hour", "working_day", "natural_day")
HOUR_MS, DAY_MS = 3_600_000, spans.DAY_MS
#: clock ms in one unit of a kind
UNIT_MS = {"emergency": HOUR_MS, "working_hour": HOUR_MS, "working_day": DAY_MS, "natural_day": DAY_MS}
#: what "1 working day" means: [dispatch.calendar] working_day
MEANINGS = ("same-time", "end-of-day")
DEFAULT = Path(__file__).parent.parent / "defaults" / "calendar-cn.toml"
_FIRST, _LAST = 1972, 2199  # years a calendar lays out


def length(amount: float, kind: str) -> int:
    """Clock ms of so many hours or days of a kind; fractions are allowed, less than nothing is not."""
    if kind not in UNIT_MS:
        raise ValueError(f"{kind!r} is none of {', '.join(KINDS)}")
    if not math.isfinite(amount) or amount < 0:
        raise ValueError(f"{amount} is no length of time")
    return round(amount * UNIT_MS[kind])


class Calendar:
    """Made by `from_table`. May be used from any thread: what it lays out lazily is replaced, never changed."""

    def __init__(self, days: dates.Dates, zone: ZoneInfo, working_day: str = "same-time") -> None:
        self.dates, self.zone, self.working_day = days, zone, working_day
        self._years: dict[int, list[spans.Span]] = {}
        self._line: spans.Line | None = None

    @classmethod
    def from_table(cls, table: Mapping[str, Any], timezone: str, path_of: Callable[[str], Path] = Path) -> Calendar:
        """`[dispatch.calendar]`: `file` another calendar file ("" = none, default the Chinese one), `working_day`, and any key
        of the file, which it replaces (`years` year by year). Raises ConfigError."""
        own = dict(table)
        name = own.pop("file", None)
        base = _load(DEFAULT if name is None else path_of(name)) if name != "" else {"hours": ["08:00-12:00", "14:00-18:00"]}
        merged = base | own | {"years": _joined(own.get("years", []), base.get("years", []))}
        unknown = sorted(set(merged) - {"name", "hours", "week", "years", "working_day"})
        if unknown:
            raise ConfigError("no such key", file="", key=f"dispatch.calendar.{unknown[0]}")
        meaning = merged.get("working_day", "same-time")
        if meaning not in MEANINGS:
            raise ConfigError(f"write {' or '.join(MEANINGS)}", file="", key="dispatch.calendar.working_day")
        return cls(dates.read(merged), ZoneInfo(timezone), meaning)

    def add(self, start: int, amount: float, kind: str) -> int:
        """When a limit of `amount` units that begins at `start` falls due."""
        return self.due(start, length(amount, kind), kind)

    def due(self, start: int, clock_ms: int, kind: str) -> int:
        """As `add`, in clock ms. Under `end-of-day`, working days begin with the next date and end at the close of business."""
        if clock_ms == 0 or not self._by_day(kind):
            return self.advance(start, clock_ms, kind)
        local = datetime.fromtimestamp(start / 1000, self.zone)
        tomorrow = spans.instant(local.date() + timedelta(days=1), 0, self.zone)
        return self.finish(self.advance(tomorrow, clock_ms, kind), kind)

    def finish(self, moment: int, kind: str) -> int:
        """A due moment as the city means it: under `end-of-day` working days are due at the close of business."""
        return self._around(moment).close(moment) if self._by_day(kind) else moment

    def advance(self, start: int, clock_ms: int, kind: str) -> int:
        """The earliest moment when the clock, running since `start`, has run `clock_ms`; negative: back in time, the earliest
        moment from which it runs so long until `start`."""
        if kind == "emergency" or clock_ms == 0:
            return start + clock_ms
        if kind == "natural_day":
            return walltime.moment(walltime.position(start, self.zone) + clock_ms, self.zone)
        line, in_days = self._around(start), _in_days(kind)
        while True:
            found = line.moment(line.position(start, in_days) + clock_ms, in_days)
            if found is not None:
                return found
            line = self._widened(line, back=clock_ms < 0)

    def between(self, first: int, last: int, kind: str) -> int:
        """Clock ms that run from `first` to `last`; negative when `last` is earlier."""
        if kind == "emergency":
            return last - first
        if kind == "natural_day":
            return walltime.position(last, self.zone) - walltime.position(first, self.zone)
        line, in_days = self._around(first, last), _in_days(kind)
        return line.position(last, in_days) - line.position(first, in_days)

    def is_open(self, moment: int, kind: str) -> bool:
        """Whether the clock of a kind runs at `moment`."""
        if kind not in UNIT_MS:
            raise ValueError(f"{kind!r} is none of {', '.join(KINDS)}")
        return kind in ("emergency", "natural_day") or self._around(moment).is_open(moment)

    def warnings(self, first: int, last: int) -> list[tuple[str, int, str]]:
        """What is unsure about the years two moments lie in: (`missing` | `provisional`, year, sentence)."""
        found = []
        for year in range(self._year(first), self._year(last) + 1):
            known = self.dates.years.get(year)
            if known is None:
                found.append(("missing", year, f"the calendar has no holidays for {year}: only its weekends are days off"))
            elif known.status == "provisional":
                text = (
                    f"the holidays of {year} are provisional ({known.source}): put the official notice into the calendar file"
                )
                found.append(("provisional", year, text))
        return found

    def _by_day(self, kind: str) -> bool:
        return kind == "working_day" and self.working_day == "end-of-day"

    def _year(self, moment: int) -> int:
        return datetime.fromtimestamp(moment / 1000, UTC).astimezone(self.zone).year

    def _around(self, *moments: int) -> spans.Line:
        """A line that covers these moments with a year to spare on both sides."""
        years = [self._year(moment) for moment in moments]
        first, last = max(_FIRST, min(years) - 1), min(_LAST, max(years) + 1)
        line = self._line
        if line is None or first < line.first_year or last > line.last_year:
            line = self._lay(
                first if line is None else min(first, line.first_year), max(last, line.last_year) if line else last
            )
        return line

    def _widened(self, line: spans.Line, back: bool) -> spans.Line:
        first, last = (line.first_year - 3, line.last_year) if back else (line.first_year, line.last_year + 3)
        if first < _FIRST or last > _LAST:
            raise ValueError("the limit ends beyond every year the calendar lays out")
        return self._lay(first, last)

    def _lay(self, first: int, last: int) -> spans.Line:
        for year in range(first, last + 1):
            if year not in self._years:
                self._years[year] = spans.of_year(year, self.dates, self.zone)
        self._line = spans.line(first, last, self._years)
        return self._line


def _in_days(kind: str) -> bool:
    if kind not in UNIT_MS:
        raise ValueError(f"{kind!r} is none of {', '.join(KINDS)}")
    return kind == "working_day"


def _joined(own: Any, base: Any) -> Any:
    """The city's own years first, as they are written, then those of the file that it does not speak of."""
    if not isinstance(own, list) or not isinstance(base, list):
        return own if not isinstance(own, list) else base
    spoken_of = {row.get("year") for row in own if isinstance(row, Mapping)}
    return [*own, *(row for row in base if not isinstance(row, Mapping) or row.get("year") not in spoken_of)]


def _load(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"cannot be read: {error}", file=str(path)) from None
