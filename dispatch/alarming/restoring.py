"""What the rules' stage keeps over a restart, and how it goes on from it, or from the ledger's alarms where that is lost."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from dispatch.alarming.binding import Bindings, Bound, Point, Slot
from dispatch.alarming.findings import Finding
from dispatch.alarming.ground import Ground, Place, Stage
from dispatch.alarming.inputs import Reading
from dispatch.alarming.snapshot import Parts, raw
from dispatch.alarming.supplied import RULE, Lines


class Restoring(Stage):
    """Base of Detect: its state. `_points` by (feed, sensor, quantity), `_slots` by <feed>/<sensor>, `_others` the
    conditions of units and subjects by key, `_held` every finding that holds, by key."""

    def __init__(self, ground: Ground, number: int) -> None:
        super().__init__(ground, number)
        self._bind = Bindings(ground)
        self._points: dict[tuple[str, str, str], Point] = {}
        self._slots: dict[str, Slot] = {}
        self._others: dict[str, Any] = {}
        self._held: dict[str, Finding] = {}
        self._unbound: list[Finding] = []
        self._lines = Lines(ground, lambda: self._held, lambda due, key: ground.wake(due, number, key))

    def _ended(self, findings: list[Finding], now: int) -> Iterable[Finding]:
        raise NotImplementedError

    def _figures(self, level: str) -> None:
        self.ground.level = level
        for live in self._bind.lives.values():
            live.posture(level)
        for point in self._points.values():
            point.loud()
        for slot in self._slots.values():
            for _, condition, key in slot.silence:
                if condition.heard and not condition.active:
                    self.ground.wake(condition.due(), self.number, key)

    def adopt(self, site: str, rules: list[str], severity: int) -> None:
        """An alarm of the ledger, after its state was lost: its rules count as found until readings say otherwise."""
        self._bind.adopt(site, rules, severity)
        lives = self._bind.lives
        if not any(name.startswith("threshold/") or (name in lives and name not in self._bind.derived) for name in rules):
            # no reading can ever end it: what builds on other rules comes up again by itself
            rule = rules[0] if rules else ""
            self._unbound.append(Finding(key=f"{rule}|{site}", rule=rule, site=site, active=False, time=0))

    def settle(self, now: int) -> Iterable[Finding]:
        """What no rule stands for any more ends: the rules were changed while the hall was down."""
        ended, self._unbound = self._unbound, []
        told = [one for one in ended if one.rule.startswith(RULE) and self._lines.stands(one.site)]
        return self._ended([one for one in ended if one not in told], now)

    def _drop_unbound(self) -> None:
        bound = {key for slot in self._slots.values() for _, _, key in slot.every()} | set(self._others)
        derived = set(self._bind.derived)
        for finding in self._held.values():
            rule = finding.key.partition("|")[0]
            if finding.key not in bound and rule not in derived and finding.kind != "supplied":
                self._unbound.append(finding)

    def dump(self) -> Any:
        # encoded now, because conditions change in place; of a sensor see _of_sensor
        others = raw([[key, condition.dump()] for key, condition in self._others.items()])
        derived = raw([[name, one.dump()] for name, one in self._bind.derived.items()])
        head = [self.ground.level, list(self.ground.places.values())]
        rest = [others, derived, dict(self._held), self._lines.dump()]
        return Parts(self._slots, self._of_sensor, lambda slots: [*head, list(slots.values()), *rest])

    def _of_sensor(self, sensor: str) -> list:
        slot = self._slots[sensor]
        place = None if slot.place.document else slot.place
        return [sensor, place, _dumped(slot.silence), [_of_point(*one) for one in slot.points.items()]]

    def load(self, kept: Any) -> None:
        level, places, slots, others, derived, held, *later = kept
        self.ground.places = {place.sensor: place for place in msgspec.convert(places, list[Place])}
        self._held = msgspec.convert(held, dict[str, Finding])
        self._figures(level)
        for lines in later:
            self._lines.load(lines)
        for sensor, place, silence, points in slots:
            self._load_slot(sensor, msgspec.convert(place, Place | None), dict(silence), points)
        for key, dumped in others:
            rule = key.partition("|")[0]
            if rule in self._bind.lives:
                condition = self._others[key] = self._bind.lives[rule].rule.kind.condition(self._bind.lives[rule])
                condition.load(dumped)
                if hasattr(condition, "due") and not condition.active:
                    self.ground.wake(condition.due(), self.number, key)
        for name, dumped in derived:
            if name in self._bind.derived:
                self._bind.derived[name].load(dumped)
        self._drop_unbound()

    def _load_slot(self, sensor: str, place: Place | None, silence: dict[str, Any], points: list) -> None:
        slot = self._slots[sensor] = Slot(place or self.ground.places[sensor])
        self._bind.slot(slot)
        for _, condition, key in slot.silence:
            if key in silence:
                condition.load(silence[key][0])
                if condition.heard and not condition.active:
                    self.ground.wake(condition.due(), self.number, key)
        feed, _, name = sensor.partition("/")
        for quantity, doubts, samples, last, conditions in points:
            point = self._points[feed, name, quantity] = slot.points[quantity] = Point(slot, quantity)
            self._bind.point(point)
            point.doubts = None if doubts is None else tuple(doubts)
            if point.past is not None:
                point.past.samples = [tuple(one) for one in samples]
            point.last = msgspec.convert(last, Reading | None)
            dumped = dict(conditions)
            for bound in point.conditions:
                condition, key = bound.condition, bound.key
                if key in dumped:
                    kept, doubts = dumped[key]
                    condition.load(kept)
                    bound.doubts = None if doubts is None else tuple(doubts)
                    due = condition.due() if point.last is not None and hasattr(condition, "due") else None
                    if due is not None:
                        self.ground.wake(due, self.number, key)


def _of_point(quantity: str, point: Point) -> list:
    return [quantity, point.doubts, point.past.samples if point.past else [], point.last, _dumped(point.conditions)]


def _dumped(bounds: list[Bound]) -> list:
    """Conditions that are not as new ones are: those that are quiet have nothing to remember."""
    return [[bound.key, [bound.condition.dump(), bound.doubts]] for bound in bounds if bound.low >= bound.high]
