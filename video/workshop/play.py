"""Files as if they were cameras: looped, at their own pace, on one clock; what browsers cannot take is converted once."""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import av

from video.media import CLOCK_RATE, SourceFailed
from video.workshop import wire
from video.workshop.child import Outlet
from video.workshop.coding import h264_info
from video.workshop.containers import Coded, Opened, opened
from video.workshop.convert import Remake
from video.workshop.pace import Pace
from video.workshop.store import MAGIC, Store, last, read, record

log = logging.getLogger("hall.workshop")
_HEAD = 240  # pictures looked at before a file is played
_NAMES = {"hevc": "h265"}
_makings: dict[str, Making] = {}
_swept: set[str] = set()
_lock = threading.Lock()
_turn = threading.Semaphore(2)  # files converted at once


class Making:
    """One file being converted, for everybody who plays it meanwhile; stops when nobody does."""

    def __init__(self, store: Store, key: str, path: Path) -> None:
        self.store, self.key, self.path = store, key, path
        self.players, self.done, self.failed = 1, False, None  # whoever wanted it made
        self.changed = threading.Condition()
        self.part = store.part(key)
        self.part.write_bytes(MAGIC)
        threading.Thread(target=self._run, name="make clip", daemon=True).start()

    def _run(self) -> None:
        try:
            with _turn:
                self._make()
        except SourceFailed as error:
            self.failed = error
        except OSError as error:
            self.failed = SourceFailed("gone", f"the converted clip cannot be kept: {error.strerror}")
        except Exception as error:
            log.exception("workshop: a clip cannot be converted")
            self.failed = SourceFailed("garbled", f"it cannot be converted: {type(error).__name__}", lasting=True)
        with _lock:
            _makings.pop(self.key, None)
        with self.changed:
            self.done = True
            self.changed.notify_all()

    def _make(self) -> None:
        with contextlib.closing(opened(str(self.path))) as container, self.part.open("ab") as out:
            found = Opened(container)
            remake = Remake("h264", found.fps, _NAMES.get(found.codec, found.codec))
            found.stream.codec_context.thread_count = 1
            newest, step = -1, round(CLOCK_RATE / found.fps)
            for frame, pts in _frames(found):
                if pts <= newest:
                    continue  # a coder wants times that rise; a file whose times stand still loses the picture
                newest = pts
                for data, key, shown, _ in remake.frame(frame, pts):
                    out.write(record(Coded(data, key, shown, shown)))
                out.flush()
                with self.changed:
                    self.changed.notify_all()
                if self.players <= 0 or out.tell() > self.store.longest:
                    break
            if newest < 0:
                raise SourceFailed("garbled", "no picture of it can be decoded", lasting=True)
            if self.players <= 0:
                return self.part.unlink(missing_ok=True)
            out.write(last(newest + step))
        self.store.finish(self.key)


def _frames(found: Opened) -> Iterator[tuple[av.VideoFrame, int]]:
    """Decoded pictures with their times from 0 in 90 kHz; broken ones are left out."""
    first, number = None, 0
    for packet in _packets(found):
        with contextlib.suppress(av.error.FFmpegError):
            for frame in packet.decode():
                at = number * CLOCK_RATE / found.fps if frame.time is None else frame.time * CLOCK_RATE
                first = at if first is None else first
                frame.pts = None
                yield frame, max(0, round(at - first))
                number += 1


def _packets(found: Opened) -> Iterator[av.Packet]:
    """Up to where the file can be read: what is broken behind that is the end of the clip."""
    with contextlib.suppress(av.error.FFmpegError):
        yield from found.container.demux(found.stream)


class Play:
    """One player of one file."""

    def __init__(self, about: dict[str, Any], outlet: Outlet) -> None:
        self._path, self._outlet, self._pace = Path(about["path"]), outlet, Pace()
        self._store = Store(Path(about["folder"]), int(about["most"]))
        threading.Thread(target=self._run, name="play", daemon=True).start()

    def feed(self, material: wire.Feed) -> None:
        """A file needs no material."""

    def close(self) -> None:
        self._pace.end()

    def _run(self) -> None:
        try:
            with contextlib.closing(opened(str(self._path))) as container:
                passes = Opened(container).passes
            self._passed() if passes else self._converted()
            self._outlet.ended()
        except SourceFailed as error:
            self._outlet.ended(error.reason, error.detail, error.lasting)
        except OSError as error:
            self._outlet.ended("gone", f"the clip cannot be read: {error.strerror}")
        except Exception as error:
            log.exception("workshop: a clip cannot be played")
            self._outlet.ended("garbled", f"the clip cannot be played: {type(error).__name__}")

    def _send(self, picture: Coded, offset: int) -> bool:
        if not self._pace.wait((picture.dts + offset) / CLOCK_RATE):
            return False
        self._outlet.made(picture.data, picture.key, picture.pts + offset)
        return True

    def _passed(self) -> None:
        """H.264 as it is."""
        offset, told, key = 0, False, self._store.key(self._path)
        while not self._pace.ended and self._store.key(self._path) == key:  # a replaced file is another stream
            with contextlib.closing(opened(str(self._path))) as container:
                found = Opened(container)
                head, first, end = [], None, 0
                for picture in found.pictures():
                    first = picture.dts if first is None else first
                    picture = picture._replace(pts=picture.pts - first, dts=picture.dts - first)
                    end = max(end, picture.pts + round(CLOCK_RATE / found.fps))
                    if not told:
                        head.append(picture)
                        if len(head) < _HEAD:
                            continue
                        told = self._begin(found, head)
                        pictures, head = head, []
                    else:
                        pictures = [picture]
                    if not all(self._send(one, offset) for one in pictures):
                        return
                if not told:  # shorter than what is looked at
                    told = self._begin(found, head)
                    if not all(self._send(one, offset) for one in head):
                        return
            offset += end

    def _begin(self, found: Opened, head: list[Coded]) -> bool:
        self._outlet.began(found.info(head))
        return True

    def _converted(self) -> None:
        """The converted clip, from the store or as it is being made."""
        key = self._store.key(self._path)
        found = self._store.whole(key)
        making = None if found else self._making(key)
        offset, told = 0, False
        try:
            while not self._pace.ended and self._store.key(self._path) == key:
                for picture in self._follow(key, making):
                    if isinstance(picture, int):
                        offset += picture
                        break
                    if not told:
                        told = self._tell(picture)
                    if not self._send(picture, offset):
                        return
        finally:
            if making:
                making.players -= 1

    def _making(self, key: str) -> Making:
        with _lock:
            making = _makings.get(key)
            if making is None:
                making = _makings[key] = Making(self._store, key, self._path)
            else:
                making.players += 1
            return making

    def _file(self, key: str, making: Making | None) -> BinaryIO:
        for _ in range(2):  # what is being made gets its final name at some moment
            with contextlib.suppress(FileNotFoundError):
                return (self._store.whole(key) or self._store.part(key)).open("rb")
        raise making.failed if making and making.failed else SourceFailed("gone", "the kept clip was removed")

    def _follow(self, key: str, making: Making | None) -> Iterator[Coded | int]:
        with self._file(key, making) as file:
            if file.read(len(MAGIC)) != MAGIC:
                raise SourceFailed("garbled", "the kept clip is not whole")
            while not self._pace.ended:
                done = making is None or making.done
                for picture in read(file):
                    yield picture
                    if isinstance(picture, int):
                        return
                if making and making.failed:
                    raise making.failed
                if done:
                    Path(file.name).unlink(missing_ok=True)  # it is made anew at the next attempt
                    raise SourceFailed("garbled", "the kept clip is not whole")
                with making.changed:
                    if not making.done:
                        making.changed.wait(0.2)

    def _tell(self, picture: Coded) -> bool:
        with contextlib.closing(opened(str(self._path))) as container:
            found = Opened(container)
        decoder = av.CodecContext.create("h264", "r")
        frames = [*decoder.decode(av.Packet(picture.data)), *decoder.decode(None)]
        width, height = (frames[0].width, frames[0].height) if frames else (found.width, found.height)
        why = _NAMES.get(found.codec, found.codec)
        self._outlet.began(h264_info(picture.data, width, height, found.fps, converted=why))
        return True


def work(about: dict[str, Any], outlet: Outlet) -> Play:
    """`about`: path of the file, folder and most bytes of the store of converted clips."""
    with _lock:
        if about["folder"] not in _swept:  # what a child that died had begun
            _swept.add(about["folder"])
            for part in Path(about["folder"]).glob("*.part"):
                part.unlink(missing_ok=True)
    return Play(about, outlet)
