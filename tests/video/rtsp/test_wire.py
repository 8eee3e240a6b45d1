"""Answers and packets out of a byte stream, however it is cut, and whatever else is in it."""

from __future__ import annotations

import contextlib
import random
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from video.media import SourceFailed
from video.rtsp import wire

RTP = b"\x80\x60" + bytes(range(2, 30))


def frame(channel: int, packet: bytes) -> bytes:
    return b"$" + bytes([channel]) + len(packet).to_bytes(2, "big") + packet


def read(*pieces: bytes) -> list:
    """Packets as (channel, bytes) and messages, in order."""
    found: list = []
    splitter = wire.Splitter(lambda c, data, a, b: found.append((c, data[a:b])), found.append)
    for piece in pieces:
        splitter.feed(piece)
    return found


OK = b"RTSP/1.0 200 OK\r\nCSeq: 3\r\nSession: ab;timeout=60\r\n\r\n"
BODY = b"RTSP/1.0 200 OK\r\nCSeq: 4\r\nContent-Length: 5\r\n\r\n$abc\n"


def test_an_answer_between_packets_is_found_with_its_headers_and_body():
    found = read(frame(0, RTP) + OK + frame(1, b"\x80\xc8" + b"x" * 26) + BODY + frame(0, b""))
    assert found[0] == (0, RTP)
    assert (found[1].status, found[1].cseq, found[1].headers["session"]) == (200, 3, "ab;timeout=60")
    assert found[2] == (1, b"\x80\xc8" + b"x" * 26)
    assert (found[3].cseq, found[3].body) == (4, b"$abc\n")
    assert found[4] == (0, b"")


@given(st.lists(st.integers(1, 60), max_size=30))
@settings(max_examples=100, deadline=None)
def test_where_the_stream_is_cut_makes_no_difference(cuts):
    whole = frame(0, RTP) + OK + BODY + frame(2, RTP * 30) + OK
    pieces, at = [], 0
    for cut in cuts:
        pieces.append(whole[at : at + cut])
        at += cut
    pieces.append(whole[at:])
    assert [str(f) for f in read(*pieces)] == [str(f) for f in read(whole)]
    assert [str(f) for f in read(*(bytes([b]) for b in whole))] == [str(f) for f in read(whole)]


@pytest.mark.parametrize("head", [
    b"RTSP/1.0 200 OK\nCSeq: 7\nsession: x\n\n",
    b"RTSP/1.0 200\r\ncseq:7\r\nSESSION:x\r\n\r\n",
    b"\r\n\r\nRTSP/1.0 200 OK\r\nCSeq: 7\r\nSession:\r\n x\r\n\r\n",
    b"RTSP/1.0 200 OK\r\nno colon here\r\nCSeq: 7\r\nSession: x\r\n\r\n",
])  # fmt: skip
def test_odd_heads_are_understood(head):
    (found,) = read(head)
    assert (found.status, found.cseq, found.headers["session"].strip()) == (200, 7, "x")


def test_several_headers_of_a_name_are_all_there():
    (found,) = read(
        b"RTSP/1.0 401 No\r\nCSeq: 1\r\nWWW-Authenticate: Basic realm=a\r\nwww-authenticate: Digest realm=b\r\n\r\n"
    )
    assert found.all("www-authenticate") == ["Basic realm=a", "Digest realm=b"]


def test_a_cameras_own_request_is_told_apart_and_can_be_answered():
    (found,) = read(b"SET_PARAMETER rtsp://x/ RTSP/1.0\r\nCSeq: 99\r\n\r\n")
    assert (found.method, found.status) == ("SET_PARAMETER", 0)
    assert read(wire.answer(found, 200))[0].cseq == 99


def test_bytes_that_are_nothing_are_passed_over_up_to_the_next_packet():
    splitter_found = read(frame(0, RTP) + b"\x01\x02rubbish $ $$$ more" + frame(0, RTP) + OK)
    assert splitter_found[0] == splitter_found[1] == (0, RTP)
    assert splitter_found[2].cseq == 3


@pytest.mark.parametrize(
    "endless", [b"A" * 100, b"\x00\xff" * 50, b"RTSP/1.0 200 OK\r\nX: " + b"y" * 80, b"$\xff\xff\xff" + bytes(96), b"$$$$"]
)
def test_what_never_becomes_anything_is_given_up_with_little_memory_used(endless):
    held = []
    splitter = wire.Splitter(lambda *packet: None, lambda message: None)
    try:
        for _ in range(20_000):
            splitter.feed(endless)
            held.append(splitter.held)
    except SourceFailed as error:
        assert error.reason == "garbled"
    assert max(held) <= 70_000


@pytest.mark.parametrize("noise", [b"\1$\xff", b"$\1", b"\0", b"RTSP/", b"\1$\0\0\0\0"])
def test_noise_costs_no_more_than_its_length(noise):
    """10 MiB of it within 2 s of CPU; what looks at each byte again and again needs minutes."""
    began = time.process_time()
    for _ in range(40):
        with contextlib.suppress(SourceFailed):
            read(*[noise * (65_536 // len(noise))] * 4)
    assert time.process_time() - began < 2


def test_a_body_that_is_too_long_is_refused():
    with pytest.raises(SourceFailed):
        read(b"RTSP/1.0 200 OK\r\nContent-Length: 99999999\r\n\r\n")


def test_no_header_can_be_smuggled_into_a_request():
    with pytest.raises(SourceFailed):
        wire.request("DESCRIBE", "rtsp://x/\r\nEvil: 1", 1, {})
    with pytest.raises(SourceFailed):
        wire.request("DESCRIBE", "rtsp://x/", 1, {"Session": "a\nb"})
    assert wire.request("PLAY", "rtsp://x/", 2, {"Session": "a"}) == b"PLAY rtsp://x/ RTSP/1.0\r\nCSeq: 2\r\nSession: a\r\n\r\n"


@given(
    st.lists(
        st.one_of(
            st.binary(max_size=200), st.sampled_from([OK, BODY, frame(0, RTP), b"$", b"RTSP/1.0 ", b"\r\n\r\n", b"\n\n"])
        ),
        max_size=30,
    )
)
@settings(max_examples=300, deadline=1000)
def test_any_bytes_are_read_or_refused(pieces):
    try:
        read(*pieces)
    except SourceFailed as error:
        assert error.reason == "garbled"


def test_a_stream_with_flipped_bytes_is_read_on():
    luck = random.Random(3)
    whole = bytearray(frame(0, RTP * 20) * 500 + OK)
    for _ in range(50):
        whole[luck.randrange(len(whole))] ^= luck.randrange(1, 256)
    found = read(bytes(whole), frame(0, RTP) * 400)
    assert sum(f == (0, RTP) for f in found) > 200
