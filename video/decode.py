"""One key picture to planes: what health checks, analysers and posters look at. Never a stream, never a full decode.

A decoder is kept per thread and codec; it is flushed after each picture, so that pictures of different channels may follow
one another. Pictures come from strangers: whatever they hold, the answer is a picture or `Undecodable`.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, TypeVar

from hall.core.errors import HallError

if TYPE_CHECKING:
    import numpy as np

#: pictures larger than this are refused (bytes coded, pixels decoded): 8K is no surveillance picture
LARGEST_CODED = 4 * 1024 * 1024
LARGEST_PIXELS = 4096 * 3072
_NAMES = {"h264": "h264", "h265": "hevc"}
_local = threading.local()
T = TypeVar("T")


class Undecodable(HallError):
    """No picture came out. `reason`: `codec`, `too-large` or `garbled`."""

    def __init__(self, reason: str, detail: str) -> None:
        self.reason, self.detail = reason, detail
        super().__init__(f"{reason}: {detail}")


class Picture:
    """One decoded picture: `luma` (height, width), `u` and `v` (half of each) of uint8; `corrupt`: the decoder had to invent
    parts of it. The planes are views of the decoder's memory: keep copies, not views."""

    __slots__ = ("luma", "u", "v", "corrupt", "_frame")

    def __init__(self, luma: np.ndarray, u: np.ndarray, v: np.ndarray, corrupt: bool, frame: Any = None) -> None:
        self.luma, self.u, self.v, self.corrupt, self._frame = luma, u, v, corrupt, frame

    @property
    def width(self) -> int:
        return self.luma.shape[1]

    @property
    def height(self) -> int:
        return self.luma.shape[0]

    def bgr(self, width: int = 0) -> np.ndarray:
        """BGR (h, w, 3) of uint8, scaled to `width` pixels where that is given."""
        import cv2

        wanted = width or self.width
        height = max(2, round(self.height * wanted / self.width))
        if self._frame is not None:
            return self._frame.reformat(width=wanted, height=height, format="bgr24").to_ndarray()
        planes = [cv2.resize(plane, self.luma.shape[::-1]) for plane in (self.v, self.u)]
        image = cv2.cvtColor(cv2.merge([self.luma, *planes]), cv2.COLOR_YCrCb2BGR)
        return image if wanted == self.width else cv2.resize(image, (wanted, height), interpolation=cv2.INTER_AREA)


def decode(coded: bytes, family: str, rough: bool = False) -> Picture:
    """The picture in `coded` (a key picture with its parameter sets and start codes, or a JPEG). `rough` leaves out the filter
    that smooths the blocks' borders: a tenth cheaper, for who measures and does not show. Raises Undecodable."""
    if len(coded) > LARGEST_CODED:
        raise Undecodable("too-large", f"{len(coded)} bytes")
    return _still(coded) if family == "jpeg" else _coded(coded, family, rough)


def _coded(coded: bytes, family: str, rough: bool) -> Picture:
    import av

    if family not in _NAMES:
        raise Undecodable("codec", f"{family} is not decoded here")
    context = _context(_NAMES[family], rough)
    try:
        found = context.decode(av.Packet(coded))
        if not found:
            found = context.decode(None)
            context.flush_buffers()
    except (av.FFmpegError, ValueError) as error:
        _local.contexts.pop((_NAMES[family], rough), None)  # what the wrong bytes left behind must not reach the next picture
        raise Undecodable("garbled", type(error).__name__) from None
    if not found:
        raise Undecodable("garbled", "no picture came out")
    return _planes(found[0])


def _context(name: str, rough: bool) -> Any:
    contexts = _local.__dict__.setdefault("contexts", {})
    if (name, rough) not in contexts:
        contexts[name, rough] = _opened(name, rough)
    return contexts[name, rough]


def _opened(name: str, rough: bool) -> Any:
    """A decoder; raises Undecodable for a codec this machine has none for."""
    import av

    av.logging.set_level(av.logging.PANIC)  # broken pictures are the cameras' news, told by us, not by the library
    try:
        context = av.CodecContext.create(name, "r")
    except (av.FFmpegError, ValueError) as error:
        raise Undecodable("codec", f"{name}: {error}") from None
    context.thread_count = 1
    context.options = {"flags": "+low_delay", "max_pixels": str(LARGEST_PIXELS)}
    if rough:
        context.options |= {"skip_loop_filter": "all"}
    return context


def _planes(frame: Any) -> Picture:
    import numpy as np

    corrupt = bool(frame.is_corrupt)
    if frame.format.name not in ("yuv420p", "yuvj420p"):
        frame = frame.reformat(format="yuv420p")
    found = []
    for plane in frame.planes:
        found.append(np.frombuffer(plane, np.uint8).reshape(plane.height, plane.line_size)[:, : plane.width])
    return Picture(*found, corrupt, frame)


class StreamDecoder:
    """Every picture of one stream, in order. After something is missing it waits for a key picture: what a decoder makes of
    the rest is not what the camera saw."""

    def __init__(self) -> None:
        self._context: Any = None
        self._family = ""
        self._ready = False

    def decode(self, coded: bytes, family: str, key: bool, broken: bool = False) -> Picture | None:
        """The picture; None while a key picture is missing or the decoder has none to give yet. Raises Undecodable."""
        if family == "jpeg":
            return _still(coded)
        if key and family != self._family:
            self._context, self._family = None, family
        self._ready = key or (self._ready and not broken)
        if not self._ready or len(coded) > LARGEST_CODED:
            return None
        import av

        if self._context is None:
            self._context = _opened(_NAMES.get(family, ""), rough=False)
        try:
            found = self._context.decode(av.Packet(coded))
        except (av.FFmpegError, ValueError) as error:
            self._context, self._ready = None, False
            raise Undecodable("garbled", type(error).__name__) from None
        return _planes(found[-1]) if found else None


def _still(coded: bytes) -> Picture:
    import cv2
    import numpy as np

    try:
        image = cv2.imdecode(np.frombuffer(coded, np.uint8), cv2.IMREAD_COLOR)
    except cv2.error:
        image = None
    if image is None:
        raise Undecodable("garbled", "no JPEG")
    if image.shape[0] * image.shape[1] > LARGEST_PIXELS:
        raise Undecodable("too-large", f"{image.shape[1]}x{image.shape[0]} pixels")
    return from_bgr(image, corrupt=not coded.rstrip(b"\0").endswith(b"\xff\xd9"))


def from_bgr(image: np.ndarray, corrupt: bool = False) -> Picture:
    """Planes of a BGR image, as a camera's JPEG has them."""
    import cv2

    luma, red, blue = cv2.split(cv2.cvtColor(image, cv2.COLOR_BGR2YCrCb))
    half = (max(1, image.shape[1] // 2), max(1, image.shape[0] // 2))
    u, v = (cv2.resize(plane, half, interpolation=cv2.INTER_AREA) for plane in (blue, red))
    return Picture(luma, u, v, corrupt)


class Decoders:
    """A few threads for work on pictures; `waiting` jobs are bounded by the callers."""

    def __init__(self, threads: int = 2) -> None:
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="decode")

    async def run(self, work: Callable[..., T], *arguments: Any) -> T:
        """`work(*arguments)` in one of the threads."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, work, *arguments)

    def close(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)
