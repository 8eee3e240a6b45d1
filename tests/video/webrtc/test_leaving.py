"""Who goes and how it is noticed; what strangers at the port can do: nothing."""

from __future__ import annotations

import random
import socket

import pytest

from tests.video.webrtc.conftest import eventually
from tests.video.webrtc.stage import SUBJECT
from video.egress import webrtc_sessions


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
