"""What viewers leave behind when they are gone: nothing. What packets become on their way: the same packets."""

from __future__ import annotations

import asyncio
import gc
import os
import socket
import struct
from collections import Counter

import pytest
from aiortc.rtcdtlstransport import RTCDtlsTransport
from hypothesis import given, settings
from hypothesis import strategies as st
from pylibsrtp import Policy, Session

from tests.video.webrtc.stage import SUBJECT
from video.egress.webrtc_packets import Layout, Sending, Shape, Wires, packets_of, playout_delay, resend
from video.egress.webrtc_peer import Peer
from video.egress.webrtc_port import Port
from video.egress.webrtc_viewer import Viewer
from video.media import AccessUnit, StreamInfo

INFO = StreamInfo(family="h264", codec="avc1.42c01f", fps=25, parameter_sets=(b"\x67sps-", b"\x68pps-"))
PROFILES = {10: (Policy.SRTP_PROFILE_AES128_CM_SHA1_80, 30), 16: (Policy.SRTP_PROFILE_AEAD_AES_128_GCM, 28)}


def living(*kinds):
    gc.collect()
    return Counter(type(found).__name__ for found in gc.get_objects() if isinstance(found, kinds))


async def test_players_that_come_and_go_leave_nothing_behind(join, stage):
    stays = await join.join()
    await stays.until(lambda p: len(p.pictures()) > 2)
    tasks = len(asyncio.all_tasks())
    for _ in range(3):
        players = [await join.join(nack=False, report=False) for _ in range(8)]
        for number, player in enumerate(players):
            await player.until(lambda p: p.counters["packets"] > 3)
            if number % 2:
                await join.client.delete(stage.url + player.place)
            await player.close()
            join.players.remove(player)
        del players, player
        async with asyncio.timeout(10):
            while len(stage.sessions.sessions) > 1:
                await asyncio.sleep(0.05)
    sessions = stage.sessions
    assert len(sessions.port.lines) == len(sessions.port._by_address) == len(sessions.port._addresses) == 1
    assert len(sessions._wires) == 1 and stage.hub.track(SUBJECT, "main").viewers == 1
    async with asyncio.timeout(10):
        while (
            sessions._pacer._viewers or living(Viewer, Peer) != {"Viewer": 1, "Peer": 1} or len(asyncio.all_tasks()) > tasks + 1
        ):
            await asyncio.sleep(0.05)
    assert living(RTCDtlsTransport)["RTCDtlsTransport"] <= 2  # the hub's side and the player's


async def test_what_is_kept_for_sending_again_is_bounded_by_time(join, monkeypatch):
    from video.egress import webrtc_history

    monkeypatch.setattr(webrtc_history, "SECONDS", 0.4)
    player = await join.join()
    await player.until(lambda p: len(p.pictures()) > 40)
    kept = join.session(player).viewer._history._sent
    assert len(kept) < 20
    assert {type(payload) for _, _, payloads, _ in kept for payload in payloads} == {bytes}


class Kernel:
    """Stands for the port: keeps what would go out, as datagrams."""

    def __init__(self, many: bool) -> None:
        self.many, self.out, self.calls = many, [], 0

    def send_many(self, sock, data, segment, address):
        self.calls += 1
        assert len(data) <= 65_000 and -(-len(data) // segment) <= 64
        self.out += [bytes(data[at : at + segment]) for at in range(0, len(data), segment)]
        return True

    def send(self, sock, data, address):
        self.out.append(bytes(data))
        return True


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.one_of(st.just(1200), st.integers(1, 40), st.integers(1, 1440)), min_size=1, max_size=120),
    st.sampled_from([10, 16]),
    st.booleans(),
    st.integers(0, 70_000),
)
def test_a_picture_of_any_packets_arrives_whole_whatever_their_lengths(lengths, tag, key, first):
    payloads = [bytes([0x65 if key else 0x41]) + os.urandom(length) for length in lengths]
    unit = AccessUnit(0, key, 0, 0.0, payloads=payloads, info=INFO)
    profile, size = PROFILES[tag]
    secret = os.urandom(size)
    out = Session(Policy(key=secret, ssrc_type=Policy.SSRC_ANY_OUTBOUND, srtp_profile=profile))
    back = Session(Policy(key=secret, ssrc_type=Policy.SSRC_ANY_INBOUND, srtp_profile=profile))
    kernel = Kernel(True)
    extension = playout_delay(5, 0, 0)
    layout = Layout(packets_of(unit), Shape(102, extension if key else b"", tag), 77, key)
    assert layout.send(Sending(kernel, None, None, out._srtp[0]), first, 0x1_0000_0005)
    plain = [back.unprotect(packet) for packet in kernel.out]
    head = 20 if key else 12
    assert [packet[head:] for packet in plain] == ([b"\x67sps-", b"\x68pps-"] if key else []) + payloads
    fields = [struct.unpack("!BBHII", packet[:12]) for packet in plain]
    assert [found[2] for found in fields] == [(first + n) & 0xFFFF for n in range(len(plain))]
    assert {found[3:] for found in fields} == {(5, 77)}
    assert [found[1] >> 7 for found in fields] == [0] * (len(plain) - 1) + [1]


def test_equal_packets_leave_with_one_call():
    unit = AccessUnit(0, False, 0, 0.0, payloads=[b"\x41" + bytes(1199)] * 9 + [b"\x41abc"], info=INFO)
    session = Session(Policy(key=os.urandom(30), ssrc_type=Policy.SSRC_ANY_OUTBOUND, srtp_profile=PROFILES[10][0]))
    kernel = Kernel(True)
    Layout(packets_of(unit), Shape(102, b"", 10), 7, False).send(Sending(kernel, None, None, session._srtp[0]), 1, 1)
    assert kernel.calls == 1 and len(kernel.out) == 10


@pytest.mark.parametrize("segmenting", [True, False])
def test_a_kernel_that_sends_many_at_once_and_one_that_does_not_deliver_the_same(segmenting):
    port = Port(["127.0.0.1"], 0)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as player:
        player.bind(("127.0.0.1", 0))
        player.settimeout(5)
        port.segmenting = segmenting
        data = os.urandom(5 * 1000 + 123)
        try:
            assert port.send_many(port.sockets[0], memoryview(data), 1000, player.getsockname())
            got = [player.recv(3000) for _ in range(6)]
            assert b"".join(got) == data and [len(part) for part in got] == [1000] * 5 + [123]
        finally:
            for sock in port.sockets:
                sock.close()


def test_a_datagram_that_the_network_does_not_take_is_counted_and_nothing_breaks():
    port = Port(["127.0.0.1"], 0)
    try:
        assert not port.send(port.sockets[0], b"x", ("192.0.2.250", 9)) or port.counters["unsent"] == 0
        assert not port.send_many(port.sockets[0], memoryview(bytes(70_000)), 1000, ("127.0.0.1", 0))
        assert port.counters["unsent"] >= 1
    finally:
        for sock in port.sockets:
            sock.close()


def test_layouts_are_shared_and_kept_only_since_the_last_key_picture():
    wires, shape = Wires(7), Shape(102, b"", 16)
    units = [
        AccessUnit(n, n % 5 == 0, n * 3600, 0.0, payloads=[b"\x65a" if n % 5 == 0 else b"\x41b"], info=INFO) for n in range(12)
    ]
    for unit in units:
        assert wires.layout(unit, shape) is wires.layout(unit, shape)
    assert sorted(number for number, _ in wires._layouts) == [10, 11]
    assert wires.layout(units[3], shape) is not wires.layout(units[3], shape), "what is over is not kept again"


def test_a_packet_too_old_for_its_cipher_is_not_sent_again():
    session = Session(Policy(key=os.urandom(30), ssrc_type=Policy.SSRC_ANY_OUTBOUND, srtp_profile=PROFILES[10][0]))
    kernel = Kernel(True)
    to = Sending(kernel, None, None, session._srtp[0])
    same = {"kind": 102, "timestamp": 1, "ssrc": 7, "extension": b"", "original": None}
    assert resend(to, b"a", sequence=40_000, **same)
    assert not resend(to, b"a", sequence=20_000, **same)
    assert len(kernel.out) == 1
