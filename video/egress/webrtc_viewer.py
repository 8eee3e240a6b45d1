"""One viewer over WebRTC: which pictures go to it, under which numbers, and what its reports lead to."""

from __future__ import annotations

import asyncio
import secrets
import struct
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from aiortc.rtp import RTCP_PSFB_FIR, RTCP_PSFB_PLI, RTCP_RTPFB_NACK, RtcpByePacket, RtcpPsfbPacket, RtcpRtpfbPacket

from hall.core.clock import monotonic, real_ms
from hall.core.errors import Refused
from video.egress.webrtc_budget import Budget, Smoothing
from video.egress.webrtc_history import History
from video.egress.webrtc_packets import Sending, Shape, Wires, playout_delay
from video.egress.webrtc_sdp import Choice, check
from video.media import CLOCK_RATE, AccessUnit, StreamInfo, TrackState

BURST_TICK = 0.002  # seconds
BURST_BYTES = 16 * 1024  # per viewer and tick: 64 Mbit/s
BURST_TOTAL = 128 * 1024  # of all viewers per tick
LONGEST_BURST = 1_500  # pictures waiting; a viewer further behind waits for the next key picture
JUDGED, JUDGED_SECONDS = 50, 1.0  # packets and time that a share of lost ones is taken over
SETTLING_SECONDS = 3.0  # after a burst its squeezed timestamps look like jitter
LONGEST_RTT_MS = 60_000.0
REPLAY_SECONDS = (0.5, 4.0)  # a player that asks for key pictures again and again gets what is kept after longer and longer
_NTP = 2_208_988_800  # seconds from 1900 to 1970
_SDES = struct.pack("!BBH", 0x81, 202, 3)


class Pacer:
    """Brings what is kept to viewers that just came, a little at a time: sent at once it overruns their socket buffers."""

    def __init__(self) -> None:
        self._viewers: list[Viewer] = []
        self._timer: asyncio.TimerHandle | None = None

    def add(self, viewer: Viewer) -> None:
        if viewer not in self._viewers and not viewer.pump(BURST_BYTES):
            self._viewers.append(viewer)
            self._again()

    def _again(self) -> None:
        if self._timer is None and self._viewers:
            self._timer = asyncio.get_running_loop().call_later(BURST_TICK, self._tick)

    def _tick(self) -> None:
        self._timer = None
        share = min(BURST_BYTES, BURST_TOTAL // len(self._viewers))
        self._viewers = [viewer for viewer in self._viewers if not viewer.pump(share)]
        self._again()


class Owner(Protocol):
    """Who keeps a viewer; all may be called from within a picture or a report."""

    def changed(self, level: str) -> None:
        """This viewer should get fewer pictures, or more (`webrtc_budget.LEVELS`)."""

    def unfit(self, reason: str, detail: str) -> None:
        """The stream has become one that this player cannot be shown."""

    def ended(self, reason: str, detail: str = "") -> None:
        """Nothing more can be sent, or the player left."""


class Viewer:
    """Takes one track's pictures."""

    def __init__(self, choice: Choice, ssrc: int, pacer: Pacer, delay: tuple[int, int], owner: Owner) -> None:
        self.choice, self.ssrc = choice, ssrc
        self.smoothing = Smoothing(*delay)
        self.state: TrackState | None = None
        self.budget = Budget(monotonic())
        self.counters = dict.fromkeys(
            ("pictures", "packets", "octets", "resent", "not_resent", "key_requests", "skipped", "unsent"), 0
        )
        self.loss, self.rtt_ms, self.jitter_ms = 0.0, None, 0.0
        self._pacer, self._owner = pacer, owner
        self._to: Sending | None = None
        self._shape = self._key_shape = Shape(choice.payload_type, b"", 0)
        self._wires: Wires | None = None
        self._gop: Callable[[], Sequence[AccessUnit]] = list
        self._burst: deque[tuple[AccessUnit, int | None]] = deque()
        self._need_key = True
        self._next = secrets.randbelow(
            1 << 14
        )  # low: SRTP's count of rollovers starts the same on both sides (RFC 3711, 3.3.1)
        self._offset: int | None = secrets.randbelow(1 << 31)  # of our timestamps to the track's; None: find one that goes on
        self._last, self._last_at, self._last_captured = 0, 0.0, 0.0
        self._history = History(choice, ssrc)
        self._replayed_at, self._replay_pause = 0.0, REPLAY_SECONDS[0]
        self._judged = (0.0, 0, 0)  # when loss was last weighed; highest number and packets lost by then

    # -- which track

    def follow(self, wires: Wires, gop: Callable[[], Sequence[AccessUnit]]) -> None:
        """From now on pictures come from another track; `gop()` gives what it keeps."""
        self._wires, self._gop = wires, gop
        self._burst.clear()
        self._need_key = True
        if self._last:
            self._offset = None
        if self._to is not None:
            self._replay()

    def start(self, to: Sending, tag: int) -> None:
        """The way is open: what is kept goes out at once. `tag`: bytes its cipher adds to a packet."""
        self._shape = Shape(self.choice.payload_type, b"", tag)
        self._ask_for_delay()
        self._to = to
        self._replay()

    def _ask_for_delay(self) -> None:
        """Key pictures carry how long the player is to hold pictures back; it keeps to the last it heard."""
        extension = playout_delay(self.choice.playout_id, *self.smoothing.asked)
        self._key_shape = Shape(self.choice.payload_type, extension, self._shape.tag)

    def moved(self, to: Sending | None) -> None:
        """The player is reached elsewhere, or no more."""
        self._to = to
        if to is None:
            self._burst.clear()

    # -- Sink

    def begin(self, info: StreamInfo) -> None:
        self._burst.clear()
        self._need_key = True
        try:
            check(info, self.choice.family)
        except Refused as refused:
            self._owner.unfit(refused.reason, refused.detail)

    def take(self, unit: AccessUnit) -> None:
        if self._to is None:
            return
        if self._need_key and not unit.key or self.budget.level == "keys" and not unit.key:
            self.counters["skipped"] += 1
            self._need_key = True  # what was skipped is missing to all that follows
        elif self._burst:
            self._burst.append((unit, None))
            if len(self._burst) > LONGEST_BURST:
                self._burst.clear()
                self._need_key = True
        else:
            self._put(unit, None)

    def tell(self, state: TrackState) -> None:
        self.state = state

    def shown(self) -> dict[str, Any]:
        """How it does, for people who look for a fault. `rtp` and `captured` belong together: the newest picture's timestamp as
        this player gets it and the real ms at which it was taken, None before the first."""
        sent = self.counters["pictures"] > 0
        return {
            "rtp": self._last & 0xFFFFFFFF if sent else None, "captured": self._last_captured if sent else None,
            "level": self.budget.level, "why": self.budget.why, "delay_ms": self.smoothing.asked[0],
            "loss": round(self.loss, 4), "jitter_ms": round(self.jitter_ms, 2),
            "rtt_ms": None if self.rtt_ms is None else round(self.rtt_ms, 2),
            **self.counters, "resent": self._history.resent, "not_resent": self._history.refused,
        }  # fmt: skip

    # -- sending

    def _replay(self) -> None:
        """All since the last key picture, in steps of at most 1 ms that end before the next picture's time: the player
        decodes them as fast as it can and shows the newest."""
        units = list(self._gop())
        if self.budget.level == "keys":
            units = units[:1]
        if not units or not units[0].key:
            self._need_key = True
            return
        frame = CLOCK_RATE / min(max(units[-1].info.fps or 25.0, 1.0), 120.0)
        step = max(1, min(CLOCK_RATE // 1000, int(frame * 0.8 / len(units))))
        start = max(self._time(units[-1]), self._last + 1)
        self._burst = deque((unit, start + step * index) for index, unit in enumerate(units))
        self._need_key = False
        self._replayed_at = monotonic()
        self._pacer.add(self)

    def pump(self, room: int) -> bool:
        """Sends up to about `room` bytes of what waits; True when nothing waits any more."""
        while self._burst and room > 0:
            unit, timestamp = self._burst.popleft()
            self._put(unit, timestamp)
            room -= unit.size
        return not self._burst

    def _time(self, unit: AccessUnit) -> int:
        if self._offset is None:  # another track: go on where the last one was, by the time that went by
            self._offset = self._last + int((monotonic() - self._last_at) * CLOCK_RATE) - unit.pts
        return unit.pts + self._offset

    def _put(self, unit: AccessUnit, timestamp: int | None) -> None:
        if self._to is None or self._wires is None:
            return
        self._need_key = False
        timestamp = max(self._time(unit) if timestamp is None else timestamp, self._last + 1)
        layout = self._wires.layout(unit, self._key_shape if unit.key else self._shape)
        now = monotonic()
        try:
            taken = layout.send(self._to, self._next, timestamp)
        except ValueError:
            self._owner.ended("keys-used-up", "this connection has sent as much as its keys allow; join again")
            return
        count = len(layout.packets)
        self._history.add(self._next, now, timestamp, layout.packets, layout.extension)
        self._next += count
        self._last, self._last_at, self._last_captured = timestamp, now, unit.captured
        counters = self.counters
        counters["pictures"] += 1
        counters["packets"] += count
        counters["octets"] += layout.size
        if not taken:
            counters["unsent"] += 1
            if self.budget.unsent(now):
                self._owner.changed(self.budget.level)

    # -- RTCP

    def report(self) -> bytes:
        """Sender report with our name (RFC 3550, 6.4.1): which of our timestamps is now."""
        now = real_ms()
        behind = min(max(now - self._last_captured, 0.0), 10_000.0)
        seconds, part = divmod(now, 1000)
        ntp = (seconds + _NTP) << 32 | part * (1 << 32) // 1000
        timestamp = int(self._last + behind * CLOCK_RATE / 1000) & 0xFFFFFFFF
        counters = self.counters
        head = struct.pack("!BBHI", 0x80, 200, 6, self.ssrc)
        body = struct.pack("!QIII", ntp, timestamp, counters["packets"] & 0xFFFFFFFF, counters["octets"] & 0xFFFFFFFF)
        return head + body + _SDES + struct.pack("!IBB4sH", self.ssrc, 1, 4, b"hall", 0)

    def farewell(self) -> bytes:
        """RTCP BYE, with the report that must stand before it."""
        return self.report() + struct.pack("!BBHI", 0x81, 203, 1, self.ssrc)

    def reported(self, found: Sequence[Any]) -> None:
        """An RTCP compound of the player."""
        for packet in found:
            if isinstance(packet, RtcpRtpfbPacket):
                if packet.fmt == RTCP_RTPFB_NACK and packet.media_ssrc == self.ssrc and self._to is not None:
                    self._history.resend(packet.lost, self._next, self._to, monotonic())
            elif isinstance(packet, RtcpPsfbPacket):
                if packet.fmt in (RTCP_PSFB_PLI, RTCP_PSFB_FIR):
                    self._key_wanted()
            elif isinstance(packet, RtcpByePacket):
                self._owner.ended("player-left", "")
            else:
                for report in getattr(packet, "reports", ()):
                    self._received(report)

    def _received(self, report: Any) -> None:
        if report.ssrc != self.ssrc:
            return
        self.loss, self.jitter_ms = report.fraction_lost / 256, report.jitter / (CLOCK_RATE / 1000)
        if report.lsr:
            now = real_ms()
            middle = (((now // 1000 + _NTP) & 0xFFFF) << 16) | (now % 1000) * 65536 // 1000
            took = ((middle - report.lsr - report.dlsr) & 0xFFFFFFFF) / 65.536
            if took < LONGEST_RTT_MS:  # below zero, by rounding, it wraps
                self.rtt_ms = took if self.rtt_ms is None else self.rtt_ms + (took - self.rtt_ms) * 0.3
        self._weigh(report, monotonic())

    def _weigh(self, report: Any, now: float) -> None:
        """Loss over at least a second and JUDGED packets: players also report after a handful, of which one is 20 %."""
        since, highest, lost = self._judged
        expected = (report.highest_sequence - highest) & 0xFFFFFFFF
        if since and (now - since < JUDGED_SECONDS or expected < JUDGED):
            return
        self._judged = (now, report.highest_sequence, report.packets_lost)
        if not since or expected >= 1 << 31:
            return
        share = max(0, report.packets_lost - lost) / expected
        if self.budget.lost(share, now):
            self._owner.changed(self.budget.level)
        if now - self._replayed_at > SETTLING_SECONDS and self.smoothing.heard(share, self.rtt_ms or 0.0, self.jitter_ms, now):
            self._ask_for_delay()

    def _key_wanted(self) -> None:
        self.counters["key_requests"] += 1
        now = monotonic()
        since = now - self._replayed_at
        if self._to is None or self._burst or since < self._replay_pause:
            return
        first, longest = REPLAY_SECONDS
        self._replay_pause = first if since > 2 * longest else min(longest, self._replay_pause * 2)
        self._replay()
