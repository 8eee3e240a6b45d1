"""What every stage stands on: the rules, who is where, and the clockwork that wakes stages. One per engine. Pure."""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterable
from typing import Any

import msgspec

from hall.core.model import Sensor

#: metres of a degree of latitude (a sphere of 6,371 km)
DEGREE = 111_195.0


def metres(lon1: float, lat1: float, lon2: float, lat2: float) -> float:
    """Distance of two places of one city: the earth as a plane, good to a metre within 50 km."""
    x = (lon2 - lon1) * math.cos(math.radians((lat1 + lat2) / 2))
    return DEGREE * math.hypot(x, lat2 - lat1)


class Place(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What is known of a sensor, or of a site that is none. `station`: whose failure explains its silence."""

    feed: str = ""
    sensor: str = ""
    site: str = ""
    name: str = ""
    kind: str = ""
    quantity: str = ""
    unit: str = ""
    station: str = ""
    owner: str = ""
    lon: float | None = None
    lat: float | None = None
    district: str = ""
    lines: tuple[tuple[float, int, str], ...] = ()  # (value, severity, label) of its own document
    document: bool = False  # the sensor's document was seen


def place_of(sensor: Sensor) -> Place:
    key = f"{sensor.feed}/{sensor.sensor_id}"
    return Place(
        feed=sensor.feed,
        sensor=key,
        site=sensor.site or key,
        name=sensor.name,
        kind=sensor.kind,
        quantity=sensor.quantity,
        unit=sensor.unit,
        station=sensor.station,
        owner=sensor.owner,
        lon=sensor.lon,
        lat=sensor.lat,
        district=sensor.district,
        lines=tuple((line.value, line.severity, line.label) for line in sensor.thresholds),
        document=True,
    )


class Ground:
    """`rules`: the rulebook. `places`: sensor -> Place. `counters` say what was refused for want of room."""

    def __init__(self, rules: Any) -> None:
        self.rules = rules
        self.places: dict[str, Place] = {}
        self.level = ""
        self.counters = {"sites_refused": 0, "readings_late": 0, "readings_doubtful": 0}
        self._heap: list[tuple[int, int, str]] = []

    def wake(self, due: int, stage: int, key: str) -> None:
        """`stage.fall(key, due)` is called when the engine's clock reaches `due`. A stage looks itself whether it still
        matters."""
        heapq.heappush(self._heap, (due, stage, key))

    def next_due(self) -> int | None:
        return self._heap[0][0] if self._heap else None

    def fallen(self, now: int) -> Iterable[tuple[int, int, str]]:
        """What falls due until `now`, earliest first, whatever is added meanwhile; each once."""
        last = None
        while self._heap and self._heap[0][0] <= now:
            found = heapq.heappop(self._heap)
            if found != last:
                last = found
                yield found

    def forget_wakes(self) -> None:
        self._heap.clear()


class Stage:
    """One stage of the pipeline: what it makes of an item depends on its own state, the item and the time, nothing else.

    `number` is its place in the list. A stage passes on what is not its business.
    """

    name = ""

    def __init__(self, ground: Ground, number: int) -> None:
        self.ground, self.number = ground, number

    def step(self, item: Any, now: int) -> Iterable[Any]:
        raise NotImplementedError

    def steps(self, items: Iterable[Any], now: int) -> list[Any]:
        """All that one input made, in order."""
        return [made for item in items for made in self.step(item, now)]

    def fall(self, key: str, due: int) -> Iterable[Any]:
        """A moment it asked to be woken at."""
        return ()

    def dump(self) -> Any:
        """A copy of its state as plain values, which nothing changes later (or Parts, for what is many: snapshot.py); `load`
        makes the same of it and asks for its wakes anew."""
        return None

    def load(self, kept: Any) -> None:
        pass
