"""The frames of one feed's rain: what was measured in the last hours and the newest forecast, on the bus for web and screens.

Pixels lie gzipped in the bus hash `raster:<feed>` under their version; which frames there are is told as the document
`raster/<feed>/<product>` and kept, for the web process and the next start, in the hash `rasters` under the feed's name.
"""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import Awaitable, Callable
from typing import TypeVar

import msgspec

from feeds.rasters.settings import DEPTH, settings_of
from feeds.source import Outcome, Pixels
from hall.core.config import FeedConfig, HallConfig
from hall.core.errors import BadInput, BusLost
from hall.core.process import Process
from hall.core.raster import DEPTH_STEP, STEP, Frame, Raster

MOST_FRAMES = 150
MOST_PRODUCTS = 8
MINUTE = 60_000
#: a forecast of a run this much older than the newest is not mixed with it
MIXED_RUNS = 15 * MINUTE
AHEAD = 10 * MINUTE  # a supplier's clock may be fast by this
LONGEST_LEAD = 24 * 60 * MINUTE
T = TypeVar("T")


def placed(frames: list[Frame], new: Frame, keep: int) -> list[Frame] | str:
    """The ring with `new` in it, oldest first, measured before forecast; `duplicate` or `late` where it changes nothing.

    Measured frames of the `keep` ms before the newest one stay. A forecast gives way to what was measured and to a newer run of
    the same moment, and goes with its run.
    """
    if any((one.time, one.run, one.version) == (new.time, new.run, new.version) for one in frames):
        return "duplicate"
    seen = max((one.time for one in [*frames, new] if not _forecast(one)), default=None)
    newest = max(one.run for one in [*frames, new])
    same = next((one for one in frames if one.time == new.time and _forecast(one) == _forecast(new)), None)
    kept = [one for one in [*frames, new] if one is not same and _stays(one, seen, newest, keep)]
    if new not in kept or (same is not None and same.run > new.run):
        return "late"
    return sorted(kept, key=lambda one: (_forecast(one), one.time))[-MOST_FRAMES:]


def _forecast(frame: Frame) -> bool:
    return frame.time > frame.run


def _stays(frame: Frame, seen: int | None, newest: int, keep: int) -> bool:
    if _forecast(frame):
        return (seen is None or frame.time > seen) and frame.run >= newest - MIXED_RUNS
    return seen is None or frame.time >= seen - keep


class Rings:
    """The fields of one feed. `take` each frame, then `tell` once; both wait while the bus is away."""

    def __init__(self, process: Process, feed: FeedConfig, config: HallConfig) -> None:
        self._process, self._feed, self._config = process, feed, config
        self._known: dict[str, Raster] | None = None
        self._changed: set[str] = set()
        self._passed: list[str] = []  # versions that no document has named since the last telling

    async def take(self, pixels: Pixels, outcome: Outcome) -> None:
        """Counts what became of a frame in `outcome`; raises BadInput for one that cannot be."""
        now = self._process.clock.now()
        if pixels.run > now + AHEAD:
            raise BadInput("time-future", f"{(pixels.run - now) / MINUTE:.0f} min ahead")
        if not pixels.time - pixels.run <= LONGEST_LEAD or pixels.time < 0:
            raise BadInput("raster-time", f"{pixels.time} of the run {pixels.run}")
        known = await self._load()
        if pixels.product not in known and len(known) >= MOST_PRODUCTS:
            raise BadInput("raster-products", f"more than {MOST_PRODUCTS}")
        document = self._document(pixels, known.get(pixels.product))
        frames = [one for one in document.frames if one.run <= now + AHEAD]  # later ones: the city's clock was set back
        new = Frame(
            time=pixels.time, start=pixels.start, run=pixels.run, version=pixels.version, most=pixels.most,
            covered=round(pixels.covered, 3),
        )  # fmt: skip
        found = placed(frames, new, round(settings_of(self._feed, self._config).keep_minutes * MINUTE))
        if isinstance(found, str):
            outcome.duplicates += found == "duplicate"
            outcome.late += found == "late"
            return
        body = await asyncio.to_thread(gzip.compress, pixels.codes, 6, mtime=0)
        await self._surely(lambda: self._process.bus.hash_set({pixels.version: body}, "raster", self._feed.name))
        document.frames = found
        known[pixels.product] = document
        self._changed.add(pixels.product)
        outcome.accepted += 1

    async def tell(self) -> None:
        """Publishes what has changed and drops pixels that the document before did not name any more."""
        if not self._changed or self._known is None:
            return
        bus, feed = self._process.bus, self._feed.name
        index = msgspec.json.encode(self._known)
        await self._surely(lambda: bus.hash_set({feed: index}, "rasters"))
        for product in sorted(self._changed):
            document = self._known[product]
            time = max(min(frame.time, frame.run) for frame in document.frames)
            self._process.bulk.put(self._process.event(f"raster/{feed}/{product}", document, time=time))
        self._changed.clear()
        named = {frame.version for document in self._known.values() for frame in document.frames}
        held = await self._surely(lambda: bus.hash_names("raster", feed))
        over = [version for version in held if version not in named]
        gone = [version for version in over if version in self._passed]
        await self._surely(lambda: bus.hash_remove(gone, "raster", feed))
        self._passed = [version for version in over if version not in gone]

    def _document(self, pixels: Pixels, known: Raster | None) -> Raster:
        settings, deep = settings_of(self._feed, self._config), self._feed.format == DEPTH
        frames = list(known.frames) if known is not None and known.grid == pixels.grid else []
        return Raster(
            feed=self._feed.name,
            product=pixels.product,
            label=self._feed.label,
            grid=pixels.grid,
            bounds=pixels.grid.bounds(),
            quantity="water_depth" if deep else "rain_rate",
            unit="m" if deep else "mm/h",
            step=DEPTH_STEP if deep else STEP,
            breaks=settings.breaks,
            frames=frames,
            source=settings.source or pixels.source,
            estimated=pixels.estimated,
            stale_seconds=settings.stale_seconds or 3 * self._feed.expected_seconds,
            walls=settings.walls,
            loop_seconds=settings.loop_seconds,
            demo=self._feed.url.startswith("demo:"),
        )

    async def _load(self) -> dict[str, Raster]:
        if self._known is None:
            raw = await self._surely(lambda: self._process.bus.hash_get(self._feed.name, "rasters"))
            try:
                self._known = msgspec.json.decode(raw, type=dict[str, Raster]) if raw else {}
            except msgspec.MsgspecError:
                self._known = {}  # of another version of the hall: it fills again
            self._changed = set(self._known)  # told again: a process that was killed may not have come to it
        return self._known

    async def _surely(self, call: Callable[[], Awaitable[T]]) -> T:
        while True:
            try:
                return await call()
            except BusLost:
                await asyncio.sleep(0.2)
