"""What stands between a track and its tape: a sink on the relay's loop, a queue with a bound, one thread that writes.

The loop never waits for the disk. Where the disk does not keep up or is full, pictures are dropped to the next key picture, and
counted; the tape goes on as soon as it can.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import queue
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from hall.core.clock import monotonic, real_ms
from hall.core.errors import HallError
from video.media import AccessUnit, StreamInfo, TrackState
from video.record.model import Gap, Taping
from video.record.tape import GAP_SECONDS, Tape, note_gap, read_gaps, read_index

log = logging.getLogger("hall.record")

MOST_WAITING = 64 * 1024 * 1024  # bytes of all channels together
RETRY_SECONDS = 5.0  # after the disk refused
_SUSPECT = 4  # video.relay.track marks damaged pictures so
_FULL = (errno.ENOSPC, errno.EDQUOT)


class Writer:
    """The thread that writes all tapes of this process. `full` is called (on the thread) when the disk has no room left."""

    def __init__(self, full: Callable[[], None] = lambda: None) -> None:
        self.full = full
        self._put = self._done = 0  # bytes; each counted by one thread only
        self._queue: queue.SimpleQueue[tuple[Callable[..., None], tuple[Any, ...], int] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="recorder", daemon=True)
        self._thread.start()

    @property
    def waiting(self) -> int:
        """Bytes of pictures that are not written yet."""
        return self._put - self._done

    def put(self, work: Callable[..., None], *about: Any, size: int = 0) -> None:
        """Does `work(*about)` after everything put before; for the loop's thread."""
        self._put += size
        self._queue.put((work, about, size))

    def close(self, seconds: float = 10.0) -> None:
        """Does what is waiting, then ends; waits for that at most so long."""
        self._queue.put(None)
        self._thread.join(seconds)

    def _run(self) -> None:
        while found := self._queue.get():
            work, about, size = found
            try:
                work(*about)
            except Exception:
                log.exception("recording: work failed")
            self._done += size


class Deck:
    """A sink that tapes one channel. `taping` is how it does."""

    def __init__(
        self, channel: str, folder: Path, writer: Writer, unfit: Callable[[Deck], None] = lambda deck: None, began: int = 0
    ) -> None:
        """`unfit` is called when the stream is one that MP4 does not hold and the relay could convert; `began`: real ms since
        when there should be pictures."""
        self.taping = Taping(channel=channel)
        self._unfit, self._began = unfit, began
        self._gap: Gap | None = None  # the thread's: the time without pictures that lasts
        self._folder, self._writer = folder, writer
        self._tape: Tape | None = None
        self._info: StreamInfo | None = None  # the thread's: of what it is writing
        self._ready, self._retry_at = False, 0.0
        self._skipping = False  # the loop's: until the next key picture

    # -- on the loop ---------------------------------------------------------------------------------------------

    def begin(self, info: StreamInfo) -> None:
        if info.family == "jpeg":
            return self._unfit(self)
        self._writer.put(self._begin, info)

    def take(self, unit: AccessUnit) -> None:
        if unit.info.family == "jpeg":
            return  # until the converted track comes
        if self._writer.waiting > MOST_WAITING or self._skipping and not unit.key:
            if not self._skipping:
                self._writer.put(self._absent, "disk-slow", "", real_ms())
            self._skipping = True
            self.taping.dropped += 1
            return
        self._skipping = False
        self._writer.put(self._take, unit, bool(getattr(unit, "flags", 0) & _SUSPECT), size=unit.size)

    def tell(self, state: TrackState) -> None:
        if self.taping.state in ("recording", "waiting", "lost"):
            self.taping.state = {"live": "recording"}.get(state.state, "lost" if self.taping.pictures else "waiting")
        if state.state != "live":
            self.absent(state.reason or state.state, state.detail)

    def absent(self, reason: str, detail: str = "") -> None:
        """No pictures from the last one on, until the next one: that goes on record."""
        self.taping.reason = reason
        self._writer.put(self._absent, reason, detail, real_ms())

    @property
    def gap(self) -> Gap | None:
        """The time without pictures that lasts."""
        return self._gap

    def end(self, done: Callable[[], None]) -> None:
        """Closes the tape; `done` is called on the thread when that is on disk."""
        self._writer.put(self._end, done)

    # -- on the writer's thread ----------------------------------------------------------------------------------

    def _begin(self, info: StreamInfo) -> None:
        self._info, self._ready = info, False
        self._try(self._begun)

    def _begun(self) -> None:
        if self._tape is None:
            self._tape = Tape(self._folder)
        self._tape.begin(self._info)
        self._ready = True
        self.taping.converted = self._info.converted

    def _take(self, unit: AccessUnit, suspect: bool) -> None:
        if not self._ready:
            if unit.key and monotonic() >= self._retry_at and self._info is not None and self.taping.state != "codec":
                self._try(self._begun)
            if not self._ready:
                self.taping.dropped += 1
                return
        self._try(self._written, unit, suspect)

    def _written(self, unit: AccessUnit, suspect: bool) -> None:
        assert self._tape is not None
        if not unit.key and not self._tape.begun:
            self.taping.dropped += 1  # the first picture after a begin must stand by itself
            return
        before = len(self._tape.lines)
        self._tape.take(unit, suspect)
        taping = self.taping
        self._present(round(unit.captured))
        taping.state, taping.pictures, taping.end = "recording", taping.pictures + 1, round(unit.captured)
        taping.start = round(unit.captured) if taping.start is None else taping.start
        if len(self._tape.lines) != before:
            self._counted()

    def _absent(self, reason: str, detail: str, now: int) -> None:
        if self._gap is not None and reason == "starting":
            return  # why there was none before says more
        since = self._gap.since if self._gap else self._last(now)
        self._gap = Gap(since=since, reason=reason, detail=detail[:200])

    def _last(self, now: int) -> int:
        """Until when there were pictures, or what there was instead."""
        if self.taping.end is not None:
            return self.taping.end
        told = [self._began or now]
        with contextlib.suppress(OSError):  # a disk that fails is told elsewhere
            told += [line.end for line in read_index(self._folder)[-1:]]
            told += [gap.until or 0 for gap in read_gaps(self._folder)[-1:]]
        return max(told)

    def _present(self, now: int) -> None:
        """The time without pictures is over; a moment is none."""
        gap, self._gap = self._gap, None
        self.taping.reason = ""
        if gap is None or now - gap.since < GAP_SECONDS * 1000:
            return
        try:
            note_gap(self._folder, msgspec.structs.replace(gap, until=now))
        except OSError as error:
            log.warning("recording of %s: a gap could not be written down: %s", self.taping.channel, error.strerror)

    def _counted(self) -> None:
        self.taping.segments, self.taping.bytes = len(self._tape.lines), self._tape.bytes

    def _end(self, done: Callable[[], None]) -> None:
        if self._tape is not None:
            self._try(self._tape.cut)
            self._counted()
        if self._gap is not None:
            self._present(real_ms())
        self.taping.state = "ended" if self.taping.state != "codec" else "codec"
        done()

    def _try(self, work: Callable[..., Any], *about: Any) -> None:
        try:
            work(*about)
        except OSError as error:
            full = error.errno in _FULL
            if self._ready or not self._retry_at:
                log.warning("recording of %s: the disk refuses: %s", self.taping.channel, error.strerror)
            self._ready, self._retry_at = False, monotonic() + RETRY_SECONDS
            self.taping.state = "disk-full" if full else "lost"
            self.taping.dropped += 1
            if self._tape is not None:
                self._tape.drop()
            self._failed("disk-full" if full else "disk", error.strerror or "")
            if full:
                self._writer.full()
        except HallError as error:
            log.warning("recording of %s: %s", self.taping.channel, error)
            self._ready, self.taping.state = False, "codec"
            self._failed("codec", str(error))

    def _failed(self, reason: str, detail: str) -> None:
        self.taping.reason = reason
        self._absent(reason, detail, real_ms())
