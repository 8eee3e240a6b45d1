"""One WebRTC viewer of the relay: its connection, its place in a stream, what it was allowed."""

from __future__ import annotations

import asyncio
import logging
import secrets
from typing import TYPE_CHECKING, Any

from hall.core.clock import monotonic, real_ms
from hall.core.errors import HallError
from hall.core.tickets import Ticket
from video.egress.webrtc_peer import Peer
from video.egress.webrtc_viewer import Viewer
from video.media import StreamInfo

if TYPE_CHECKING:
    from video.egress.webrtc_sessions import Sessions

log = logging.getLogger("hall.relay.webrtc")


class Session:
    """A Sink of the hub that lives as long as its player is there."""

    def __init__(self, sessions: Sessions, ticket: Ticket, subject: str, quality: str) -> None:
        self.id = secrets.token_urlsafe(18)
        self.ticket, self.subject, self.quality = ticket, subject, quality
        self.asked = quality  # the quality it goes back to
        self.plain = False  # its pictures are converted to what WebRTC shows, where they need it
        self.started, self.started_at = real_ms(), monotonic()
        self.closed = False
        self.track: Any = None
        self.viewer: Viewer | None = None
        self.peer: Peer | None = None
        self._sessions = sessions

    # -- Sink of the hub: passes on to the viewer, which has none before the offer is understood

    def begin(self, info: StreamInfo) -> None:
        self._sessions.known.set()
        if self.viewer is not None:
            self.viewer.begin(info)

    def take(self, unit: Any) -> None:
        if self.viewer is not None:
            self.viewer.take(unit)

    def tell(self, state: Any) -> None:
        self._sessions.known.set()
        if self.viewer is not None:
            self.viewer.tell(state)

    # -- what happens to it

    def connected(self) -> None:
        peer, viewer = self.peer, self.viewer
        if peer is None or viewer is None or peer.sending is None or self.closed:
            return
        viewer.start(peer.sending, peer.tag)

    def changed(self, level: str) -> None:
        """Fewer pictures or more: keys only is the viewer's own doing, the sub-stream another track."""
        self._go_to("sub" if level == "sub" else self.asked, self.plain)

    def unfit(self, reason: str, detail: str) -> None:
        """The stream has become one that this player cannot be shown: from now on converted."""
        if self.plain or self.peer is None or self.peer.choice.family != "h264":
            self.ended(reason, detail)
        else:
            self._go_to(self.quality, True)

    def _go_to(self, quality: str, plain: bool) -> None:
        if (quality, plain) != (self.quality, self.plain):
            # not from within a picture or a report on its way: with the next turn of the loop
            asyncio.get_running_loop().call_soon(self._change, quality, plain)

    def _change(self, quality: str, plain: bool) -> None:
        if self.closed or self.viewer is None or (quality, plain) == (self.quality, self.plain):
            return
        try:
            track = self._sessions.watch(self, quality, plain)
        except HallError as error:
            log.info("%s has no %s to go to: %s", self.subject, quality, error)
            return
        self.track, self.quality, self.plain = track, quality, plain
        self.viewer.follow(self._sessions.wires(track), lambda: track.gop)

    def ended(self, reason: str, detail: str = "") -> None:
        """May be called from within a send: the end itself comes with the next turn of the loop."""
        if not self.closed:
            self._sessions.process.spawn(self._sessions.end(self, reason, detail), "webrtc end")

    def record(self, hub: Any) -> None:
        """Leaves the line that says how long it was watched, where anything was."""
        watched = getattr(hub, "watched", None)
        if watched is not None and self.viewer is not None and self.viewer.counters["pictures"]:
            counters = self.viewer.counters
            # a player that is not ours does not say what it showed: what was sent stands for it
            sent = counters["pictures"]
            facts = {"kind": "webrtc", "shown": sent, "pictures": sent, "bytes": counters["octets"]}
            watched.ended(self.ticket.view, self.subject, self.started, real_ms(), **facts)

    def shown(self) -> dict[str, Any]:
        """Its state, for its page and for people who look for a fault."""
        viewer, peer = self.viewer, self.peer
        found: dict[str, Any] = {"id": self.id, "subject": self.subject, "quality": self.quality, "started": self.started}
        found["converted"] = self.track.info.converted if self.track is not None and self.track.info is not None else ""
        if viewer is not None and peer is not None:
            state = viewer.state or (self.track.state if self.track is not None else None)
            found |= {
                "connected": peer.sending is not None, "address": peer.address,
                "state": getattr(state, "state", ""), "reason": getattr(state, "reason", ""), **viewer.shown(),
            }  # fmt: skip
        return found
