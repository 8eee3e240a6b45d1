"""Keeps what measures are worked out from: hears sensors, readings, alarms, cameras, crews and their positions. Pure."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import msgspec

from dispatch.measures.columns import CaseColumns, Columns, Place
from dispatch.measures.measure import Gauge, World
from dispatch.part import POOR
from dispatch.rain.totals import RainTotals
from dispatch.reader import Head
from hall.core.event import topic_of

_BOUND = 200_000
_PLAIN = "water_depth"  # also of a sensor that names none: defaults are not sent (hall/core/model.py)


class _Thing(msgspec.Struct):
    """What is read of any document that has a place."""

    lon: float | None = None
    lat: float | None = None
    cell: str = ""
    district: str = ""
    kind: str = ""
    quantity: str = ""
    state: str = ""
    value: float | None = None
    quality: str = ""
    active: bool = True
    hidden_by: str = ""
    position: str = ""  # of a crew: the subject of its position
    base: dict[str, Any] = {}
    ended: bool = False


_decode = msgspec.json.Decoder(_Thing).decode


def _place(thing: _Thing) -> Place | None:
    if thing.lon is None or thing.lat is None:
        return None
    return Place(thing.lon, thing.lat, thing.cell, thing.district)


class Kept:
    """`hear` takes one document each; `world` is what measures see."""

    topics = frozenset({"sensor", "observation", "alarm", "channel", "crew", "position"})

    def __init__(self, cases: CaseColumns, rain: RainTotals) -> None:
        self._rain = rain
        self.world = World(
            cases,
            Columns(("depth", "at"), _BOUND),
            Columns(("active",), _BOUND),
            Columns(("offline",), _BOUND),
            Columns(("at",), _BOUND),
            self._gauges,
        )
        self._crew_of: dict[str, str] = {}  # subject of a position -> crew
        self._position_of: dict[str, str] = {}
        self._waiting: dict[str, tuple[float, int]] = {}  # site -> reading heard before its sensor
        self._take: dict[str, Callable[[Head, _Thing | None], None]] = {
            "sensor": self._sensor,
            "observation": self._reading,
            "alarm": self._alarm,
            "channel": self._camera,
            "crew": self._crew,
            "position": self._position,
        }

    def hear(self, head: Head) -> None:
        topic = topic_of(head.subject)
        if topic == "observation" and not head.subject.endswith("/water_depth"):
            return
        if topic == "position" and head.subject not in self._crew_of:
            return
        self._take[topic](head, None if head.gone else _decode(head.data))

    def _sensor(self, head: Head, thing: _Thing | None) -> None:
        site = head.subject.partition("/")[2]
        place = thing and _place(thing)
        if not place or (thing.quantity or _PLAIN) != _PLAIN or thing.kind == "river":
            return self.world.water.drop(site)
        depth, at = self._waiting.pop(site, (None, None))
        self.world.water.put(site, place, **({} if at is None else {"depth": depth, "at": at}))
        return None

    def _reading(self, head: Head, thing: _Thing | None) -> None:
        site = head.subject.partition("/")[2].rpartition("/")[0]
        if thing is None or thing.value is None or thing.quality.casefold() in POOR:
            return
        place = self.world.water.place(site)
        if place is not None:
            self.world.water.put(site, place, depth=thing.value, at=head.time)
        elif len(self._waiting) < _BOUND:
            self._waiting[site] = thing.value, head.time

    def _alarm(self, head: Head, thing: _Thing | None) -> None:
        place = thing and _place(thing)
        if not place or not thing.active or thing.hidden_by:
            self.world.alarms.drop(head.subject)
        else:
            self.world.alarms.put(head.subject, place, active=1)

    def _camera(self, head: Head, thing: _Thing | None) -> None:
        place = thing and _place(thing)
        if not place:
            self.world.cameras.drop(head.subject)
        else:
            self.world.cameras.put(head.subject, place, offline=float(thing.state == "offline"))

    def _crew(self, head: Head, thing: _Thing | None) -> None:
        position = "" if thing is None or thing.ended or thing.state == "out_of_service" else thing.position
        before = self._position_of.pop(head.subject, "")
        if before and before != position:
            self._crew_of.pop(before, None)
            self.world.crews.drop(before)
        if position:
            self._position_of[head.subject] = position
            self._crew_of[position] = head.subject

    def _position(self, head: Head, thing: _Thing | None) -> None:
        place = thing and _place(thing)
        if not place:
            self.world.crews.drop(head.subject)
        else:
            self.world.crews.put(head.subject, place, at=head.time)

    def _gauges(self, now: int) -> list[Gauge]:
        found = []
        for site, named, mm, at in self._rain.current(now):
            lon, lat = named.get("lon"), named.get("lat")
            if lon is not None and lat is not None and math.isfinite(lon + lat):
                found.append(Gauge(str(named.get("name") or site), lon, lat, mm.get(60, 0.0), mm.get(1440, 0.0), at))
        return found
