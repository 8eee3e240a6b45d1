"""Which channels there are, in what state, where their pictures come from, and how wet it is there; followed on the bus."""

from __future__ import annotations

import asyncio
import math
from urllib.parse import unquote

import msgspec

from hall.core.board import Board, EntryId
from hall.core.bus import Bus, apply_entry
from hall.core.clock import monotonic
from hall.core.errors import BusLost
from hall.core.event import Envelope, topic_of
from hall.core.model import Channel, Sensor

_TOPICS = frozenset({"channel", "sensor", "observation"})
_GAUGE_REACH = 1200.0  # metres: a gauge farther off says nothing about this street
_URLS_AGE = 10.0  # seconds
_channel = msgspec.json.Decoder(type=dict[str, msgspec.Raw])


class Picture(msgspec.Struct, frozen=True):
    """What a poster is made of. `depth` is the water at the nearest gauge in metres, None where no gauge is near."""

    subject: str
    name: str
    state: str
    url: str
    depth: float | None


class _Part(Board):
    """A board that keeps only what this room needs."""

    def apply(self, lane: str, at: EntryId, raw: bytes, head: Envelope) -> bool:
        return topic_of(head.subject) in _TOPICS and super().apply(lane, at, raw, head)


class Directory:
    """Follows the bus; answers from memory, also while the bus is away."""

    def __init__(self, bus: Bus) -> None:
        self.bus = bus
        self.board = _Part(logs=())
        self.lost = ""
        self._urls: dict[str, str] = {}
        self._urls_at = -math.inf
        self._reading = asyncio.Lock()
        self._near: dict[str, tuple[float | None, float | None, int, str | None]] = {}

    async def load(self) -> None:
        """Takes the present picture; raises BusLost."""
        await self.bus.load_board(self.board)

    async def follow(self) -> None:
        """Keeps the picture; never ends, survives the bus."""
        async for entries in self.bus.follow("bulk", self.board.position.bulk, self._on_lost):
            self.lost = ""
            for at, payload in entries:
                apply_entry(self.board, "bulk", at, payload)

    def _on_lost(self, reason: str) -> None:
        self.lost = reason

    async def picture(self, subject: str) -> Picture | None:
        """The channel as known now; None when there is no such channel."""
        entry = self.board.get(subject) if subject.startswith("channel/") else None
        if entry is None:
            return None
        channel = _document(entry.raw, Channel)
        url = await self._url(subject)
        return Picture(subject, channel.name, channel.state, url, self._depth(subject, channel.lon, channel.lat))

    async def _url(self, subject: str) -> str:
        """Stream address of a channel; read anew when old, the last known while the bus is away."""
        if not self._fresh(subject):
            async with self._reading:
                if not self._fresh(subject):  # somebody else may have read it while this one waited
                    await self._read_urls()
        return self._urls.get(subject, "")

    def _fresh(self, subject: str) -> bool:
        """Whether the addresses are young enough; one that is missing is looked for again sooner."""
        return monotonic() - self._urls_at < (_URLS_AGE if subject in self._urls else 1.0)

    async def _read_urls(self) -> None:
        try:
            self._urls = {name: value.decode() for name, value in (await self.bus.hash_all("channel-url")).items()}
        except (BusLost, UnicodeDecodeError) as error:
            self.lost = str(error)
        self._urls_at = monotonic()

    def _depth(self, subject: str, lon: float | None, lat: float | None) -> float | None:
        gauge = self._gauge(subject, lon, lat)
        entry = self.board.get(f"{gauge.replace('sensor/', 'observation/', 1)}/water_depth") if gauge else None
        value = msgspec.json.decode(entry.raw)["data"].get("value") if entry else None
        return float(value) if isinstance(value, (int, float)) else None

    def _gauge(self, subject: str, lon: float | None, lat: float | None) -> str | None:
        """Subject of the nearest depth gauge; looked for again when the channel moved or gauges came."""
        count = self.board.count("sensor")
        known = self._near.get(subject)
        if known and known[:3] == (lon, lat, count):
            return known[3]
        best, nearest = None, _GAUGE_REACH
        if lon is not None and lat is not None:
            for entry in self.board.current(["sensor"]):
                sensor = _document(entry.raw, Sensor)
                if sensor.quantity == "water_depth" and sensor.lon is not None and sensor.lat is not None:
                    dx = (sensor.lon - lon) * 111_320 * math.cos(math.radians(lat))
                    away = math.hypot(dx, (sensor.lat - lat) * 110_940)
                    if away < nearest:
                        best, nearest = f"sensor/{sensor.feed}/{sensor.sensor_id}", away
        if len(self._near) > 20_000:
            self._near.clear()
        self._near[subject] = (lon, lat, count, best)
        return best


def _document(raw: bytes, kind: type):
    """The document inside an event; fields a newer version may have added are ignored."""
    return msgspec.json.decode(_channel.decode(raw)["data"], type=kind)


def file_path(url: str) -> str:
    """The path a file:// address means."""
    return unquote(url.partition("://")[2])
