"""Works out the tables that some screen asks for, at a bounded rate; names their versions in `kpi/measures`.

A table is asked for over HTTP (hall/app/measures.py): `measures-asked` on the bus says when last, `measures` holds the
tables, gzipped. What nobody has asked for during a minute is neither worked out nor kept.
"""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import hashlib
from typing import Any

import msgspec
import numpy as np

from dispatch.measures import kinds
from dispatch.measures.areas import Level, levels_of
from dispatch.measures.columns import CaseColumns
from dispatch.measures.measure import Measure
from dispatch.measures.table import breaks_of, table
from dispatch.measures.world import Kept
from dispatch.part import Part
from dispatch.rain.totals import RainTotals
from dispatch.reader import Head
from hall.core.clock import monotonic, real_ms
from hall.core.discover import discover
from hall.core.errors import BusLost
from hall.core.process import Process

HOUR = 3_600_000
LOOK_SECONDS = 0.5
#: one table is worked out anew at most so often
AGAIN_SECONDS = 2.0
TELL_SECONDS = 5.0
#: real ms after which a table that nobody asks for is dropped
ASKED_MS = 60_000
#: city ms between two values that are kept of measures that cannot be asked for the past
KEEP_MS = 5 * 60_000
#: city ms that bounds found by quantiles stand
BREAKS_MS = 10 * 60_000


def measures() -> list[Measure]:
    return sorted(discover(kinds, "MEASURE").values(), key=lambda one: (one.order, one.name))


class Tables:
    """The tables by `<measure>/<level>`; pure, time is an argument."""

    def __init__(self, kept: Kept, levels: list[Level], found: list[Measure]) -> None:
        self.world = kept.world
        self.levels = {level.name: level for level in levels}
        self.measures = {measure.name: measure for measure in found}
        self._before: dict[str, list[tuple[int, np.ndarray]]] = {}
        self._breaks: dict[str, tuple[int, list[float]]] = {}
        self._kept_at = -KEEP_MS

    def catalogue(self) -> dict[str, Any]:
        """What can be asked for."""
        return {
            "measures": [measure.shown() for measure in self.measures.values()],
            "levels": [{"name": one.name, "label": one.label, "areas": len(one)} for one in self.levels.values()],
        }

    def make(self, key: str, now: int) -> dict[str, Any] | None:
        """The table of `key` at `now`; None where there is no such measure or level."""
        name, _, at = key.partition("/")
        measure, level = self.measures.get(name), self.levels.get(at)
        if measure is None or level is None:
            return None
        values = measure.value(self.world, level, now)
        before = measure.value(self.world, level, now - HOUR).value if measure.past else self._an_hour_ago(key, now)
        since, breaks = self._breaks.get(key, (0, []))
        if not breaks or not since <= now < since + BREAKS_MS or (len(breaks) < 2 and not measure.breaks):
            breaks = breaks_of(measure, values.value)
            self._breaks[key] = now, breaks
        return table(measure, level, now, values, before, breaks)

    def keep(self, now: int) -> None:
        """Notes, every few minutes, what will be an hour ago later."""
        if self._kept_at <= now < self._kept_at + KEEP_MS:
            return
        if now < self._kept_at:
            self._before.clear()  # the city's clock was set back
        self._kept_at = now
        for measure in self.measures.values():
            for level in [] if measure.past else self.levels.values():
                rows = self._before.setdefault(f"{measure.name}/{level.name}", [])
                rows.append((now, measure.value(self.world, level, now).value))
                while rows[0][0] < now - HOUR - KEEP_MS:
                    rows.pop(0)

    def _an_hour_ago(self, key: str, now: int) -> np.ndarray | None:
        off, value = min(
            ((abs(at - (now - HOUR)), value) for at, value in self._before.get(key, [])), key=_off, default=(0, None)
        )
        return value if off <= KEEP_MS else None


def _off(one: tuple[int, np.ndarray]) -> int:
    return one[0]


class MeasurePart(Part):
    """`hear` notes; `run` makes the tables that are asked for."""

    topics = Kept.topics

    def __init__(self, process: Process, cases: CaseColumns, rain: RainTotals) -> None:
        self.process, self.kept = process, Kept(cases, rain)
        self._tables: Tables | None = None
        self._made: dict[str, tuple[float, str]] = {}  # key -> when (s), version
        self._versions: dict[str, str] = {}
        self._told_at = float("-inf")
        process.counters |= {"measure_tables": 0, "measure_places_refused": 0}

    def hear(self, head: Head) -> None:
        self.kept.hear(head)

    async def run(self) -> None:
        levels = await asyncio.to_thread(levels_of, self.process.config)
        self._tables = Tables(self.kept, levels, measures())
        while True:
            with contextlib.suppress(BusLost):
                await self.look(self.process.clock.now())
            await asyncio.sleep(LOOK_SECONDS)

    async def look(self, now: int) -> None:
        """One step: notes the past, makes what is asked for and due, tells versions."""
        tables, bus = self._tables, self.process.bus
        tables.keep(now)
        world = tables.world
        columns = (world.cases, world.water, world.alarms, world.cameras, world.crews)
        self.process.counters["measure_places_refused"] = sum(one.refused for one in columns)
        asked = await bus.hash_all("measures-asked")
        live = {key for key, at in asked.items() if real_ms() - int(at) < ASKED_MS}
        await self._forget((set(asked) | set(self._made)) - live)
        if not self._catalogued():
            await bus.hash_set({"": msgspec.json.encode(tables.catalogue())}, "measures")
            self._made[""] = monotonic(), ""
        changed = False
        for key in sorted(live):
            if monotonic() - self._made.get(key, (float("-inf"), ""))[0] >= AGAIN_SECONDS:
                changed |= await self._make(key, now)
                await asyncio.sleep(0)
        if changed or (self._versions and monotonic() - self._told_at >= TELL_SECONDS):
            self._told_at = monotonic()
            document = {"as_of": now, "tables": dict(self._versions)}
            self.process.bulk.put(self.process.event("kpi/measures", document))

    def _catalogued(self) -> bool:
        """Whether the catalogue was written lately: a bus that was begun anew has lost it."""
        return monotonic() - self._made.get("", (float("-inf"), ""))[0] < ASKED_MS / 1000

    async def _make(self, key: str, now: int) -> bool:
        made = self._tables.make(key, now)
        if made is None:
            return False
        self.process.counters["measure_tables"] += 1
        content = msgspec.json.encode({name: value for name, value in made.items() if name != "as_of"})
        version = hashlib.blake2b(content, digest_size=8).hexdigest()
        changed = self._made.get(key, (0.0, ""))[1] != version
        body = gzip.compress(msgspec.json.encode(made | {"version": version}), 1, mtime=0)
        await self.process.bus.hash_set({key: body}, "measures")
        self._made[key] = monotonic(), version
        self._versions[key] = version
        return changed

    async def _forget(self, keys: set[str]) -> None:
        gone = [key for key in keys if key]
        for key in gone:
            self._made.pop(key, None)
            self._versions.pop(key, None)
        await self.process.bus.hash_remove(gone, "measures")
        await self.process.bus.hash_remove(gone, "measures-asked")
