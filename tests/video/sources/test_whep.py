"""WebRTC in: from aiortc's own sender, from a relay of ours, and from servers that are neither."""

import asyncio
import random

import av
import pytest
from aiortc import RTCPeerConnection, RTCRtpSender, RTCSessionDescription
from aiortc.contrib.media import MediaPlayer

from tests.video.cameras import clip as clips
from tests.video.sources.intake import Collected, decoded, running
from tests.video.sources.test_mjpeg import _Guard, failure
from tests.video.sources.webserver import WebServer, reply
from video.media import SourceFailed, SourceRequest
from video.sources import whep
from video.sources.reordering import HOLD_SECONDS, Reordering


class _Lenient(_Guard):
    def check(self, address, port):
        if port in self.refused:
            raise SourceFailed("refused-address", "the hall itself", lasting=True)

    refused = ()


def source(web, path="/w", user="", guard=None):
    url = web.url(path, user).replace("http://", "whep://")
    return whep.SOURCE.open(SourceRequest(subject="channel/f/c", url=url, guard=guard or _Lenient()))


@pytest.fixture
async def web():
    found = WebServer()
    await found.start()
    yield found
    await found.stop()


@pytest.fixture(autouse=True)
def on_this_machine(monkeypatch):
    """Both ends speak over loopback, wherever the test runs."""
    monkeypatch.setattr("aioice.ice.get_host_addresses", lambda use_ipv4, use_ipv6: ["127.0.0.1"])
    for name in ("CONNECT", "FIRST_PICTURE", "SILENCE"):  # two busy cores
        monkeypatch.setattr(whep, name, 40.0)


@pytest.fixture
def film(tmp_path):
    """A looped clip as a file that aiortc can send without decoding."""
    path = tmp_path / "a.ts"
    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx264", rate=20)
        stream.width, stream.height, stream.pix_fmt = 320, 180, "yuv420p"
        stream.options = {"profile": "baseline", "g": "10", "preset": "ultrafast", "sc_threshold": "0"}
        for number in range(60):
            out.mux(stream.encode(av.VideoFrame.from_ndarray(clips.draw(number, 320, 180, noise=0), format="bgr24")))
        out.mux(stream.encode(None))
    return path


class Server:
    """A WHEP server of aiortc."""

    def __init__(self, web, film, drop=0.0):
        self.peers, self.ended, self.asked, self.dropped = [], [], [], 0
        self._film, self._drop, self._chance = film, drop, random.Random(2)
        web.routes["/w"], web.routes["/session"] = self.offer, self.session

    async def offer(self, asked, writer):
        self.asked.append(asked)
        peer = RTCPeerConnection()
        self.peers.append(peer)
        await peer.setRemoteDescription(RTCSessionDescription(asked.body.decode(), "offer"))
        player = MediaPlayer(str(self._film), loop=True, decode=False)
        sender = peer.addTrack(player.video)
        line = next(t for t in peer.getTransceivers() if t.sender is sender)
        line.setCodecPreferences([c for c in RTCRtpSender.getCapabilities("video").codecs if c.mimeType == "video/H264"])
        await peer.setLocalDescription(await peer.createAnswer())
        if self._drop:
            self._lossy(sender.transport.transport)
        return await reply(writer, 201, peer.localDescription.sdp.encode(), "application/sdp", Location="/session")

    def _lossy(self, transport):
        real = transport._send

        async def send(data):
            if 128 <= data[0] < 192 and self._chance.random() < self._drop:
                self.dropped += 1
            else:
                await real(data)

        transport._send = send

    async def session(self, asked, writer):
        self.ended.append(asked.method)
        return await reply(writer, 200)

    async def close(self):
        await asyncio.gather(*(peer.close() for peer in self.peers))


async def test_pictures_of_another_server_come_in_as_they_are(web, film):
    server = Server(web, film)
    async with running(source(web, user=":geheim@")) as found:
        pictures = list(await found.wait(30))
    assert pictures[0][0] and found.info.family == "h264" and (found.info.width, found.info.height) == (320, 180)
    numbers = [clips.read_number(image) for image in decoded([p[2] for p in pictures])]
    assert len(numbers) == 30 and all((b - a) % 60 == 1 for a, b in zip(numbers, numbers[1:], strict=False))
    assert server.asked[0].headers["authorization"] == "Bearer geheim" and "geheim" not in server.asked[0].path
    assert server.ended == ["DELETE"]  # the server is told that nobody watches any more
    await server.close()


async def test_lost_packets_are_asked_for_again(web, film):
    server = Server(web, film, drop=0.1)
    async with running(source(web)) as found:
        await found.wait(120)
    lost = sum(fault.endswith("were lost") for fault in found.faults)
    assert server.dropped > 3 and lost <= server.dropped / 3  # most came when they were asked for again
    await server.close()


async def test_a_server_that_goes_away_ends_the_attempt(web, film):
    server = Server(web, film)
    async with running(source(web)) as found:
        await found.wait(3)
        await server.close()
        with pytest.raises(SourceFailed) as failed:
            await asyncio.wait_for(asyncio.shield(found.task), 60)
    assert failed.value.reason in ("gone", "silent")


async def test_candidates_that_the_guard_refuses_are_not_reached(web, film, monkeypatch):
    monkeypatch.setattr(whep, "CONNECT", 2.0)
    server = Server(web, film)
    guard = _Lenient()
    guard.check = lambda address, port: (_ for _ in ()).throw(SourceFailed("refused-address", "no", lasting=True))
    assert (await failure(source(web, guard=guard), 60)).reason == "unreachable"
    await server.close()


@pytest.mark.parametrize(
    ("code", "body", "reason"),
    [(404, b"", "no-such-stream"), (401, b"", "unauthorised"), (201, b"", "garbled"), (201, b"hello", "garbled"), (201, b"m=video", "codec"),
     (201, b"v=0\r\nm=video 9 UDP/TLS/RTP/SAVPF 96\r\na=rtpmap:96 VP8/90000\r\n", "codec"),
     (201, b"v=0\r\nm=video 9 UDP/TLS/RTP/SAVPF 96\r\na=rtpmap:96 H264/90000\r\na=candidate:x\r\n", "garbled"), (200, b"x" * 300_000, "garbled")],
)  # fmt: skip
async def test_answers_that_are_none_are_refused(web, code, body, reason):
    web.routes["/w"] = lambda asked, writer: reply(writer, code, body, "application/sdp")
    assert (await failure(source(web), 60)).reason == reason


def packet(number):
    return b"\x80\x60" + (number & 0xFFFF).to_bytes(2, "big") + b"body"


@pytest.mark.parametrize("first", [0, 65_500])
def test_packets_are_put_in_order_and_what_is_missing_is_asked_for(first):
    got = []
    order = Reordering(lambda data: got.append(int.from_bytes(data[2:4], "big")))
    for number in (0, 1, 4, 3, 3, 6):
        order.take(packet(first + number), 0.0)
    assert order.look(0.01) == [(first + n) & 0xFFFF for n in (2, 5)]
    assert order.look(0.02) == []  # not again at once
    order.take(packet(first + 2), 0.03)
    assert got == [(first + n) & 0xFFFF for n in (0, 1, 2, 3, 4)]
    assert order.look(0.06) == [(first + 5) & 0xFFFF]
    order.look(HOLD_SECONDS + 0.1)
    assert got[-1] == (first + 6) & 0xFFFF and order.look(1.0) == []
    order.take(packet(first + 5), 1.0)  # too late
    assert got[-1] == (first + 6) & 0xFFFF


def test_any_order_of_packets_is_delivered_in_order_within_bounds():
    chance = random.Random(7)
    for _ in range(12):
        got, order = [], None
        order = Reordering(lambda data, got=got: got.append(int.from_bytes(data[2:4], "big")))
        now = 0.0
        for number in sorted(range(3000), key=lambda n: n + chance.random() * 30):
            now += 0.001
            if chance.random() > 0.02:
                order.take(packet(number), now)
            if number % 5 == 0:
                order.look(now)
        assert all(b > a for a, b in zip(got, got[1:], strict=False)) and len(order._held) <= 1025


async def test_an_unknown_place_is_unreachable(web):
    await web.stop()
    found = Collected()
    with pytest.raises(SourceFailed) as failed:
        await source(web).run(found)
    assert failed.value.reason == "unreachable"
