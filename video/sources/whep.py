"""`whep://host/path` (over http), `wheps://`, `webrtc+http(s)://`: pictures of another WebRTC server, taken in as a player.

A token goes into the address: `wheps://:token@host/path`. aiortc does ICE and DTLS; its receiver would decode every picture, so
packets are taken where they leave the transport, put in order, asked for again when missing, and passed on as they came.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
from typing import Any
from urllib.parse import unquote, urlsplit

from hall.core.clock import monotonic
from video.bitstream import Pictures
from video.fetch import Fetch, joined, read
from video.media import Intake, SourceFailed, SourceKind, SourceRequest
from video.rtsp.sdp import choose
from video.sources.reordering import Reordering

CONNECT, FIRST_PICTURE, SILENCE = 6.0, 8.0, 5.0  # seconds
_SCHEMES = {"whep": "http", "wheps": "https", "webrtc+http": "http", "webrtc+https": "https"}
_MOST_ANSWER = 256 * 1024
_ASK_AGAIN, _REPORT = 0.5, 1.0
_LEVEL = re.compile(r"profile-level-id=[0-9a-fA-F]{6}")


class WhepSource:
    """One session with a server."""

    def __init__(self, request: SourceRequest) -> None:
        self._request = request

    async def run(self, intake: Intake) -> None:
        """See video.media.Source."""
        from aiortc import RTCConfiguration, RTCPeerConnection

        scheme, _, rest = self._request.url.partition("://")
        fetch = Fetch(f"{_SCHEMES[scheme.lower()]}://{rest}", self._request.guard)
        peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))  # nobody outside is asked where we are
        session = ""
        try:
            async with asyncio.timeout(CONNECT):
                session, receiving = await self._join(peer, fetch, intake)
            await receiving.run()
        except TimeoutError:
            raise SourceFailed("unreachable", "the server's WebRTC does not connect") from None
        finally:
            with contextlib.suppress(SourceFailed, TimeoutError):
                async with asyncio.timeout(1.0):
                    if session:
                        async with fetch.open(session, "DELETE", headers=self._bearer()):
                            pass
            await asyncio.gather(peer.close(), fetch.close(), return_exceptions=True)

    async def _join(self, peer: Any, fetch: Fetch, intake: Intake) -> tuple[str, _Receiving]:
        from aiortc import RTCRtpReceiver, RTCSessionDescription

        line = peer.addTransceiver("video", direction="recvonly")
        known = RTCRtpReceiver.getCapabilities("video").codecs
        # without a stream of their own for repeated packets (RTX) they come again as they were
        line.setCodecPreferences([codec for codec in known if codec.mimeType == "video/H264"])
        await peer.setLocalDescription(await peer.createOffer())
        offer = peer.localDescription.sdp
        headers = {"content-type": "application/sdp", "accept": "application/sdp"} | self._bearer()
        async with fetch.open(method="POST", content=offer.encode(), headers=headers) as answer:
            if answer.status_code not in (200, 201):
                raise SourceFailed("garbled", f"the server answers {answer.status_code} to an offer")
            text = (await read(answer, _MOST_ANSWER)).decode("utf-8", "replace")
            place = answer.headers.get("location", "")
            session = joined(str(answer.url), place) if place else ""
        video = choose(text.encode())
        if video.family != "h264":
            raise SourceFailed("codec", "the server does not send H.264", lasting=True)
        try:
            await peer.setRemoteDescription(RTCSessionDescription(_fitted(text, offer, self._passes), "answer"))
        except Exception as error:  # aiortc raises what it likes for an SDP it cannot read
            raise SourceFailed("garbled", f"the server's answer cannot be used: {type(error).__name__}") from None
        receiving = _Receiving(peer, line.receiver.transport, video.payload_type, video.sets, intake)
        await receiving.connected()
        return session, receiving

    def _bearer(self) -> dict[str, str]:
        parts = urlsplit(self._request.url)
        return {"authorization": f"Bearer {unquote(parts.password)}"} if parts.password and not parts.username else {}

    def _passes(self, address: str, port: int) -> bool:
        """Whether the guard lets us send to an address that the server names; names are not looked up."""
        if self._request.guard is None:
            return True
        try:
            self._request.guard.check(address, port)
        except SourceFailed:
            return False
        return True


def _fitted(answer: str, offer: str, passes: Any) -> str:
    """The answer as aiortc takes it: with the profile that was offered (it wants exactly that one; nothing is decoded here, so
    any will do), without candidates that may not be reached."""
    offered = dict(re.findall(r"^a=fmtp:(\d+) .*?profile-level-id=([0-9a-fA-F]{6})", offer, re.M))
    rows = []
    for row in answer.splitlines():
        if row.startswith("a=candidate:"):
            parts = row.split()
            if len(parts) < 6 or not parts[5].isdigit() or not passes(parts[4], int(parts[5])):
                continue
        if (told := re.match(r"a=fmtp:(\d+) ", row)) and told[1] in offered:
            row = _LEVEL.sub(f"profile-level-id={offered[told[1]]}", row)
        rows.append(row)
    return "\r\n".join(rows) + "\r\n"


class _Watched:
    """The intake, with an eye on when pictures come and when one is broken."""

    def __init__(self, intake: Intake) -> None:
        self._intake, self.broken = intake, True
        self.at: float | None = None

    def begin(self, info: Any) -> None:
        self._intake.begin(info)

    def picture(self, key: bool, pts: int, **more: Any) -> None:
        self.at, self.broken = monotonic(), self.broken and not key
        self._intake.picture(key, pts, **more)

    def damaged(self, why: str) -> None:
        self.broken = True
        self._intake.damaged(why)


class _Receiving:
    """Packets of one connection into pictures; and what a player owes the server: reports, NACK, PLI."""

    def __init__(self, peer: Any, transport: Any, kind: int, sets: tuple[bytes, ...], intake: Intake) -> None:
        self._peer, self._transport, self._kind = peer, transport, kind
        self._watched = _Watched(intake)
        self._pictures = Pictures("h264", self._watched, kind=kind, sets=sets)
        self._order = Reordering(self._packet)
        self._failed: SourceFailed | None = None
        transport._handle_rtp_data = self._taken
        self._ssrc = 0

    async def connected(self) -> None:
        """Until ICE and DTLS stand; raises SourceFailed."""
        while self._peer.connectionState != "connected":
            if self._peer.connectionState in ("failed", "closed"):
                raise SourceFailed("unreachable", "the server's WebRTC cannot be reached")
            await asyncio.sleep(0.02)

    async def _taken(self, data: bytes, arrival_time_ms: int) -> None:
        if len(data) > 12 and data[1] & 127 == self._kind:
            self._ssrc = int.from_bytes(data[8:12], "big")
            self._order.take(data, monotonic())

    def _packet(self, data: bytes) -> None:
        try:
            self._pictures.packet(data, 0, len(data))
        except SourceFailed as failed:
            self._failed = failed

    async def run(self) -> None:
        """Until the server ends it; raises SourceFailed."""
        begun = monotonic()
        asked = reported = begun - _REPORT
        while self._failed is None:
            await asyncio.sleep(0.02)
            now = monotonic()
            self._judge(now, begun)
            if missing := self._order.look(now):
                await self._nack(missing)
            if self._watched.broken and self._ssrc and now - asked >= _ASK_AGAIN:
                asked = now
                await self._pli()
            if now - reported >= _REPORT and self._ssrc:
                reported = now
                await self._report()
        raise self._failed

    def _judge(self, now: float, begun: float) -> None:
        if self._peer.connectionState in ("failed", "closed", "disconnected"):
            raise SourceFailed("gone", "the server ended the connection")
        due = begun + FIRST_PICTURE if self._watched.at is None else self._watched.at + SILENCE
        if now > due:
            trouble = f": {self._pictures.trouble}" if self._pictures.trouble else ""
            raise SourceFailed("silent", f"no picture came{trouble}")

    async def _nack(self, missing: list[int]) -> None:
        from aiortc.rtp import RTCP_RTPFB_NACK, RtcpRtpfbPacket

        await self._send(RtcpRtpfbPacket(fmt=RTCP_RTPFB_NACK, ssrc=1, media_ssrc=self._ssrc, lost=missing))

    async def _pli(self) -> None:
        from aiortc.rtp import RTCP_PSFB_PLI, RtcpPsfbPacket

        await self._send(RtcpPsfbPacket(fmt=RTCP_PSFB_PLI, ssrc=1, media_ssrc=self._ssrc))

    async def _report(self) -> None:
        from aiortc.rtp import RtcpReceiverInfo, RtcpRrPacket

        fraction, lost, highest = self._order.report()
        told = RtcpReceiverInfo(self._ssrc, fraction, lost, highest, 0, 0, 0)
        await self._send(RtcpRrPacket(ssrc=1, reports=[told]))

    async def _send(self, packet: Any) -> None:
        with contextlib.suppress(ConnectionError, OSError):
            await self._transport._send_rtp(bytes(packet))


SOURCE = SourceKind(name="whep", schemes=tuple(_SCHEMES), open=WhepSource)
