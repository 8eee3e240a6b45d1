"""Times as suppliers write them, to integer ms since the epoch."""

from __future__ import annotations

import datetime
import math
import zoneinfo
from collections.abc import Callable
from typing import Any

from hall.core.errors import BadInput

ToMs = Callable[[Any], int]

_EPOCH_SCALES = {"epoch": 1000.0, "epoch_ms": 1.0, "epoch_us": 1e-3, "epoch_ns": 1e-6}
_YEAR_MS = 366 * 86_400_000
#: years a time may lie in at all; the intake is stricter about events
EARLIEST_MS, LATEST_MS = 0, 230 * _YEAR_MS


def zone_of(name: str) -> datetime.tzinfo:
    """The zone called `name` (IANA, or `+08:00`); raises ValueError when there is none."""
    if name[:1] in "+-" and len(name) == 6:
        return datetime.datetime.fromisoformat(f"2000-01-01T00:00:00{name}").tzinfo or datetime.UTC
    try:
        return zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"unknown time zone {name!r}") from None


def _moment_ms(moment: datetime.datetime, zone: datetime.tzinfo) -> int:
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=zone)
    return round(moment.timestamp() * 1000)


def _iso(zone: datetime.tzinfo) -> ToMs:
    parse = datetime.datetime.fromisoformat

    def convert(value: Any) -> int:
        if not isinstance(value, str):
            raise ValueError(value)
        return _moment_ms(parse(value.strip()), zone)

    return convert


def _epoch(scale: float) -> ToMs:
    def convert(value: Any) -> int:
        if isinstance(value, bool):
            raise ValueError(value)
        number = float(value)
        if not math.isfinite(number):
            raise ValueError(value)
        return round(number * scale)

    return convert


def _strptime(form: str, zone: datetime.tzinfo) -> ToMs:
    def convert(value: Any) -> int:
        return _moment_ms(datetime.datetime.strptime(str(value).strip(), form), zone)  # noqa: DTZ007 - zone given next

    return convert


def converter(forms: str | list[str], zone_name: str) -> ToMs:
    """Tries `forms` in order: `iso`, `epoch`, `epoch_ms`, `epoch_us`, `epoch_ns` or a strptime format.

    A time without an offset is in `zone_name`; in the repeated hour of autumn the earlier one is meant. The function
    raises BadInput `time-unparsable`. Raises ValueError for an unknown form or zone.
    """
    zone = zone_of(zone_name)
    tried: list[ToMs] = []
    for form in [forms] if isinstance(forms, str) else forms:
        if form == "iso":
            tried.append(_iso(zone))
        elif form in _EPOCH_SCALES:
            tried.append(_epoch(_EPOCH_SCALES[form]))
        elif "%" in form:
            tried.append(_strptime(form, zone))
        else:
            raise ValueError(f"unknown time form {form!r}: iso, epoch, epoch_ms, epoch_us, epoch_ns or a strptime format")
    if not tried:
        raise ValueError("no time form is given")

    def convert(value: Any) -> int:
        if isinstance(value, datetime.datetime):
            return _moment_ms(value, zone)
        for attempt in tried:
            try:
                found = attempt(value)
            except (ValueError, TypeError, OverflowError, OSError):
                continue
            if EARLIEST_MS <= found <= LATEST_MS:
                return found
            raise BadInput("time-out-of-range", repr(value)[:80])
        raise BadInput("time-unparsable", repr(value)[:80])

    return convert
