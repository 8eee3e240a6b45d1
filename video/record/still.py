"""One picture of a channel as a JPEG in its full size: from the kept key picture, or from a short look at the source."""

from __future__ import annotations

import asyncio
from typing import Any, NamedTuple

from hall.core.clock import real_ms
from hall.core.errors import Refused
from video.media import AccessUnit, SourceFailed, StreamInfo, TrackState
from video.workshop import shared, wire

FRESH_MS = 5_000  # a kept key picture older than this is not what the place looks like now
WAIT_SECONDS = 9.0


class Still(NamedTuple):
    """`captured`: when the camera took it, real ms."""

    jpeg: bytes
    captured: float


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
    if kept.info.family == "jpeg":
        return Still(kept.annexb, kept.captured)
    return Still(await jpeg(kept.annexb, kept.info.family), kept.captured)


class _One:
    """A listener for a job that makes one thing."""

    def __init__(self) -> None:
        self.data = b""

    def began(self, info: StreamInfo) -> None:
        """A still is no stream."""

    def made(self, picture: wire.Made) -> None:
        self.data = picture.data

    def told(self, about: dict[str, Any]) -> None:
        """Nothing to hear."""


async def jpeg(annexb: bytes, family: str) -> bytes:
    """A key picture as JPEG, decoded in the workshop. Raises Refused `no-picture`."""
    found = _One()
    try:
        job = await shared().open("still", {"family": family}, found)
        job.feed(annexb, key=True)
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                await job.ended
        finally:
            job.close()
    except (SourceFailed, TimeoutError) as error:
        raise Refused("no-picture", f"the picture cannot be decoded: {error}", 503) from None
    return found.data
