"""A track: one channel in one quality while somebody watches. Numbers pictures, keeps the newest group, hands each to all."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

from hall.core.clock import monotonic, real_ms
from video.media import AccessUnit, Sink, StreamInfo, TrackState
from video.relay.gop import Budget, Gop
from video.relay.timeline import Timeline

log = logging.getLogger("hall.relay")

#: what a picture is marked with
KEY, GAP, SUSPECT, CACHED = 1, 2, 4, 8
STALL_SECONDS = 1.5
#: sources that send seldom by nature are silent only after so many of their own intervals
STALL_INTERVALS = 2.5
_SLOWEST_INTERVAL = 30.0  # seconds


class Unit(AccessUnit):
    """An access unit with its marks: KEY, GAP (the first after pictures were missed), SUSPECT (damaged since the last key)."""

    __slots__ = ("flags",)

    flags: int


class Track:
    """What viewers watch. `gop`: units since the last key picture, to begin with at once; `key`: the newest key picture.

    `changed(track)` is called at each edge of state. Sinks hear of what happens after they came: who joins takes `info`, `gop`
    and `state` as they stand.
    """

    def __init__(
        self, subject: str, quality: str, handle: int, budget: Budget, changed: Callable[[Track], None] = lambda _: None
    ) -> None:
        self.subject, self.quality, self.handle = subject, quality, handle
        self.info: StreamInfo | None = None
        self.state = TrackState(state="starting", since=real_ms())
        self.number = 0
        self.interval = 0.0  # seconds between pictures, smoothed
        self.kbit_s = 0.0
        self.last_at = monotonic()  # of the last picture, or of the start
        self.counters = {"pictures": 0, "keys": 0, "bytes": 0, "headless": 0, "damaged": 0, "attempts": 0, "refits": 0}
        self.closed = False
        self._gop, self._timeline, self._changed = Gop(budget), Timeline(), changed
        self._sinks: tuple[Sink, ...] = ()
        self._need_key, self._flags = True, 0
        self._counted, self._counted_at = 0, monotonic()

    # -- for viewers ---------------------------------------------------------------------------------------------

    @property
    def gop(self) -> list[Unit]:
        return self._gop.units

    @property
    def key(self) -> Unit | None:
        return self._gop.key

    @property
    def kept_bytes(self) -> int:
        return self._gop.bytes

    @property
    def viewers(self) -> int:
        return len(self._sinks)

    @property
    def audience(self) -> int:
        """Viewers: a sink that serves several says how many, one that only passes on to another track says none."""
        return sum(getattr(sink, "audience", 1) for sink in self._sinks)

    @property
    def fps(self) -> float:
        """Pictures a second as they come in; 0 while unknown."""
        return 1 / self.interval if self.interval > 0 else 0.0

    def join(self, sink: Sink) -> None:
        if sink not in self._sinks:
            self._sinks = (*self._sinks, sink)

    def part(self, sink: Sink) -> None:
        self._sinks = tuple(other for other in self._sinks if other is not sink)

    # -- from the source -----------------------------------------------------------------------------------------

    def begin(self, info: StreamInfo) -> None:
        """The stream (re)starts. Another stream than before makes the kept group useless."""
        if info != self.info:
            self._gop.forget()
        self.info = info
        self._need_key, self._flags = True, self._flags | (GAP if self.number else 0)
        self._timeline.restart()
        self._each("begin", info)

    def picture(
        self,
        key: bool,
        pts: int,
        *,
        payloads: Sequence[bytes] = (),
        annexb: bytes = b"",
        captured: float | None = None,
    ) -> None:
        """One coded picture; handed to every sink before this returns."""
        if self.info is None or self._need_key and not key:
            self.counters["headless"] += 1
            return
        now = monotonic()
        placed, fitted = self._timeline.place(pts, now)
        unit = Unit(
            self.number, key, placed, real_ms() if captured is None else captured,
            payloads=payloads, annexb=annexb, info=self.info,
        )  # fmt: skip
        self._mark(unit, key, fitted)
        self._count(unit, now)
        self._gop.add(unit, now)
        if self.state.state != "live":
            self.tell("live")
        for sink in self._sinks:
            try:
                sink.take(unit)
            except Exception:  # one viewer's fault is not the others'
                log.exception("a viewer of %s failed and is taken off", self.subject)
                self.part(sink)

    def damaged(self, why: str) -> None:
        """Pictures were lost or broken: what follows is marked until the next key picture."""
        self.counters["damaged"] += 1
        self._flags |= SUSPECT | GAP

    def _mark(self, unit: Unit, key: bool, fitted: bool) -> None:
        if key:
            self._need_key, self._flags = False, self._flags & ~SUSPECT | KEY
        if fitted and self.number:
            self.counters["refits"] += 1
            self._flags |= GAP
        unit.flags = self._flags
        self._flags &= SUSPECT
        self.number += 1

    def _count(self, unit: Unit, now: float) -> None:
        counters = self.counters
        counters["pictures"] += 1
        counters["keys"] += unit.key
        counters["bytes"] += unit.size
        elapsed = min(now - self.last_at, _SLOWEST_INTERVAL)
        if self.number > 1:
            self.interval += (elapsed - self.interval) * (0.05 if self.number > 20 else 0.5)
        self.last_at = now

    # -- how it does ---------------------------------------------------------------------------------------------

    def tell(self, state: str, reason: str = "", detail: str = "", again_in: float | None = None) -> None:
        """An edge: every sink and whoever listens to the hub hears of it."""
        now = real_ms()
        again = None if again_in is None else now + round(again_in * 1000)
        attempts = 0 if state == "live" else self.counters["attempts"]
        before = self.state
        since = before.since if (state, reason) == (before.state, before.reason) else now
        self.mirror(TrackState(state=state, since=since, reason=reason, detail=detail, attempts=attempts, again_at=again))

    def mirror(self, state: TrackState) -> None:
        """Takes a state as it stands, of the track whose pictures these are."""
        self.state = state
        self._each("tell", state)
        self._changed(self)

    def watch_over(self, now: float) -> None:
        """Notices silence; called several times a second."""
        if self.state.state == "live" and now - self.last_at > max(STALL_SECONDS, STALL_INTERVALS * self.interval):
            self.tell("stalled", "silent", "no picture came")
        if now - self._counted_at >= 1.0:
            counted = self.counters["bytes"]
            self.kbit_s = (counted - self._counted) * 0.008 / (now - self._counted_at)
            self._counted, self._counted_at = counted, now

    def close(self) -> None:
        """Nobody watches: what was kept is given back."""
        self.closed = True
        self._gop.forget()

    def _each(self, what: str, value: object) -> None:
        for sink in self._sinks:
            try:
                getattr(sink, what)(value)
            except Exception:
                log.exception("a viewer of %s failed and is taken off", self.subject)
                self.part(sink)
