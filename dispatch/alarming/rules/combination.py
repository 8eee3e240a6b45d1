"""Several conditions at once: rain and a level that rises, a value that stands still while it rains."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from dispatch.alarming.findings import Finding
from dispatch.alarming.ground import metres
from dispatch.alarming.kind import Kind, Live, Settings

WITHIN = ("site", "district", "station", "city")


class Combination(Settings, kw_only=True, frozen=True):
    """On at the site where the first rule of `all` holds while every further one of `all` and at least one of `any` (if
    there are) holds within `within`: the same site, district, station or city, or within so many `metres` of it."""

    all: tuple[str, ...]
    any: tuple[str, ...] = ()
    within: str = "site"
    metres: float = 0.0

    @property
    def of(self) -> tuple[str, ...]:
        return self.all + self.any


class Derived:
    """State: what is found now by rule, which anchors are on."""

    def __init__(self, live: Live) -> None:
        self.live = live
        self.found: dict[str, dict[str, Finding]] = {}  # rule -> key -> finding
        self.active: dict[str, Finding] = {}  # key of the anchor -> what was told

    def take(self, finding: Finding, ground: object) -> Iterable[Finding]:
        own = self.live.now
        found = self.found.setdefault(finding.rule, {})
        if finding.active:
            found[finding.key] = finding
        else:
            found.pop(finding.key, None)
        anchors = self.found.get(own.all[0], {})
        if finding.rule == own.all[0]:
            mine = [finding]
        else:
            mine = [anchor for anchor in anchors.values() if self._near(anchor, finding)]
        for anchor in mine:
            on = anchor.key in anchors and self._holds(anchor)
            if on != (anchor.key in self.active):
                yield self._turned(anchor, on, finding.time)

    def _holds(self, anchor: Finding) -> bool:
        own = self.live.now

        def there(rule: str) -> bool:
            return any(self._near(anchor, other) for other in self.found.get(rule, {}).values())

        return all(map(there, own.all[1:])) and (not own.any or any(map(there, own.any)))

    def _near(self, one: Finding, other: Finding) -> bool:
        own = self.live.now
        if own.metres:
            if None in (one.lon, one.lat, other.lon, other.lat):
                return one.site == other.site
            return metres(one.lon, one.lat, other.lon, other.lat) <= own.metres
        if own.within == "site":
            return one.site == other.site
        if own.within == "city":
            return True
        scope = getattr(one, own.within)
        return bool(scope) and scope == getattr(other, own.within)

    def _turned(self, anchor: Finding, on: bool, time: int) -> Finding:
        rule = self.live.rule
        made = rule.finding(
            key=f"{rule.name}|{anchor.key}", site=anchor.site, active=on, time=time,
            sensor=anchor.sensor, quantity=anchor.quantity,
            value=anchor.value, unit=anchor.unit, threshold=anchor.threshold, cause=anchor.cause, doubts=anchor.doubts,
            station=anchor.station, name=anchor.name, lon=anchor.lon, lat=anchor.lat, district=anchor.district,
        )  # fmt: skip
        if on:
            self.active[anchor.key] = made
        else:
            del self.active[anchor.key]
        return made

    def dump(self) -> list:
        return [self.found, self.active]

    def load(self, kept: list) -> None:
        self.found = msgspec.convert(kept[0], dict[str, dict[str, Finding]])
        self.active = msgspec.convert(kept[1], dict[str, Finding])


def _check(settings: Combination) -> Iterable[tuple[str, str]]:
    if not settings.all or len(settings.of) < 2:
        yield "all", "at least two rules in all and any, the first of them in all"
    if settings.within not in WITHIN:
        yield "within", f"one of {', '.join(WITHIN)}"
    if settings.metres < 0:
        yield "metres", "not below 0"


RULE = Kind("combination", "derived", Combination, Derived, needs_quantity=False, check=_check)
