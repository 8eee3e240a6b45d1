"""Stage 2: the rules. Every input meets only the rules that are for it; what they find goes on.

A *point* is one quantity of one sensor; its conditions are bound once, when it is first heard. Silence asks for one wake per
sensor and looks again when it comes, so that no reading costs a push on a heap.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from dispatch.alarming.binding import Point, Slot
from dispatch.alarming.findings import Finding
from dispatch.alarming.ground import Ground, Place, place_of
from dispatch.alarming.inputs import Heard, Position, Posture, Reading, SensorGone, SensorSeen, Supplied
from dispatch.alarming.restoring import Restoring
from dispatch.alarming.supplied import WAKE


class Detect(Restoring):
    name = "detect"

    def __init__(self, ground: Ground, number: int) -> None:
        super().__init__(ground, number)
        self._steps = {
            Reading: self._reading, SensorSeen: self._seen, SensorGone: self._gone, Position: self._position,
            Heard: self._heard, Posture: self._posture, Supplied: self._supplied,
        }  # fmt: skip

    def step(self, item: Any, now: int) -> Iterable[Any]:
        return self._steps[type(item)](item, now)

    # -- readings ------------------------------------------------------------------------------------------------------

    def _reading(self, item: Reading, now: int) -> Iterable[Finding]:
        point = self._points.get((item.feed, item.sensor, item.quantity))
        if point is None:
            point = self._new_point(item)
            if point is None:
                return ()
        found: list[Finding] = []
        slot, value = point.slot, item.value
        if slot.silence:
            self._speaks(slot, now, item.time, found)
        if point.past is not None:
            point.past.add(item.time, value)
        # all of its conditions have said between which values nothing changes
        if point.low <= value < point.high and item.doubts == point.doubts:
            return self._derived(found) if found else found
        self._judge(point, item, found)
        return self._derived(found) if found else found

    def _judge(self, point: Point, item: Reading, found: list[Finding]) -> None:
        again = item.doubts != point.doubts
        point.doubts = item.doubts
        value, low, high = item.value, float("-inf"), float("inf")
        for bound in point.conditions:
            if again or not bound.low <= value < bound.high:
                condition = bound.condition
                changed = condition.read(value, item.time, point.past)
                if changed or (condition.active and item.doubts != bound.doubts and not getattr(condition, "agree", 0)):
                    # a believed reading that says otherwise does not make those before it believed
                    bound.doubts = item.doubts
                    found.append(self._of_point(point, bound.rule, condition, bound.key, item))
                bound.low, bound.high = condition.quiet()
                if bound.timed and (due := condition.due()) is not None:
                    point.last = item
                    self.ground.wake(due, self.number, bound.key)
            if bound.low > low:
                low = bound.low
            if bound.high < high:
                high = bound.high
        point.low, point.high = low, high

    def _of_point(self, point: Point, rule: Any, condition: Any, key: str, item: Reading) -> Finding:
        place = point.slot.place
        return rule.finding(
            key=key, site=place.site, active=condition.active, time=item.time, sensor=place.sensor, quantity=item.quantity,
            value=item.value, unit=item.unit or place.unit, cause=f"observation/{place.sensor}/{item.quantity}",
            doubts=item.doubts, confidence=item.confidence, picture=item.picture, station=place.station,
            name=place.name or item.sensor, lon=place.lon if place.document else item.lon,
            lat=place.lat if place.document else item.lat, district=place.district if place.document else item.district,
            **condition.facts(),
        )  # fmt: skip

    def _new_point(self, item: Reading) -> Point | None:
        sensor = f"{item.feed}/{item.sensor}"
        slot = self._slot(sensor, item.feed)
        if len(self._points) >= self.ground.rules.tables.points:
            self.ground.counters["sites_refused"] += 1
            return None
        point = self._points[item.feed, item.sensor, item.quantity] = slot.points[item.quantity] = Point(slot, item.quantity)
        self._bind.point(point)
        return point

    def _slot(self, sensor: str, feed: str) -> Slot:
        slot = self._slots.get(sensor)
        if slot is None:
            place = self.ground.places.get(sensor) or Place(feed=feed, sensor=sensor, site=sensor)
            slot = self._slots[sensor] = Slot(place)
            self._bind.slot(slot)
        return slot

    # -- silence -------------------------------------------------------------------------------------------------------

    def _speaks(self, slot: Slot, now: int, time: int, found: list[Finding]) -> None:
        for rule, condition, key in slot.silence:
            first = not condition.heard or condition.active
            if condition.hear(now, time):
                found.append(self._of_slot(slot, rule, condition, key, now))
            if first:
                self.ground.wake(condition.due(), self.number, key)

    def _of_slot(self, slot: Slot, rule: Any, condition: Any, key: str, time: int) -> Finding:
        place = slot.place
        return rule.finding(
            key=key, site=place.site, active=condition.active, time=time, sensor=place.sensor, station=place.station,
            name=place.name or place.sensor.rpartition("/")[2], lon=place.lon, lat=place.lat, district=place.district,
            cause=f"sensor/{place.sensor}",
        )  # fmt: skip

    def fall(self, key: str, due: int) -> Iterable[Finding]:
        rule, _, scope = key.partition("|")
        if rule == WAKE:
            return self._derived(list(self._lines.fall(scope, due)))
        slot = self._slots.get(scope)
        if slot is not None:
            for one, condition, own in slot.silence:
                if own == key and self._woken(condition, key, due):
                    return self._derived([self._of_slot(slot, one, condition, key, condition.since)])
            return ()
        other = self._others.get(key)
        if other is not None:
            found = hasattr(other, "wake") and self._woken(other, key, due)
            return self._derived([self._of_subject(rule, scope, other, other.since)]) if found else ()
        return self._delay_over(key, due)

    def _delay_over(self, key: str, due: int) -> Iterable[Finding]:
        """A line's delay that ran out without another reading."""
        sensor, _, quantity = key.partition("|")[2].rpartition("/")
        slot = self._slots.get(sensor)
        point = slot.points.get(quantity) if slot is not None else None
        for bound in point.conditions if point is not None and point.last is not None else ():
            rule, condition, own = bound
            if own == key and condition.wake(due):
                point.loud()
                bound.doubts = point.last.doubts
                made = self._of_point(point, rule, condition, key, point.last)
                return self._derived([msgspec.structs.replace(made, time=condition.since)])
        return ()

    def _woken(self, condition: Any, key: str, due: int) -> bool:
        """Whether it is silent now. Where something was heard meanwhile it is looked at again when that is old."""
        if condition.wake(due):
            return True
        if not condition.active:
            self.ground.wake(condition.due(), self.number, key)
        return False

    # -- units, subjects, suppliers ------------------------------------------------------------------------------------

    def _position(self, item: Position, now: int) -> Iterable[Finding]:
        if item.lon is None or item.lat is None:
            return ()
        found, unit = [], f"{item.feed}/{item.unit}"
        place = Place(feed=item.feed, sensor=unit, site=unit, kind=item.kind, name=item.name, district=item.district)
        for live in self._bind.of_units(place):
            key = f"{live.rule.name}|{unit}"
            condition = self._others.get(key)
            if condition is None:
                condition = self._others[key] = live.rule.kind.condition(live)
            if condition.place(item.lon, item.lat, item.time):
                found.append(
                    live.rule.finding(
                        key=key, site=unit, active=condition.active, time=item.time, name=item.name or item.unit, lon=item.lon,
                        lat=item.lat, district=item.district, cause=f"position/{unit}",
                    )
                )  # fmt: skip
        return self._derived(found)

    def _heard(self, item: Heard, now: int) -> Iterable[Finding]:
        found = []
        for live in self._bind.of_subjects(item.subject):
            key = f"{live.rule.name}|{item.subject}"
            condition = self._others.get(key)
            if condition is None:
                condition = self._others[key] = live.rule.kind.condition(live)
            first = not condition.heard or condition.active
            if condition.hear(now, item.time):
                found.append(self._of_subject(live.rule.name, item.subject, condition, now))
            if first:
                self.ground.wake(condition.due(), self.number, key)
        return self._derived(found)

    def _of_subject(self, rule: str, subject: str, condition: Any, time: int) -> Finding:
        made = self._bind.lives[rule].rule
        return made.finding(
            key=f"{rule}|{subject}", site=f"report/{subject}", active=condition.active, time=time, name=subject, cause=subject
        )

    def _supplied(self, item: Supplied, now: int) -> Iterable[Finding]:
        return self._derived(list(self._lines.take(item)))

    # -- sensors, posture ----------------------------------------------------------------------------------------------

    def _seen(self, item: SensorSeen, now: int) -> Iterable[Any]:
        """The new lines hold from the next reading on; a line that is gone ends what it found."""
        place = place_of(item.sensor)
        if self.ground.places.get(place.sensor) == place:
            return ()
        self.ground.places[place.sensor] = place
        slot = self._slots.get(place.sensor)
        if slot is None:
            return (item,)
        moved = slot.place.site != place.site
        slot.place = place
        kept = {key for _, condition, key in slot.every() if condition.active}
        ended = [self._held[key] for key in kept if moved and key in self._held]
        self._bind.again(slot)
        for point in slot.points.values():
            point.loud()
        if moved:
            for _, condition, _ in slot.every():
                condition.load(type(condition)(condition.live).dump())
        now_there = {key for _, _, key in slot.every()}
        ended += [self._held[key] for key in kept if not moved and key not in now_there and key in self._held]
        return (*self._ended(ended, now), item)

    def _gone(self, item: SensorGone, now: int) -> Iterable[Any]:
        """Nothing can ever say that all is well again: what it found ends."""
        sensor = f"{item.feed}/{item.sensor}"
        self.ground.places.pop(sensor, None)
        slot = self._slots.pop(sensor, None)
        for quantity in slot.points if slot is not None else ():
            self._points.pop((item.feed, item.sensor, quantity), None)
        # what a supplier's own system says, it clears itself
        own = [one for one in self._held.values() if one.sensor == sensor and one.kind != "supplied"]
        return (*self._ended(own, now), item)

    def _ended(self, findings: list[Finding], now: int) -> Iterable[Finding]:
        ordered = sorted(findings, key=lambda finding: finding.key)
        return self._derived([msgspec.structs.replace(one, active=False, time=now) for one in ordered])

    def _posture(self, item: Posture, now: int) -> Iterable[Any]:
        """Other figures from the next reading on."""
        level = "" if item.exercise else item.level
        if level != self.ground.level and not item.exercise:
            self._figures(level)
        return (item,)

    # -- rules that build on rules -------------------------------------------------------------------------------------

    def _derived(self, found: list[Finding]) -> list[Finding]:
        """`found` and what other rules make of it; findings that are conditions only end here."""
        told: list[Finding] = []
        for finding in found:
            told += self._with_listeners(finding)
        return told

    def _with_listeners(self, finding: Finding) -> Iterator[Finding]:
        if finding.active:
            self._held[finding.key] = finding
        else:
            self._held.pop(finding.key, None)
        if not finding.condition_only:
            yield finding
        for derived in self._bind.listeners(finding.key.partition("|")[0]):
            for made in derived.take(finding, self):
                yield from self._with_listeners(made)

    def number_of(self, per: str, scope: str) -> int:
        """How many sensors are known in a scope."""
        if per == "feed":
            return sum(slot.place.feed == scope for slot in self._slots.values())
        return sum(per == "city" or getattr(slot.place, per) == scope for slot in self._slots.values())
