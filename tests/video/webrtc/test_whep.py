"""WHEP over a real UDP port: what comes out of the player is what the camera sent."""

from __future__ import annotations

import asyncio

import pytest
from aiortc.rtp import RtcpPacket

from tests.video.cameras import Recipe, make
from tests.video.webrtc.stage import SUBJECT, info_of
from video.media import AccessUnit


def coded(clip):
    """NAL units of each picture of the clip, parameter sets before key pictures: what a decoder must get."""
    return [list((*clip.sets, *picture.nals) if picture.key else picture.nals) for picture in clip.pictures]


def shown(player, clip):
    """Places in the clip of the pictures that came, None for one that is none of the clip's."""
    known = {tuple(nals): place for place, nals in enumerate(coded(clip))}
    return [known.get(tuple(nals)) for _, nals in player.pictures()]


def follows_on(places, clip):
    return all(b == (a + 1) % len(clip.pictures) for a, b in zip(places, places[1:], strict=False))


@pytest.mark.parametrize("profile", [b"SRTP_AES128_CM_SHA1_80", b"SRTP_AEAD_AES_128_GCM", b"SRTP_AEAD_AES_256_GCM"])
async def test_every_picture_arrives_as_the_camera_sent_it_whatever_the_cipher(join, clip, profile):
    player = await join.join(profiles=(profile,))
    await player.until(lambda p: len(p.pictures()) > 30)
    places = shown(player, clip)
    assert None not in places and follows_on(places, clip)
    assert clip.pictures[places[0]].key
    assert player.counters["undecipherable"] == player.counters["foreign"] == 0


async def test_who_comes_in_between_key_pictures_starts_with_the_last_one_at_once(join, stage, clip):
    first = await join.join()
    await first.until(lambda p: len(p.pictures()) > 12)
    kept = len(stage.hub.track(SUBJECT, "main").gop)
    late = await join.join()
    await late.until(lambda p: len(p.pictures()) >= kept)
    found = late.pictures()
    places = shown(late, clip)
    assert clip.pictures[places[0]].key and follows_on(places, clip)
    stamps = [stamp for stamp, _ in found][:kept]
    steps = [(b - a) & 0xFFFFFFFF for a, b in zip(stamps, stamps[1:], strict=False)]
    assert all(0 < step <= 90 for step in steps), "what is kept is squeezed into steps of a millisecond at most"
    assert sum(steps) < 3600, "and ends before the next picture's time"


async def test_each_picture_has_one_later_timestamp_and_a_marker_on_its_last_packet(join):
    player = await join.join()
    await player.until(lambda p: len(p.pictures()) > 30)
    order = [player.stamps[n] for n in sorted(player.stamps)]
    for (stamp, marker), (after, _) in zip(order, order[1:], strict=False):
        assert (after == stamp) is not marker
        assert (after - stamp) & 0xFFFFFFFF < 1 << 31
    numbers = sorted(player.payloads)
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))


async def test_lost_packets_are_sent_again_from_what_all_viewers_share(join, clip):
    for rtx in (True, False):
        player = await join.join(loss=0.05, rtx=rtx)
        await player.until(lambda p: len(p.pictures()) > 60 and not p.missing, 20)
        assert player.counters["thrown"] > 5
        places = shown(player, clip)
        assert None not in places and follows_on(places, clip)
        assert bool(player.by_rtx) is rtx
        state = await join.state(player)
        assert state["resent"] >= player.counters["repaired"] > 0 and state["level"] == "all"


async def test_a_request_for_what_was_never_sent_is_not_answered(join):
    player = await join.join(nack=False)
    await player.until(lambda p: len(p.pictures()) > 3)
    before = player.counters["double"]
    player._nack([player.first - 17 + i for i in range(17)])
    async with asyncio.timeout(5):
        while (await join.state(player))["not_resent"] < 17:
            await asyncio.sleep(0.02)
    assert player.counters["double"] == before


async def test_a_player_that_asks_for_a_key_picture_gets_what_is_kept_at_once(join, clip):
    player = await join.join()
    await player.until(lambda p: len(p.pictures()) > 8)
    had = len(player.pictures())
    player.pli()
    await player.until(lambda p: any(place is not None and clip.pictures[place].key for place in shown(p, clip)[had:]))
    async with asyncio.timeout(5):
        while (await join.state(player))["key_requests"] < 1:
            await asyncio.sleep(0.02)
    stamps = [stamp for stamp, _ in player.pictures()]
    assert all(0 < (b - a) & 0xFFFFFFFF < 1 << 31 for a, b in zip(stamps, stamps[1:], strict=False)), "time never goes back"


async def test_reports_say_which_timestamp_is_now(join):
    player = await join.join()
    await player.until(lambda p: len(p.reports) >= 2)
    first, second = player.reports[0].sender_info, player.reports[-1].sender_info
    real = (second.ntp_timestamp - first.ntp_timestamp) / 2**32
    media = ((second.rtp_timestamp - first.rtp_timestamp) & 0xFFFFFFFF) / 90_000
    assert abs(real - media) < 0.05
    assert second.packet_count > first.packet_count
    session = join.session(player)
    compound = RtcpPacket.parse(session.viewer.report())
    assert [type(packet).__name__ for packet in compound] == ["RtcpSrPacket", "RtcpSdesPacket"]
    assert compound[1].chunks[0].items == [(1, b"hall")]


async def test_the_session_tells_when_the_picture_of_a_timestamp_was_taken(join, clip):
    player = await join.join()
    told = []
    for count in (28, 36):  # what is kept at the start comes under squeezed timestamps
        await player.until(lambda p, count=count: len(p.pictures()) > count)
        told.append(await join.state(player))
    stamps = [state["rtp"] for state in told]
    await player.until(lambda p: set(stamps) <= {stamp for stamp, _ in p.pictures()})
    places = dict(zip([stamp for stamp, _ in player.pictures()], shown(player, clip), strict=True))
    # the stage's cameras take picture k at real second k / fps
    taken = [round(state["captured"] / 1000 * clip.fps) for state in told]
    assert [places[stamp] for stamp in stamps] == [tick % len(clip.pictures) for tick in taken]
    assert (stamps[1] - stamps[0]) & 0xFFFFFFFF == round((taken[1] - taken[0]) * 90_000 / clip.fps)


async def test_parameter_sets_that_a_camera_only_says_in_its_sdp_are_put_before_key_pictures(join, stage, clip):
    stage.inline_sets = False
    player = await join.join()
    await player.until(lambda p: len(p.pictures()) > 3)
    assert shown(player, clip)[0] is not None


async def test_pictures_go_on_under_the_same_numbers_when_the_camera_comes_back(join, stage, clip):
    player = await join.join()
    await player.until(lambda p: len(p.pictures()) > 10)
    stage.on = False
    track = stage.hub.track(SUBJECT, "main")
    async with asyncio.timeout(5):
        while track.state.state == "live":
            await asyncio.sleep(0.02)
    had = len(player.pictures())
    stage.on = True
    await player.until(lambda p: len(p.pictures()) > had + 10)
    places = shown(player, clip)
    jumps = [after for before, after in zip(places, places[1:], strict=False) if after != (before + 1) % len(clip.pictures)]
    assert None not in places and len(jumps) == 1 and clip.pictures[jumps[0]].key
    numbers = sorted(player.payloads)
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers))), "no gap for the player to ask about"
    stamps = [stamp for stamp, _ in player.pictures()]
    assert all(0 < (b - a) & 0xFFFFFFFF < 1 << 31 for a, b in zip(stamps, stamps[1:], strict=False))


async def test_the_playout_delay_that_is_configured_travels_with_key_pictures(join, stage):
    stage.sessions.delay = (100, 200)
    player = await join.join()
    await player.until(lambda p: p.delays)
    assert set(player.delays) == {bytes.fromhex("bede0001") + bytes([5 << 4 | 2, 10 >> 4, (10 & 15) << 4, 20, 0][:3]) + b"\x14"}


@pytest.mark.parametrize("recipe", [Recipe(profile="high"), Recipe(profile="main", width=1280, height=720, kbit_s=4000)])
async def test_other_profiles_play_under_a_baseline_offer(tmp_path, recipe):
    clip = make(recipe)
    unit = AccessUnit(0, True, 0, 0.0, payloads=[b"\x65aaaa"], info=info_of(clip))
    assert unit.info.codec[5:7] in ("64", "4d")
    from tests.video.webrtc.player import Player
    from video.egress import webrtc_sdp as sdp

    player = await Player().open()
    try:
        assert sdp.choose(sdp.read(player.offer()), unit.info).payload_type == 102
    finally:
        await player.close()
