"""Stage 6: which alarms are one event. 28 gauges that one storm fills are one thing to deal with, not 28.

Alarms of one family belong together where one rises near another (single linkage) within a time, up to a span; those without
a place by station, district or feed. An alarm keeps its group while it lasts.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any

import msgspec

from dispatch.alarming.findings import Finding, Standing
from dispatch.alarming.ground import DEGREE, Ground, Stage, metres
from dispatch.alarming.tables import Gathering

#: sites a group remembers for finding its neighbours; beyond it only its corners count
MEMBERS = 500


class Group(msgspec.Struct, omit_defaults=True, gc=False):
    """An event: its sites with their places, how many of them are active, the newest rise, its corners."""

    family: str
    scope: str  # station, district or feed where it has no place
    last: int
    members: dict[str, tuple[float, float]] = {}
    active: list[str] = []
    west: float = 0.0
    south: float = 0.0
    east: float = 0.0
    north: float = 0.0


class Gather(Stage):
    name = "gather"

    def __init__(self, ground: Ground, number: int) -> None:
        super().__init__(ground, number)
        self._tables = ground.rules.tables
        self._groups: dict[str, Group] = {}
        self._of: dict[str, str] = {}  # site -> group while its alarm lasts

    def step(self, item: Standing, now: int) -> Iterable[Standing]:
        name = self._of.get(item.site)
        if not item.findings:
            if name is not None:
                del self._of[item.site]
                self._groups[name].active.remove(item.site)
                item.group = name
            return (item,)
        if name is None:
            name = self._of[item.site] = self._joined(item)
            self._groups[name].active.append(item.site)
        item.group = name
        return (item,)

    def _joined(self, item: Standing) -> str:
        worst = item.findings[0]
        family = self._tables.family_of.get(worst.family, worst.family)
        figures = self._tables.families.get(family, self._tables.gathering)
        self._forget(item.time)
        placed = worst.lon is not None and worst.lat is not None
        scope = "" if placed else worst.station or worst.district or item.site.partition("/")[0]
        best: tuple[float, str] | None = None
        for name, group in self._groups.items():
            if group.family != family or group.scope != scope or item.time - group.last > figures.minutes * 60_000:
                continue
            distance = _distance(group, worst, figures) if placed else 0.0
            if distance is not None and (best is None or (distance, name) < best):
                best = distance, name
        name = best[1] if best else self._new(family, worst, item, scope)
        self._take_in(self._groups[name], item, worst)
        return name

    def _new(self, family: str, worst: Finding, item: Standing, scope: str) -> str:
        mark = hashlib.blake2b(f"{family}|{item.site}|{item.time}".encode(), digest_size=4).hexdigest()
        name = f"{family}-{item.time // 1000}-{mark}"
        lon, lat = worst.lon or 0.0, worst.lat or 0.0
        self._groups[name] = Group(family, scope, item.time, {}, [], lon, lat, lon, lat)
        return name

    def _take_in(self, group: Group, item: Standing, worst: Finding) -> None:
        group.last = max(group.last, item.time)
        if worst.lon is not None and worst.lat is not None:
            self._widen(group, item.site, worst.lon, worst.lat)

    def _widen(self, group: Group, site: str, lon: float, lat: float) -> None:
        if len(group.members) < MEMBERS:
            group.members[site] = (lon, lat)
        group.west, group.east = min(group.west, lon), max(group.east, lon)
        group.south, group.north = min(group.south, lat), max(group.north, lat)

    def _forget(self, time: int) -> None:
        """Groups nobody is in any more and that are too old to be joined."""
        for name, group in list(self._groups.items()):
            figures = self._tables.families.get(group.family, self._tables.gathering)
            if not group.active and time - group.last > figures.minutes * 60_000:
                del self._groups[name]

    def adopt(self, site: str, data: dict[str, Any]) -> None:
        """A standing alarm's event, as the ledger knows it."""
        name, lon, lat, since = data["group"], data.get("lon"), data.get("lat"), data.get("since") or 0
        if name not in self._groups:
            placed = lon is not None and lat is not None
            scope = "" if placed else data.get("district") or site.partition("/")[0]
            self._groups[name] = Group(
                name.rsplit("-", 2)[0], scope, since, {}, [], lon or 0.0, lat or 0.0, lon or 0.0, lat or 0.0
            )
        group = self._groups[name]
        self._of[site] = name
        group.active.append(site)
        group.last = max(group.last, since)
        if lon is not None and lat is not None:
            self._widen(group, site, lon, lat)

    def dump(self) -> Any:
        return [self._groups, self._of]

    def load(self, kept: Any) -> None:
        self._groups = msgspec.convert(kept[0], dict[str, Group])
        self._of = kept[1]


def _distance(group: Group, worst: Finding, figures: Gathering) -> float | None:
    """Metres to the nearest of the group; None: too far, or the group would grow beyond its span."""
    lon, lat = worst.lon, worst.lat
    room = figures.metres / DEGREE
    if not group.south - room <= lat <= group.north + room:
        return None
    west, east = min(group.west, lon), max(group.east, lon)
    south, north = min(group.south, lat), max(group.north, lat)
    if metres(west, south, east, north) > figures.span_metres:
        return None
    nearest = min((metres(lon, lat, *there) for there in group.members.values()), default=None)
    return nearest if nearest is not None and nearest <= figures.metres else None
