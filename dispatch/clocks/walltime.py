"""The wall clock as a measure of natural days: local time in ms, never running backwards.

In the hour that comes twice the measure stands still the second time; an hour that does not come is jumped. So one
natural day later is the same local time next day, in every zone.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ZERO = _EPOCH.replace(tzinfo=None)
_MS = timedelta(milliseconds=1)
_LOOK = 30 * 3_600_000  # farther than any zone ever jumped: some changed their date


def position(moment: int, zone: ZoneInfo) -> int:
    """Local ms of a moment."""
    local = _local(moment, zone)
    if not local.fold:
        return _wall(local)
    turn = _turn(moment - _LOOK, moment, zone)
    return _wall(_local(turn - 1, zone)) + 1


def moment(position: int, zone: ZoneInfo) -> int:
    """The earliest moment at which the measure has reached `position`."""
    naive = _ZERO + timedelta(milliseconds=position)
    found = (naive.replace(tzinfo=zone) - _EPOCH) // _MS
    if _wall(_local(found, zone)) == position:
        return found
    return _turn(found - _LOOK, found + 1, zone)


def _local(moment: int, zone: ZoneInfo) -> datetime:
    return (_EPOCH + timedelta(milliseconds=moment)).astimezone(zone)


def _wall(local: datetime) -> int:
    return (local.replace(tzinfo=None) - _ZERO) // _MS


def _turn(before: int, after: int, zone: ZoneInfo) -> int:
    """The first moment with the offset that holds at `after`, when it changed since `before`."""
    offset = _local(after, zone).utcoffset()
    while after - before > 1:
        middle = (before + after) // 2
        if _local(middle, zone).utcoffset() == offset:
            after = middle
        else:
            before = middle
    return after
