"""Many channels composed into one stream, for screens that can decode only one: each tile with its name and, when it stands
still, for how long. One thread decodes, composes and encodes; its pace is the mosaic's own.
"""

from __future__ import annotations

import collections
import logging
import math
import threading
from functools import lru_cache
from typing import Any

import av
import cv2
import numpy as np

from hall.core.clock import monotonic, real_ms
from video.media import CLOCK_RATE
from video.mosaic.wire import FAMILIES, HEAD
from video.workshop import wire
from video.workshop.child import Outlet
from video.workshop.coding import Encoder
from video.workshop.convert import CODECS

log = logging.getLogger("hall.workshop")

MOST_WAITING = 60  # pictures of one tile: about two seconds
STALE_SECONDS = 2.0
_DARK, _GREY, _WHITE = 16, 128, 235  # luma of black and white, chroma of neither
_RULE = 2  # pixels between tiles


class Tile:
    """One channel: what waits, its decoder, its place on the canvas and its newest picture's age."""

    def __init__(self, name: str, place: tuple[int, int, int, int]) -> None:
        self.x, self.y, self.width, self.height = place
        self.band = max(18, self.height // 12) // 2 * 2
        self.label = _label(name, self.width, self.band)
        self.waiting: collections.deque[tuple[str, wire.Feed]] = collections.deque()
        self.skipping, self.dropped = True, 0
        self.seen: float | None = None  # monotonic
        self.drawn_age = -1
        self._decoder: av.CodecContext | None = None
        self._family = ""

    def put(self, family: str, material: wire.Feed) -> None:
        """Takes a picture; what the composer cannot keep up with is dropped to the next key picture."""
        if len(self.waiting) >= MOST_WAITING:
            self.dropped += len(self.waiting)
            self.waiting.clear()
            self.skipping = True
        self.skipping = self.skipping and not material.key
        if self.skipping:
            self.dropped += 1
        else:
            self.waiting.append((family, material))

    def newest(self, taken: list[tuple[str, wire.Feed]]) -> av.VideoFrame | None:
        """Decodes all that came; returns the newest picture, None when there was none."""
        found = None
        for family, material in taken:
            if self._decoder is None or family != self._family:
                self._decoder, self._family = av.CodecContext.create(CODECS[family], "r"), family
                self._decoder.thread_count = 1
            packet = av.Packet(material.data[HEAD.size :])
            packet.pts = material.pts
            try:
                for frame in self._decoder.decode(packet):
                    found = frame
            except (av.error.FFmpegError, ValueError):
                self._decoder = None
        return found


class Canvas:
    """The picture being composed, as planes of yuv420p."""

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = width, height
        self.planes = [np.full((height, width), _DARK, np.uint8), *(
            np.full((height // 2, width // 2), _GREY, np.uint8) for _ in "uv"
        )]  # fmt: skip

    def paste(self, tile: Tile, frame: av.VideoFrame) -> None:
        """The frame into its tile, whole, without changing its shape."""
        if frame.format.name not in ("yuv420p", "yuvj420p"):
            frame = frame.reformat(format="yuv420p")
        room = tile.height - tile.band
        scale = min(tile.width / frame.width, room / frame.height)
        width, height = (max(2, int(size * scale) // 2 * 2) for size in (frame.width, frame.height))
        x = tile.x + (tile.width - width) // 4 * 2
        y = tile.y + tile.band + (room - height) // 4 * 2
        for number, plane in enumerate(_planes(frame)):
            half = 1 if number == 0 else 2
            target = self.planes[number][y // half : (y + height) // half, x // half : (x + width) // half]
            cv2.resize(plane, (width // half, height // half), dst=target, interpolation=cv2.INTER_AREA)

    def head(self, tile: Tile, age: float | None) -> None:
        """Name, and how long the picture has stood still."""
        luma = self.planes[0][tile.y : tile.y + tile.band, tile.x : tile.x + tile.width]
        luma[:] = tile.label
        if age is None or age >= STALE_SECONDS:
            said = "… " if age is None else f"停滞 {_spell(age)} STALLED "
            mark = _label(said, tile.width, tile.band, right=True)
            luma[mark > _DARK] = mark[mark > _DARK]
            line = luma[-2:]
            line[:] = _WHITE
        for plane in self.planes[1:]:
            plane[tile.y // 2 : (tile.y + tile.band) // 2, tile.x // 2 : (tile.x + tile.width) // 2] = _GREY

    def frame(self) -> av.VideoFrame:
        flat = np.concatenate([plane.reshape(-1, self.width) for plane in self.planes])
        return av.VideoFrame.from_ndarray(flat, format="yuv420p")


def _planes(frame: av.VideoFrame) -> list[np.ndarray]:
    found = []
    for plane, half in zip(frame.planes, (1, 2, 2), strict=True):
        width, height = -(-frame.width // half), -(-frame.height // half)
        found.append(np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)[:height, :width])
    return found


def _spell(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"


@lru_cache(maxsize=256)
def _label(text: str, width: int, height: int, right: bool = False) -> np.ndarray:
    """Text in white on dark, one line, cut where the tile ends."""
    image = np.full((height, width, 3), _DARK, np.uint8)
    size = int(height * 0.72)
    face = _face()
    box = cv2.getTextSize((width, height), text, (0, 0), face, size, 500)
    x = width - box[2] - 4 if right else 6
    cv2.putText(image, text, (x, int(height * 0.78)), (_WHITE,) * 3, face, size, 500)
    return image[:, :, 0].copy()


@lru_cache(maxsize=1)
def _face():
    return cv2.FontFace("sans")  # has Chinese


def places(count: int, width: int, height: int) -> list[tuple[int, int, int, int]]:
    """Where each of `count` tiles lies: (x, y, width, height), all even, a rule between them."""
    columns = math.ceil(math.sqrt(count))
    rows = math.ceil(count / columns)
    wide, high = width // columns // 2 * 2, height // rows // 2 * 2
    return [
        (wide * (number % columns), high * (number // columns), wide - _RULE, high - _RULE) for number in range(count)
    ]  # fmt: skip


class Mosaic:
    """One mosaic. Its thread ends when it is closed."""

    def __init__(self, about: dict[str, Any], outlet: Outlet) -> None:
        self._outlet, self._fps = outlet, float(about["fps"])
        self._canvas = Canvas(int(about["width"]), int(about["height"]))
        spots = places(len(about["names"]), self._canvas.width, self._canvas.height)
        self.tiles = [Tile(str(name), place) for name, place in zip(about["names"], spots, strict=True)]
        self._coder = Encoder(self._canvas.width, self._canvas.height, self._fps, crf=28)
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._told = 0
        threading.Thread(target=self._run, name="mosaic", daemon=True).start()

    def feed(self, material: wire.Feed) -> None:
        number, family = HEAD.unpack_from(material.data)
        with self._lock:
            if number < len(self.tiles) and family < len(FAMILIES):
                self.tiles[number].put(FAMILIES[family], material)

    def close(self) -> None:
        self._ended.set()

    def _run(self) -> None:
        start, number, began = monotonic(), 0, False
        try:
            while not self._ended.wait(max(0.0, start + number / self._fps - monotonic())):
                self._compose(monotonic())
                at = real_ms()
                for data, key, pts in self._coder.encode(self._canvas.frame(), round(number * CLOCK_RATE / self._fps)):
                    if not began:
                        self._outlet.began(self._coder.info(data, converted="mosaic"))
                        began = True
                    self._outlet.made(data, key, pts, float(at))
                number = max(number + 1, int((monotonic() - start) * self._fps))
                self._tell()
        except Exception as error:  # the relay starts it anew
            log.exception("workshop: a mosaic cannot be composed")
            self._outlet.ended("garbled", f"the mosaic cannot be composed: {type(error).__name__}")

    def _compose(self, now: float) -> None:
        for tile in self.tiles:
            with self._lock:
                taken = list(tile.waiting)
                tile.waiting.clear()
            frame = tile.newest(taken)
            if frame is not None:
                tile.seen = now
                self._canvas.paste(tile, frame)
            age = None if tile.seen is None else now - tile.seen
            shown = -2 if age is None else (-3 if age < STALE_SECONDS else int(age))
            if shown != tile.drawn_age:
                tile.drawn_age = shown
                self._canvas.head(tile, age)

    def _tell(self) -> None:
        dropped = sum(tile.dropped for tile in self.tiles)
        if dropped > self._told:
            self._told = dropped
            self._outlet.told(dropped=dropped)


def work(about: dict[str, Any], outlet: Outlet) -> Mosaic:
    """`about`: names (one per tile), width, height, fps. Material: HEAD, then the picture."""
    return Mosaic(about, outlet)
