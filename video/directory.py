"""Which channels there are, in what state, where their pictures come from, and how wet it is there; followed on the bus."""

from __future__ import annotations

import asyncio
import gc
import math
from collections import OrderedDict

import msgspec

from hall.core.board import Board, EntryId
from hall.core.bus import Bus, apply_entry
from hall.core.clock import monotonic
from hall.core.errors import BusLost, HallError
from hall.core.event import Envelope, topic_of
from hall.core.model import Channel, Sensor
from hall.core.secrets import Secrets
from video.catalogue.catalogue import Catalogue
from video.catalogue.scope import Scope

_TOPICS = frozenset({"channel", "sensor", "observation", "feed"})
_CATALOGUED = ("channel", "feed")
_GAUGE_REACH = 1200.0  # metres: a gauge farther off says nothing about this street
_URL_AGE, _URLS_KEPT = 10.0, 2_000  # seconds, addresses in memory
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

    def __init__(self, bus: Bus, secrets: Secrets, city: tuple[str, str] = ("", "")) -> None:
        self.bus, self._secrets = bus, secrets
        self.board = _Part(logs=())
        self.catalogue = Catalogue(self.raw, city)
        self.lost = ""
        self._urls: OrderedDict[str, tuple[float, str]] = OrderedDict()
        self._near: dict[str, tuple[float | None, float | None, int, str | None]] = {}

    async def load(self) -> None:
        """Takes the present picture; raises BusLost."""
        await self.bus.load_board(self.board)
        for number, entry in enumerate(list(self.board.current(_CATALOGUED))):
            self.catalogue.take(entry.raw)
            if number % 2_000 == 0:
                await asyncio.sleep(0)
        gc.collect()
        gc.freeze()  # this lives as long as the process: without it each full collection walks it: 0.1 s at 100,000 channels

    async def follow(self) -> None:
        """Keeps the picture; never ends, survives the bus."""
        async for entries in self.bus.follow("bulk", self.board.position.bulk, self._on_lost):
            self.lost = ""
            for at, payload in entries:
                for topic, raw in apply_entry(self.board, "bulk", at, payload):
                    if topic in _CATALOGUED:
                        self.catalogue.take(raw)
                await asyncio.sleep(0)  # a directory of a hundred thousand comes in many packs; questions go between them

    def _on_lost(self, reason: str) -> None:
        self.lost = reason

    def raw(self, subject: str) -> bytes | None:
        """The newest event of a subject, None when there is none."""
        entry = self.board.get(subject)
        return None if entry is None else entry.raw

    async def picture(self, subject: str) -> Picture | None:
        """The channel as known now; None when there is no such channel."""
        entry = self.board.get(subject) if subject.startswith("channel/") else None
        if entry is None:
            return None
        channel = _document(entry.raw, Channel)
        url = await self._url(subject)
        return Picture(subject, channel.name, channel.state, url, self._depth(subject, channel.lon, channel.lat))

    async def _url(self, subject: str) -> str:
        """Stream address of a channel; read anew when old, the last known while the bus is away. Empty: none, or sealed with
        another key."""
        at, url = self._urls.get(subject, (-math.inf, ""))
        if monotonic() - at < (_URL_AGE if url else 1.0):  # one that is missing is looked for again sooner
            return url
        try:
            found = await self.bus.hash_get(subject, "channel-url")
            url = self._secrets.unseal(found.decode(), subject) if found else ""
        except (BusLost, UnicodeDecodeError, HallError) as error:
            self.lost = str(error) if isinstance(error, BusLost) else self.lost
        self._urls[subject] = monotonic(), url
        self._urls.move_to_end(subject)
        while len(self._urls) > _URLS_KEPT:
            self._urls.popitem(last=False)
        return url

    def unseen(self, subject: str, scope: Scope) -> str | None:
        """Why a channel may not be known within a scope; None when it may. One that is gone, or never was, is nobody's."""
        entry = self.board.get(subject) if subject.startswith("channel/") else None
        return "unknown-channel" if entry is None else scope.unseen(_document(entry.raw, Channel))

    def forget_addresses(self) -> None:
        """The next question for an address reads it anew."""
        self._urls.clear()

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
