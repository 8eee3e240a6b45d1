"""From packets to pictures: what is whole comes out as it was, what is broken stays out, and the intake is told."""

from __future__ import annotations

import random
import struct

import msgspec
import pytest

from tests.video.bitstream.taking import Line, Remembering, same
from tests.video.cameras import Recipe, make, packets
from video.bitstream import Pictures
from video.media import SourceFailed

PLAIN = make(Recipe())
OTHER = make(Recipe(width=320, height=180))
SLICES = make(Recipe(slices=4))
BFRAMES = make(Recipe(profile="high", bframes=2))
H265 = make(Recipe(family="h265"))
CLIPS = {"h264": PLAIN, "slices": SLICES, "b-frames": BFRAMES, "h265": H265}


@pytest.mark.parametrize("clip", CLIPS.values(), ids=CLIPS)
@pytest.mark.parametrize("marker", [True, False], ids=["marker", "no marker"])
@pytest.mark.parametrize("form", [{}, {"aggregate": True}, {"inline_sets": False}, {"longest": 200}], ids=str)
def test_pictures_come_out_as_they_went_in(clip, marker, form):
    line = Line(clip, clip.sets, **form)
    line.marker = marker
    line.send(*range(30))
    line.pictures.end()
    heard = line.heard
    assert len(heard.units) == 30
    assert all(same(unit, clip, place) for place, unit in enumerate(heard.units))
    assert [u.key for u in heard.units] == [p.key for p in clip.pictures[:30]]
    assert [u.pts - heard.units[0].pts for u in heard.units] == [p.shows * 3600 for p in clip.pictures[:30]]  # over two wraps
    assert heard.damages == []
    assert heard.infos[0].parameter_sets == clip.sets


@pytest.mark.parametrize("clip", [PLAIN, H265], ids=["h264", "h265"])
def test_a_cameras_own_payloads_are_handed_on_untouched(clip):
    line = Line(clip)
    line.send(0, 1)
    assert [u.payloads for u in line.heard.units] == [tuple(packets.payloads(clip, place)) for place in (0, 1)]


def test_nothing_is_shown_before_the_first_key_picture():
    line = Line(PLAIN, PLAIN.sets)
    line.send(*range(20, 27))
    assert [type(t).__name__ for t in line.heard.told] == ["StreamInfo", "AccessUnit", "AccessUnit"]
    assert line.heard.units[0].key


def test_a_picture_without_marker_waits_for_the_next_time_only():
    line = Line(PLAIN)
    line.marker = False
    line.send(0)
    assert line.heard.units == []
    line.send(1)
    assert len(line.heard.units) == 1


@pytest.mark.parametrize("lost", [0, 1, 2, -1])
def test_a_picture_that_lost_a_packet_stays_out_and_what_follows_is_called_suspect(lost):
    clip = make(Recipe(width=1280, height=720, gop=50, kbit_s=2000, noise=30))
    line = Line(clip, clip.sets, inline_sets=False)
    line.send(0, 1)
    line.send(2, lose=(lost,))
    line.send(3)
    assert [same(u, clip, p) for u, p in zip(line.heard.units, (0, 1, 3), strict=True)] == [True] * 3
    kinds = [type(t).__name__ for t in line.heard.told]
    assert "str" in kinds[3:-1], "damage is told before the next picture"


@pytest.mark.parametrize("marker", [True, False])
def test_whole_pictures_lost_are_told_and_no_other_picture_suffers(marker):
    line = Line(PLAIN)
    line.marker = marker
    line.send(0, 1, 2)
    line.seq += 5
    line.send(4, 5)
    line.pictures.end()
    assert [same(u, PLAIN, p) for u, p in zip(line.heard.units, (0, 1, 2, 4, 5), strict=True)] == [True] * 5
    assert line.heard.damages == ["5 packets were lost"]


def test_a_lost_first_slice_is_noticed():
    line = Line(SLICES, SLICES.sets)
    line.send(0)
    line.send(1, lose=(0,))
    line.send(2)
    assert [same(u, SLICES, p) for u, p in zip(line.heard.units, (0, 2), strict=True)] == [True, True]


@pytest.mark.parametrize("seed", range(4))
def test_random_losses_never_let_a_broken_picture_through(seed):
    luck, line = random.Random(seed), Line(SLICES, SLICES.sets, inline_sets=False, longest=300)
    whole = []
    for place in range(100):
        count = len(packets.payloads(SLICES, place, inline_sets=False, longest=300))
        lose = tuple(i for i in range(count) if luck.random() < 0.01)
        line.send(place, lose=lose)
        if not lose:
            whole.append(place)
    first_key = next(p for p in whole if SLICES.pictures[p].key)
    assert [same(u, SLICES, p) for u, p in zip(line.heard.units, [p for p in whole if p >= first_key], strict=True)].count(
        False
    ) == 0


def test_a_camera_that_marks_every_packet_is_seen_through_at_once():
    line = Line(SLICES, SLICES.sets)
    line.send(*range(12), every_marker=True)
    line.pictures.end()
    assert [same(u, SLICES, p) for p, u in enumerate(line.heard.units)] == [True] * 12


def test_a_camera_that_marks_every_slice_is_seen_through_after_one_picture():
    line = Line(SLICES, SLICES.sets, longest=60_000)
    line.send(*range(12), every_marker=True)
    line.pictures.end()
    assert [same(u, SLICES, p) for u, p in zip(line.heard.units[-11:], range(1, 12), strict=True)] == [True] * 11
    assert "the camera marks slices instead of pictures" in line.heard.damages


def test_a_marker_behind_the_parameter_sets_ends_no_picture():
    line = Line(PLAIN)
    for unit in PLAIN.sets:
        line.raw(packets.rtp(line.seq, line.stamp - 90, 7, unit, marker=True))
        line.seq += 1
    line.form = {"inline_sets": False}
    line.send(0, 1)
    assert [same(u, PLAIN, p) for p, u in enumerate(line.heard.units)] == [True, True]


def test_sets_only_inside_the_pictures_will_do_and_sets_nowhere_will_not():
    line = Line(PLAIN)
    line.send(0)
    assert line.heard.infos[0].width == 640
    none = Line(PLAIN, inline_sets=False)
    none.send(*range(30))
    assert none.heard.told == [] and "parameter-set-missing" in none.pictures.trouble


def test_a_stream_that_changes_is_told_anew_right_before_its_key_picture():
    line = Line(PLAIN)
    line.send(0, 1)
    line.send(0, 1, 2, clip=OTHER)
    assert [(i.width, i.height) for i in line.heard.infos] == [(640, 360), (320, 180)]
    told = line.heard.told
    assert told[told.index(line.heard.infos[1]) + 1].key
    line.send(25, 26, clip=OTHER)
    assert len(line.heard.infos) == 2, "the same again is no news"


def test_sets_in_the_description_that_lie_are_overruled_by_those_in_the_pictures():
    line = Line(PLAIN, OTHER.sets)
    line.send(0)
    assert [(i.width, i.height) for i in line.heard.infos] == [(640, 360)]


def test_b_frames_that_no_parameter_set_announces_are_noticed_by_their_slices():
    line = Line(BFRAMES, (BFRAMES.sets[0][:1] + b"\x4d\x40\x1e" + _sps_body_without_vui(), BFRAMES.sets[1]), inline_sets=False)
    line.send(*range(30))
    assert [i.reorders for i in line.heard.infos] == [False, True]


def test_reordering_that_nothing_announces_is_noticed_by_the_times():
    shows = [0, 3, 1, 2, 6, 4, 5, 9, 7, 8, 12, 10, 11]
    pictures = [msgspec.structs.replace(p, shows=s) for p, s in zip(H265.pictures, shows + list(range(13, 100)), strict=True)]
    line = Line(msgspec.structs.replace(H265, pictures=tuple(pictures)))
    line.send(*range(30))
    assert [i.reorders for i in line.heard.infos] == [False, True]


def _sps_body_without_vui() -> bytes:
    """id 0, frame number 4 bits, order type 0 of 4 bits, 2 references, 640 x 360, no VUI."""
    bits = "1" + "1" + "1" + "1" + "011" + "0" + _ue(39) + _ue(22) + "1" + "1" + "1" + "1" + "1" + "1" + _ue(4) + "0" + "1"
    return int(bits.ljust(-(-len(bits) // 8) * 8, "0"), 2).to_bytes(-(-len(bits) // 8), "big")


def _ue(value: int) -> str:
    text = f"{value + 1:b}"
    return "0" * (len(text) - 1) + text


def test_packets_with_contributing_sources_extension_and_padding_carry_the_same_pictures():
    line = Line(PLAIN)
    for part in (parts := packets.payloads(PLAIN, 0)):
        plain = packets.rtp(line.seq, line.stamp, 7, part, marker=part is parts[-1])
        odd = bytes([plain[0] | 0x20 | 0x10 | 2]) + plain[1:12] + b"csrccsrc" + struct.pack("!HHI", 1, 1, 9) + part + b"\0\0\3"
        line.raw(odd)
        line.seq += 1
    assert same(line.heard.units[0], PLAIN, 0)


def test_packets_from_the_past_and_of_other_kinds_are_left_out():
    line = Line(PLAIN)
    line.send(0)
    line.seq -= len(packets.payloads(PLAIN, 0))
    line.send(0)
    line.raw(packets.rtp(line.seq, line.stamp, 7, b"\x65audio", marker=True, kind=8))
    line.send(1)
    assert len(line.heard.units) == 2 and line.heard.damages == []


def test_a_camera_that_begins_to_count_anew_is_followed():
    line = Line(PLAIN, seq=40_000)
    line.send(0, 1)
    line.seq = 5
    line.send(*range(2, 100))
    assert line.heard.damages and same(line.heard.units[-1], PLAIN, 99)


@pytest.mark.parametrize(
    ("family", "payload"), [("h264", b"\x79"), ("h264", b"\x7aabc"), ("h264", b"\x7dabc"), ("h265", b"\x64\x01ab")]
)
def test_packings_that_are_not_spoken_are_refused_for_good(family, payload):
    pictures = Pictures(family, Remembering(), kind=96)
    with pytest.raises(SourceFailed) as failed:
        packet = packets.rtp(1, 2, 3, payload, marker=False)
        pictures.packet(packet, 0, len(packet))
    assert failed.value.reason == "codec" and failed.value.lasting


def test_a_picture_that_never_ends_is_given_up_and_memory_stays_bounded():
    line, piece = Line(PLAIN), b"\x41\x9a" + b"x" * 60_000
    line.send(0)
    with pytest.raises(SourceFailed) as failed:
        for _ in range(2000):
            line.raw(packets.rtp(line.seq, 1, 7, piece, marker=False))
            line.seq += 1
            assert sum(map(len, line.pictures._making.parts)) <= 8 << 20 | 60_100
    assert failed.value.reason == "garbled"


def test_pictures_after_a_random_access_point_that_need_what_came_before_are_left_out():
    """CRA (21), then RASL (8, 9), which a decoder that starts here cannot show."""
    line = Line(H265, H265.sets)
    key = H265.pictures[0].nals[-1]
    cra, rasl = bytes([21 << 1, 1]) + key[2:], bytes([8 << 1, 1]) + H265.pictures[1].nals[0][2:]
    for number, unit in enumerate((cra, rasl, H265.pictures[2].nals[0], cra, rasl)):
        for index, part in enumerate(parts := packets.fragments(unit, "h265", 1000)):
            line.raw(packets.rtp(line.seq, number * 3600, 7, part, marker=index == len(parts) - 1))
            line.seq += 1
    assert [u.key for u in line.heard.units] == [True, False, True, False]


@pytest.mark.parametrize("family", ["h264", "h265"])
def test_parameter_sets_in_fragments_are_put_together(family):
    clip = CLIPS[family]
    line = Line(clip, longest=20)
    line.send(0, 1)
    assert line.heard.infos[0].parameter_sets == clip.sets
    assert [same(u, clip, p) for p, u in enumerate(line.heard.units)] == [True, True]
