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

#: keys of Where that rules are looked up by, the one that parts them most first
SELECTIVE = ("sensor", "site", "station", "district", "owner", "feed", "kind")


class Bound:
    """A rule, its condition here, the condition's key. Readings from `low` to below `high` change nothing of it."""

    __slots__ = ("condition", "doubts", "high", "key", "low", "rule", "timed")

    def __init__(self, rule: Rule, condition: Any, key: str) -> None:
        self.rule, self.condition, self.key = rule, condition, key
        self.low, self.high = 1.0, 0.0
        self.doubts: tuple[str, ...] | None = None  # of the reading it was told with; None: not told yet
        self.timed = rule.kind is THRESHOLD and any(
            one.seconds_on or one.seconds_off for one in (rule.settings, *rule.levels.values())
        )

    def __iter__(self) -> Iterator[Any]:
        return iter((self.rule, self.condition, self.key))


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

    __slots__ = ("conditions", "doubts", "high", "last", "low", "past", "quantity", "slot")

    def __init__(self, slot: Slot, quantity: str) -> None:
        self.slot, self.quantity, self.conditions, self.past = slot, quantity, [], None
        self.last: Any = None  # the reading that a delay runs from
        self.loud()
        self.doubts: tuple[str, ...] | None = None  # nothing was read yet: what holds already is told with the first reading

    def loud(self) -> None:
        """Every condition has to look at the next reading."""
        self.low, self.high = 1.0, 0.0
        for bound in self.conditions:
            bound.low, bound.high = 1.0, 0.0


class Bindings:
    """`lives`: rules by name with their present figures; `derived`: those that build on others."""

    def __init__(self, ground: Ground) -> None:
        self.lives = {rule.name: Live(rule) for rule in ground.rules.rules}
        self.derived: dict[str, Any] = {}
        self._listeners: dict[str, list[Any]] = {}
        self._by: dict[tuple[str, str, str], list[Live]] = {}  # quantity, key of Where, its value -> rules
        self._sensors, self._units, self._subjects = [], [], []
        self._own: dict[tuple, tuple[Live, ...]] = {}
        self._adopted: dict[str, tuple[frozenset[str], int]] = {}
        self._language = ground.rules.languages[0] if ground.rules.languages else "en"
        for live in self.lives.values():
            self._sort(live)

    def _sort(self, live: Live) -> None:
        kind = live.rule.kind
        if kind.scope == "point":
            for key in _keys(live.rule):
                self._by.setdefault(key, []).append(live)
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
        slot.silence = [Bound(live.rule, kept.get(key) or self._made(live, slot, key), key) for live, key in bound]

    def point(self, point: Point) -> None:
        """The conditions of a point; those it had already go on."""
        slot, kept = point.slot, {key: condition for _, condition, key in point.conditions}
        point.conditions = []
        chosen = self._chosen(slot.place, point.quantity)
        for live in chosen:
            key = f"{live.rule.name}|{slot.place.sensor}/{point.quantity}"
            condition = kept.get(key) or self._made(live, slot, key)
            point.conditions.append(Bound(live.rule, condition, key))
        windows = [live.rule.kind.window_ms(live.now) for live in chosen if live.rule.kind.window_ms]
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
        found = [live for live in self._for(place, quantity) if live.rule.where.holds(place)]
        lines = [live for live in found if live.rule.kind is THRESHOLD]
        own = self._own_lines(place) if place.quantity == quantity and place.lines else ()
        gauges = [live for live in lines if live.rule.source == "thresholds"]
        gauges = [live for live in gauges if live.rule.where.kind] or gauges
        instead = list(own) or gauges or [live for live in lines if live.rule.source == "default"]
        rest = [live for live in found if live.rule.kind is not THRESHOLD or live.rule.source == "city"]
        return [live for live in instead if live.rule.severity > 0 or live.rule.source == "default"] + rest

    def _for(self, place: Place, quantity: str) -> Iterator[Live]:
        """Every rule that may be for a place, each once."""
        yield from self._by.get((quantity, "", ""), ())
        for name in SELECTIVE:
            yield from self._by.get((quantity, name, getattr(place, name)), ())

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


def _keys(rule: Rule) -> Iterator[tuple[str, str, str]]:
    """Where a rule is looked up: under each value of the first key that it names."""
    for name in SELECTIVE:
        wanted = getattr(rule.where, name)
        if wanted is not None:
            for value in dict.fromkeys([wanted] if isinstance(wanted, str) else wanted):
                yield rule.quantity, name, value
            return
    yield rule.quantity, "", ""
