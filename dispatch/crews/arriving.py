"""Tells `kpi/arrivals`: when each crew that is called will be there, by road where roads are known (arrivals.py)."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec

from dispatch.casebook import Casebook
from dispatch.crews.arrivals import COMING, Arrival, Caller, Turns, arrivals, told_anew
from dispatch.crews.model import Base
from dispatch.crews.recommender import Recommender
from dispatch.part import Part
from dispatch.reader import Head
from hall.core.clock import monotonic
from hall.core.event import topic_of
from hall.core.process import Process

LOOK_SECONDS = 1.0
#: of each look at most so long is spent on routes, in a thread: the rest waits for the next
BUDGET_SECONDS = 0.2
#: positions remembered; of units beyond no arrival is told by position
UNITS = 50_000


class Called(msgspec.Struct):
    """The part of a crew's document that says whether and where it is called."""

    crew_id: str = ""
    state: str = ""
    assignment: str = ""
    position: str = ""
    base: Base = Base()


class Fixed(msgspec.Struct):
    lon: float | None = None
    lat: float | None = None


class ArrivalPart(Part):
    """`hear` notes, `run` asks the router at a bounded rate. The network is read when first a crew is called."""

    topics = frozenset({"crew", "position"})

    def __init__(self, process: Process) -> None:
        self.process, self.turns = process, Turns()
        self._recommender = Recommender(process.config, process.settings.data_dir)
        self._book = Casebook.open_reader(process.settings.data_dir / "cases.db")
        self._called: dict[str, Called] = {}
        self._fixes: dict[str, tuple[int, bytes]] = {}
        self._told: dict[str, Arrival] | None = None  # None: nothing said since the start
        self._found: dict[str, Arrival] = {}
        self._loaded = False
        process.counters |= {"arrivals_told": 0, "arrival_places_waiting": 0}

    def hear(self, head: Head) -> None:
        if topic_of(head.subject) == "position":
            if head.gone:
                self._fixes.pop(head.subject, None)
            elif head.subject in self._fixes or len(self._fixes) < UNITS:
                self._fixes[head.subject] = head.time, bytes(head.data)  # of the others not even the document is decoded
            return
        crew = Called() if head.gone else msgspec.json.decode(head.data, type=Called)
        if crew.state in COMING and crew.assignment:
            self._called[head.subject] = crew
        else:
            self._called.pop(head.subject, None)

    async def run(self) -> None:
        try:
            while True:
                if self._called and not self._loaded:
                    await asyncio.to_thread(self._recommender.load)
                    self._loaded = True
                await self.look(self.process.clock.now())
                await asyncio.sleep(LOOK_SECONDS)
        finally:
            self._book.close()

    async def look(self, now: int) -> None:
        """Asks about the places whose turn it is, and tells what changed."""
        groups: dict[str, list[Caller]] = {}
        for caller in filter(None, map(self._caller, self._called.values())):
            groups.setdefault(caller.to, []).append(caller)
        waiting = self.turns.due(groups, now)
        done = await asyncio.to_thread(self._ask, waiting, groups, now) if waiting else 0
        self.process.counters["arrival_places_waiting"] = len(waiting) - done
        present = {one.crew_id: one for callers in groups.values() for one in callers}
        self._found = {name: one for name, one in self._found.items() if name in present and present[name].to == one.to}
        self._tell(present, now)

    def _caller(self, crew: Called) -> Caller | None:
        at, place = None, crew.base
        if known := self._fixes.get(crew.position):
            fix = msgspec.json.decode(known[1], type=Fixed)
            if fix.lon is not None and fix.lat is not None:
                at, place = known[0], Base(lon=fix.lon, lat=fix.lat)
        if place.lon is None or place.lat is None:
            return None
        return Caller(crew_id=crew.crew_id, to=crew.assignment, state=crew.state, lon=place.lon, lat=place.lat, at=at)

    def _ask(self, waiting: list[str], groups: dict[str, list[Caller]], now: int) -> int:
        """How many of the places were asked about before the time was over; at least one."""
        until = monotonic() + BUDGET_SECONDS
        for number, name in enumerate(waiting):
            if number and monotonic() >= until:
                return number
            if (place := self._place(name)) is not None:
                self._found |= arrivals(self._recommender.router, *place, groups[name], now)
            self.turns.asked(name, groups[name], now)
        return len(waiting)

    def _place(self, file: str) -> tuple[float, float] | None:
        """Where a case is, as it stands now; None where nobody has said."""
        case: dict[str, Any] = self._book.get("case/" + file.partition("/")[2]) or {}
        lon, lat = case.get("lon"), case.get("lat")
        return None if lon is None or lat is None else (float(lon), float(lat))

    def _tell(self, present: dict[str, Caller], now: int) -> None:
        before = self._told or {}
        same = before.keys() == self._found.keys() and not any(
            told_anew(before.get(name), one, present[name].state == "en_route") for name, one in self._found.items()
        )
        if same and self._told is not None:
            return
        self._told = dict(self._found)
        self.process.counters["arrivals_told"] += 1
        self.process.bulk.put(self.process.event("kpi/arrivals", {"as_of": now, "crews": msgspec.to_builtins(self._told)}))
