"""H.264 as every browser and WebRTC take it: constrained baseline, no reordering, parameter sets before each key picture."""

from __future__ import annotations

from fractions import Fraction

import av

from video.bitstream import parameter_sets_of
from video.media import CLOCK_RATE, StreamInfo

TICK = Fraction(1, CLOCK_RATE)


class Encoder:
    """One picture in, one coded picture out, at once: nothing is held back."""

    def __init__(self, width: int, height: int, fps: float, *, gop_seconds: float = 1.0, crf: int = 26) -> None:
        gop = max(1, round(fps * gop_seconds))
        self._coder = av.CodecContext.create("libx264", "w")
        self._coder.width, self._coder.height, self._coder.pix_fmt = width, height, "yuv420p"
        self._coder.time_base, self._coder.framerate = TICK, Fraction(fps).limit_denominator(1001)
        self._coder.thread_count = 1
        self._coder.options = {
            "preset": "ultrafast", "tune": "zerolatency", "profile": "baseline", "crf": str(crf),
            "x264-params": f"keyint={gop}:min-keyint=1:scenecut=0:bframes=0:repeat-headers=1:threads=1:sliced-threads=0:aud=0",
        }  # fmt: skip
        self._coder.open()
        self.width, self.height, self.fps = width, height, fps

    def encode(self, frame: av.VideoFrame, pts: int, key: bool = False) -> list[tuple[bytes, bool, int]]:
        """(Annex-B, key, pts 90 kHz) of each picture made of this frame."""
        frame.pts, frame.time_base = pts, TICK
        frame.pict_type = av.video.frame.PictureType.I if key else av.video.frame.PictureType.NONE
        return [(bytes(packet), packet.is_keyframe, packet.pts) for packet in self._coder.encode(frame)]

    def info(self, key_picture: bytes, converted: str = "") -> StreamInfo:
        """What this encoder's stream is, read from its first key picture."""
        return h264_info(key_picture, self.width, self.height, self.fps, converted=converted)


def h264_info(
    key_picture: bytes, width: int, height: int, fps: float | None, *, reorders: bool = False, converted: str = ""
) -> StreamInfo:
    """Of a key picture with its parameter sets."""
    sets = parameter_sets_of(key_picture, "h264")
    profile = next((unit[1:4].hex() for unit in sets if unit[0] & 31 == 7), "42c01f")
    return StreamInfo(
        family="h264", codec=f"avc1.{profile}", width=width, height=height, fps=fps, reorders=reorders,
        parameter_sets=sets, converted=converted,
    )  # fmt: skip
