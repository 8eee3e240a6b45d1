"""Taking foreign containers apart: coded pictures as Annex-B with 90 kHz times, whatever the file calls them."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any, NamedTuple

import av

from hall.core.errors import BadInput
from video.bitstream import describe, parameter_sets_of, split
from video.media import CLOCK_RATE, SourceFailed, StreamInfo

#: demuxers that only read what they were given. Playlists and concatenations would open whatever they name
FORMATS = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts,mpeg,mpegps,flv,asf,gif,h264,hevc,mjpeg,ogg,rm,dv,ivf,nut,mxf"
FAMILIES = {"h264": "h264", "hevc": "h265"}
_LOOK = 240  # pictures looked at for reordering
_START = b"\0\0\0\1"
_FILTERS = {"h264": "h264_mp4toannexb", "hevc": "hevc_mp4toannexb"}
_SETS = {"h264": lambda nal: nal[0] & 31 in (7, 8), "hevc": lambda nal: nal[0] >> 1 & 63 in (32, 33, 34)}


class Coded(NamedTuple):
    """One coded picture; `pts` and `dts` in 90 kHz."""

    data: bytes
    key: bool
    pts: int
    dts: int


def opened(source: Any) -> av.container.InputContainer:
    """A container of a file (path as text) or of bytes (a file object); raises SourceFailed `garbled`."""
    try:
        found = av.open(source, options={"format_whitelist": FORMATS, "protocol_whitelist": "file"}, timeout=(5, 5))
        if not found.streams.video:
            found.close()
            raise SourceFailed("no-such-stream", "there are no pictures in it", lasting=True)
        return found
    except (av.error.FFmpegError, ValueError, OSError) as error:
        raise SourceFailed("garbled", f"it cannot be taken apart: {_said(error)}", lasting=True) from None


def _said(error: Exception) -> str:
    return getattr(error, "strerror", None) or type(error).__name__  # its own text would name the file's place


class Opened:
    """The first video stream of an open container."""

    def __init__(self, container: av.container.InputContainer) -> None:
        self.container = container
        self.stream = container.streams.video[0]
        coder = self.stream.codec_context
        self.codec, self.width, self.height = coder.name, coder.width, coder.height
        rate = self.stream.average_rate or self.stream.guessed_rate
        self.fps = float(rate) if rate and 0.1 < rate < 240 else 25.0
        self.plain = (coder.pix_fmt or "") in ("yuv420p", "yuvj420p")

    @property
    def passes(self) -> bool:
        """Whether browsers can show it as it is: 8-bit H.264 with 4:2:0 colour."""
        return self.codec == "h264" and self.plain and self.width > 0

    def pictures(self) -> Iterator[Coded]:
        """All coded pictures in decoding order, each key picture with its parameter sets; raises SourceFailed."""
        times = _Times(self.stream.time_base or Fraction(1, 90_000), self.fps)
        sets = self._kept_sets()
        for packet in self._annexb():
            data = bytes(packet)
            key = bool(packet.is_keyframe)
            if key and self.codec in _SETS:
                units = split(data[:4096])
                own = [unit for unit in units if _SETS[self.codec](unit)]
                if own:
                    sets = own
                elif sets:
                    data = b"".join(_START + unit for unit in sets) + data
            yield Coded(data, key, *times.of(packet.pts, packet.dts))

    def _kept_sets(self) -> list[bytes]:
        extra = self.stream.codec_context.extradata or b""
        known = _SETS.get(self.codec)
        return [unit for unit in split(extra) if known and known(unit)] if extra.startswith((b"\0\0\1", _START)) else []

    def _annexb(self) -> Iterator[av.Packet]:
        try:
            name = _FILTERS.get(self.codec)
            turn = av.BitStreamFilterContext(name, self.stream) if name else None
            for packet in self.container.demux(self.stream):
                if packet.size:
                    yield from turn.filter(packet) if turn else (packet,)
            if turn:
                yield from turn.filter(None)
        except av.error.FFmpegError as error:
            raise SourceFailed("garbled", f"it cannot be taken apart: {_said(error)}") from None

    def info(self, head: list[Coded]) -> StreamInfo:
        """Of H.264 or H.265; `head` are its first pictures, a key picture first. Raises SourceFailed."""
        if self.codec not in FAMILIES:
            raise SourceFailed("codec", f"{self.codec} is nothing a browser shows", lasting=True)
        if not head or not head[0].key:
            raise SourceFailed("garbled", "it does not start with a key picture", lasting=True)
        newest, reorders = -1, False
        for picture in head[:_LOOK]:
            reorders = reorders or picture.pts < newest
            newest = max(newest, picture.pts)
        family = FAMILIES[self.codec]
        try:
            return describe(family, parameter_sets_of(head[0].data, family), fps=self.fps, reorders=reorders)
        except BadInput as error:
            raise SourceFailed("garbled", f"its parameter sets cannot be read: {error}") from None


class _Times:
    """Times of packets in 90 kHz; those that a container leaves out are made from its rate."""

    def __init__(self, base: Fraction, fps: float) -> None:
        self._scale, self._step = base * CLOCK_RATE, CLOCK_RATE / fps
        self._next = 0.0

    def of(self, pts: int | None, dts: int | None) -> tuple[int, int]:
        known = dts if dts is not None else pts
        decode = round(known * self._scale) if known is not None else round(self._next)
        shown = round(pts * self._scale) if pts is not None else decode
        self._next = decode + self._step
        return shown, decode
