"""A WebRTC player without a decoder, light enough to be many: its own ICE (controlling), aiortc's DTLS, libsrtp, reports,
NACKs. The other side of what the product does, written from the RFCs; works against any sender, offering or answering.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import secrets
import socket
import struct
import time
from collections import Counter

import pylibsrtp
from aioice import stun
from aiortc.rtcdtlstransport import SRTP_PROFILES, RTCCertificate, RTCDtlsParameters, RTCDtlsTransport
from aiortc.rtp import RtcpPacket, RtcpPsfbPacket, RtcpReceiverInfo, RtcpRrPacket, RtcpRtpfbPacket, RtcpSrPacket
from aiortc.sdp import SessionDescription

from tests.video.webrtc import describe
from tests.video.webrtc.depacketise import together
from tests.video.webrtc.describe import BASELINE

CERTIFICATE = RTCCertificate.generateCertificate()


class Player(asyncio.DatagramProtocol):
    """`offer()` → text; `accept(answer)` connects; or `answer(offer)`. `loss`: share of incoming RTP thrown away. `keep`: RTP
    is decrypted and kept in `payloads[sequence]` (extended) and `stamps`; else only counted. `nack`, `report`: what it says."""

    def __init__(self, *, loss=0.0, keep=True, nack=True, report=True, rtx=True, host="127.0.0.1", profiles=(), seed=1):
        self.loss, self.keep, self.nack, self.host, self.rtx_wanted, self.report_wanted = loss, keep, nack, host, rtx, report
        self.luck = random.Random(seed)
        self.ufrag, self.pwd = secrets.token_hex(4), secrets.token_hex(12)
        self.counters: Counter = Counter()
        self.payloads: dict[int, bytes] = {}
        self.stamps: dict[int, tuple[int, bool]] = {}
        self.delays: list[bytes] = []  # playout-delay extensions seen
        self.reports: list[RtcpSrPacket] = []
        self.by_rtx: set[int] = set()
        self.ssrc, self.pt, self.rtx = 0, 102, 103 if rtx else None
        self.highest, self.first, self.missing = -1, -1, {}
        self.connected, self.came, self._records = asyncio.Event(), asyncio.Event(), asyncio.Queue()
        self._profiles = [p for p in SRTP_PROFILES if not profiles or p.openssl_profile in profiles]
        self._tasks: list[asyncio.Task] = []
        self._last_sr, self._last_sr_at, self._before = 0, 0.0, (0, 0)
        self._early, self.controlling = [], True  # who offers is

    # -- offer and answer

    async def open(self):
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        sock.bind((self.host, 0))
        self.transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(lambda: self, sock=sock)
        return self

    def _transport_lines(self, setup: str) -> list[str]:
        port = self.transport.get_extra_info("sockname")[1]
        found = next(p for p in CERTIFICATE.getFingerprints() if p.algorithm == "sha-256")
        return [f"a=ice-ufrag:{self.ufrag}", f"a=ice-pwd:{self.pwd}", f"a=fingerprint:sha-256 {found.value}", f"a=setup:{setup}",
                f"a=candidate:1 1 udp 2130706431 {self.host} {port} typ host", "a=end-of-candidates"]  # fmt: skip

    def offer(self, *, setup: str = "actpass", **more) -> str:
        return describe.offer(self._transport_lines(setup), rtx=self.rtx_wanted, **more)

    def accept(self, text: str) -> None:
        """The other side's answer; connecting goes on by itself."""
        media = next(m for m in SessionDescription.parse(text).media if m.kind == "video")
        self._remote(media, "client" if media.dtls.role == "server" else "server")

    def answer(self, text: str) -> str:
        """An answer to a sender's offer (Janus)."""
        offer, self.controlling = SessionDescription.parse(text), False
        lines = [
            "v=0",
            "o=- 1 1 IN IP4 127.0.0.1",
            "s=-",
            "t=0 0",
            "a=group:BUNDLE " + " ".join(m.rtp.muxId for m in offer.media),
        ]
        for media in offer.media:
            codec = next(c for c in media.rtp.codecs if c.mimeType.lower() == "video/h264")
            self.pt, self.rtx = codec.payloadType, None
            lines += [f"m=video 9 UDP/TLS/RTP/SAVPF {self.pt}", "c=IN IP4 0.0.0.0", f"a=mid:{media.rtp.muxId}", "a=recvonly",
                      "a=rtcp-mux", f"a=rtpmap:{self.pt} H264/90000", f"a=rtcp-fb:{self.pt} nack", f"a=rtcp-fb:{self.pt} nack pli",
                      f"a=fmtp:{self.pt} {BASELINE}", *self._transport_lines("active")]  # fmt: skip
            self._remote(media, "client")
        return "\r\n".join(lines) + "\r\n"

    def _remote(self, media, role: str) -> None:
        self.media = media
        self.remote_ufrag, self.remote_pwd = media.ice.usernameFragment, media.ice.password.encode()
        found = [
            c for c in media.ice_candidates if c.protocol.lower() == "udp" and ":" not in c.ip and not c.ip.endswith(".local")
        ]
        found.sort(key=lambda c: c.ip != self.host)
        self.remote = (found[0].ip, found[0].port)
        self.checked = asyncio.Event()
        self._tasks = [asyncio.ensure_future(self._check()), asyncio.ensure_future(self._connect(role))]

    # -- ICE

    def _request(self) -> bytes:
        message = stun.Message(stun.Method.BINDING, stun.Class.REQUEST)
        message.attributes |= {"USERNAME": f"{self.remote_ufrag}:{self.ufrag}", "PRIORITY": 1845501695}
        message.attributes |= {"ICE-CONTROLLING": 7, "USE-CANDIDATE": None} if self.controlling else {"ICE-CONTROLLED": 7}
        message.add_message_integrity(self.remote_pwd)
        return bytes(message)

    async def _check(self) -> None:
        while True:
            self.transport.sendto(self._request(), self.remote)
            await asyncio.sleep(2.0 if self.checked.is_set() else 0.05)

    # -- datagrams

    def datagram_received(self, data: bytes, address) -> None:
        first = data[0]
        if first < 4:
            self._stun(data, address)
        elif first < 64:
            self._records.put_nowait(data)
        elif 192 <= data[1] <= 223:
            self._rtcp(data)
        else:
            self._rtp(data)

    def _stun(self, data: bytes, address) -> None:
        message = stun.parse_message(data)
        if message.message_class == stun.Class.RESPONSE:
            assert message.check_message_integrity(self.remote_pwd)
            self.checked.set()
        elif message.message_class == stun.Class.REQUEST and message.check_message_integrity(self.pwd.encode()):
            answer = stun.Message(stun.Method.BINDING, stun.Class.RESPONSE, message.transaction_id)
            answer.attributes["XOR-MAPPED-ADDRESS"] = address[:2]
            answer.add_message_integrity(self.pwd.encode())
            self.transport.sendto(bytes(answer), address)

    # -- DTLS: aiortc's, over these two

    role = "controlling"

    async def _recv(self) -> bytes:
        return await self._records.get()

    async def _send(self, data: bytes) -> None:
        self._out(data)

    def _out(self, data: bytes) -> None:
        if not self.transport.is_closing():
            self.transport.sendto(data, self.remote)

    async def _connect(self, role: str) -> None:
        await self.checked.wait()
        self.dtls = RTCDtlsTransport(self, [CERTIFICATE])
        self.dtls._srtp_profiles = self._profiles
        self.dtls._set_role(role)
        await self.dtls.start(RTCDtlsParameters(fingerprints=self.media.dtls.fingerprints))
        if self.dtls.state != "connected":
            return
        self.connected.set()
        for data in self._early:
            self._rtp(data)
        turn = 0
        while True:  # asks again for what did not come, as players do
            await asyncio.sleep(0.1)
            turn += 1
            if self.nack and self.missing:
                before = time.monotonic() - 0.1
                again = sorted(number for number, since in self.missing.items() if since < before)
                if again:
                    self._nack(again[:500])
            if self.report_wanted and turn % 10 == 0:
                self._report()

    # -- RTP

    def _rtp(self, data: bytes) -> None:
        self.counters["rtp"] += 1
        self.counters["bytes"] += len(data)
        if self.loss and self.luck.random() < self.loss:
            self.counters["thrown"] += 1
            return
        if not self.connected.is_set():  # overtook the handshake's last turn of our loop
            self._early.append(data)
            return
        kind, number, stamp, ssrc = struct.unpack_from("!xBHII", data)
        if self.rtx is not None and kind & 0x7F == self.rtx:
            plain = self.dtls._rx_srtp.unprotect(data)
            at = 12 + (4 + 4 * struct.unpack_from("!H", plain, 14)[0] if plain[0] & 0x10 else 0)
            sequence = self._extended(struct.unpack_from("!H", plain, at)[0])
            self._have(sequence, kind, stamp, plain[at + 2 :])
            self.by_rtx.add(sequence)
            return
        if kind & 0x7F != self.pt:
            self.counters["foreign"] += 1
            return
        self.ssrc = ssrc
        sequence = self._extended(number)
        if not self.keep:
            self._have(sequence, kind, stamp, b"")
            return
        try:
            plain = self.dtls._rx_srtp.unprotect(data)
        except pylibsrtp.Error:
            self.counters["undecipherable"] += 1
            return
        at = 12  # bytes of header
        if plain[0] & 0x10:
            self.delays.append(plain[12:20])
            at += 4 + 4 * struct.unpack_from("!H", plain, 14)[0]
        self._have(sequence, kind, stamp, plain[at:])

    def _extended(self, number: int) -> int:
        if self.highest < 0:
            return number + 65536
        return self.highest + ((number - self.highest + 32768) & 0xFFFF) - 32768

    def _have(self, sequence: int, kind: int, stamp: int, payload: bytes) -> None:
        self.came.set()
        if self.highest < 0:
            self.first = self.highest = sequence
        elif sequence > self.highest:
            now = time.monotonic()
            lost = range(self.highest + 1, sequence)
            if lost:
                self.counters["gaps"] += len(lost)
                self.missing |= dict.fromkeys(lost, now)
                if self.nack:
                    self._nack(list(lost)[:500])
            self.highest = sequence
        elif self.missing.pop(sequence, None) is None:
            self.counters["double"] += 1
            return
        else:
            self.counters["repaired"] += 1
        self.counters["packets"] += 1
        if self.keep:
            self.payloads[sequence] = payload
            self.stamps[sequence] = (stamp, bool(kind & 0x80))

    # -- RTCP

    def _rtcp(self, data: bytes) -> None:
        if not self.connected.is_set():
            return
        with contextlib.suppress(pylibsrtp.Error, ValueError):
            for packet in RtcpPacket.parse(self.dtls._rx_srtp.unprotect_rtcp(data)):
                self.counters[type(packet).__name__] += 1
                if isinstance(packet, RtcpSrPacket):
                    self.reports.append(packet)
                    self._last_sr, self._last_sr_at = packet.sender_info.ntp_timestamp >> 16 & 0xFFFFFFFF, time.monotonic()

    def say(self, packet) -> None:
        if self.connected.is_set():
            self._out(self.dtls._tx_srtp.protect_rtcp(bytes(packet)))

    def _nack(self, lost: list[int]) -> None:
        self.counters["nacks"] += 1
        self.say(RtcpRtpfbPacket(fmt=1, ssrc=7, media_ssrc=self.ssrc, lost=[n & 0xFFFF for n in lost]))

    def pli(self) -> None:
        self.say(RtcpPsfbPacket(fmt=1, ssrc=7, media_ssrc=self.ssrc))

    def _report(self) -> None:
        if self.highest < 0:
            return
        now = time.monotonic()
        self.missing = {n: since for n, since in self.missing.items() if now - since <= 5}
        expected, got = self.highest - self.first + 1, self.counters["packets"]
        (span, had), self._before = (expected - self._before[0], got - self._before[1]), (expected, got)
        share = max(0, min(255, int(256 * (span - had) / span))) if span > 0 else 0
        self.say(RtcpRrPacket(ssrc=7, reports=[RtcpReceiverInfo(
            ssrc=self.ssrc, fraction_lost=share, packets_lost=max(0, expected - got), highest_sequence=self.highest & 0xFFFFFFFF,
            jitter=0, lsr=self._last_sr, dlsr=int((now - self._last_sr_at) * 65536) & 0xFFFFFFFF if self._last_sr else 0)]))  # fmt: skip

    # -- what came

    def pictures(self) -> list[tuple[int, list[bytes]]]:
        """(timestamp, NAL units) of each picture all of whose packets came, in order."""
        return together([(n, self.payloads[n], *self.stamps[n]) for n in sorted(self.payloads)])

    async def until(self, true, seconds: float = 10.0) -> None:
        async with asyncio.timeout(seconds):
            while not true(self):
                self.came.clear()
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self.came.wait(), 0.2)

    async def close(self, goodbye: bool = True) -> None:
        for task in self._tasks:
            task.cancel()
        if goodbye and hasattr(self, "dtls"):
            await self.dtls.stop()
        elif hasattr(self, "dtls") and self.dtls._task:
            self.dtls._task.cancel()
        self.transport.close()
