"""Stage 1: which readings are believed. Sensors lie: a spike, a jump, a value that stands still, another unit, a wrong clock.

Nothing is thrown away but what is told again or too late. A doubted reading goes on with the codes of what is odd about it:
`jump` (faster than water can), `unit` (a jump by the ratio of two units), `range`, `stuck`, `clock` (from the future), `old`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import msgspec

from dispatch.alarming.ground import Ground, Stage
from dispatch.alarming.inputs import Reading
from dispatch.alarming.snapshot import Parts
from dispatch.alarming.tables import Belief
from dispatch.alarming.units import ratios


class Trust(msgspec.Struct, array_like=True, gc=False):
    """Of one point: the newest reading, the newest believed value, a jump that waits for others that agree, and since when the
    value stands still."""

    time: int = -1
    value: float = 0.0
    trusted: float | None = None
    jumped: int = 0  # when the first of them was measured
    jumps: int = 0  # readings one after the other that agree with one another and not with `trusted`
    unit: bool = False  # whether one of them was off by the ratio of two units: then all of them are
    moved: bool = False  # whether those differed at all: a frozen sensor confirms nothing
    still_since: int = 0


class Believe(Stage):
    name = "believe"

    def __init__(self, ground: Ground, number: int) -> None:
        super().__init__(ground, number)
        self._points: dict[str, dict[str, Trust]] = {}  # <feed>/<sensor> -> quantity -> Trust
        tables = ground.rules.tables
        self._belief: dict[str, Belief] = tables.belief
        self._ahead, self._old = tables.lies.ahead_seconds * 1000, tables.lies.old_hours * 3_600_000
        self._ratios = {quantity: ratios(quantity) for quantity in self._belief}

    def step(self, item: Any, now: int) -> Iterable[Any]:
        if type(item) is not Reading:
            return (item,)
        value, time = item.value, item.time
        if value is None or not math.isfinite(value):
            return ()
        doubts: tuple[str, ...] = ()
        if time > now + self._ahead:
            time, doubts = now, ("clock",)
        elif now - time > self._old:
            doubts = ("old",)
        sensor = f"{item.feed}/{item.sensor}"
        points = self._points.get(sensor)
        if points is None:
            points = self._points[sensor] = {}
        trust = points.get(item.quantity)
        if trust is None:
            trust = points[item.quantity] = Trust()
        elif time <= trust.time:
            self.ground.counters["readings_late"] += 1
            return ()
        belief = self._belief.get(item.quantity)
        if belief is not None:
            found = self._odd(trust, belief, value, time, item.quantity)
            doubts = doubts + found if found else doubts
        trust.time, trust.value = time, value
        if not doubts and time == item.time:
            return (item,)
        if doubts:
            self.ground.counters["readings_doubtful"] += 1
        return (msgspec.structs.replace(item, time=time, doubts=doubts),)

    def _odd(self, trust: Trust, belief: Belief, value: float, time: int, quantity: str) -> tuple[str, ...]:
        out = (belief.low is not None and value < belief.low) or (belief.high is not None and value > belief.high)
        stuck = False
        if trust.time < 0 or value != trust.value:
            trust.still_since = time
        elif belief.stuck_minutes and value > belief.stuck_above:
            stuck = time - trust.still_since >= belief.stuck_minutes * 60_000
        jump = self._jump(trust, belief, value, time, quantity) if belief.step is not None else ""
        if not (out or stuck or jump):
            return ()
        return (*(["range"] if out else []), *([jump] if jump else []), *(["stuck"] if stuck else []))

    def _jump(self, trust: Trust, belief: Belief, value: float, time: int, quantity: str) -> str:
        """`jump`, `unit` or "": it may have come from the last believed value in the time since the last reading. A jump is
        believed after as long as the water would have needed for it, where readings that move agree."""
        if trust.trusted is None:
            trust.trusted = value
            return ""
        room = belief.step + belief.rate * max(0, time - trust.time) / 1000
        if abs(value - trust.trusted) <= room:
            trust.trusted, trust.jumps, trust.moved, trust.unit = value, 0, False, False
            return ""
        if trust.jumps and abs(value - trust.value) <= room:
            trust.jumps += 1
            trust.moved = trust.moved or value != trust.value
        else:
            trust.jumps, trust.moved, trust.unit, trust.jumped = 1, False, False, time
        trust.unit = trust.unit or self._other_unit(trust.trusted, value, quantity)
        if trust.unit:
            return "unit"
        needed = (abs(value - trust.trusted) - belief.step) / belief.rate * 1000 if belief.rate else 0
        if trust.jumps > belief.confirm and trust.moved and time - trust.jumped >= needed:
            trust.trusted, trust.jumps, trust.moved = value, 0, False
            return ""
        return "jump"

    def _other_unit(self, before: float, value: float, quantity: str) -> bool:
        tolerance = self.ground.rules.tables.lies.unit_tolerance
        return before != 0 and any(abs(value / before / ratio - 1) <= tolerance for ratio in self._ratios[quantity])

    def forget(self, sensor: str) -> None:
        self._points.pop(sensor, None)

    def dump(self) -> Any:
        return Parts(self._points, self._points.__getitem__, dict)

    def load(self, kept: Any) -> None:
        self._points = msgspec.convert(kept, dict[str, dict[str, Trust]])
