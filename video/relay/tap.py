"""A sub-stream for channels that have none: the main stream once more, taken from its track and not from the camera."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from video.media import Intake, StreamInfo, TrackState
from video.relay.track import Track, Unit

if TYPE_CHECKING:
    from video.relay.hub import Hub


class Tap:
    """A source whose pictures are another track's; its state is that track's state."""

    mirrors, audience = True, 0

    def __init__(self, hub: Hub, track: Track, quality: str = "main") -> None:
        self._hub, self._track, self._quality = hub, track, quality
        self._intake: Intake | None = None
        self.origin: Track | None = None  # while it runs

    async def run(self, intake: Intake) -> None:
        """Passes on until cancelled."""
        self._intake = intake
        origin = self.origin = self._hub.watch(self._track.subject, self._quality, self)
        try:
            if origin.info is not None:
                self.begin(origin.info)
                for unit in list(origin.gop):
                    self.take(unit)
            if origin.state.state != "starting":
                self.tell(origin.state)
            await asyncio.Event().wait()
        finally:
            self.origin = None
            self._hub.leave(origin, self)

    def begin(self, info: StreamInfo) -> None:
        if self._intake:
            self._intake.begin(info)

    def take(self, unit: Unit) -> None:
        if self._intake:
            self._intake.picture(unit.key, unit.pts, payloads=unit._payloads, annexb=unit._annexb, captured=unit.captured)

    def tell(self, state: TrackState) -> None:
        if self._track.state.state != state.state or state.state != "live":
            self._track.mirror(state)
