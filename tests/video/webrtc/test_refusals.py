"""Who does not get in, and why; what a stream becomes that WebRTC cannot show."""

from __future__ import annotations

import contextlib
import re
import time
from unittest import mock

import pytest
from aiortc.rtp import RtcpByePacket, RtcpPacket, RtcpPsfbPacket, RtcpReceiverInfo, RtcpRrPacket, RtcpRtpfbPacket
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from hall.core.errors import HallError, Refused
from tests.video.cameras import Recipe, make, packets
from tests.video.webrtc.describe import BASELINE, PLAYOUT
from tests.video.webrtc.stage import SUBJECT, info_of
from video.egress import webrtc_sdp as sdp
from video.egress import webrtc_sessions
from video.egress.webrtc_port import Port, hosts_of
from video.egress.webrtc_viewer import Pacer, Viewer
from video.media import StreamInfo


async def refused(join, status, reason, **more):
    player = await join.player()
    answer = await join.offer(player, **more)
    assert (answer.status_code, answer.json()["reason"]) == (status, reason), answer.text
    return answer.json()["detail"]


async def test_only_a_ticket_for_this_channel_that_still_holds_lets_in(join, stage):
    await refused(join, 403, "ticket-bad", ticket="")
    await refused(join, 403, "ticket-bad", ticket=stage.ticket()[:-4] + "AAAA")
    await refused(join, 403, "ticket-expired", ticket=stage.ticket(until=1))
    await refused(join, 403, "not-on-ticket", ticket=stage.ticket("channel/cams/other"))
    assert not stage.sessions.sessions and stage.hub.track(SUBJECT, "main") is None, "no camera was asked for them"


async def test_what_is_no_offer_is_refused_with_the_reason(join):
    good = (await join.player()).offer()
    await refused(join, 415, "content-type", **{"content-type": "application/json"})
    await refused(join, 400, "offer-bad", text="v=0")
    await refused(join, 400, "offer-bad", text=b"\xff\xfe")
    await refused(join, 400, "offer-bad", text=re.sub("a=ice-pwd:.*\r\n", "", good))
    await refused(join, 400, "offer-bad", text=re.sub("a=fingerprint:.*\r\n", "", good))
    await refused(join, 413, "offer-too-large", text=good + "a=x\r\n" * 20_000)
    await refused(join, 400, "quality-bad", query="?quality=best")
    await refused(join, 406, "no-video", text=good.replace("a=recvonly", "a=sendonly"))
    await refused(join, 406, "codec", text=good.replace("H264", "VP8"))
    await refused(join, 406, "codec", text=good.replace("packetization-mode=1", "packetization-mode=0"))
    await refused(join, 406, "ice-lite", text=good.replace("s=-", "s=-\r\na=ice-lite"))


async def test_streams_that_webrtc_cannot_show_are_converted_once_for_all_who_need_it(join, stage):
    clip = make(Recipe(profile="high", bframes=2))
    stage.clips["main"], stage.info = clip, info_of(clip, reorders=True)
    players = [await join.join(), await join.join()]
    for player in players:
        await player.until(lambda p: len(p.pictures()) > 5, 25)
        assert (await join.state(player))["converted"] == "b-frames"
    assert sorted(track.quality for track in stage.hub.tracks.values()) == ["main", "main-plain"]


async def test_h265_goes_as_it_is_to_players_that_offer_it_and_converted_to_the_others(join, stage):
    stage.clips["main"] = clip = make(Recipe(family="h265"))
    player = await join.join({"codec": "H265", "fmtp": ""})
    await player.until(lambda p: p.counters["packets"] > 20)
    assert "H265/90000" in player.answered
    sent = {payload for place in range(len(clip.pictures)) for payload in packets.payloads(clip, place, longest=1200)}
    assert set(player.payloads.values()) <= sent
    other = await join.join()
    await other.until(lambda p: len(p.pictures()) > 5, 25)
    assert (await join.state(other))["converted"] == "h265" and (await join.state(player))["converted"] == ""


async def test_what_cannot_be_sent_to_this_player_in_any_form_is_refused(join, stage, clip):
    player = await join.player()
    await refused(join, 406, "codec", text=player.offer(codec="H265", fmtp=""))
    info = info_of(clip, reorders=True)
    with pytest.raises(Refused, match="WebCodecs"):
        sdp.check(info)
    with pytest.raises(Refused, match="video socket"):
        sdp.check(StreamInfo(family="jpeg", codec="jpeg"))


async def test_a_stream_that_turns_out_unfit_after_the_answer_is_converted_from_then_on(join, stage, clip, monkeypatch):
    monkeypatch.setattr(webrtc_sessions, "INFO_SECONDS", 0.05)
    stage.clips["main"] = made = make(Recipe(profile="high", bframes=2))
    stage.info, stage.info_after = info_of(made, reorders=True), 1.0
    player = await join.join()
    await player.until(lambda p: len(p.pictures()) > 5, 25)
    assert (await join.state(player))["converted"] == "b-frames"


async def test_an_answer_says_yes_to_one_video_and_no_to_all_else(join):
    player = await join.player()
    text = (await join.offer(player, player.offer(audio=True))).text
    audio, video = text.split("m=video")
    assert "m=audio 0 " in audio and "a=inactive" in audio
    assert video.startswith(" 9 UDP/TLS/RTP/SAVPF 102 103") and "a=sendonly" in video and "a=setup:passive" in video
    assert f"a=extmap:5 {PLAYOUT}" in video and "a=rtcp-fb:102 nack\r\n" in video
    assert f"a=fmtp:102 {BASELINE}" in video and "a=group:BUNDLE 0\r\n" in text and "a=ice-lite" in text
    again = (await join.offer(player, player.offer(setup="passive"))).text
    assert "a=setup:active" in again


async def test_a_player_that_only_listens_for_dtls_is_called(join):
    player = await join.join({"setup": "passive"})
    await player.until(lambda p: len(p.pictures()) > 3)


async def test_the_best_fitting_profile_is_chosen():
    offer = [
        "v=0", "o=- 1 1 IN IP4 0.0.0.0", "s=-", "t=0 0", "m=video 9 UDP/TLS/RTP/SAVPF 96 97 98 99 100", "a=mid:v", "a=recvonly",
        "a=ice-ufrag:abcd", "a=ice-pwd:abcdefghijklmnopqrstuvwx", "a=fingerprint:sha-256 AA:BB", "a=setup:actpass", "a=rtpmap:96 VP8/90000",
    ]  # fmt: skip
    for number, level in ((97, "42001f"), (98, "42e01f"), (99, "4d001f"), (100, "640c1f")):
        offer += [f"a=rtpmap:{number} H264/90000", f"a=fmtp:{number} packetization-mode=1;profile-level-id={level}"]
    read = sdp.read("\r\n".join(offer) + "\r\n")

    def chosen(codec):
        return sdp.choose(read, StreamInfo(family="h264", codec=codec)).payload_type

    assert [chosen(f"avc1.{c}") for c in ("42c01e", "42001f", "4d4028", "640028", "f40028")] == [97, 97, 99, 100, 98]
    assert sdp.choose(read, None).payload_type == 98


async def test_one_page_and_the_whole_relay_are_bounded(join, stage, monkeypatch):
    monkeypatch.setattr(webrtc_sessions, "PER_VIEW", 2)
    for _ in range(2):
        assert (await join.offer(await join.player())).status_code == 201
    await refused(join, 429, "too-many")
    monkeypatch.setattr(webrtc_sessions, "LARGEST", 2)
    await refused(join, 503, "full", ticket=stage.ticket(view="v2"))


def test_addresses_to_listen_on_follow_hall_host():
    assert hosts_of("127.0.0.1") == hosts_of("localhost") == ["127.0.0.1"]
    assert hosts_of("192.0.2.7") == ["192.0.2.7", "127.0.0.1"]
    assert "127.0.0.1" in hosts_of("0.0.0.0")
    with pytest.raises(HallError, match="address"):
        hosts_of("hall.example")


def test_a_port_that_is_taken_is_said():
    first = Port(["127.0.0.1"], 0)
    try:
        with pytest.raises(HallError, match=str(first.port)):
            Port(["127.0.0.1"], first.port)
    finally:
        for sock in first.sockets:
            sock.close()


def test_of_a_range_of_ports_the_first_that_is_free_is_taken():
    taken = Port(["127.0.0.1"], 0)
    found = webrtc_sessions._first_free(["127.0.0.1"], range(taken.port, taken.port + 20), [])
    try:
        assert taken.port < found.port < taken.port + 20
    finally:
        for sock in taken.sockets + found.sockets:
            sock.close()


OFFER = (
    "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0\r\nm=video 9 UDP/TLS/RTP/SAVPF 102 103\r\nc=IN IP4 0.0.0.0\r\n"
    "a=mid:0\r\na=recvonly\r\na=extmap:5 " + PLAYOUT + "\r\na=rtpmap:102 H264/90000\r\na=rtcp-fb:102 nack\r\na=fmtp:102 " + BASELINE +
    "\r\na=rtpmap:103 rtx/90000\r\na=fmtp:103 apt=102\r\na=ice-ufrag:abcd\r\na=ice-pwd:abcdefghijklmnopqrstuvwx\r\n"
    "a=fingerprint:sha-256 AA:BB\r\na=setup:actpass\r\na=candidate:1 1 udp 1 10.0.0.1 9 typ host\r\n"
)  # fmt: skip


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.tuples(st.integers(0, len(OFFER)), st.integers(0, 6), st.text(max_size=8)), max_size=6))
@example([(OFFER.index("a=mid:0") + 5, 2, "")])  # a name without a value
def test_an_offer_however_garbled_is_understood_or_refused(cuts):
    text = OFFER
    for at, drop, more in cuts:
        text = text[:at] + more + text[at + drop :]
    try:
        offer = sdp.read(text)
        choice = sdp.choose(offer, None)
        answer = sdp.answer(offer, choice, session=1, ssrc=2, ufrag="u", password="p", fingerprint="AA", candidates=[])
    except Refused as refusal:
        assert refusal.status in (400, 406, 413)
    else:
        assert answer.count("\r\na=ice-lite\r\n") == 1 and answer.count("a=sendonly") == 1, "nothing of the offer forges a line"


@pytest.mark.parametrize("line", ["a=rtpmap:102 H264/90000", "m=video 9 UDP/TLS/RTP/SAVPF 102", "a=candidate:1 1 udp 1 h 9 typ host",
                                  "a=extmap:5 x", "a=" + " " * 60_000, "a=fmtp:102 " + ";" * 60_000, "a=group:BUNDLE" + " 0" * 30_000])  # fmt: skip
def test_the_longest_offer_is_read_or_refused_soon(line):
    began = time.process_time()
    with contextlib.suppress(Refused):
        sdp.choose(sdp.read((OFFER + (line + "\r\n") * 3000)[: sdp.LARGEST_OFFER]), None)
    assert time.process_time() - began < 3


reports = st.sampled_from([
    bytes(RtcpRtpfbPacket(fmt=1, ssrc=7, media_ssrc=9, lost=[1, 2, 30])), bytes(RtcpPsfbPacket(fmt=1, ssrc=7, media_ssrc=9)),
    bytes(RtcpRrPacket(ssrc=7, reports=[RtcpReceiverInfo(9, 1, 1, 1, 0, 5, 6)])), bytes(RtcpByePacket(sources=[1])),
])  # fmt: skip


@settings(max_examples=300, deadline=1000)
@given(
    st.lists(reports, min_size=1, max_size=4).map(b"".join),
    st.lists(st.tuples(st.integers(0, 200), st.integers(0, 255)), max_size=5),
)
def test_whatever_a_player_reports_is_taken_or_passed_over(compound, places):
    garbled = bytearray(compound)
    for place, value in places:
        garbled[place % len(garbled)] = value
    choice = sdp.choose(sdp.read(OFFER), None)
    viewer = Viewer(choice, 9, Pacer(), (0, 0), mock.Mock())
    with contextlib.suppress(ValueError):  # what Peer passes over
        viewer.reported(RtcpPacket.parse(bytes(garbled)))
    assert viewer.counters["packets"] == 0 and viewer.budget.level in ("all", "keys")
    viewer.report()
