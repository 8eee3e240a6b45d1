"""Whatever arrives: pictures, or SourceFailed, or BadInput; in bounded memory and time."""

from __future__ import annotations

import contextlib
import itertools
import random
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hall.core.errors import BadInput
from tests.video.bitstream.taking import Line, Remembering
from tests.video.cameras import Recipe, make, packets
from video.bitstream import Pictures, describe
from video.bitstream.h264 import is_b_slice
from video.bitstream.h265 import vps_fps
from video.media import SourceFailed
from video.rtsp import wire

CLIPS = {"h264": make(Recipe(slices=4)), "h265": make(Recipe(family="h265"))}
LIMIT = 8 << 20 | 1 << 17


def flipped(data: bytes, places: list[tuple[int, int]]) -> bytes:
    found = bytearray(data)
    for place, value in places:
        if found:
            found[place % len(found)] ^= value
    return bytes(found)


changes = st.lists(st.tuples(st.integers(0, 5000), st.integers(1, 255)), max_size=12)


@given(st.sampled_from(["h264", "h265"]), changes, st.integers(0, 60))
@settings(max_examples=300, deadline=1000)
def test_parameter_sets_with_flipped_bits_are_read_or_refused(family, places, cut):
    sets = [flipped(unit, places)[: len(unit) - cut % len(unit)] for unit in CLIPS[family].sets]
    try:
        info = describe(family, [unit for unit in sets if unit])
    except BadInput:
        return
    assert 0 < info.width <= 16_384 and 0 < info.height <= 16_384 and len(info.codec) < 64


@given(st.binary(max_size=300))
@settings(max_examples=300, deadline=1000)
def test_any_bytes_as_parameter_sets_are_read_or_refused(data):
    is_b_slice(b"\x41" + data)
    for family, units in (("h264", (b"\x67" + data, b"\x68\xce")), ("h265", (b"\x42\x01" + data, b"\x44\x01\xc0"))):
        try:
            describe(family, units)
        except BadInput:
            pass
    try:
        vps_fps(b"\x40\x01" + data)
    except BadInput:
        pass


@given(st.sampled_from(["h264", "h265"]), st.lists(st.binary(max_size=200), max_size=40), st.randoms(use_true_random=False))
@settings(max_examples=200, deadline=1000)
def test_any_packets_are_taken_or_refused(family, bodies, luck):
    pictures = Pictures(family, Remembering(), kind=96)
    try:
        for number, body in enumerate(bodies):
            head = bytes([luck.choice([0x80, 0x80, 0x90, 0xA0, 0xB3, 0x00]), luck.choice([96, 224, 8])])
            packet = head + number.to_bytes(2, "big") + bytes([0, 0, 0, number // 4]) + b"ssrc" + body
            pictures.packet(packet, 0, len(packet))
        pictures.end()
    except SourceFailed:
        pass


@pytest.mark.parametrize("family", ["h264", "h265"])
@pytest.mark.parametrize("seed", range(3))
def test_a_stream_with_flipped_bytes_everywhere_goes_on_in_bounded_memory(family, seed):
    luck, clip = random.Random(seed), CLIPS[family]
    line = Line(clip, clip.sets)
    for place in range(100):
        for part in packets.payloads(clip, place):
            packet = packets.rtp(line.seq, place * 3600, 7, part, marker=False)
            if luck.random() < 0.2:
                packet = flipped(packet, [(luck.randrange(len(packet)), luck.randrange(1, 256)) for _ in range(3)])
            line.seq += 1
            try:
                line.raw(packet)
            except SourceFailed:
                line.pictures = Pictures(family, line.heard, kind=96, sets=clip.sets)  # the next attempt
            assert line.pictures._making.size < LIMIT and len(line.pictures._sets) <= 64
    assert line.heard.units


def test_long_numbers_and_lists_do_not_take_long():
    began = time.process_time()
    for filling in (b"\0\0\3" * 1300, b"\xff" * 4000, b"\x55" * 4000, b"\x01" * 4000):
        for head in (b"\x67\x64\0\x1f", b"\x42\x01\x01", b"\x67\xf4\0\x1f"):
            with contextlib.suppress(BadInput):
                describe("h264" if head[0] == 0x67 else "h265", [head + filling, b"\x68\xce", b"\x44\x01\xc0"])
    assert time.process_time() - began < 1


@given(
    st.sampled_from(["h264", "h265"]), st.lists(st.integers(1, 30_000), max_size=12), changes, st.integers(0, 65_535),
    st.sampled_from([100, 333, 1400]), st.booleans(),
)  # fmt: skip
@settings(max_examples=60, deadline=2000)
def test_packets_taken_in_runs_give_what_each_taken_by_itself_gives(family, cuts, places, first, longest, every_marker):
    clip, parts = CLIPS[family], []
    for place in range(4):
        found = packets.payloads(clip, place, longest=longest)
        for index, part in enumerate(found):
            last = index == len(found) - 1 or every_marker
            parts.append(packets.rtp(first + len(parts), place * 3600, 7, part, marker=last))
    stream = flipped(b"".join(packets.interleaved(0, part) for part in parts), [(at * 13, value) for at, value in places])
    told = []
    for runs in (True, False):
        heard = Remembering()
        pictures = Pictures(family, heard, kind=96, sets=clip.sets)
        splitter = wire.Splitter(lambda *packet: None, lambda message: None)
        splitter.divert(0, pictures.packet, *([pictures.run] if runs else []))
        with contextlib.suppress(SourceFailed):
            for begin, end in itertools.pairwise([0, *sorted(cut % len(stream) for cut in cuts), len(stream)]):
                splitter.feed(stream[begin:end])
            pictures.end()
        counts = (pictures.packets, pictures.lost, pictures.broken, pictures.unusable, pictures.highest, pictures._making.size)
        told.append((counts, heard.damages, [(unit.key, unit.pts, unit.payloads) for unit in heard.units]))
    assert told[0] == told[1]
