"""Channels for tests: made by a seed, told as events, kept as the bus would keep them."""

from __future__ import annotations

import math
import random

from hall.core.event import Event, encode
from hall.core.model import Channel
from video.catalogue.catalogue import Catalogue

NAMES = ("人民路", "解放大道", "平原路", "学院街", "牧野湖公园", "Main Street", "")
DISTRICTS = ("红旗区", "卫滨区", "牧野区", "")
OWNERS = ("公安局", "城管局", "水利局", "")
STATES = ("online", "offline", "unknown")


def camera(number: int, chance: random.Random, feed: str = "gb") -> Channel:
    """One camera; every tenth has no place, every third no direction."""
    placed = number % 10 != 9
    region = chance.choice(("410702", "410703", "410711", "4101", ""))
    return Channel(
        feed=feed,
        channel_id=f"{(region or '41').ljust(8, '0')}08132{number:07d}" if number % 5 else f"cam-{number}",
        name=f"{chance.choice(NAMES)}{chance.randrange(40)}号",
        owner=chance.choice(OWNERS),
        district=chance.choice(DISTRICTS),
        civil_code=region,
        parent=chance.choice(("41070200002160000001", "41070200002160000002", "", "east yard")),
        state=chance.choice(STATES),
        has_stream=chance.random() < 0.8,
        ptz=chance.random() < 0.2,
        has_sub=chance.random() < 0.5,
        lon=113.9 + chance.uniform(-0.2, 0.2) if placed else None,
        lat=35.3 + chance.uniform(-0.2, 0.2) if placed else None,
        bearing_deg=float(chance.randrange(360)) if number % 3 else None,
        fov_deg=60.0 if number % 2 else None,
        range_m=3_000.0 if number % 4 else None,
    )


class Told:
    """A catalogue that was told events, and the same channels in a plain dict."""

    def __init__(self, city: tuple[str, str] = ("410700", "新乡市")) -> None:
        self.raws: dict[str, bytes] = {}
        self.channels: dict[str, Channel] = {}
        self.catalogue = Catalogue(self.raws.get, city)
        self.time = 1_000

    def tell(self, channel: Channel) -> str:
        subject = f"channel/{channel.feed}/{channel.channel_id}"
        self.time += 1
        event = Event(id=str(self.time), source="t", subject=subject, time=self.time, recordedtime=self.time, data=channel)
        self.raws[subject], self.channels[subject] = encode(event), channel
        self.catalogue.take(self.raws[subject])
        return subject

    def gone(self, subject: str) -> None:
        self.time += 1
        self.raws.pop(subject), self.channels.pop(subject)
        event = Event(id=str(self.time), source="t", subject=subject, time=self.time, recordedtime=self.time)
        self.catalogue.take(encode(event))


def city_of(count: int, seed: int = 1) -> Told:
    told, chance = Told(), random.Random(seed)
    for number in range(count):
        told.tell(camera(number, chance))
    return told


def great_circle(lon: float, lat: float, lon2: float, lat2: float) -> float:
    """Metres by the haversine formula."""
    a, b = math.radians(lat), math.radians(lat2)
    h = math.sin((b - a) / 2) ** 2 + math.cos(a) * math.cos(b) * math.sin(math.radians(lon2 - lon) / 2) ** 2
    return 2 * 6_371_008.8 * math.asin(math.sqrt(h))
