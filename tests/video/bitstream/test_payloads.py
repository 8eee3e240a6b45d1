"""RTP payloads: what FFmpeg and the fake cameras' own packetiser make of them, and the way back."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.video.cameras import Recipe, make, packets
from tests.video.cameras.clip import split as plain_split
from video.bitstream import annexb, packetise, split
from video.media import AccessUnit, StreamInfo

H264, H265 = make(Recipe(width=1280, height=720, gop=50, kbit_s=2000, noise=30)), make(Recipe(family="h265"))


def info(clip) -> StreamInfo:
    return StreamInfo(family=clip.family, codec="", parameter_sets=clip.sets)


@pytest.mark.parametrize("clip", [H264, H265], ids=["h264", "h265"])
@pytest.mark.parametrize("aggregate", [False, True])
@pytest.mark.parametrize("longest", [100, 1400, 60_000])
def test_a_cameras_payloads_become_the_same_units(clip, aggregate, longest):
    for place in (0, 1, 2):
        sent = packets.payloads(clip, place, aggregate=aggregate, longest=longest)
        assert plain_split(annexb(sent, clip.pictures[place].key, info(clip))) == plain_split(clip.annexb(place))


@pytest.mark.parametrize("clip", [H264, H265], ids=["h264", "h265"])
def test_what_is_packed_is_short_and_comes_out_as_it_went_in(clip):
    for place in range(3):
        found = packetise(clip.annexb(place), clip.family)
        assert max(map(len, found)) <= 1200
        assert plain_split(annexb(found, clip.pictures[place].key, info(clip))) == plain_split(clip.annexb(place))


@pytest.mark.parametrize("clip", [H264, H265], ids=["h264", "h265"])
def test_parameter_sets_travel_in_one_packet_and_delimiters_stay_at_home(clip):
    delimiter = b"\0\0\1\x09\xf0" if clip.family == "h264" else b"\0\0\1\x46\x01\x50"
    found = packetise(delimiter + clip.annexb(0), clip.family)
    assert found[0] == packets.together(clip.sets, clip.family)
    assert len([p for p in found if len(p) < 8]) == 0


@pytest.mark.parametrize("clip", [H264, H265], ids=["h264", "h265"])
def test_a_key_picture_gets_the_sets_that_only_the_description_had(clip):
    sent = packets.payloads(clip, 0, inline_sets=False)
    assert plain_split(annexb(sent, True, info(clip))) == plain_split(clip.annexb(0))
    assert plain_split(annexb(sent, False, info(clip))) == plain_split(clip.annexb(0, sets=False))


def test_a_units_forms_agree_and_payloads_are_made_once():
    unit = AccessUnit(0, True, 0, 0.0, annexb=H264.annexb(0), info=info(H264))
    assert unit.payloads is unit.payloads
    back = AccessUnit(0, True, 0, 0.0, payloads=unit.payloads, info=info(H264))
    assert back.annexb == b"".join(back.pieces()) == b"".join(map(bytes, back.pieces(shared=True)))
    assert plain_split(back.annexb) == plain_split(H264.annexb(0))


unit_bytes = st.binary(min_size=1, max_size=40).map(lambda b: b.replace(b"\0", b"\7"))


@given(
    st.lists(unit_bytes, max_size=6), st.lists(st.sampled_from([b"\0\0\1", b"\0\0\0\1", b"\0\0\0\0\1"]), min_size=6, max_size=6)
)
@settings(max_examples=100, deadline=None)
def test_units_are_found_behind_start_codes_of_any_length(units, codes):
    assert split(b"".join(code + unit for code, unit in zip(codes, units, strict=False))) == units


@given(st.lists(st.binary(max_size=60), max_size=8), st.booleans(), st.sampled_from(["h264", "h265", "jpeg"]))
@settings(max_examples=300, deadline=None)
def test_no_payload_makes_the_way_back_fail(payloads, key, family):
    found = annexb(payloads, key, StreamInfo(family=family, codec="", parameter_sets=(b"\x67a", b"\x68b")))
    assert len(found) <= sum(map(len, payloads)) * 4 + 100


@given(st.binary(max_size=3000), st.sampled_from(["h264", "h265"]))
@settings(max_examples=200, deadline=None)
def test_any_bytes_can_be_packed(data, family):
    assert all(0 < len(payload) <= 1200 for payload in packetise(data, family))
