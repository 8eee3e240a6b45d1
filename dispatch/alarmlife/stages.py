"""What an operator's list makes of one alarm, as one literal list of stages: put away and why, chattering, grouped, ranked.

Pure.

Every stage takes a row and gives a row; time and figures are arguments. Nothing is dropped: what is put away stays countable
and says why.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from dispatch.alarmlife.model import AlarmState

#: alarms of a state that still concern somebody
STANDING = frozenset({"unanswered", "acknowledged", "returned", "latched"})


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One alarm as the list has it. `away`: "" | hidden | out_of_service | shelved; `why`: {code, values} of it."""

    site: str
    alarm: AlarmState
    away: str = ""
    why: dict[str, Any] | None = None
    chattering: bool = False
    group: str = ""
    rank: tuple[int, ...] = ()

    @property
    def standing(self) -> bool:
        return self.alarm.state in STANDING

    @property
    def asking(self) -> bool:
        """Whether it waits for a person now."""
        return self.standing and not self.alarm.acknowledged and not self.away


#: what stages may look at besides the row: how often each site announced itself lately, how often is too often, merged groups
class Around(msgspec.Struct, frozen=True):
    announced: Mapping[str, int]
    times: int
    into: Callable[[str], str] = str  # group -> the one it went into, or itself


Stage = Callable[[Row, Around], Row]


def suppressed(row: Row, around: Around) -> Row:
    """By design: another site's alarm explains this one."""
    alarm = row.alarm
    if row.away or not alarm.hidden_by:
        return row
    why = alarm.hidden_why or {"code": "explained", "values": {}}
    return _away(row, "hidden", why.get("code", "explained"), {"site": alarm.hidden_by, **why.get("values", {})})


def out_of_service(row: Row, around: Around) -> Row:
    put = row.alarm.out_of_service
    return row if row.away or put is None else _away(row, "out_of_service", "out_of_service", put)


def shelved(row: Row, around: Around) -> Row:
    put = row.alarm.shelved
    return row if row.away or put is None else _away(row, "shelved", "shelved", put)


def chattering(row: Row, around: Around) -> Row:
    """The engine says so, or it was announced too often lately; it stays on the list, marked."""
    often = around.announced.get(row.site, 0) >= around.times
    return msgspec.structs.replace(row, chattering=True) if row.alarm.chattering or often else row


def grouped(row: Row, around: Around) -> Row:
    """The engine's group, or the one it went into; without one, what is of a kind in a district."""
    alarm = row.alarm
    own = f"{alarm.kind or alarm.quantity or 'other'}-{alarm.district or 'city'}"
    return msgspec.structs.replace(row, group=around.into(alarm.group) if alarm.group else own)


def ranked(row: Row, around: Around) -> Row:
    """Lowest first: what waits for somebody, high priority, severe, then new; chattering behind its like."""
    alarm = row.alarm
    rank = (0 if row.asking else 1 if alarm.active else 2, alarm.priority or 3, -alarm.severity, int(row.chattering))
    return msgspec.structs.replace(row, rank=(*rank, -(alarm.announced or alarm.since or 0)))


STAGES: tuple[Stage, ...] = (suppressed, out_of_service, shelved, chattering, grouped, ranked)


def row_of(site: str, alarm: AlarmState, around: Around) -> Row:
    """An alarm through all stages."""
    row = Row(site=site, alarm=alarm)
    for stage in STAGES:
        row = stage(row, around)
    return row


def _away(row: Row, how: str, code: str, values: dict[str, Any]) -> Row:
    return msgspec.structs.replace(row, away=how, why={"code": code, "values": dict(values)})
