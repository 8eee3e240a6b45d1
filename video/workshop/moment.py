"""The picture of one moment of a recording as a JPEG of its full size."""

from __future__ import annotations

import io
import threading
from typing import Any

import av
import cv2

from video.workshop import wire
from video.workshop.child import Outlet
from video.workshop.still import QUALITY

_SLIP = 90  # ticks of 90 kHz: what a player's seconds lose by rounding


class Moment:
    """One picture; the work ends with it."""

    def __init__(self, at: int, outlet: Outlet) -> None:
        self._at, self._outlet = at, outlet

    def feed(self, material: wire.Feed) -> None:
        threading.Thread(target=self._make, args=(material.data,), name="moment", daemon=True).start()

    def close(self) -> None:
        """It ends by itself within one group of pictures."""

    def _make(self, data: bytes) -> None:
        try:
            frame = self._shown(data)
            good, body = cv2.imencode(".jpg", frame.to_ndarray(format="bgr24"), [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
            assert good
        except (av.error.FFmpegError, ValueError, cv2.error, AssertionError) as error:
            return self._outlet.ended("garbled", f"{type(error).__name__}: {error}"[:200])
        self._outlet.made(body.tobytes(), True, frame.pts)
        self._outlet.ended()

    def _shown(self, data: bytes) -> Any:
        """What is on the glass at that moment: the newest picture not after it."""
        found = None
        with av.open(io.BytesIO(data), format="mp4") as container:
            stream = container.streams.video[0]
            for frame in container.decode(stream):
                if found is not None and round(frame.time * 90_000) > self._at + _SLIP:
                    break
                found = frame
        if found is None:
            raise ValueError("no picture came out")
        found.pts = round(found.time * 90_000)
        return found


def work(about: dict[str, Any], outlet: Outlet) -> Moment:
    """`about`: `at`, the moment in ticks of 90 kHz on the recording's own clock; fed is an init with fragments of a segment."""
    return Moment(int(about["at"]), outlet)
