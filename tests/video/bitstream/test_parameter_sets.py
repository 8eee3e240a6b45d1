"""What parameter sets say, judged by what FFmpeg's decoder makes of the same stream."""

from __future__ import annotations

from fractions import Fraction

import av
import numpy as np
import pytest

from hall.core.errors import BadInput
from tests.video.cameras.clip import is_set, split
from video.bitstream import describe, parameter_sets_of
from video.bitstream.h264 import is_b_slice

SIZES = [(640, 360), (1280, 720), (1920, 1080), (176, 144), (354, 196), (52, 36)]


def coded(codec: str, width: int, height: int, *, pix_fmt: str = "yuv420p", frames: int = 4, **options: str) -> bytes:
    """A short stream as bytes, with its parameter sets."""
    coder = av.CodecContext.create(codec, "w")
    coder.width, coder.height, coder.pix_fmt = width, height, pix_fmt
    coder.framerate, coder.time_base = 20, Fraction(1, 20)
    coder.thread_count, coder.options = 1, {"preset": "superfast", **options}
    found = b""
    for number in range(frames):
        frame = av.VideoFrame.from_ndarray(np.full((height, width, 3), number * 20, np.uint8), format="rgb24").reformat(
            format=pix_fmt
        )
        frame.pts = number
        found += b"".join(bytes(p) for p in coder.encode(frame))
    return found + b"".join(bytes(p) for p in coder.encode(None))


def decoded(stream: bytes, codec: str) -> av.CodecContext:
    decoder = av.CodecContext.create(codec, "r")
    for packet in [*decoder.parse(stream), *decoder.parse(None)]:
        decoder.decode(packet)
    decoder.decode(None)
    return decoder


@pytest.mark.parametrize(("width", "height"), SIZES)
@pytest.mark.parametrize("interlaced", [False, True], ids=["frames", "fields"])
def test_h264_size_rate_profile_and_level_are_what_the_decoder_sees(width, height, interlaced):
    more = {"x264-params": "interlaced=1"} if interlaced else {}
    stream = coded("libx264", width, height, profile="high" if interlaced else "main", **more)
    info, decoder = describe("h264", parameter_sets_of(stream, "h264")), decoded(stream, "h264")
    assert (info.width, info.height) == (decoder.width, decoder.height) == (width, height)
    assert info.fps == 20
    profile = {"Constrained Baseline": 66, "Main": 77, "High": 100}[decoder.profile]
    assert int(info.codec[5:7], 16) == profile


@pytest.mark.parametrize("pix_fmt", ["yuv420p", "yuv422p", "yuv444p", "gray", "yuv420p10le"])
def test_h264_cropping_counts_in_the_units_of_the_chroma(pix_fmt):
    stream = coded("libx264", 100, 90, pix_fmt=pix_fmt)
    info = describe("h264", parameter_sets_of(stream, "h264"))
    assert (info.width, info.height) == (100, 90)


@pytest.mark.parametrize(("options", "reorders"), [
    ({"profile": "baseline"}, False),
    ({"profile": "high", "x264-params": "bframes=0"}, False),
    ({"profile": "main", "x264-params": "bframes=2:b-adapt=0"}, True),
    ({"profile": "high", "x264-params": "bframes=3:b-pyramid=normal:b-adapt=0"}, True),
])  # fmt: skip
def test_h264_says_whether_pictures_are_reordered(options, reorders):
    stream = coded("libx264", 320, 180, frames=8, **options)
    assert describe("h264", parameter_sets_of(stream, "h264")).reorders is reorders
    assert any(is_b_slice(unit) for unit in split(stream)) is reorders


@pytest.mark.parametrize("cqm", ["flat", "jvt"])
def test_scaling_lists_do_not_get_in_the_way(cqm):
    stream = coded("libx264", 640, 360, profile="high", **{"x264-params": f"cqm={cqm}:8x8dct=1"})
    assert describe("h264", parameter_sets_of(stream, "h264")).width == 640


@pytest.mark.parametrize(("width", "height"), [(640, 360), (1920, 1080), (354, 198)])
@pytest.mark.parametrize("bframes", [0, 2])
def test_h265_size_and_reordering_are_what_the_decoder_sees(width, height, bframes):
    params = f"bframes={bframes}:b-adapt=0:log-level=none:pools=1"
    stream = coded("libx265", width, height, frames=4, preset="ultrafast", **{"x265-params": params})
    info, decoder = describe("h265", parameter_sets_of(stream, "h265")), decoded(stream, "hevc")
    assert (info.width, info.height) == (decoder.width, decoder.height) == (width, height)
    assert info.reorders is bool(bframes)
    assert info.codec.startswith("hvc1.1.6.L")
    assert [unit[0] >> 1 for unit in info.parameter_sets] == [32, 33, 34]


def test_h265_codec_strings_are_those_of_the_standards_example():
    """ISO/IEC 14496-15 E.3 writes Main, level 3.1, progressive and non-packed and frame-only as hvc1.1.6.L93.B0."""
    ptl = bytes([0x01, 0x60, 0, 0, 0, 0xB0, 0, 0, 0, 0, 0, 93])
    escaped = ptl.replace(b"\0\0\0", b"\0\0\3\0")
    # then: sps id 0, 4:2:0, 1280 x 720, no window, 8 bits, log2 poc 4, ordering: 1 buffer, 0 reordered, 0 latency
    bits = "1" + "010" + _ue(1280) + _ue(720) + "0" + "1" + "1" + "1" + "1" + "1" + "1" + "1" + "1000"
    sps = (
        bytes([0x42, 0x01, 0x01])
        + escaped
        + int(bits.ljust(-(-len(bits) // 8) * 8, "0"), 2).to_bytes(-(-len(bits) // 8), "big")
    )
    info = describe("h265", [sps, bytes([0x44, 0x01, 0xC0])])
    assert info.codec == "hvc1.1.6.L93.B0"
    assert (info.width, info.height, info.reorders) == (1280, 720, False)


def _ue(value: int) -> str:
    text = f"{value + 1:b}"
    return "0" * (len(text) - 1) + text


def test_sets_come_in_the_order_decoders_want_whatever_order_they_came_in():
    stream = coded("libx265", 320, 180, **{"x265-params": "log-level=none:pools=1"})
    sets = parameter_sets_of(stream, "h265")
    assert describe("h265", reversed(sets)).parameter_sets == sets
    assert all(is_set(unit, "h265") for unit in sets)


@pytest.mark.parametrize(("family", "sets"), [
    ("h264", []),
    ("h264", [b"\x68\xce\x3c\x80"]),
    ("h264", [b"\x67", b"\x68\xce"]),
    ("h264", [b"\x67\x42\xc0\x1e" + b"\0" * 30, b"\x68\xce"]),
    ("h264", [b"\x67" + b"\xff" * 5000, b"\x68\xce"]),
    ("h265", [b"\x42\x01", b"\x44\x01\xc0"]),
    ("h265", [b"\x42\x01" + b"\xff" * 60, b"\x44\x01\xc0"]),
])  # fmt: skip
def test_sets_that_do_not_suffice_are_refused_as_bad_input(family, sets):
    with pytest.raises(BadInput):
        describe(family, sets)
