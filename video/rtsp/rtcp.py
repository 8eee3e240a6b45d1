"""RTCP (RFC 3550, 4585): when a picture was taken by the camera's clock, and what a camera wants to hear."""

from __future__ import annotations

import struct

_NTP_EPOCH = 2_208_988_800  # seconds from 1900 to 1970
SENDER_REPORT, BYE = 200, 203
_REPORT = struct.Struct("!IIII")

#: ms: how much older than its arrival a picture may be, how far a camera's clock ahead, how much two reports may differ
MOST_LATE, MOST_AHEAD, MOST_CHANGE = 2_000.0, 20.0, 100.0


class CameraClock:
    """Real times of RTP times, from sender reports, as long as they are believable: a camera whose clock is hours off, or
    wanders, would make pictures look old (or not yet taken); then nothing is told and the arrival counts."""

    def __init__(self, rate: int) -> None:
        self._per_ms = rate / 1000.0
        self._stamp, self._wall, self._trusted = 0, 0.0, False
        self.reports = 0

    def report(self, ntp_seconds: int, ntp_fraction: int, stamp: int, now: float) -> None:
        """A sender report that arrived at real ms `now`."""
        wall = (ntp_seconds - _NTP_EPOCH) * 1000.0 + ntp_fraction * 1000.0 / 2**32
        steady = not self.reports or abs(self._at(stamp) - wall) <= MOST_CHANGE
        self._stamp, self._wall = stamp, wall
        self.reports += 1
        self._trusted = steady and -MOST_AHEAD <= now - wall <= MOST_LATE

    def captured(self, stamp: int, now: float) -> float:
        """Real ms at which the picture of this RTP time was taken, never after `now`, its arrival."""
        if not self._trusted:
            return now
        late = now - self._at(stamp)
        return now if late <= 0 or late > MOST_LATE else now - late

    def _at(self, stamp: int) -> float:
        return self._wall + ((stamp - self._stamp + 0x80000000 & 0xFFFFFFFF) - 0x80000000) / self._per_ms


def read(data: bytes, start: int, stop: int) -> tuple[tuple[int, int, int, int] | None, bool]:
    """Of a compound packet: the sender report as (ssrc, NTP seconds, NTP fraction, RTP time) or None; whether it says BYE."""
    report, bye = None, False
    while stop - start >= 4 and data[start] & 0xC0 == 0x80:
        kind, size = data[start + 1], 4 * ((data[start + 2] << 8 | data[start + 3]) + 1)
        if kind == SENDER_REPORT and size >= 28 and stop - start >= 20:
            report = _REPORT.unpack_from(data, start + 4)
        bye = bye or kind == BYE
        start += size
    return report, bye


def receiver_report(own: int, ssrc: int, highest: int, lost: int, last_ntp: int, since: float) -> bytes:
    """RR and SDES as an interleaved payload. `last_ntp`: middle 32 bits of the last sender report's time, `since` seconds
    ago; `highest` sequence number, `lost` packets in all."""
    delay = min(0xFFFFFFFF, int(since * 65536)) if last_ntp else 0
    block = struct.pack("!IIIIII", ssrc, min(lost, 0x7FFFFF), highest & 0xFFFFFFFF, 0, last_ntp, delay)
    return struct.pack("!BBHI", 0x81, 201, 7, own) + block + struct.pack("!BBHIBB", 0x81, 202, 3, own, 1, 4) + b"hall\0\0"


def picture_loss(own: int, ssrc: int) -> bytes:
    """RR and PLI: please send a key picture. Cameras that do not know it pass over it."""
    return struct.pack("!BBHI", 0x80, 201, 1, own) + struct.pack("!BBHII", 0x81, 206, 2, own, ssrc)


def interleaved(channel: int, packet: bytes) -> bytes:
    """A packet for the connection's channel (RFC 2326 10.12)."""
    return struct.pack("!BBH", 0x24, channel, len(packet)) + packet
