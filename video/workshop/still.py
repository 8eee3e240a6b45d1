"""A coded key picture as a JPEG of its full size."""

from __future__ import annotations

import threading
from typing import Any

import av
import cv2

from video.workshop import wire
from video.workshop.child import Outlet
from video.workshop.convert import CODECS

QUALITY = 92


class Picture:
    """One picture; the work ends with it."""

    def __init__(self, family: str, outlet: Outlet) -> None:
        self._family, self._outlet = family, outlet

    def feed(self, material: wire.Feed) -> None:
        threading.Thread(target=self._make, args=(material,), name="still", daemon=True).start()

    def close(self) -> None:
        """It ends by itself within one picture."""

    def _make(self, material: wire.Feed) -> None:
        try:
            coder = av.CodecContext.create(CODECS[self._family], "r")
            frames = [*coder.decode(av.Packet(material.data)), *coder.decode(None)]
            good, body = cv2.imencode(".jpg", frames[0].to_ndarray(format="bgr24"), [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
            assert good
        except (av.error.FFmpegError, IndexError, KeyError, cv2.error, AssertionError) as error:
            return self._outlet.ended("garbled", f"{type(error).__name__}")
        self._outlet.made(body.tobytes(), True, material.pts, material.captured)
        self._outlet.ended()


def work(about: dict[str, Any], outlet: Outlet) -> Picture:
    """`about`: family of the picture that is fed."""
    return Picture(about["family"], outlet)
