"""What screens hear about watched channels: a document `picture/<feed>/<channel>` at each edge, and who watched what."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import msgspec

from hall.core.errors import BusLost
from hall.core.model import Picture
from hall.core.process import Process
from video.media import QUALITIES
from video.relay.hub import PLAIN, Hub
from video.relay.track import Track

log = logging.getLogger("hall.relay")

#: of one channel at most so often: a flapping camera must not fill the bus
PERIOD_SECONDS = 0.5
#: what a channel's state is when its qualities differ: the best of them
_BEST = ("live", "stalled", "starting", "waiting", "failed", "ended")


class Documents:
    """Publishes for one hub. Edges are told at once, further ones of the same channel within PERIOD_SECONDS."""

    def __init__(self, process: Process, hub: Hub) -> None:
        self._process, self._hub = process, hub
        self._edges: set[str] = set()
        self._sent: dict[str, Picture] = {}
        self._work = asyncio.Event()
        hub.listeners.append(self._on_change)

    def _on_change(self, track: Track) -> None:
        if track.subject.startswith("channel/"):
            self._edges.add(track.subject)
            self._work.set()

    async def run(self) -> None:
        """Publishes until cancelled; keeps trying while the bus is away."""
        while True:
            await self._work.wait()
            self._work.clear()
            edges, self._edges = self._edges, set()
            for subject in edges:
                self._publish(subject)
            await asyncio.sleep(PERIOD_SECONDS)

    def _publish(self, subject: str) -> None:
        found = self.document(subject)
        if found is None and subject not in self._sent:
            return
        edge = found and msgspec.structs.replace(found, attempts=0, again_at=None, detail="")  # each further attempt is no edge
        if edge and self._sent.get(subject) == edge:
            return
        try:
            self._process.bulk.put(self._process.event(f"picture/{subject.partition('/')[2]}", found))
        except BusLost:
            self._edges.add(subject)
            self._work.set()
            return
        if edge is None:
            del self._sent[subject]
        else:
            self._sent[subject] = edge

    def document(self, subject: str) -> Picture | None:
        """The channel as it is watched now. None when nobody does: rounds visit every channel, and what was must not pile
        up."""
        _, feed, channel = subject.split("/", 2)
        kinds = [quality + end for quality in QUALITIES for end in ("", PLAIN)]
        running = [track for kind in kinds if (track := self._hub.track(subject, kind))]
        if not running:
            return None
        best = min(running, key=lambda track: _BEST.index(track.state.state))
        state, info = best.state, best.info
        found = Picture(
            feed=feed, channel_id=channel, state=state.state, reason=state.reason, detail=state.detail, since=state.since,
            attempts=state.attempts, again_at=state.again_at, viewers=sum(track.audience for track in running),
        )  # fmt: skip
        if info is not None:
            found.codec, found.width, found.height = info.codec, info.width, info.height
            found.fps, found.converted = info.fps, info.converted
        return found


class Watched:
    """Tells the hall's record that a view has ended: `audit/view/<view>`."""

    def __init__(self, process: Process, hub: Hub) -> None:
        self._process, self._mosaics = process, hub.mosaics
        self.lost = 0  # lines the bus did not take

    def ended(self, view: str, channel: str, started: int, ended: int, **more: Any) -> None:
        """One channel of one view; of a mosaic each of its channels. `started`, `ended`: real ms; `more`: kind (websocket |
        webrtc), shown (pictures), bytes."""
        if not view:
            return
        for seen in self._mosaics.members(channel) or (channel,):
            data = {"view": view, "channel": seen, "started": started, "ended": ended, **more}
            try:
                self._process.fast.put(self._process.event(f"audit/view/{view}", data))
            except BusLost:
                self.lost += 1
