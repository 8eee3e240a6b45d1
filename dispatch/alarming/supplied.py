"""Alarms that a supplier's own system makes, among the findings of the rules. Pure.

A line is one alarm of the supplier, named by its id; lines of one kind at one site are one finding, as severe as the worst of
them that stands, with the newest line's words. A line ends when the supplier clears it, or when it was to last only so long.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from dispatch.alarming.findings import Finding
from dispatch.alarming.ground import Ground
from dispatch.alarming.inputs import Supplied

#: lines that stand at once, of all suppliers; beyond it a new one is refused, counted
LINES = 100_000
#: first part of the name of a finding's rule; a city's causes may name `supplied/<kind>`
RULE = "supplied"
#: new words alone are told again after so long: a supplier that repeats itself with another figure each time storms nobody
WORDS_MS = 300_000
#: first part of a wake's key
WAKE = "supplied-line"


class Line(msgspec.Struct, array_like=True, gc=False):
    """`key` of the finding it stands at; `until`: it ends by itself then (city ms), 0 = when it is cleared."""

    key: str
    severity: int
    time: int
    until: int = 0


class Lines:
    """Which lines stand. `held`: every finding that holds, by key; `wake(due, key)` asks to be woken."""

    def __init__(self, ground: Ground, held: Callable[[], dict[str, Finding]], wake: Callable[[int, str], None]) -> None:
        self._ground, self._held, self._wake = ground, held, wake
        self._lines: dict[str, Line] = {}
        self._counts: dict[str, list[int]] = {}  # key -> how many lines of each severity
        ground.counters["supplied_refused"] = 0

    def take(self, item: Supplied) -> Iterable[Finding]:
        """What changes; nothing where it was told before."""
        name = item.id or f"{item.rule}|{item.site}"
        known = self._lines.get(name)
        if known is not None and item.time < known.time:
            return ()
        if not item.active or item.severity <= 0:
            return self._clear(name, item.time)
        key = f"{item.rule}|{self._site(item)}"
        ended: Iterable[Finding] = ()
        if known is None:
            if len(self._lines) >= LINES:
                self._ground.counters["supplied_refused"] += 1
                return ()
        elif known.key != key:
            ended = self._clear(name, item.time)
        until = item.time + int(item.lasts_seconds * 1000) if item.lasts_seconds else 0
        self._put(name, Line(key, item.severity, item.time, until))
        if until and (known is None or not known.until):
            self._wake(until, f"{WAKE}|{name}")
        return (*ended, *self._stands(key, item))

    def fall(self, name: str, due: int) -> Iterable[Finding]:
        """A line that was to last until `due`, unless it was told again."""
        line = self._lines.get(name)
        if line is None or not line.until:
            return ()
        if line.until > due:
            self._wake(line.until, f"{WAKE}|{name}")
            return ()
        return self._clear(name, due)

    def stands(self, site: str) -> bool:
        """Whether any line stands at a site."""
        return any(key.partition("|")[2] == site for key in self._counts)

    def _site(self, item: Supplied) -> str:
        place = self._ground.places.get(f"{item.feed}/{item.device}") if item.device else None
        own = f"{item.feed}/{item.device}" if item.device else item.id
        return item.site or (place.site if place is not None else "") or own

    def _put(self, name: str, line: Line) -> None:
        self._take_out(name)
        self._lines[name] = line
        self._counts.setdefault(line.key, [0] * 5)[min(line.severity, 4)] += 1

    def _take_out(self, name: str) -> Line | None:
        line = self._lines.pop(name, None)
        if line is not None:
            counts = self._counts[line.key]
            counts[min(line.severity, 4)] -= 1
            if not any(counts):
                del self._counts[line.key]
        return line

    def _worst(self, key: str) -> int:
        counts = self._counts.get(key, ())
        return max((severity for severity, count in enumerate(counts) if count), default=0)

    def _clear(self, name: str, time: int) -> Iterable[Finding]:
        line = self._take_out(name)
        held = self._held().get(line.key) if line is not None else None
        if line is None or held is None:
            return ()
        worst = self._worst(line.key)
        if worst == held.severity:
            return ()
        changed = {"time": time, "severity": worst} if worst else {"time": time, "active": False}
        return (msgspec.structs.replace(held, **changed),)

    def _stands(self, key: str, item: Supplied) -> Iterable[Finding]:
        made = self._finding(key, item)
        held = self._held().get(key)
        if held is None:
            return (made,)
        same = held.severity == made.severity and held.labels == made.labels and held.respond_seconds == made.respond_seconds
        return () if same and not news(held.supplied, made.supplied) else (made,)

    def _finding(self, key: str, item: Supplied) -> Finding:
        site = key.partition("|")[2]
        sensor = f"{item.feed}/{item.device}" if item.device else ""
        place = self._ground.places.get(sensor)
        told = {"feed": item.feed, "id": item.id.partition("/")[2], "device": item.device, "kind": item.rule.partition("/")[2]}
        told |= {"word": item.word, "text": item.text, "picture": item.picture}
        said: dict[str, Any] = {name: value for name, value in told.items() if value} | ({"at": item.time} if item.id else {})
        placed = place if place is not None and place.lon is not None else None
        return Finding(
            key=key, rule=item.rule, site=site, active=True, time=item.time, severity=self._worst(key),
            family=item.family or item.rule, labels=item.label, respond_seconds=item.respond_seconds, kind="supplied",
            sensor=sensor if place is not None else "", cause=f"supplied/{item.id}" if item.id else "",
            station=item.station or (place.station if place is not None else ""),
            name=(place.name if place is not None else "") or item.name or site.rpartition("/")[2],
            lon=placed.lon if placed is not None else item.lon, lat=placed.lat if placed is not None else item.lat,
            district=(placed.district if placed is not None else "") or item.district, supplied=said,
        )  # fmt: skip

    # -- restart -------------------------------------------------------------------------------------------------------

    def dump(self) -> Any:
        return dict(self._lines)

    def load(self, kept: Any) -> None:
        for name, line in msgspec.convert(kept, dict[str, Line]).items():
            self._put(name, line)
            if line.until:
                self._wake(line.until, f"{WAKE}|{name}")


def news(told: dict[str, Any], said: dict[str, Any]) -> bool:
    """Whether other words of a supplier are to be told: not each time they change."""
    if bool(told) != bool(said):
        return True
    other = any(told.get(name) != said.get(name) for name in ("kind", "word", "text", "picture"))
    return other and said.get("at", 0) - told.get("at", 0) >= WORDS_MS


def first(findings: Iterable[Finding]) -> dict[str, Any]:
    """What the supplier said, of the worst finding that is a supplier's."""
    return next(itertools.chain((one.supplied for one in findings if one.supplied), ({},)))
