"""Who does not get in, and why; who goes; what strangers at the port can do: nothing."""

from __future__ import annotations

import asyncio
import random
import re
import socket

import pytest
from aiortc.rtp import RtcpReceiverInfo, RtcpRrPacket
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hall.core.errors import HallError, Refused
from tests.video.cameras import Recipe, make, packets
from tests.video.webrtc.player import BASELINE, PLAYOUT
from tests.video.webrtc.stage import SUBJECT, info_of
from video.egress import webrtc_sdp as sdp
from video.egress import webrtc_sessions, webrtc_viewer
from video.egress.webrtc_budget import Budget, Smoothing
from video.egress.webrtc_port import Port, hosts_of
from video.media import StreamInfo


async def refused(join, status, reason, **more):
    player = await join.player()
    answer = await join.offer(player, **more)
    assert (answer.status_code, answer.json()["reason"]) == (status, reason), answer.text
    return answer.json()["detail"]


async def eventually(true):
    async with asyncio.timeout(8):
        while not await true():
            await asyncio.sleep(0.02)


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


async def test_a_session_tells_how_it_does_and_ends_when_asked(join, stage):
    player = await join.join()
    await player.until(lambda p: len(p.pictures()) > 3)
    state = await join.state(player)
    assert state["connected"] and state["level"] == "all" and state["state"] == "live" and state["subject"] == SUBJECT
    assert state["pictures"] > 3 and state["address"].startswith("127.0.0.1:")
    url = stage.url + player.place
    trickle = {"content-type": "application/trickle-ice-sdpfrag"}
    assert (
        await join.client.patch(
            url, content=f"a=ice-ufrag:{player.ufrag}\r\na=candidate:1 1 udp 1 10.0.0.1 9 typ host\r\n", headers=trickle
        )
    ).status_code == 204
    assert (await join.client.patch(url, content="a=ice-ufrag:other\r\n", headers=trickle)).status_code == 422
    assert (await join.client.delete(url)).status_code == 200
    await eventually(lambda: _closed(player))
    assert player.counters["RtcpByePacket"] == 1
    assert (await join.client.get(url)).status_code == 410
    assert (await join.client.get(stage.url + "/whep/session/nobody")).status_code == 404


async def _closed(player):
    return player.dtls.state == "closed"


async def test_a_player_that_says_goodbye_is_gone_at_once(join, stage):
    player = await join.join()
    await player.close()
    await eventually(lambda: _nobody(stage))
    assert [end["reason"] for end in stage.sessions.ended.values()] == ["player-left"]


async def _nobody(stage):
    return not stage.sessions.sessions


async def test_a_player_that_is_silently_gone_is_noticed(tmp_path, clip, monkeypatch):
    import httpx

    from tests.video.webrtc.conftest import Join
    from tests.video.webrtc.stage import Stage, process_at

    monkeypatch.setattr(webrtc_sessions, "REPORT_SECONDS", 0.1)
    monkeypatch.setattr(webrtc_sessions, "GONE_SECONDS", 0.5)
    monkeypatch.setattr(webrtc_sessions, "CONNECT_SECONDS", 0.5)
    stage = Stage(process_at(tmp_path), clip)
    async with stage.running(), httpx.AsyncClient(trust_env=False) as client:
        join = Join(stage, client)
        player = await join.join()
        never = await join.player()
        assert (await join.offer(never)).status_code == 201
        await player.close(goodbye=False)
        await eventually(lambda: _nobody(stage))
        assert sorted(end["reason"] for end in stage.sessions.ended.values()) == ["gone", "never-connected"]
        assert not stage.sessions.port.lines and not stage.sessions.port._by_address


async def test_who_signs_out_watches_no_more(bus, tmp_path, clip, monkeypatch):
    import httpx

    from tests.video.webrtc.conftest import Join
    from tests.video.webrtc.stage import Stage, process_at

    monkeypatch.setattr(webrtc_sessions, "REPORT_SECONDS", 0.1)
    monkeypatch.setattr(webrtc_sessions, "SESSION_CHECK_SECONDS", 0.2)
    stage = Stage(process_at(tmp_path, bus.url, bus.prefix), clip)
    await bus.set(b'{"name":"li","generation":0}', "session:s1")
    async with stage.running(), httpx.AsyncClient(trust_env=False) as client:
        join = Join(stage, client)
        stays = await join.join()
        leaves = await join.join(ticket=stage.ticket(session="session:s1"))
        await leaves.until(lambda p: len(p.pictures()) > 8)
        assert len(stage.sessions.sessions) == 2
        await bus.delete("session:s1")
        await eventually(lambda: _closed(leaves))
        assert (await join.state(leaves))["detail"].startswith("signed-out")
        assert (await join.state(stays))["connected"]
        for player in (stays, leaves):
            await player.close()


async def test_one_page_and_the_whole_relay_are_bounded(join, stage, monkeypatch):
    monkeypatch.setattr(webrtc_sessions, "PER_VIEW", 2)
    for _ in range(2):
        assert (await join.offer(await join.player())).status_code == 201
    await refused(join, 429, "too-many")
    monkeypatch.setattr(webrtc_sessions, "LARGEST", 2)
    await refused(join, 503, "full", ticket=stage.ticket(view="v2"))


async def test_strangers_at_the_port_change_nothing(join, stage):
    player = await join.join()
    luck, port = random.Random(4), stage.sessions.port
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        stranger.setblocking(False)
        to = ("127.0.0.1", port.port)
        good = player._request()
        for _ in range(300):
            stranger.sendto(luck.randbytes(luck.randrange(1, 200)), to)
            broken = bytearray(good)
            broken[luck.randrange(len(broken) - 8)] ^= 1 << luck.randrange(8)
            stranger.sendto(bytes(broken), to)
            stranger.sendto(bytes([luck.choice((20, 22, 128, 200))]) + luck.randbytes(80), to)
        had = len(player.pictures())
        await player.until(lambda p: len(p.pictures()) > had + 5)
        with pytest.raises(BlockingIOError):
            stranger.recv(2000)
    assert port.counters["strangers"] > 600 and len(port._by_address) == 1
    assert (await join.state(player))["address"].endswith(f":{player.transport.get_extra_info('sockname')[1]}")


async def test_a_player_whose_address_changes_goes_on(join, clip):
    player = await join.join()
    await player.until(lambda p: len(p.pictures()) > 5)
    old = player.transport
    await player.open()
    player.transport.sendto(player._request(), player.remote)
    had = len(player.pictures())
    await player.until(lambda p: len(p.pictures()) > had + 10)
    old.close()
    assert (await join.state(player))["address"].endswith(f":{player.transport.get_extra_info('sockname')[1]}")


async def test_a_way_that_loses_much_gets_key_pictures_then_the_sub_stream_and_is_told(join, stage, monkeypatch):
    monkeypatch.setattr(webrtc_viewer, "JUDGED_SECONDS", 0.0)
    stage.clips["sub"] = make(Recipe(width=320, height=180, kbit_s=200, gop=50))
    player = await join.join(report=False)
    await player.until(lambda p: len(p.pictures()) > 5)
    said = [1000, 0]  # highest number and packets lost, as a receiver would say them

    async def report_until(level):
        async def there():
            said[0], said[1] = said[0] + 60, said[1] + 30
            player.say(RtcpRrPacket(ssrc=7, reports=[RtcpReceiverInfo(ssrc=player.ssrc, fraction_lost=128, packets_lost=said[1],
                                                                      highest_sequence=said[0], jitter=0, lsr=0, dlsr=0)]))  # fmt: skip
            state = await join.state(player)
            return state["level"] == level and (level != "sub" or state["quality"] == "sub")

        await eventually(there)

    await report_until("keys")
    assert (await join.state(player))["why"] == "loss"
    await report_until("sub")
    had = len(player.pictures())
    await player.until(lambda p: len(p.pictures()) > had + 10)
    sub = {tuple(picture.nals) for picture in stage.clips["sub"].pictures}
    assert tuple(player.pictures()[-1][1]) in sub
    stamps = [stamp for stamp, _ in player.pictures()]
    assert all(0 < (b - a) & 0xFFFFFFFF < 1 << 31 for a, b in zip(stamps, stamps[1:], strict=False))
    assert sorted(player.payloads) == list(range(player.first, player.highest + 1))
    assert join.session(player).viewer.budget.quiet(1e9), "and back again when it is quiet"


async def test_after_key_pictures_only_the_rest_comes_back_with_a_key_picture(join, stage, clip):
    player = await join.join()
    await player.until(lambda p: len(p.pictures()) > 5)
    viewer = join.session(player).viewer
    viewer.budget.level = "keys"

    async def some_skipped():
        return viewer.counters["skipped"] > 3

    await eventually(some_skipped)
    viewer.budget.level = "all"
    had = len(player.pictures())
    await player.until(lambda p: len(p.pictures()) > had + 10)
    known = {tuple((*clip.sets, *p.nals) if p.key else p.nals): at for at, p in enumerate(clip.pictures)}
    places = [known[tuple(nals)] for _, nals in player.pictures()]
    jumps = [b for a, b in zip(places, places[1:], strict=False) if b != (a + 1) % len(clip.pictures)]
    assert jumps and all(clip.pictures[place].key for place in jumps), "nothing that lacks what it builds on"


async def test_a_player_that_asks_for_key_pictures_without_end_gets_them_seldom(join):
    player = await join.join()
    await player.until(lambda p: len(p.pictures()) > 5)
    session = join.session(player)
    for _ in range(300):
        player.pli()
        await asyncio.sleep(0.005)

    async def heard():
        return session.viewer.counters["key_requests"] >= 200

    await eventually(heard)
    fresh = session.viewer.counters["pictures"] - (session.track.number - 0)
    assert fresh < 4 * 50, "four times the kept group at most in a second and a half"


def test_one_bad_report_changes_nothing_and_better_times_are_tried_later_each_time():
    budget, now = Budget(0.0), 100.0
    assert not budget.lost(0.9, now) and not budget.lost(0.0, now + 1) and budget.level == "all"
    assert not budget.lost(0.05, now + 2), "what resending mends is no reason"
    waits = []
    for _ in range(3):
        while not budget.lost(0.5, now):
            now += 1
        assert budget.level == "keys"
        began = now
        while not budget.quiet(now):
            now += 0.5
        waits.append(now - began)
        assert budget.level == "all"
    assert waits[0] < waits[1] < waits[2]


def test_players_on_a_rough_way_hold_pictures_back_until_it_is_calm_again():
    smoothing = Smoothing(0, 0)
    assert not smoothing.heard(0.0, 1.0, 5.0, 1.0) and smoothing.asked == (0, 0), "on a smooth way nothing is held back"
    assert not smoothing.heard(0.05, 300.0, 20.0, 2.0), "one bad moment is none"
    assert smoothing.heard(0.05, 300.0, 20.0, 3.0) and smoothing.asked == (700, 1400), "there and back twice, and some"
    assert not smoothing.heard(0.05, 40.0, 20.0, 4.0) and smoothing.asked == (700, 1400)
    assert not smoothing.heard(0.0, 1.0, 5.0, 20.0)
    assert smoothing.heard(0.0, 1.0, 5.0, 40.0) and smoothing.asked == (0, 0)
    assert not smoothing.heard(0.0, 1.0, 5.0, 41.0)
    for second in range(50, 60):
        smoothing.heard(0.5, 50_000.0, 9_000.0, float(second))
    assert smoothing.asked == (2_000, 4_000)


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
