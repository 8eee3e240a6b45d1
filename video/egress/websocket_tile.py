"""One tile of one viewer: what it shows, what it was sent, and how it joins and leaves the fan of a track."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from hall.core.clock import real_ms
from hall.core.tickets import Ticket
from video.egress.websocket_wire import alias, cached, say
from video.media import StreamInfo, TrackState
from video.relay.track import Track, Unit

if TYPE_CHECKING:
    from video.egress.websocket_fan import Fan
    from video.egress.websocket_requests import Watch
    from video.egress.websocket_viewer import Viewer

#: what a viewer gets at each level of its budget, by the quality it asked for: (quality, key pictures only, what it is told)
LEVELS = {
    "main": (("main", False, "all"), ("main", True, "keys"), ("sub", False, "sub"), ("sub", True, "keys")),
    "sub": (("sub", False, "all"), ("sub", True, "keys"), ("sub", True, "keys"), ("sub", True, "keys")),
}
WORST = 3


class Tile:
    """`n` is the viewer's own number of it, `handle` the relay's. Sent counts run on over changes of quality."""

    def __init__(self, viewer: Viewer, asked: Watch, ticket: Ticket) -> None:
        self.viewer, self.n, self.ticket, self.channel = viewer, asked.n, ticket, asked.channel
        self.wanted, self.only_keys = asked.quality, asked.only == "keys"
        self.plain, self._takes = asked.plain, asked.takes
        self.write, self.unsent = viewer.transport.write, viewer.transport.get_write_buffer_size
        self.skipped = self.shown = self.dropped = 0
        self.latency_ms: float | None = None
        self.started = real_ms()
        self.told = "all"
        self.quality, self.handle, self.is_alias = asked.quality, 0, False
        self._fan: Fan | None = None
        self._keys = False
        self._info: StreamInfo | None = None
        self._pictures = self._bytes = 0  # sent so far, without the present run of pictures in step
        self._since: tuple[int, int] | None = None  # the fan's counts when that run began

    @property
    def pictures(self) -> int:
        return self._pictures + (self._fan.pictures - self._since[0] if self._fan and self._since else 0)

    @property
    def bytes(self) -> int:
        return self._bytes + (self._fan.bytes - self._since[1] if self._fan and self._since else 0)

    # -- from the viewer -----------------------------------------------------------------------------------------

    def start(self, level: int) -> None:
        """Begins to watch, with what is kept of the track at once. What was watched before is left only then, so that no
        source stops in between. Raises Refused; nothing has changed then."""
        viewer = self.viewer
        quality, keys, told = LEVELS[self.wanted][level]
        fan = viewer.fans.join(self.channel, quality, self.plain, self)
        self.stop()
        self._fan, self.quality, track = fan, quality, fan.track
        self._keys, self._info = keys or self.only_keys, None
        # the same track twice on one connection: the second tile gets a handle of its own
        self.is_alias = track.handle in viewer.handles
        self.handle = viewer.fans.hub.handle() if self.is_alias else track.handle
        viewer.handles.add(self.handle)
        if track.info is not None:
            self.begin(track.info)
        if self._info is not None:
            self._begin_with_kept(track)
        self.tell(track.state)
        self._tell_level(told)

    def follow(self, level: int) -> None:
        """Goes to another level of the viewer's budget. Raises Refused; nothing has changed then."""
        quality, keys, told = LEVELS[self.wanted][level]
        if quality != self.quality:
            self.start(level)
            return
        self._keys = keys or self.only_keys
        if self._keys:  # back in step only with a key picture: what was left out is not there to build on
            self._fall_out()
        self._tell_level(told)

    def stop(self) -> None:
        """Leaves the track; nothing is written for this tile any more."""
        if self._fan is not None:
            self._fall_out()
            fan, self._fan = self._fan, None
            self.viewer.handles.discard(self.handle)
            self.viewer.fans.part(fan, self)

    def end(self) -> None:
        """The view is over: it goes on record."""
        self.stop()
        watched = self.viewer.fans.hub.watched
        if watched is not None:
            facts = {"kind": "websocket", "shown": self.shown, "pictures": self.pictures, "bytes": self.bytes}
            watched.ended(self.ticket.view, self.channel, self.started, real_ms(), **facts)

    def report(self, shown: int, dropped: int, latency_ms: float | None) -> None:
        self.shown += shown
        self.dropped += dropped
        self.latency_ms = latency_ms

    # -- from the fan --------------------------------------------------------------------------------------------

    def begin(self, info: StreamInfo) -> None:
        """Tells the stream once, and again when it changes; the next picture is a key picture."""
        if self._fan is None:
            return
        self._fall_out()
        if self._takes is not None and not self.plain and info.family not in self._takes:
            self.plain = True  # from now on converted; not from within the fan's round
            asyncio.get_running_loop().call_soon(self.viewer.restart, self)
            return
        if info == self._info:
            return
        self._info = info
        self.viewer.say(
            say(
                "watching", n=self.n, handle=self.handle, channel=self.channel, quality=self.quality, codec=info.codec,
                family=info.family, width=info.width, height=info.height, fps=info.fps, reorders=info.reorders,
                converted=info.converted,
            )
        )  # fmt: skip

    def tell(self, state: TrackState) -> None:
        facts = {"reason": state.reason, "detail": state.detail, "attempts": state.attempts, "again_at": state.again_at}
        self.viewer.say(say("state", handle=self.handle, n=self.n, state=state.state, since=state.since, **facts))

    def has_room(self) -> bool:
        """Whether what is unsent is still the kept group that it began with, and little more."""
        return self.unsent() <= self.viewer.limit

    def fall_behind(self) -> None:
        """A picture could not be sent: nothing more before the next key picture."""
        self._fall_out()
        self.skipped += 1
        self.viewer.is_slow()

    def take(self, unit: Unit, wire: bytes) -> None:
        """A key picture for one that is not in step, any picture for one with a handle of its own."""
        if self._fan is None:
            return
        try:
            if not self.has_room():
                self.fall_behind()
                return
            if self.is_alias:
                self.viewer.transport.writelines(alias(unit, self.handle, wire))
            else:
                self.write(wire)
        except (OSError, RuntimeError):
            return
        self._pictures += 1
        self._bytes += len(wire)
        if not self._keys and self._since is None and not self.is_alias:
            self._since = self._fan.pictures, self._fan.bytes
            self._fan.in_step(self)
        elif not self._keys and self.is_alias:
            self._fan.in_step(self)

    # -- inside --------------------------------------------------------------------------------------------------

    def _fall_out(self) -> None:
        if self._fan is not None:
            self._pictures, self._bytes, self._since = self.pictures, self.bytes, None
            self._fan.out_of_step(self)

    def _begin_with_kept(self, track: Track) -> None:
        """The newest group as a whole, or where it is not kept the newest key picture and then nothing before the next."""
        units = track.gop if track.gop and not self._keys else [track.key] if track.key else []
        if not units or not self.has_room() or self._fan is None:
            return
        pieces = cached(units, self.handle)
        size = sum(map(len, pieces))
        try:
            self.viewer.transport.writelines(pieces)
        except (OSError, RuntimeError):  # the other side went, or said goodbye and hangs on
            return
        self.viewer.limit += size
        self._bytes += size
        self._pictures += len(units)
        if track.gop and not self._keys:
            self._since = None if self.is_alias else (self._fan.pictures, self._fan.bytes)
            self._fan.in_step(self)

    def _tell_level(self, told: str) -> None:
        if told != self.told or told != "all":
            self.viewer.say(say("budget", handle=self.handle, n=self.n, level=told, why="slow" if told != "all" else ""))
        self.told = told
