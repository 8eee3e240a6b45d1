"""One tile of one viewer: takes a track's pictures and writes the shared bytes to the viewer's connection."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hall.core.clock import real_ms
from hall.core.tickets import Ticket
from video.egress.websocket_wire import alias, cached, framed, say
from video.media import StreamInfo, TrackState
from video.relay.track import Track, Unit

if TYPE_CHECKING:
    from video.egress.websocket_viewer import Viewer

#: what a viewer gets at each level of its budget, by the quality it asked for: (quality, key pictures only, what it is told)
LEVELS = {
    "main": (("main", False, "all"), ("main", True, "keys"), ("sub", False, "sub"), ("sub", True, "keys")),
    "sub": (("sub", False, "all"), ("sub", True, "keys"), ("sub", True, "keys"), ("sub", True, "keys")),
}
WORST = 3


class Tile:
    """A sink (video.media.Sink). `n` is the viewer's own number of it."""

    __slots__ = (
        "viewer", "n", "ticket", "channel", "wanted", "only_keys", "quality", "track", "handle", "pictures", "bytes", "skipped",
        "shown", "dropped", "latency_ms", "started", "told", "_info", "_keys", "_wait", "_alias", "_unsent", "_write", "_own",
    )  # fmt: skip

    def __init__(self, viewer: Viewer, n: int, ticket: Ticket, channel: str, wanted: str, only_keys: bool) -> None:
        self.viewer, self.n, self.ticket, self.channel = viewer, n, ticket, channel
        self.wanted, self.only_keys = wanted, only_keys
        self.pictures = self.bytes = self.skipped = self.shown = self.dropped = 0
        self.latency_ms: float | None = None
        self.started = real_ms()
        self.told = "all"
        self.track: Track | None = None
        self._unsent, self._write = viewer.transport.get_write_buffer_size, viewer.transport.write

    # -- from the viewer -----------------------------------------------------------------------------------------

    def start(self, level: int) -> None:
        """Begins to watch, with what is kept of the track at once. Raises Refused; nothing is watched then."""
        quality, keys, told = LEVELS[self.wanted][level]
        track = self.viewer.hub.watch(self.channel, quality, self)
        self.track, self.quality = track, quality
        self._keys, self._wait, self._info = keys or self.only_keys, True, None
        # the same track twice on one connection: the second tile gets a handle of its own
        self._alias = track.handle in self.viewer.handles
        self._own = track.handle
        self.handle = self.viewer.hub.handle() if self._alias else track.handle
        self.viewer.handles.add(self.handle)
        if track.info is not None:
            self.begin(track.info)
            self._begin_with_kept(track)
        self.tell(track.state)
        self._tell_level(told)

    def follow(self, level: int) -> None:
        """Goes to another level of the viewer's budget."""
        quality, keys, told = LEVELS[self.wanted][level]
        if quality != self.quality:
            self.stop()
            self.start(level)
            return
        keys = keys or self.only_keys
        self._wait = self._wait or (self._keys and not keys)  # what was left out is not there to build on
        self._keys = keys
        self._tell_level(told)

    def stop(self) -> None:
        """Leaves the track; nothing is written for this tile any more."""
        if self.track is not None:
            track, self.track = self.track, None
            self._keys = self._wait = True
            self.viewer.handles.discard(self.handle)
            self.viewer.hub.leave(track, self)

    def end(self) -> None:
        """The view is over: it goes on record."""
        self.stop()
        watched = self.viewer.hub.watched
        if watched is not None:
            facts = {"kind": "websocket", "shown": self.shown, "pictures": self.pictures, "bytes": self.bytes}
            watched.ended(self.ticket.view, self.channel, self.started, real_ms(), **facts)

    def report(self, shown: int, dropped: int, latency_ms: float | None) -> None:
        self.shown += shown
        self.dropped += dropped
        self.latency_ms = latency_ms

    # -- from the track ------------------------------------------------------------------------------------------

    def begin(self, info: StreamInfo) -> None:
        """Tells the stream once, and again when it changes."""
        self._wait = True
        if info == self._info or self.track is None:
            return
        self._info = info
        track, about = self.track, info
        self.viewer.say(
            say(
                "watching", n=self.n, handle=self.handle, channel=self.channel, quality=track.quality, codec=about.codec,
                family=about.family, width=about.width, height=about.height, fps=about.fps, reorders=about.reorders,
                converted=about.converted,
            )
        )  # fmt: skip

    def take(self, unit: Unit) -> None:
        """The hot path: runs once per picture and viewer."""
        if (self._wait or self._keys) and not unit.key:
            return
        if self._unsent() > self.viewer.limit:
            self._wait = True
            self.skipped += 1
            self.viewer.is_slow()
            return
        self._wait = False
        if self._alias:
            head, body = alias(unit, self.handle, self._own)
            self._write(head)
            self._write(body)
            self.bytes += len(head) + len(body)
        else:
            wire = unit.kept or framed(unit, self._own)
            self._write(wire)
            self.bytes += len(wire)
        self.pictures += 1

    def tell(self, state: TrackState) -> None:
        if self.track is None:
            return
        facts: dict[str, Any] = {"reason": state.reason, "detail": state.detail, "attempts": state.attempts}
        self.viewer.say(
            say("state", handle=self.handle, n=self.n, state=state.state, since=state.since, again_at=state.again_at, **facts)
        )

    # -- inside --------------------------------------------------------------------------------------------------

    def _begin_with_kept(self, track: Track) -> None:
        """The newest group as a whole, or where it is not kept the newest key picture; then waits for the next key."""
        units = track.gop if track.gop and not self._keys else [track.key] if track.key else []
        if not units or self._unsent() > self.viewer.limit:
            return
        pieces = cached(units, self.handle, self._own)
        size = sum(map(len, pieces))
        self.viewer.transport.writelines(pieces)
        self.viewer.limit += size
        self.bytes += size
        self.pictures += len(units)
        self._wait = not track.gop

    def _tell_level(self, told: str) -> None:
        if told != self.told or told != "all":
            self.viewer.say(say("budget", handle=self.handle, n=self.n, level=told, why="slow" if told != "all" else ""))
        self.told = told
