"""Segments of a stream, fed as they come, taken apart and shown at their own pace on one running clock."""

from __future__ import annotations

import contextlib
import io
import logging
import queue
import threading
from typing import Any

from video.media import CLOCK_RATE, SourceFailed, StreamInfo
from video.workshop import wire
from video.workshop.child import Outlet
from video.workshop.containers import Opened, opened
from video.workshop.pace import Pace

log = logging.getLogger("hall.workshop")
MOST_WAITING = 8  # segments
_TURN = 1 << 33  # MPEG-TS counts 33 bits
_JUMP = 10 * CLOCK_RATE


class Demux:
    """One stream of segments. Material: the bytes; `key`: time does not go on from the one before; `captured`: when its first
    picture was taken; `pts`: its number, told back when it begins to play."""

    def __init__(self, outlet: Outlet) -> None:
        self._outlet, self._pace = outlet, Pace()
        self._segments: queue.Queue[wire.Feed | None] = queue.Queue(MOST_WAITING)
        self._info: StreamInfo | None = None
        self._offset: int | None = None
        self._end, self._began = 0, 0  # on our clock: behind the last picture; of the present segment
        threading.Thread(target=self._run, name="demux", daemon=True).start()

    def feed(self, material: wire.Feed) -> None:
        try:
            self._segments.put_nowait(material)
        except queue.Full:
            self._outlet.told(damaged="segments came faster than they play", segment=material.pts)

    def close(self) -> None:
        self._pace.end()
        with contextlib.suppress(queue.Full):
            self._segments.put_nowait(None)

    def _run(self) -> None:
        while not self._pace.ended and (material := self._segments.get()) is not None:
            try:
                self._play(material)
                self._outlet.told(segment=material.pts)
            except SourceFailed as error:
                return self._outlet.ended(error.reason, error.detail, error.lasting)
            except Exception as error:
                log.exception("workshop: a segment cannot be taken apart")
                return self._outlet.ended("garbled", f"a segment cannot be taken apart: {type(error).__name__}")

    def _play(self, material: wire.Feed) -> None:
        with contextlib.closing(opened(io.BytesIO(material.data))) as container:
            found = Opened(container)
            pictures = list(found.pictures())
            if not pictures:
                return self._outlet.told(damaged="a segment without pictures")
            if self._info is None or pictures[0].key:
                self._tell(found.info(pictures))
        step = round(CLOCK_RATE / found.fps)
        first = pictures[0].dts
        offset = self._placed(first, material.key)
        for picture in pictures:
            dts = picture.dts + offset
            if not self._pace.wait(dts / CLOCK_RATE):
                return
            self._end = max(self._end, dts + step)
            taken = material.captured + (picture.pts - first) * 1000 / CLOCK_RATE if material.captured else 0.0
            self._outlet.made(picture.data, picture.key, picture.pts + offset, taken)

    def _tell(self, info: StreamInfo) -> None:
        same = self._info and (info.codec, info.width, info.height, info.parameter_sets) == (
            self._info.codec, self._info.width, self._info.height, self._info.parameter_sets,
        )  # fmt: skip
        if not same:
            self._info = info
            self._outlet.began(info)

    def _placed(self, first: int, jump: bool) -> int:
        """What to add to this segment's times."""
        if self._offset is None:
            self._offset = -first
        at = first + self._offset
        if at < self._end - _TURN // 2:
            self._offset += _TURN
            at += _TURN
        if jump or abs(at - self._end) > _JUMP:
            self._offset += self._end - at
        return self._offset


def work(about: dict[str, Any], outlet: Outlet) -> Demux:
    """`about`: nothing."""
    return Demux(outlet)
