"""Session descriptions of real makers' kinds, and of none."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.video.cameras import make, packets
from video.media import SourceFailed
from video.rtsp.sdp import choose, control_url

SETS = make().sets


def described(*lines: str) -> bytes:
    return "\r\n".join(["v=0", "o=- 1 1 IN IP4 0.0.0.0", "s=x", "t=0 0", "a=control:*", *lines, ""]).encode()


VIDEO = (
    "m=video 0 RTP/AVP 96",
    "a=rtpmap:96 H264/90000",
    f"a=fmtp:96 {packets.sprop(make())}",
    "a=control:trackID=1",
    "a=framerate:12.5",
)


def test_the_pictures_are_chosen_and_sound_and_metadata_are_not():
    found = choose(
        described(
            "m=audio 0 RTP/AVP 0", "a=control:a", *VIDEO, "m=application 0 RTP/AVP 107", "a=rtpmap:107 vnd.onvif.metadata/90000"
        )
    )
    assert (found.family, found.payload_type, found.rate, found.control, found.fps) == ("h264", 96, 90_000, "trackID=1", 12.5)
    assert found.sets == SETS and found.aggregate == "*"


def test_h264_is_chosen_before_h265_and_hevc_is_a_name_of_it():
    other = ("m=video 0 RTP/AVP 98", "a=rtpmap:98 HEVC/90000", "a=control:two")
    assert choose(described(*other, *VIDEO)).payload_type == 96
    assert choose(described(*other)).family == "h265"


@pytest.mark.parametrize("more", [
    "sprop-parameter-sets=", "sprop-parameter-sets=!!!,???", "sprop-parameter-sets", "",
    "profile-level-id=42001f;;; =;sprop-parameter-sets=,",
])  # fmt: skip
def test_parameter_sets_that_cannot_be_read_are_left_out(more):
    assert choose(described("m=video 0 RTP/AVP 96", "a=rtpmap:96 h264/90000", f"a=fmtp:96 {more}")).sets == ()


def test_parameter_sets_with_start_codes_and_without_padding_are_read():
    import base64

    text = base64.b64encode(b"\0\0\0\1" + SETS[0]).decode().rstrip("=")
    assert (
        choose(described("m=video 0 RTP/AVP 96", "a=rtpmap:96 H264/90000", f"a=fmtp:96 sprop-parameter-sets={text}")).sets
        == SETS[:1]
    )


@pytest.mark.parametrize(("lines", "reason"), [
    ((), "garbled"),
    (("m=audio 0 RTP/AVP 0",), "codec"),
    (("m=video 0 RTP/AVP 26",), "codec"),
    (("m=video 0 RTP/AVP 96", "a=rtpmap:96 VP8/90000"), "codec"),
    (("m=video 0 RTP/AVP 96", "a=rtpmap:96 H264/90000", "a=fmtp:96 packetization-mode=2"), "codec"),
    (("m=video 0 RTP/AVP 96", "a=rtpmap:96 H265/90000", "a=fmtp:96 sprop-max-don-diff=2"), "codec"),
    (tuple(["a=x"] * 2000), "garbled"),
])  # fmt: skip
def test_descriptions_without_pictures_that_can_be_played_are_refused_with_the_reason(lines, reason):
    with pytest.raises(SourceFailed) as failed:
        choose(described(*lines))
    assert failed.value.reason == reason


@pytest.mark.parametrize(("base", "control", "url"), [
    ("rtsp://h/a/", "trackID=1", "rtsp://h/a/trackID=1"),
    ("rtsp://h/a", "trackID=1", "rtsp://h/a/trackID=1"),
    ("rtsp://h/a?x=1&y=2/", "trackID=1", "rtsp://h/a?x=1&y=2/trackID=1"),
    ("rtsp://h/a?x=1", "/trackID=1", "rtsp://h/a?x=1/trackID=1"),
    ("rtsp://h/a/", "rtsp://h/b/t", "rtsp://h/b/t"),
    ("rtsp://h/a/", "*", "rtsp://h/a/"),
    ("rtsp://h/a", "", "rtsp://h/a"),
])  # fmt: skip
def test_streams_are_addressed_as_cameras_mean_it(base, control, url):
    assert control_url(base, control) == url


lines = st.lists(
    st.one_of(
        st.text(max_size=60), st.sampled_from([*VIDEO, "m=", "a=", "a=rtpmap:", "m=video 0 RTP/AVP 96 97 x", "a=fmtp:96"])
    ),
    max_size=20,
)


@given(lines)
@settings(max_examples=300, deadline=1000)
def test_any_description_is_understood_or_refused(found):
    try:
        choose("\r\n".join(found).encode("utf-8", "replace"))
    except SourceFailed as error:
        assert error.reason in ("garbled", "codec")


@given(st.binary(max_size=500))
@settings(max_examples=100, deadline=1000)
def test_any_bytes_are_understood_or_refused(data):
    try:
        choose(data)
    except SourceFailed as error:
        assert error.reason in ("garbled", "codec")
