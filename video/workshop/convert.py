"""Coded pictures that a browser or WebRTC cannot take, made into plain H.264: decoded and coded again, as they come."""

from __future__ import annotations

import collections
import logging
import threading
from typing import Any

import av

from video.media import CLOCK_RATE
from video.workshop import wire
from video.workshop.child import Outlet
from video.workshop.coding import TICK, Encoder

log = logging.getLogger("hall.workshop")
CODECS = {"h264": "h264", "h265": "hevc", "jpeg": "mjpeg"}
WIDEST, HIGHEST = 1920, 1088
MOST_WAITING = 48  # pictures: about two seconds
_GIVE_UP = 100  # pictures in a row that cannot be decoded


def fitting(width: int, height: int, widest: int = WIDEST, highest: int = HIGHEST) -> tuple[int, int]:
    """Even width and height, within what is coded live."""
    scale = min(1.0, widest / width, highest / height)
    return max(16, int(width * scale) // 2 * 2), max(16, int(height * scale) // 2 * 2)


class Remake:
    """A decoder and an encoder; the encoder begins anew when the picture's size changes."""

    def __init__(self, family: str, fps: float, why: str, widest: int = WIDEST) -> None:
        self._decoder = av.CodecContext.create(CODECS[family], "r")
        self._decoder.thread_count = 1
        self._fps, self.why, self._widest = fps, why, widest
        self._encoder: Encoder | None = None
        self._size = (0, 0)
        self.restarted = False

    def pictures(self, data: bytes, pts: int, captured: float) -> list[tuple[bytes, bool, int, float]]:
        """(Annex-B, key, pts, captured) of what comes out for this; raises av's errors for what cannot be decoded."""
        packet = av.Packet(data)
        packet.pts = packet.dts = pts
        packet.time_base = TICK
        return [made for frame in self._decoder.decode(packet) for made in self.frame(frame, pts, captured)]

    def frame(self, frame: av.VideoFrame, pts: int, captured: float = 0.0) -> list[tuple[bytes, bool, int, float]]:
        """The same of a decoded picture."""
        size = fitting(frame.width, frame.height, self._widest)
        if size != self._size or self._encoder is None:
            self._encoder, self._size, self.restarted = Encoder(*size, self._fps), size, True
        shown = pts if frame.pts is None else frame.pts
        if captured and frame.pts is not None:
            captured -= (pts - frame.pts) * 1000 / CLOCK_RATE  # a picture that came out later than it went in
        flat = frame.reformat(*size, format="yuv420p")
        return [(*made, captured) for made in self._encoder.encode(flat, shown)]

    def info(self, key_picture: bytes):
        assert self._encoder is not None
        return self._encoder.info(key_picture, converted=self.why)


class Conversion:
    """One stream being converted, on a thread of its own; what comes faster than it can is dropped to the next key picture."""

    def __init__(self, about: dict[str, Any], outlet: Outlet) -> None:
        self._outlet = outlet
        self._remake = Remake(about["family"], float(about.get("fps") or 25), about["why"], int(about.get("widest") or WIDEST))
        self._waiting: collections.deque[wire.Feed] = collections.deque()
        self._changed = threading.Condition()
        self._open, self._skipping, self._dropped = True, True, 0
        threading.Thread(target=self._run, name="convert", daemon=True).start()

    def feed(self, material: wire.Feed) -> None:
        with self._changed:
            if len(self._waiting) >= MOST_WAITING:
                self._dropped += len(self._waiting)
                self._waiting.clear()
                self._skipping = True
            self._skipping = self._skipping and not material.key
            if self._skipping:
                self._dropped += 1
            else:
                self._waiting.append(material)
                self._changed.notify()

    def close(self) -> None:
        with self._changed:
            self._open = False
            self._changed.notify()

    def _next(self) -> wire.Feed | None:
        with self._changed:
            while self._open and not self._waiting:
                self._changed.wait()
            return self._waiting.popleft() if self._open else None

    def _run(self) -> None:
        bad, told = 0, 0
        while material := self._next():
            try:
                self._deliver(self._remake.pictures(material.data, material.pts, material.captured))
                bad = 0
            except (av.error.FFmpegError, ValueError) as error:
                bad += 1
                if bad > _GIVE_UP:
                    return self._outlet.ended("garbled", f"the pictures cannot be decoded: {type(error).__name__}")
            if self._dropped > told:
                told = self._dropped
                self._outlet.told(dropped=told)

    def _deliver(self, made: list[tuple[bytes, bool, int, float]]) -> None:
        for data, key, pts, captured in made:
            if self._remake.restarted and key:
                self._outlet.began(self._remake.info(data))
                self._remake.restarted = False
            self._outlet.made(data, key, pts, captured)


def work(about: dict[str, Any], outlet: Outlet) -> Conversion:
    """`about`: family, fps, why (what `StreamInfo.converted` is to say), optionally widest (pixels)."""
    return Conversion(about, outlet)
