"""Tells `kpi/rain` from the readings of rain gauges; at a start the board's series give back the last hours."""

from __future__ import annotations

import asyncio

import msgspec

from dispatch.part import POOR, Part
from dispatch.rain.gauge import WINDOWS, Gauges
from dispatch.rain.totals import RainTotals
from dispatch.reader import Head
from hall.core.clock import monotonic
from hall.core.event import topic_of
from hall.core.process import Process

_LOOK_SECONDS = 0.5
_TELL_SECONDS = 2.5  # walls take kpi documents for silent after 6


class RainPart(Part):
    """`hear` notes, `run` adds up a few gauges at a time and tells what came of it."""

    topics = frozenset({"observation", "sensor", "series"})

    def __init__(self, process: Process, gauges: Gauges | None = None) -> None:
        self.process, self.totals = process, RainTotals(gauges)
        self._started = False
        self._told = float("-inf")
        process.counters["rain_refused"] = 0

    def hear(self, head: Head) -> None:
        parts = head.subject.split("/")
        if len(parts) < 3:
            return
        topic, site = topic_of(head.subject), "/".join(parts[1:3])
        if topic == "sensor":
            self._sensor(site, head)
        elif not head.gone and len(parts) == 4 and parts[3] in WINDOWS:
            data = msgspec.json.decode(head.data)
            if topic == "observation":
                if str(data.get("quality", "")).casefold() in POOR:
                    return
                self.totals.reading(site, parts[3], data.get("value"), head.time)
            elif not self._started:
                self._history(site, parts[3], data)

    def _sensor(self, site: str, head: Head) -> None:
        if head.gone:
            self.totals.named(site, None)
        elif b'"rain' in bytes(head.data):  # of the others not even the document is decoded
            self.totals.named(site, msgspec.json.decode(head.data))

    def _history(self, site: str, quantity: str, series: dict) -> None:
        for step, value in enumerate(series.get("values", [])):
            if value is not None:
                self.totals.reading(site, quantity, value, series["start"] + step * series["step"])

    async def start(self) -> None:
        self._started = True

    async def run(self) -> None:
        while True:
            self.look()
            await asyncio.sleep(_LOOK_SECONDS)

    def look(self) -> None:
        """One step of adding up; tells the figures when it is time."""
        now = self.process.clock.now()
        left = self.totals.step(now)
        if left and self._told == float("-inf"):
            return  # at a start: only whole pictures
        if monotonic() - self._told >= _TELL_SECONDS:
            self._told = monotonic()
            self.process.counters["rain_refused"] = self.totals.gauges.refused
            self.process.bulk.put(self.process.event("kpi/rain", self.totals.document(now)))
