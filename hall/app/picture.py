"""The present picture, as the answers about surroundings need it: read from the bus, kept for a few seconds."""

from __future__ import annotations

import asyncio
from typing import Any, NamedTuple

import msgspec

from hall.app import documents
from hall.app.nearness import Spot
from hall.core.bus import Bus
from hall.core.clock import monotonic
from hall.core.model import CASE_ENDED

#: seconds for which a topic's documents are not read again; what moves is read anew sooner
KEEP = {
    "case": 3.0, "file": 3.0, "position": 2.0, "channel": 30.0, "sensor": 30.0, "observation": 5.0, "warning": 5.0,
    "closure": 5.0, "depot": 5.0, "incident": 5.0, "kpi": 5.0,
}  # fmt: skip
_SHOWN = {
    "case": ("state", "class_name", "subclass_name", "address", "severity", "district", "unit", "due"),
    "channel": ("name", "owner", "state", "has_stream", "kind", "district"),
    "sensor": ("name", "quantity", "unit", "kind", "state"),
    "position": ("name", "kind", "state"),
}
_LINE = 200  # characters of a description in a list


class Row(NamedTuple):
    """One document: `data` as plain fields."""

    subject: str
    time: int
    data: dict[str, Any]


class _Event(msgspec.Struct):
    subject: str
    time: int
    data: dict[str, Any] | None = None


class Picture:
    """`rows(topic)` and `spots(topic)`; a topic is read once however many ask at the same time."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._kept: dict[str, tuple[float, list[Row]]] = {}
        self._locks = {topic: asyncio.Lock() for topic in KEEP}

    async def rows(self, topic: str) -> list[Row]:
        """Every present document of a topic. Raises BusLost."""
        async with self._locks[topic]:
            made, rows = self._kept.get(topic, (0.0, []))
            if not made or monotonic() - made > KEEP[topic]:
                found = await documents.current(self._bus, topic)
                rows = await asyncio.to_thread(_decoded, found.events)
                self._kept[topic] = (monotonic(), rows)
            return rows

    async def spots(self, topic: str) -> list[Spot]:
        """What of a topic has a place; open cases only, with the hall's decisions over the supplier's words."""
        rows = await self.rows(topic)
        over = {row.subject: row.data.get("over", {}) for row in await self.rows("file")} if topic == "case" else {}
        return await asyncio.to_thread(_spots, topic, rows, over)


def _decoded(events: list[msgspec.Raw]) -> list[Row]:
    decode = msgspec.json.Decoder(_Event).decode
    return [Row(event.subject, event.time, event.data) for event in map(decode, events) if event.data]


def _spots(topic: str, rows: list[Row], over: dict[str, dict[str, Any]]) -> list[Spot]:
    found = []
    for row in rows:
        data = row.data
        if topic == "case":
            data = {**data, **over.get("file/" + row.subject.partition("/")[2], {})}
            if data.get("state", "reported") in CASE_ENDED:
                continue
        lon, lat = data.get("lon"), data.get("lat")
        if lon is None or lat is None:
            continue
        shown = {name: data[name] for name in _SHOWN[topic] if name in data}
        if topic == "case":
            shown["description"] = data.get("description", "")[:_LINE]
            shown["reported"] = (data.get("stages") or {}).get("reported") or row.time
        found.append(Spot(row.subject, lon, lat, row.time, shown))
    return found
