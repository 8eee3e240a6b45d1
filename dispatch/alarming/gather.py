"""Stage 6: which alarms are one event. 28 gauges that one storm fills are one thing to deal with, not 28.

Alarms of one family belong together where one rises near another (single linkage) within a time, up to a span; those of several
families where one event raises them all (a storm: rain, ponding, rivers); those without a place by station, district or feed.
An alarm that rises between two groups joins them: the elder goes on, the younger's alarms are told anew with where they were.
Else an alarm keeps its group while it lasts.
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
MEMBERS = 2_000
#: groups that an alarm was in before, the newest are kept
BEFORE = 20


class Group(msgspec.Struct, omit_defaults=True, gc=False):
    """A group: its families, its sites with their places, which of them are active, the newest rise, its corners."""

    families: list[str]
    scope: str  # station, district or feed where it has no place
    last: int
    members: dict[str, tuple[float, float]] = {}
    active: list[str] = []
    west: float = 0.0
    south: float = 0.0
    east: float = 0.0
    north: float = 0.0


class Member(msgspec.Struct, omit_defaults=True):
    """An active site: the group it is in, by which family, the groups it was in before, and its alarm as it stands."""

    group: str
    family: str
    was: list[str] = []
    standing: Standing | None = None  # None: not heard since it was adopted


class Gather(Stage):
    name = "gather"

    def __init__(self, ground: Ground, number: int) -> None:
        super().__init__(ground, number)
        self._tables = ground.rules.tables
        self._event_of = {family: name for name, event in self._tables.events.items() for family in event.families}
        self._groups: dict[str, Group] = {}
        self._of: dict[str, Member] = {}  # by site, while its alarm lasts

    def step(self, item: Standing, now: int) -> Iterable[Standing]:
        member = self._of.get(item.site)
        if not item.findings:
            if member is not None:
                del self._of[item.site]
                self._groups[member.group].active.remove(item.site)
                _mark(item, member)
            return (item,)
        moved: list[str] = []
        if member is None:
            member = self._of[item.site] = Member("", "")
            moved = self._joins(member, item)
        _mark(item, member)
        member.standing = msgspec.structs.replace(item)  # later stages write on theirs
        return (item, *self._again(moved, item.time)) if moved else (item,)

    def _again(self, sites: list[str], time: int) -> Iterable[Standing]:
        """Alarms whose group went into another one."""
        for site in sorted(sites):
            member = self._of[site]
            if member.standing is not None:
                told = msgspec.structs.replace(member.standing, time=max(member.standing.time, time))
                _mark(told, member)
                yield told

    def _joins(self, member: Member, item: Standing) -> list[str]:
        """Puts a new alarm into its group; the sites of groups that it brought together."""
        worst = item.findings[0]
        member.family = family = self._tables.family_of.get(worst.family, worst.family)
        self._forget(item.time)
        placed = worst.lon is not None and worst.lat is not None
        scope = "" if placed else worst.station or worst.district or item.site.partition("/")[0]
        near: list[tuple[float, str]] = []
        for name, group in self._groups.items():
            figures = self._figures([family], group.families)
            if figures is None or group.scope != scope or item.time - group.last > figures.minutes * 60_000:
                continue
            distance = _distance(group, worst, figures) if placed else 0.0
            if distance is not None:
                near.append((distance, name))
        near.sort()
        name = near[0][1] if near else self._new(family, worst, item, scope)
        self._take_in(self._groups[name], family, item, worst)
        moved: list[str] = []
        for _, other in near[1:]:
            if self._fit(self._groups[name], self._groups[other]):
                elder, younger = sorted((name, other), key=_age)
                moved += self._merge(elder, younger)
                member.was = [*member.was, younger][-BEFORE:]
                name = elder
        member.group = name
        self._groups[name].active.append(item.site)
        return moved

    def _figures(self, some: list[str], others: list[str]) -> Gathering | None:
        """How near alarms of these families have to be to be one event; None: they have nothing to do with one another."""
        if len(some) == 1 and some == others:
            return self._tables.families.get(some[0], self._tables.gathering)
        event = self._event_of.get(some[0])
        same = event is not None and all(self._event_of.get(one) == event for one in (*some, *others))
        return self._tables.events[event] if same else None

    def _new(self, family: str, worst: Finding, item: Standing, scope: str) -> str:
        mark = hashlib.blake2b(f"{family}|{item.site}|{item.time}".encode(), digest_size=4).hexdigest()
        name = f"{self._event_of.get(family, family)}-{item.time // 1000}-{mark}"
        lon, lat = worst.lon or 0.0, worst.lat or 0.0
        self._groups[name] = Group([family], scope, item.time, {}, [], lon, lat, lon, lat)
        return name

    def _take_in(self, group: Group, family: str, item: Standing, worst: Finding) -> None:
        group.last = max(group.last, item.time)
        if family not in group.families:
            group.families = sorted([*group.families, family])
        if worst.lon is not None and worst.lat is not None:
            self._widen(group, item.site, worst.lon, worst.lat)

    def _widen(self, group: Group, site: str, lon: float, lat: float) -> None:
        if len(group.members) < MEMBERS:
            group.members[site] = (lon, lat)
        group.west, group.east = min(group.west, lon), max(group.east, lon)
        group.south, group.north = min(group.south, lat), max(group.north, lat)

    def _fit(self, one: Group, other: Group) -> bool:
        """Whether both together are no larger than an event may be."""
        figures = self._figures(sorted({*one.families, *other.families}), one.families)
        corners = min(one.west, other.west), min(one.south, other.south), max(one.east, other.east), max(one.north, other.north)
        return figures is not None and metres(*corners) <= figures.span_metres

    def _merge(self, elder: str, younger: str) -> list[str]:
        """The younger group goes into the elder; its active sites."""
        into, gone = self._groups[elder], self._groups.pop(younger)
        into.families = sorted({*into.families, *gone.families})
        into.last = max(into.last, gone.last)
        into.members = dict(list((into.members | gone.members).items())[:MEMBERS])
        into.active = into.active + gone.active
        into.west, into.south = min(into.west, gone.west), min(into.south, gone.south)
        into.east, into.north = max(into.east, gone.east), max(into.north, gone.north)
        for site in gone.active:
            member = self._of[site]
            member.group, member.was = elder, [*member.was, younger][-BEFORE:]
        return gone.active

    def _forget(self, time: int) -> None:
        """Groups nobody is in any more and that are too old to be joined."""
        for name, group in list(self._groups.items()):
            if not group.active and time - group.last > self._patience(group) * 60_000:
                del self._groups[name]

    def _patience(self, group: Group) -> float:
        """Minutes for which a group can be joined by anything."""
        event = self._event_of.get(group.families[0])
        own = max(self._tables.families.get(family, self._tables.gathering).minutes for family in group.families)
        return max(own, self._tables.events[event].minutes) if event is not None else own

    def adopt(self, site: str, data: dict[str, Any]) -> None:
        """A standing alarm's event, as the ledger knows it."""
        name, lon, lat, since = data["group"], data.get("lon"), data.get("lat"), data.get("since") or 0
        family = data.get("family") or name.rsplit("-", 2)[0]
        if name not in self._groups:
            placed = lon is not None and lat is not None
            scope = "" if placed else data.get("district") or site.partition("/")[0]
            self._groups[name] = Group([family], scope, since, {}, [], lon or 0.0, lat or 0.0, lon or 0.0, lat or 0.0)
        group = self._groups[name]
        if family not in group.families:
            group.families = sorted([*group.families, family])
        self._of[site] = Member(name, family, list(data.get("group_was") or []))
        group.active.append(site)
        group.last = max(group.last, since)
        if lon is not None and lat is not None:
            self._widen(group, site, lon, lat)

    def dump(self) -> Any:
        groups = {
            name: msgspec.structs.replace(group, members=dict(group.members), active=list(group.active))
            for name, group in self._groups.items()
        }
        return [groups, {site: msgspec.structs.replace(member) for site, member in self._of.items()}]

    def load(self, kept: Any) -> None:
        self._groups = msgspec.convert(kept[0], dict[str, Group])
        self._of = msgspec.convert(kept[1], dict[str, Member])


def _mark(item: Standing, member: Member) -> None:
    item.group, item.family, item.group_was = member.group, member.family, member.was


def _age(name: str) -> tuple[int, str]:
    """The elder first: a name says when its group began."""
    began = name.rsplit("-", 2)[-2] if name.count("-") >= 2 else ""
    return int(began) if began.isdecimal() else 0, name


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
