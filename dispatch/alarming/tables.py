"""Figures of the stages: what is believed, what explains what, how events are gathered, ranked and calmed. Checked here."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from dispatch.alarming.units import UnitFault, factor, rate_factor


class Belief(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a quantity may be: `low` to `high`, and how fast it may change (`step` at once, `rate` per `rate_unit`
    besides). Written in `unit`, kept canonical (rate per second)."""

    unit: str = ""
    low: float | None = None
    high: float | None = None
    step: float | None = None
    rate: float = 0.0
    rate_unit: str = ""
    confirm: int = 3  # readings that agree with a jump before it is believed
    stuck_minutes: float = 0.0  # the same value to the last digit for so long is doubted; 0: never
    stuck_above: float = 0.0


class Lies(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`ahead_seconds`: a reading from so far in the future has a wrong clock; `old_hours`: one so old when heard, too."""

    ahead_seconds: float = 60.0
    old_hours: float = 6.0
    unit_tolerance: float = 0.02
    severity: int = 2  # of an alarm whose reading is doubted for its jump, unit, range or clock, at most


class Cause(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """While an alarm of a rule in `cause` stands, alarms whose rules are all in `hides` are explained by it where they
    share its `reach`: station, feed, district, or lie within `metres` of it."""

    name: str
    cause: list[str]
    hides: list[str]
    reach: str = "station"
    metres: float = 0.0


class Gathering(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Alarms of one family within `metres` and `minutes` of one another are one event, at most `span_metres` across; those
    without a place by station, else by district, else by feed."""

    metres: float = 1500.0
    minutes: float = 60.0
    span_metres: float = 6000.0


class Event(Gathering, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`families` that one event raises (a storm: rain, ponding, rivers): alarms of different ones so near to one another are
    one group. A group is named by its event."""

    families: list[str]


#: severity -> priority by time to respond; EEMUA 191 asks for about 5 % high, 15 % medium, 80 % low
_PRIORITY = {"4": (1, 1, 2), "3": (1, 2, 3), "2": (2, 3, 3), "1": (3, 3, 3)}


class Ranking(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`minutes` split the time to respond; `priority` by severity: one per part, shortest time first. 1 high, 2 medium, 3
    low."""

    minutes: tuple[float, ...] = (5.0, 30.0)
    priority: dict[str, tuple[int, ...]] = msgspec.field(default_factory=lambda: dict(_PRIORITY))

    def of(self, severity: int, seconds: float) -> int:
        row = self.priority.get(str(severity), (3,) * (len(self.minutes) + 1))
        part = sum(seconds > minutes * 60 for minutes in self.minutes)
        return row[min(part, len(row) - 1)]


class Calming(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A site whose alarm rose `times` within `minutes` is chattering: it is held active until it kept still for
    `quiet_minutes`. One that lasted less than `fleeting_seconds` was fleeting."""

    times: int = 3
    minutes: float = 10.0
    quiet_minutes: float = 10.0
    fleeting_seconds: float = 60.0


class Tables(msgspec.Struct, frozen=True, kw_only=True):
    belief: dict[str, Belief] = {}
    lies: Lies = Lies()
    causes: tuple[Cause, ...] = ()
    gathering: Gathering = Gathering()
    families: dict[str, Gathering] = {}  # figures of their own
    events: dict[str, Event] = {}  # by name
    family_of: dict[str, str] = {}  # family or quantity -> the family it is gathered with
    ranking: Ranking = Ranking()
    calming: Calming = Calming()
    points: int = 100_000  # quantities of sensors that are watched at most

    @classmethod
    def of(cls, table: dict[str, Any], base: dict[str, Any], fail: Any) -> Tables:
        """`table`: the city's keys laid over the default set `base`, table by table. Raises `fail(key, problem)`."""
        merged = {}
        for name in sorted(set(table) - {"rules", "life"}):  # `life` is dispatch/alarmlife's
            if name not in cls.__struct_fields__:
                raise fail(f"dispatch.alarms.{name}", f"one of rules, {', '.join(cls.__struct_fields__)}")
            value, under = table[name], base.get(name)
            merged[name] = {**under, **value} if isinstance(value, dict) and isinstance(under, dict) else value
        try:
            made = msgspec.convert(merged, cls)
        except msgspec.ValidationError as error:
            problem, _, place = str(error).partition(" - at `$")
            raise fail(f"dispatch.alarms{place.rstrip('`')}", problem) from None
        made._check(fail)
        belief = {quantity: _canonical(quantity, one, fail) for quantity, one in made.belief.items()}
        return msgspec.structs.replace(made, belief=belief)

    def _check(self, fail: Any) -> None:
        for severity, row in self.ranking.priority.items():
            if severity not in ("1", "2", "3", "4") or any(one not in (1, 2, 3) for one in row):
                raise fail(f"dispatch.alarms.ranking.priority.{severity}", "by severity 1 to 4: priorities 1, 2 or 3")
        for index, cause in enumerate(self.causes):
            if cause.reach not in ("station", "feed", "district", "metres", "city"):
                raise fail(f"dispatch.alarms.causes[{index}].reach", "station, feed, district, city or metres")
        taken: dict[str, str] = {}
        for name, event in self.events.items():
            if len(set(event.families)) < 2:
                raise fail(f"dispatch.alarms.events.{name}.families", "at least two families")
            for family in event.families:
                if taken.setdefault(family, name) != name:
                    raise fail(f"dispatch.alarms.events.{name}.families", f"{family} is of {taken[family]} already")
        for where, one in self._distances():
            if one.metres <= 0 or one.minutes <= 0 or one.span_metres < one.metres:
                raise fail(f"dispatch.alarms.{where}", "metres and minutes more than 0, span_metres at least metres")
        if self.calming.times < 2 or self.calming.minutes <= 0 or self.calming.quiet_minutes <= 0:
            raise fail("dispatch.alarms.calming", "times at least 2, minutes and quiet_minutes more than 0")

    def _distances(self) -> Iterator[tuple[str, Gathering]]:
        yield "gathering", self.gathering
        yield from ((f"families.{name}", one) for name, one in self.families.items())
        yield from ((f"events.{name}", one) for name, one in self.events.items())


def _canonical(quantity: str, one: Belief, fail: Any) -> Belief:
    try:
        size = factor(one.unit, quantity)
        rate = rate_factor(one.rate_unit, quantity) if one.rate else 1.0
    except UnitFault as fault:
        raise fail(f"dispatch.alarms.belief.{quantity}.unit", str(fault)) from None
    sized = {
        name: getattr(one, name) * size for name in ("low", "high", "step", "stuck_above") if getattr(one, name) is not None
    }
    return msgspec.structs.replace(one, rate=one.rate * rate, **sized)
