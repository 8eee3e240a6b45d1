"""Which rules are for whom: looked up once per sensor and quantity, not once per reading."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from dispatch.alarming.ground import Ground, Place
from dispatch.alarming.kind import Live
from dispatch.alarming.rule import Rule
from dispatch.alarming.rulebook import deadbanded, line
from dispatch.alarming.rules.threshold import RULE as THRESHOLD
from dispatch.alarming.trend import Past

Bound = tuple[Rule, Any, str]  # the rule, its condition here, the condition's key


class Slot:
    """One sensor: what is known of it, the silence it is watched for, its points."""

    __slots__ = ("place", "points", "silence")

    def __init__(self, place: Place) -> None:
        self.place, self.points, self.silence = place, {}, []

    def every(self) -> Iterator[Bound]:
        yield from self.silence
        for point in self.points.values():
            yield from point.conditions


class Point:
    """One quantity of one sensor. Readings from `low` to below `high` change nothing; `doubts` were the last reading's."""

    __slots__ = ("conditions", "doubts", "high", "low", "past", "quantity", "slot")

    def __init__(self, slot: Slot, quantity: str) -> None:
        self.slot, self.quantity, self.conditions, self.past = slot, quantity, [], None
        self.low, self.high = 1.0, 0.0
        self.doubts: tuple[str, ...] | None = None  # nothing was read yet: what holds already is told with the first reading


class Bindings:
    """`lives`: rules by name with their present figures; `derived`: those that build on others."""

    def __init__(self, ground: Ground) -> None:
        self.lives = {rule.name: Live(rule) for rule in ground.rules.rules}
        self.derived: dict[str, Any] = {}
        self._listeners: dict[str, list[Any]] = {}
        self._by_quantity: dict[str, list[Live]] = {}
        self._sensors, self._units, self._subjects = [], [], []
        self._own: dict[tuple, tuple[Live, ...]] = {}
        self._adopted: dict[str, tuple[frozenset[str], int]] = {}
        self._language = ground.rules.languages[0] if ground.rules.languages else "en"
        for live in self.lives.values():
            self._sort(live)

    def _sort(self, live: Live) -> None:
        kind = live.rule.kind
        if kind.scope == "point":
            self._by_quantity.setdefault(live.rule.quantity, []).append(live)
        elif kind.scope == "derived":
            made = self.derived[live.rule.name] = kind.condition(live)
            for name in dict.fromkeys(live.now.of):
                self._listeners.setdefault(name, []).append(made)
        else:
            {"sensor": self._sensors, "unit": self._units, "subject": self._subjects}[kind.scope].append(live)

    def listeners(self, rule: str) -> Iterable[Any]:
        return self._listeners.get(rule, ())

    def of_units(self, place: Place) -> list[Live]:
        return [live for live in self._units if live.rule.where.holds(place)]

    def of_subjects(self, subject: str) -> list[Live]:
        return [live for live in self._subjects if subject.startswith(live.now.subject)]

    def slot(self, slot: Slot) -> None:
        """Silence of a new sensor."""
        kept = {key: condition for _, condition, key in slot.silence}
        bound = [(live, f"{live.rule.name}|{slot.place.sensor}") for live in self._sensors if live.rule.where.holds(slot.place)]
        slot.silence = [(live.rule, kept.get(key) or self._made(live, slot, key), key) for live, key in bound]

    def point(self, point: Point) -> None:
        """The conditions of a point; those it had already go on."""
        slot, kept = point.slot, {key: condition for _, condition, key in point.conditions}
        point.conditions = []
        for live in self._chosen(slot.place, point.quantity):
            key = f"{live.rule.name}|{slot.place.sensor}/{point.quantity}"
            condition = kept.get(key) or self._made(live, slot, key)
            point.conditions.append((live.rule, condition, key))
        windows = [
            live.rule.kind.window_ms(live.now) for live in self._chosen(slot.place, point.quantity) if live.rule.kind.window_ms
        ]
        if windows and point.past is None:
            point.past = Past(max(windows))

    def again(self, slot: Slot) -> None:
        """Another document: everything of the sensor is bound anew."""
        self.slot(slot)
        for point in slot.points.values():
            self.point(point)

    def _made(self, live: Live, slot: Slot, key: str) -> Any:
        condition = live.rule.kind.condition(live)
        rules, severity = self._adopted.get(slot.place.site, ((), 0))
        if (live.rule.shown or live.rule.name) in rules and live.rule.severity <= severity:
            condition.active = True
        return condition

    def adopt(self, site: str, rules: list[str], severity: int) -> None:
        """Lines of a sensor share their name: those beyond the alarm's severity were not reached."""
        self._adopted[site] = (frozenset(rules), severity)

    def _chosen(self, place: Place, quantity: str) -> list[Live]:
        """Lines of the sensor's own document, else the city's for its kind, else for any kind, else the default set's;
        besides, every other rule that is for it."""
        found = [live for live in self._by_quantity.get(quantity, ()) if live.rule.where.holds(place)]
        lines = [live for live in found if live.rule.kind is THRESHOLD]
        own = self._own_lines(place) if place.quantity == quantity and place.lines else ()
        gauges = [live for live in lines if live.rule.source == "thresholds"]
        gauges = [live for live in gauges if live.rule.where.kind] or gauges
        instead = list(own) or gauges or [live for live in lines if live.rule.source == "default"]
        rest = [live for live in found if live.rule.kind is not THRESHOLD or live.rule.source == "city"]
        return [live for live in instead if live.rule.severity > 0 or live.rule.source == "default"] + rest

    def _own_lines(self, place: Place) -> tuple[Live, ...]:
        """Sensors with the same lines share their rules."""
        key = (place.quantity, place.lines)
        if key not in self._own:
            made = [
                line(place.quantity, value, severity, {self._language: label} if label else {})
                for value, severity, label in place.lines
                if severity > 0
            ]
            self._own[key] = tuple(Live(rule) for rule in deadbanded(made))
        return self._own[key]
