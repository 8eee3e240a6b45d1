"""One player's connection: who it is (ICE), its keys (DTLS-SRTP, by aiortc), what it reports (RTCP), if it is there."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
from collections.abc import Callable
from typing import Any

import pylibsrtp
from aiortc.rtcdtlstransport import SRTP_PROFILES, RTCCertificate, RTCDtlsParameters, RTCDtlsTransport
from aiortc.rtp import RtcpPacket
from OpenSSL import SSL

from hall.core.clock import monotonic
from video.egress.webrtc_packets import Sending
from video.egress.webrtc_port import Port
from video.egress.webrtc_sdp import Choice

log = logging.getLogger("hall.relay.webrtc")

WAITING_RECORDS = 64  # DTLS records not yet looked at; more are dropped, DTLS sends again
_ORDER = (b"SRTP_AEAD_AES_128_GCM", b"SRTP_AES128_CM_SHA1_80", b"SRTP_AEAD_AES_256_GCM")  # the cheapest first
_PROFILES = sorted(SRTP_PROFILES, key=lambda profile: _ORDER.index(profile.openssl_profile))
_TAG = {b"SRTP_AES128_CM_SHA1_80": 10}  # bytes SRTP adds to a packet; GCM: 16
_ICE_CHARACTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"


class Certificate(RTCCertificate):
    """The relay's own, self-signed: players know it by its fingerprint. One OpenSSL context serves all connections."""

    _context: SSL.Context | None = None

    def _create_ssl_context(self, srtp_profiles: list[Any]) -> SSL.Context:
        if self._context is None:
            self._context = super()._create_ssl_context(srtp_profiles)
            self._context.set_session_cache_mode(SSL.SESS_CACHE_OFF)  # nobody resumes; sessions would be kept
        return self._context


def _word(length: int) -> str:
    return "".join(secrets.choice(_ICE_CHARACTERS) for _ in range(length))


class _Records:
    """What aiortc's DTLS takes for its ICE transport: datagrams in and out of our port."""

    role = "controlled"

    def __init__(self, peer: Peer) -> None:
        self._peer = peer
        self._queue: asyncio.Queue[bytes | None] = asyncio.Queue(WAITING_RECORDS)

    def put(self, data: bytes | None) -> None:
        with contextlib.suppress(asyncio.QueueFull):
            self._queue.put_nowait(data)

    async def _recv(self) -> bytes:
        data = None if self._peer.closed else await self._queue.get()
        if data is None or self._peer.closed:
            raise ConnectionError("the connection is closed")
        return data

    async def _send(self, data: bytes) -> None:
        self._peer.send(data)


class Peer:
    """A connection that a player opens to us. `connected()` is called once when pictures may be sent, `reported(packets)`
    with each RTCP compound, `left(reason)` once when the player goes or DTLS fails, `moved(sending)`
    when it is reached elsewhere."""

    def __init__(
        self,
        port: Port,
        certificate: RTCCertificate,
        choice: Choice,
        connected: Callable[[], None],
        reported: Callable[[list[Any]], None],
        left: Callable[[str], None],
        moved: Callable[[Sending], None],
    ) -> None:
        self.port, self.choice = port, choice
        self.ufrag, self._password = _word(8), _word(24)
        self.password = self._password.encode()
        self.heard = monotonic()  # when the player last proved to be there
        self.closed = False
        self.sending: Sending | None = None  # how pictures go, once keys are there
        self.tag = 16
        self._connected, self._reported, self._left, self._moved = connected, reported, left, moved
        self._path: tuple[Any, Any] | None = None
        self._records = _Records(self)
        self._dtls = RTCDtlsTransport(self._records, [certificate])  # type: ignore[arg-type]
        self._dtls._srtp_profiles = _PROFILES
        self._task: asyncio.Task[None] | None = None
        port.add(self)

    @property
    def secret(self) -> str:
        """The ICE password, for the answer."""
        return self._password

    @property
    def address(self) -> str:
        return f"{self._path[1][0]}:{self._path[1][1]}" if self._path else ""

    def reached(self, sock: Any, address: Any, chosen: bool) -> None:
        self.heard = monotonic()
        if self.closed or (self._path is not None and (not chosen or self._path == (sock, address))):
            return
        self._path = (sock, address)
        if self.sending is not None:  # the player moved: another network, another address
            self.sending = Sending(self.port, sock, address, self.sending.srtp)
            self._moved(self.sending)
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._open())

    def received(self, data: bytes) -> None:
        if 19 < data[0] < 64:
            self._records.put(data)
        elif 127 < data[0] < 192 and self.sending is not None and len(data) > 1 and 192 <= data[1] <= 223:
            self._rtcp(data)

    def send(self, data: bytes) -> None:
        if self._path is not None:
            self.port.send(self._path[0], data, self._path[1])

    def report(self, packet: bytes) -> None:
        """An RTCP compound to the player."""
        if self.sending is not None and not self.closed:
            self.send(self._dtls._tx_srtp.protect_rtcp(packet))

    def _rtcp(self, data: bytes) -> None:
        try:
            packets = RtcpPacket.parse(self._dtls._rx_srtp.unprotect_rtcp(data))
        except (pylibsrtp.Error, ValueError):  # not from this player, or garbled
            return
        self.heard = monotonic()
        self._reported(packets)

    async def _open(self) -> None:
        """The DTLS handshake; aiortc goes on to read records by itself, which tells us of the player's closing."""
        self._dtls._set_role("client" if self.choice.active else "server")
        try:
            await self._dtls.start(RTCDtlsParameters(fingerprints=list(self.choice.fingerprints)))
        except Exception as error:  # OpenSSL's errors are many; whichever it is, this player does not get in
            log.info("a player's DTLS failed: %r", error)
        if self.closed:
            return
        if self._dtls.state != "connected" or self._path is None:
            self._left("dtls-failed")
            return
        self.tag = _TAG.get(self._dtls._ssl.get_selected_srtp_profile(), 16)
        self.sending = Sending(self.port, *self._path, self._dtls._tx_srtp._srtp[0])
        self._dtls.on("statechange", self._changed)
        self._connected()

    def _changed(self) -> None:
        if self._dtls.state == "closed" and not self.closed:
            self._left("player-left")

    async def close(self) -> None:
        """Says goodbye and forgets the player; safe to call again."""
        if self.closed:
            return
        with contextlib.suppress(Exception):  # leaving must succeed whatever state OpenSSL is in
            await self._dtls.stop()
        self.closed, self.sending = True, None
        self._records.put(None)
        self.port.remove(self)
        if self._task is not None and self._task is not asyncio.current_task():
            self._task.cancel()
        # the rest is a ring of references that waits for the collector; OpenSSL's and libsrtp's memory shall not
        self._dtls.remove_all_listeners()
        self._dtls._ssl = self._dtls._tx_srtp = self._dtls._rx_srtp = None
