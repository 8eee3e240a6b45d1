"""Which places the city's own maps name: streets, places, points of its vector tiles and basemap, districts, grid cells.

Read once in the background when somebody first looks for one, and again when a file changes; until then it says that it reads.
"""

from __future__ import annotations

import asyncio
import gzip
import logging
import threading
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import msgspec

from hall.app import geography
from hall.app.nearness import metres
from hall.app.tiles import Maps
from hall.core import boundaries
from hall.core.clock import monotonic
from hall.core.errors import ConfigError, HallError
from hall.core.process import Process
from hall.core.typed import Directory, Names
from hall.core.wording import plain
from hall.map.mbtiles import GZIP

log = logging.getLogger("hall.gazetteer")
#: layers of the tiles with names -> what they are called here
_LAYERS = {
    "place": "place",
    "poi": "poi",
    "transportation_name": "street",
    "park": "park",
    "waterway": "water",
    "water": "water",
}
_GEOGRAPHY = {"districts": "district", "cells": "cell"}
#: one name of one kind is one place within so many degrees
_SAME = 0.02
_AGAIN_SECONDS = 60.0
_MOST = 400_000
_BREATH = 64  # tiles between two pauses, so that reading keeps no core to itself


class Place(NamedTuple):
    """`kind`: place poi street park water district cell; `what`: its class on the map; `source`: which map names it."""

    name: str
    kind: str
    what: str
    lon: float
    lat: float
    source: str
    names: Names


class Gazetteer:
    """`find` answers from what has been read; `state`: reading | ready | failed."""

    def __init__(self, process: Process, maps: Maps) -> None:
        self._process, self._maps = process, maps
        self._places: dict[str, tuple[list[Place], Directory]] = {}
        self._mark: Any = None
        self._looked = -_AGAIN_SECONDS
        self._task: asyncio.Task[None] | None = None
        self._pause = threading.Event()
        self.state, self.read_at, self.fault = "reading", 0, ""

    def look(self) -> None:
        """Starts reading where something has changed. Call it in the loop."""
        if (self._task is None or self._task.done()) and monotonic() - self._looked > _AGAIN_SECONDS:
            self._looked = monotonic()
            self._task = asyncio.get_running_loop().create_task(asyncio.to_thread(self._read))

    def find(
        self, words: tuple[str, ...], limit: int, near: tuple[float, float], kinds: tuple[str, ...]
    ) -> tuple[list[Place], bool]:
        """The best places of some kinds, the nearer of equals first, each once (`once`); whether there are more."""
        found = []
        for kind in kinds:
            places, directory = self._places.get(kind, ([], None))
            for rank, number in directory.ranked(words) if directory else ():
                place = places[number]
                found.append((rank, _ORDER.get(kind, 9), metres(*near, place.lon, place.lat), place))
        found.sort(key=lambda row: row[:3])
        shown = once((row[3] for row in found), limit + 1)
        return shown[:limit], len(shown) > limit

    def _read(self) -> None:
        try:
            mark = self._changed()
            if mark == self._mark:
                return
            made: dict[tuple[str, str, int, int], Place] = {}
            for place in self._all():
                key = place.name, place.kind, round(place.lon / _SAME), round(place.lat / _SAME)
                made.setdefault(key, place)
                if len(made) >= _MOST:
                    break
            by_kind: dict[str, list[Place]] = {}
            for place in made.values():
                by_kind.setdefault(place.kind, []).append(place)
            self._places = {kind: (some, Directory([one.names for one in some])) for kind, some in by_kind.items()}
            self._mark, self.state, self.fault = mark, "ready", ""
            self.read_at = self._process.clock.now()
        except (HallError, ConfigError, OSError, ValueError) as error:
            self.state, self.fault = "failed", str(error)
            log.warning("places cannot be read: %s", error)

    def _changed(self) -> Any:
        config = self._process.config
        mark = [geography.fingerprint(config, name) for name in geography.NAMES]
        for name in self._maps.names():
            try:
                mark.append((name, self._maps.get(name).version()))
            except HallError as error:  # a map that is away names nothing; the others do
                log.warning("places: %s", error)
        return mark

    def _all(self) -> Iterator[Place]:
        for name in ("districts", "cells", "basemap"):
            yield from self._of_geography(name)
        for name in boundaries.settings(self._process.config):
            if name not in geography.NAMES:
                for area in boundaries.load(self._process.config, name).areas:
                    if area.name:
                        point = _middle(area.geometry)
                        yield Place(area.name, "district", name, *point, name, Names.of(area.name, area.code))
        for name in self._maps.names():
            try:
                yield from self._of_tiles(name)
            except HallError as error:
                log.warning("places of map %s: %s", name, error)

    def _of_geography(self, name: str) -> Iterator[Place]:
        from shapely.geometry import shape  # late: only where somebody looks for a place

        made = geography.make(self._process.config, name, self._process.settings.data_dir / "geography")
        for feature in msgspec.json.decode(gzip.decompress(made.body)).get("features", []):
            own = feature.get("properties") or {}
            called = str(own.get("name") or own.get("code") or "").strip()
            if not called or not feature.get("geometry"):
                continue
            layer = str(own.get("layer") or "")
            kind = _GEOGRAPHY.get(name) or _BASEMAP.get(layer, "place")
            point = _middle(shape(feature["geometry"]))
            names = Names.of(called, str(own.get("code") or ""), str(own.get("name_en") or own.get("name:en") or ""))
            yield Place(called, kind, str(own.get("class") or own.get("kind") or layer), *point, name, names)

    def _of_tiles(self, name: str) -> Iterator[Place]:
        from hall.map import cutting, mvt

        tiles = self._maps.get(name)
        told = tiles.metadata()
        if told.get("format", "pbf") != "pbf":
            return
        deepest = int(told.get("maxzoom") or 14)
        for count, (zoom, x, y, body) in enumerate(tiles.walk()):
            if zoom != deepest or not body:
                continue
            for layer in mvt.decode(gzip.decompress(body) if body.startswith(GZIP) else body):
                kind = _LAYERS.get(layer.name)
                for feature in layer.features if kind else ():
                    called = str(feature.fields.get("name") or "").strip()
                    if called:
                        at = _middle(feature.geometry)
                        world = [[(x + at[0] / layer.extent) / 2**zoom, (y + at[1] / layer.extent) / 2**zoom]]
                        lon, lat = (float(v) for v in cutting.degrees(_array(world))[0])
                        names = Names.of(called, str(feature.fields.get("name:en") or ""))
                        yield Place(called, kind or "", str(feature.fields.get("class") or ""), lon, lat, name, names)
            if count % _BREATH == 0:
                self._pause.wait(0.002)

    async def close(self) -> None:
        self._pause.set()
        if self._task is not None:
            self._task.cancel()


#: of names that answer as well: the larger thing first
_ORDER = {"district": 0, "place": 1, "cell": 2, "street": 3, "poi": 4, "park": 5, "water": 6}
_BASEMAP = {"road_major": "street", "road_minor": "street", "water": "water", "park": "park", "label": "place"}
#: metres within which one name of one kind is one thing: streets, rivers go on from piece to piece, branches of a bank do not
_REACH = {"district": 3_000.0, "place": 3_000.0, "street": 5_000.0, "water": 5_000.0, "park": 2_000.0, "poi": 300.0}
#: and a map's word for a district within so many of its middle is the district
_DISTRICT_REACH = 15_000.0
_APART, _THIN = 1.0, 0.25


def once(places: Iterable[Place], most: int) -> list[Place]:
    """The first `most` of places, best first, each thing once: what goes on from a place shown is that place, as the ways of a
    street are; the suburb and the label on the map that are called as a district are the district. Cells are all shown."""
    shown: list[Place] = []
    known: dict[tuple[str, str], list[Place]] = {}
    for place in places:
        family = "place" if place.kind == "district" else place.kind
        alike = known.setdefault((plain(place.name), family), [])
        far = min((_far(place, one) for one in alike), default=_APART)
        if far >= _THIN:  # a street of a thousand ways is held by a few of them
            alike.append(place)
        if far >= _APART:
            shown.append(place)
            if len(shown) == most:
                break
    return shown


def _far(one: Place, other: Place) -> float:
    """How far two of one name are from each other: 1 is as far as they can be and still be one."""
    reach = _REACH.get(one.kind, 1.0) if one.kind == other.kind else _DISTRICT_REACH
    return metres(one.lon, one.lat, other.lon, other.lat) / reach


def _array(rows: list[list[float]]) -> Any:
    import numpy as np

    return np.array(rows, np.float64)


def _middle(geometry: Any) -> tuple[float, float]:
    """A point on the thing itself: half way along a line, within an area."""
    if geometry.geom_type == "LineString":
        point = geometry.interpolate(0.5, normalized=True)
    else:
        point = geometry.representative_point()
    return point.x, point.y
