"""One picture of a channel as a JPEG in its full size: of now, from the kept key picture or a short look at the source, or of
a moment of a recording, from its segment. Made here and not by a page: what becomes evidence has passed nobody's hands."""

from __future__ import annotations

import asyncio
import hashlib
from pathlib import Path
from typing import Any, NamedTuple

from hall.core.clock import real_ms
from hall.core.errors import HallError, Refused
from video.media import AccessUnit, SourceFailed, StreamInfo, TrackState
from video.record import boxes
from video.record.model import Line
from video.workshop import shared, wire

FRESH_MS = 5_000  # a kept key picture older than this is not what the place looks like now
WAIT_SECONDS = 9.0


class Still(NamedTuple):
    """`captured`: when the camera took it, real ms; `source`: SHA-256 of the coded picture or segment that it was made of."""

    jpeg: bytes
    captured: float
    source: str


class _Wanted:
    """A sink that waits for the next key picture; also hears why there is none."""

    def __init__(self) -> None:
        self.found: asyncio.Future[AccessUnit] = asyncio.get_running_loop().create_future()

    def begin(self, info: StreamInfo) -> None:
        """Nothing to prepare."""

    def take(self, unit: AccessUnit) -> None:
        if unit.key and not self.found.done():
            self.found.set_result(unit)

    def tell(self, state: TrackState) -> None:
        if state.state in ("waiting", "failed", "ended") and not self.found.done():
            self.found.set_exception(Refused("no-picture", state.detail or state.reason or state.state, 503))


async def still(hub: Any, subject: str, quality: str = "main") -> Still:
    """Starts the source when nobody watches. Raises Refused `no-picture` (503) with the reason."""
    wanted = _Wanted()
    track = hub.watch(subject, quality, wanted)
    try:
        kept = track.key
        if kept is None or real_ms() - kept.captured > FRESH_MS:
            async with asyncio.timeout(WAIT_SECONDS):
                kept = await wanted.found
    except TimeoutError:
        raise Refused("no-picture", "no key picture came in time", 503) from None
    finally:
        hub.leave(track, wanted)
        wanted.found.cancel()
    source = hashlib.sha256(kept.annexb).hexdigest()
    if kept.info.family == "jpeg":
        return Still(kept.annexb, kept.captured, source)
    made = await _made("still", {"family": kept.info.family}, kept.annexb)
    return Still(made.data, kept.captured, source)


async def still_of(folder: Path, line: Line, at: int) -> Still:
    """The picture that a player of the recording shows at `at` (90 kHz, the tape's own clock), of the segment `line` in the
    channel's `folder`. Raises Refused `unknown-segment` (404), `segment-changed` (409), `no-picture` (503)."""
    try:
        init, data = await asyncio.to_thread(_read, folder, line)
    except OSError:
        raise Refused("unknown-segment", "the segment is no longer kept", 404) from None
    source = hashlib.sha256(data).hexdigest()
    if source != line.sha256:
        raise Refused("segment-changed", "the segment is not what it was when it was recorded", 409)
    parts = boxes.fragments(data)
    last = max((k for k, part in enumerate(parts) if part.at <= at), default=0)
    first = max((k for k, part in enumerate(parts[: last + 1]) if part.keyed), default=0)
    made = await _made("moment", {"at": at}, init + data[parts[first].begins : parts[last].ends])
    shown = max((part for part in parts[: last + 1] if part.at <= made.pts), default=parts[0], key=lambda part: part.at)
    return Still(made.data, shown.captured + (made.pts - shown.at) / 90, source)


def _read(folder: Path, line: Line) -> tuple[bytes, bytes]:
    return (folder / line.init).read_bytes(), (folder / f"{line.number:06d}.m4s").read_bytes()


class _One:
    """A listener for a job that makes one thing."""

    def __init__(self) -> None:
        self.picture: wire.Made | None = None

    def began(self, info: StreamInfo) -> None:
        """A still is no stream."""

    def made(self, picture: wire.Made) -> None:
        self.picture = picture

    def told(self, about: dict[str, Any]) -> None:
        """Nothing to hear."""


async def _made(kind: str, about: dict[str, Any], data: bytes) -> wire.Made:
    """What the workshop makes of `data`. Raises Refused `no-picture`."""
    found = _One()
    try:
        job = await shared().open(kind, about, found)
        job.feed(data, key=True)
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                await job.ended
        finally:
            job.close()
    except (SourceFailed, TimeoutError, HallError) as error:
        raise Refused("no-picture", f"the picture cannot be decoded: {error}", 503) from None
    if found.picture is None:
        raise Refused("no-picture", "no picture came of it", 503)
    return found.picture
