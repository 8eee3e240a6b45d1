"""All WebRTC viewers of this relay: who may join, what each watches, when one is gone."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
from typing import Any

from hall.core.clock import monotonic, real_ms
from hall.core.errors import BusLost, HallError, Refused
from hall.core.process import Process
from hall.core.tickets import Ticket
from video.egress import webrtc_sdp as sdp
from video.egress.webrtc_packets import Wires
from video.egress.webrtc_peer import Certificate, Peer
from video.egress.webrtc_port import Port, hosts_of
from video.egress.webrtc_session import Session
from video.egress.webrtc_viewer import Pacer, Viewer
from video.media import QUALITIES, StreamInfo
from video.relay.sessions import ended

log = logging.getLogger("hall.relay.webrtc")

LARGEST = 2_000  # viewers of one relay
PER_VIEW = 128  # of one ticket's view: one page
CONNECT_SECONDS = 15.0  # from the answer to open keys
GONE_SECONDS = 10.0  # without a check or a report: players check every few seconds (RFC 7675)
INFO_SECONDS = 2.0  # how long an answer waits to know the stream; after that it supposes H.264
REPORT_SECONDS = 2.0
SESSION_CHECK_SECONDS = 10.0  # between looks whether the person is still signed in


def _first_free(hosts: list[str], numbers: range, announced: list[str]) -> Port:
    """The port of the first number that can be had; raises HallError when none can."""
    for number in numbers[:-1]:
        with contextlib.suppress(HallError):
            return Port(hosts, number, announced)
    return Port(hosts, numbers[-1], announced)


#: what the hub makes of pictures that WebRTC does not show as the camera sends them
_CONVERTED = StreamInfo(family="h264", codec="avc1.42e01f")


class Sessions:
    """Every WebRTC viewer of this process; `counters` are kept for the whole of its life."""

    def __init__(self, hub: Any, process: Process) -> None:
        """Binds the UDP port; raises HallError when that cannot be had."""
        self.hub, self.process = hub, process
        settings, video = process.settings, process.config.video
        first, last = video.webrtc_ports or (settings.pictures_port, settings.pictures_port)
        self.port = _first_free(hosts_of(settings.host), range(first, last + 1), video.webrtc_addresses)
        self.delay: tuple[int, int] = video.playout_delay_ms
        self.certificate = Certificate.generateCertificate()
        self.sessions: dict[str, Session] = {}
        self.counters = dict.fromkeys(("webrtc_joined", "webrtc_refused", "webrtc_gone", "webrtc_never_connected"), 0)
        self.ended: dict[str, dict[str, Any]] = {}  # the newest ends, so that a page can be told why
        self.known = asyncio.Event()  # something was heard of some stream
        self._ssrc = secrets.randbelow(1 << 30) * 2 + 2  # one for all: each viewer has keys of its own
        self._wires: dict[int, tuple[Any, Wires]] = {}
        self._pacer = Pacer()

    def wires(self, track: Any) -> Wires:
        """The layouts shared by viewers of this track."""
        found = self._wires.get(id(track))
        if found is None or found[0] is not track:
            found = self._wires[id(track)] = (track, Wires(self._ssrc))
        return found[1]

    def watch(self, session: Session, quality: str, plain: bool) -> Any:
        """The hub's track. The one before is left only when the new one is there, so that no source stops in between."""
        track = self.hub.watch(session.subject, quality, session, plain=plain)
        if session.track is not None and session.track is not track:
            self._leave(session.track, session)
        return track

    def _leave(self, track: Any, sink: Session) -> None:
        self.hub.leave(track, sink)
        if not any(other.track is track and other is not sink for other in self.sessions.values()):
            self._wires.pop(id(track), None)

    # -- joining

    async def join(self, ticket: Ticket, subject: str, quality: str, text: str) -> tuple[Session, str]:
        """A new viewer and the answer to its offer; raises Refused."""
        try:
            if quality not in QUALITIES:
                raise Refused("quality-bad", f"quality: one of {', '.join(QUALITIES)}", 400)
            subject = self.hub.mosaics.granted(subject, ticket.channels)
            offer = sdp.read(text)
            sdp.choose(offer, None)  # what no stream could be shown to needs no camera
            self._bounded(ticket)
            session = Session(self, ticket, subject, quality)
            self.sessions[session.id] = session
            try:
                return session, await self._begin(session, offer)
            except BaseException:
                await self.end(session, "refused")
                raise
        except Refused:
            self.counters["webrtc_refused"] += 1
            raise

    def _bounded(self, ticket: Ticket) -> None:
        if len(self.sessions) >= LARGEST:
            raise Refused("full", f"this relay serves {LARGEST} WebRTC viewers already", 503)
        if sum(1 for other in self.sessions.values() if other.ticket.view == ticket.view) >= PER_VIEW:
            raise Refused("too-many", f"one page watches {PER_VIEW} channels at most", 429)

    async def _begin(self, session: Session, offer: Any) -> str:
        session.track = track = self.watch(session, session.quality, False)
        try:
            choice = sdp.choose(offer, await self._info(track))
        except Refused:
            choice = sdp.choose(offer, _CONVERTED)
            session.plain = True
            session.track = track = self.watch(session, session.quality, True)
        viewer = Viewer(choice, self._ssrc, self._pacer, self.delay, session)
        peer = Peer(self.port, self.certificate, choice, session.connected, viewer.reported, session.ended, viewer.moved)
        session.viewer, session.peer = viewer, peer
        viewer.follow(self.wires(track), lambda: track.gop)
        self.counters["webrtc_joined"] += 1
        prints = {print_.algorithm: print_.value for print_ in self.certificate.getFingerprints()}
        return sdp.answer(
            offer, choice, session=secrets.randbits(62), ssrc=self._ssrc, ufrag=peer.ufrag, password=peer.secret,
            fingerprint=prints["sha-256"], candidates=self.port.candidates,
        )  # fmt: skip

    async def _info(self, track: Any) -> StreamInfo | None:
        """What the track is, waited for a moment: a camera that just starts says so soon."""
        deadline = monotonic() + INFO_SECONDS
        while track.info is None and track.state.state not in ("failed", "waiting"):
            self.known.clear()
            left = deadline - monotonic()
            if left <= 0:
                break
            try:
                async with asyncio.timeout(left):
                    await self.known.wait()
            except TimeoutError:
                break
        return track.info

    # -- leaving

    async def end(self, session: Session, reason: str, detail: str = "") -> None:
        """Ends a viewer; safe to call again."""
        if session.closed:
            return
        session.closed = True
        self.sessions.pop(session.id, None)
        self.ended[session.id] = {"reason": reason, "detail": detail, "ended": real_ms(), "person": session.ticket.person}
        while len(self.ended) > LARGEST:
            del self.ended[next(iter(self.ended))]
        if session.track is not None:
            self._leave(session.track, session)
        session.record(self.hub)
        if session.peer is not None:
            if session.viewer is not None:
                session.peer.report(session.viewer.farewell())
                session.viewer.moved(None)
            await session.peer.close()

    async def keep(self) -> None:
        """Reports to players, and sees who is gone; runs as long as the process."""
        turn = 0
        while True:
            await asyncio.sleep(REPORT_SECONDS)
            turn += 1
            now = monotonic()
            for session in list(self.sessions.values()):
                await self._look_at(session, now)
            if turn % int(SESSION_CHECK_SECONDS / REPORT_SECONDS) == 0:
                await self._check_sign_ins()
            self.process.counters.update(self.shown())

    async def _look_at(self, session: Session, now: float) -> None:
        peer, viewer = session.peer, session.viewer
        if peer is None or viewer is None:
            return
        if peer.sending is None and now - session.started_at > CONNECT_SECONDS:
            self.counters["webrtc_never_connected"] += 1
            await self.end(session, "never-connected", "the player did not connect; is UDP to the relay open?")
        elif peer.sending is not None and now - peer.heard > GONE_SECONDS:
            self.counters["webrtc_gone"] += 1
            await self.end(session, "gone", f"nothing was heard of the player for {GONE_SECONDS:.0f} s")
        elif peer.sending is not None:
            peer.report(viewer.report())
            if viewer.budget.quiet(now):
                session.changed(viewer.budget.level)

    async def _check_sign_ins(self) -> None:
        """Who signed out watches no more; while the bus is away everybody stays."""
        try:
            gone = await ended(self.process.bus, {s.ticket.session for s in self.sessions.values() if s.ticket.session})
        except BusLost:
            return
        for session in [s for s in self.sessions.values() if s.ticket.session in gone]:
            await self.end(session, "signed-out", "the sign-in that this was watched under has ended")

    def shown(self) -> dict[str, float]:
        """Counters for the process's beat."""
        sums = dict.fromkeys(("resent", "key_requests", "unsent"), 0)
        for session in self.sessions.values():
            if session.viewer is not None:
                found = session.viewer.shown()
                for name in sums:
                    sums[name] += found[name]
        port = {f"webrtc_{name}": value for name, value in self.port.counters.items()}
        return {"webrtc_viewers": len(self.sessions), **self.counters, **port, **{f"webrtc_{k}": v for k, v in sums.items()}}

    async def close(self) -> None:
        for session in list(self.sessions.values()):
            await self.end(session, "closing", "the relay ends; join again")
        self.port.close(asyncio.get_running_loop())
