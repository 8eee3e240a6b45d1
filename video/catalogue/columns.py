"""Numbers of many channels side by side, so that a question over all of them is a few passes of numpy."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

#: mean radius of the earth, metres
EARTH = 6_371_008.8
#: level of the cells that are kept of each place: 2 m at the equator
FINEST = 24
_MOST_LAT = 85.05
STATES = ("unknown", "online", "offline")
PTZ, AUDIO, SUB, STREAM = 1, 2, 4, 8
_FIELDS = {
    "used": np.bool_, "placed": np.bool_, "state": np.int8, "stated": np.int8, "flags": np.uint8,
    "kind": np.int32, "feed": np.int32,
    "region": np.int32, "group": np.int32, "owner": np.int32, "district": np.int32,
    "lon": np.float64, "lat": np.float64, "east": np.uint32, "south": np.uint32, "state_at": np.int64, "told_at": np.int64,
    "changed": np.int64,
}  # fmt: skip


class Columns:
    """One row per channel. `place` (n, 3): metres from the earth's middle on a sphere, `east`, `south`: its cell of Web
    Mercator at level `FINEST`; both of those that are `placed`."""

    def __init__(self) -> None:
        self.size = 0
        self.moved = 0  # another number when a place is another
        self._room = 0
        self._grow(1024)

    def _grow(self, room: int) -> None:
        for name, kind in _FIELDS.items():
            new = np.zeros(room, kind)
            if self._room:
                new[: self._room] = getattr(self, f"_{name}")
            setattr(self, f"_{name}", new)
        place = np.zeros((room, 3))
        if self._room:
            place[: self._room] = self._place
        self._place, self._room = place, room

    def append(self) -> int:
        """A new empty row; returns its number."""
        if self.size == self._room:
            self._grow(2 * self._room)
        self.size += 1
        return self.size - 1

    def __getattr__(self, name: str) -> np.ndarray:
        if name != "place" and name not in _FIELDS:
            raise AttributeError(name)
        return self.__dict__[f"_{name}"][: self.size]

    def one(self, name: str, row: int) -> Any:
        """A column's value in one row: a tenth of what taking the column for it costs."""
        return self.__dict__[f"_{name}"][row]

    def put(self, row: int, values: dict[str, float]) -> None:
        for name, value in values.items():
            self.__dict__[f"_{name}"][row] = value

    def locate(self, row: int, lon: float | None, lat: float | None) -> None:
        before = (self._placed[row], self._lon[row], self._lat[row])
        self.moved += before != ((False, *before[1:]) if lon is None or lat is None else (True, lon, lat))
        if lon is None or lat is None:
            self.put(row, {"placed": False})
            self._place[row] = 0.0
        else:
            self.put(row, {"placed": True, "lon": lon, "lat": lat})
            self._place[row] = on_sphere(lon, lat)
            self._east[row], self._south[row] = steps_of(lon, lat)


def steps_of(lon: float, lat: float) -> tuple[int, int]:
    """Degrees as column and row of 2 ** FINEST of Web Mercator's unit square, from its north west."""
    sine = math.sin(math.radians(max(-_MOST_LAT, min(_MOST_LAT, lat))))
    across = 1 << FINEST
    x, y = lon / 360 + 0.5, 0.5 - math.log((1 + sine) / (1 - sine)) / (4 * math.pi)
    return max(0, min(across - 1, math.floor(x * across))), max(0, min(across - 1, math.floor(y * across)))


def on_sphere(lon: float, lat: float) -> tuple[float, float, float]:
    """Metres from the earth's middle; WGS-84 degrees taken as those of a sphere, which is right to 0.3 % of a distance."""
    east, north = math.radians(lon), math.radians(lat)
    flat = EARTH * math.cos(north)
    return flat * math.cos(east), flat * math.sin(east), EARTH * math.sin(north)
