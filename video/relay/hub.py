"""The hub: who watches what. A source starts with its first viewer and goes on a while after its last one."""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

from hall.core.clock import monotonic
from hall.core.config import VideoConfig
from hall.core.errors import Refused
from video.media import QUALITIES, Sink, Source, SourceRequest
from video.mosaic.source import Mosaics
from video.relay.gop import Budget
from video.relay.plain import Plain
from video.relay.producer import Look, Open, Producer
from video.relay.tap import Tap
from video.relay.track import Track

if TYPE_CHECKING:
    from video.relay.documents import Watched

log = logging.getLogger("hall.relay")

MAX_TRACKS = 4_000
#: ends the quality of a track whose pictures every browser and WebRTC can show
PLAIN = "-plain"
WATCH_OVER_SECONDS = 0.25
FAILED_LINGER_SECONDS = 0.5
_MIB = 1024 * 1024

Key = tuple[str, str]


class Hub:
    """All tracks of this process. `listeners` are called with a track at each edge of its state, and when viewers come and
    go."""

    def __init__(self, config: VideoConfig, look: Look, open_source: Open) -> None:
        self.tracks: dict[Key, Track] = {}
        self.budget = Budget(round(config.gop_total_mib * _MIB), round(config.gop_mib * _MIB))
        self.listeners: list[Callable[[Track], None]] = []
        self.counters = {"started": 0, "ended": 0}
        self.mosaics = Mosaics(lambda: {subject for subject, _ in self.tracks})
        self.watched: Watched | None = None  # tells the record that a view has ended
        self._config, self._look, self._open = config, look, open_source
        self._producers: dict[Key, tuple[Producer, asyncio.Task]] = {}
        self._lingering: dict[Key, asyncio.TimerHandle] = {}
        self._handles = itertools.count(1)

    def handle(self) -> int:
        """A number no other track or viewer of this process has."""
        return next(self._handles) & 0xFFFFFFFF

    def track(self, subject: str, quality: str) -> Track | None:
        """A running track; None when nobody watches."""
        return self.tracks.get((subject, quality))

    def watch(self, subject: str, quality: str, sink: Sink, *, plain: bool = False) -> Track:
        """Adds a viewer; starts the source with the first one. The sink is told what happens from now on; what is there already
        is in `info`, `gop`, `key` and `state`. `plain`: H.264 without pictures out of order, converted where the camera sends
        something else. Raises Refused `quality-unknown`, `too-many-channels`."""
        if quality not in QUALITIES:
            raise Refused("quality-unknown", f"quality: {' or '.join(QUALITIES)}")
        key = subject, quality + PLAIN * plain
        track = self.tracks.get(key)
        if track is None:
            if len(self.tracks) >= MAX_TRACKS:
                raise Refused("too-many-channels", f"this relay passes on {MAX_TRACKS} channels", 503)
            track = self._start(key)
        track.join(sink)
        if lingering := self._lingering.pop(key, None):
            lingering.cancel()
        self._producers[key][0].hurry()
        self._changed(track)
        return track

    def leave(self, track: Track, sink: Sink) -> None:
        """Takes a viewer off; the source of the last one is stopped after a while."""
        track.part(sink)
        key = track.subject, track.quality
        if track.viewers or track.closed or key in self._lingering:
            return
        # a source that fails is not worth keeping: nothing would be gained for who comes next
        keep = track.state.state in ("live", "starting")
        linger = self._config.linger_seconds if keep else min(self._config.linger_seconds, FAILED_LINGER_SECONDS)
        self._lingering[key] = asyncio.get_running_loop().call_later(linger, self._end, key)
        self._changed(track)

    async def run(self) -> None:
        """Watches over silence; never ends."""
        while True:
            await asyncio.sleep(WATCH_OVER_SECONDS)
            now = monotonic()
            for key, track in list(self.tracks.items()):
                track.watch_over(now)
                if producer := self._producers.get(key):
                    producer[0].watch_over(now)

    async def close(self) -> None:
        """Ends every track; returns when their sources have closed."""
        tasks = [task for _, task in self._producers.values()]
        for key in list(self.tracks):
            self._end(key)
        if tasks:
            await asyncio.wait(tasks, timeout=2)

    # -- inside --------------------------------------------------------------------------------------------------

    def _start(self, key: Key) -> Track:
        track = Track(*key, self.handle(), self.budget, self._changed)
        look = self._nothing if key[1].endswith(PLAIN) else self._look
        producer = Producer(track, look, lambda request: self._source(track, request))
        task = asyncio.get_running_loop().create_task(producer.run(), name=f"{key[0]} {key[1]}")
        self.tracks[key], self._producers[key] = track, (producer, task)
        self.counters["started"] += 1
        return track

    def _source(self, track: Track, request: SourceRequest) -> Source:
        if track.quality.endswith(PLAIN):
            return Plain(self, track, track.quality.removesuffix(PLAIN))
        if track.quality != "main" and request.quality == "main":
            return Tap(self, track)
        return self._open(request)

    @staticmethod
    async def _nothing(subject: str, quality: str) -> SourceRequest:
        """A converted track needs no address: its pictures are another track's."""
        return SourceRequest(subject=subject, url="", quality=quality)

    def _end(self, key: Key) -> None:
        self._lingering.pop(key, None)
        track = self.tracks.pop(key, None)
        if track is None:
            return
        self._producers.pop(key)[1].cancel()
        track.tell("ended")
        track.close()
        self.counters["ended"] += 1

    def _changed(self, track: Track) -> None:
        for listener in self.listeners:
            listener(track)
