"""A track that every browser and WebRTC can show: H.264 without pictures out of order. A track that is so already is passed on
as it is; any other is decoded and coded again by the workshop, once for all who need it, and says so (`converted`).
"""

from __future__ import annotations

import asyncio

from video.media import Intake, SourceFailed, StreamInfo, TrackState
from video.relay.tap import Tap
from video.relay.track import Unit
from video.workshop.deliver import ToIntake
from video.workshop.shop import Job, shared


def needs_converting(info: StreamInfo) -> str:
    """Why a stream is not plain: `h265`, `mjpeg`, `b-frames`; empty when it is."""
    if info.family != "h264":
        return "mjpeg" if info.family == "jpeg" else info.family
    return "b-frames" if info.reorders else ""


class Plain(Tap):
    """A source whose pictures are another track's, converted where needed."""

    _job: Job | None = None
    _why = ""
    _skip = True  # until a key picture: the workshop has nothing to build on
    _changed: asyncio.Event

    async def run(self, intake: Intake) -> None:
        """Passes on until cancelled; raises SourceFailed when the workshop cannot."""
        self._changed = asyncio.Event()
        passing = asyncio.create_task(super().run(intake))
        passing.add_done_callback(lambda _: self._changed.set())
        try:
            while True:
                await self._changed.wait()
                self._changed.clear()
                if passing.done():
                    passing.result()
                if self._why:
                    await self._convert(intake)
        finally:
            self._close()
            passing.cancel()
            await asyncio.wait({passing})

    def begin(self, info: StreamInfo) -> None:
        self._close()
        self._why = needs_converting(info)
        if not self._why:
            super().begin(info)
        self._changed.set()

    def take(self, unit: Unit) -> None:
        if not self._why:
            super().take(unit)
        elif self._job is not None:
            self._skip = self._skip and not unit.key
            if not self._skip:
                self._skip = not self._job.feed(unit.annexb, key=unit.key, pts=unit.pts, captured=unit.captured)

    def tell(self, state: TrackState) -> None:
        if state.state != "live" or not self._why:  # converted pictures are live when they come out
            super().tell(state)

    async def _convert(self, intake: Intake) -> None:
        """Until the stream changes: the kept group first, then what comes."""
        origin = self.origin
        info = origin.info if origin else None
        if origin is None or info is None:
            return
        about = {"family": info.family, "fps": info.fps or origin.fps or 25.0, "why": self._why}
        job = await shared().open("convert", about, ToIntake(intake))
        if self._changed.is_set():  # another stream meanwhile
            job.close()
            return
        self._job, self._skip = job, True
        for unit in list(origin.gop):
            self.take(unit)
        changed = asyncio.create_task(self._changed.wait())
        try:
            await asyncio.wait({changed, job.ended}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            changed.cancel()
        if job.ended.done() and not self._changed.is_set():
            job.ended.result()
            raise SourceFailed("gone", "the workshop ended the conversion")

    def _close(self) -> None:
        job, self._job = self._job, None
        if job is not None:
            job.close()
