"""What went to one viewer in the last seconds, so that it can be sent again. It holds no packets: only under which numbers
which picture went out; the payloads are those that all viewers share."""

from __future__ import annotations

import bisect
import secrets

from video.egress.webrtc_packets import Sending, resend
from video.egress.webrtc_sdp import Choice

SECONDS = 3.0  # how long a packet can be asked for again; players give up sooner
RESENDS_PER_SECOND = 600  # about 6 Mbit/s: a broken way must not be flooded with repeats


class History:
    """Numbers of packets and what stood under them. `resent`, `refused`: packets asked for that were sent again, or not."""

    def __init__(self, choice: Choice, ssrc: int) -> None:
        self.resent = self.refused = 0
        self._choice, self._ssrc = choice, ssrc
        self._firsts: list[int] = []  # sequence number (never wrapped) of each picture's first packet, and the picture:
        self._sent: list[tuple[float, int, tuple[bytes, ...], bytes]] = []  # when, timestamp, payloads, header extension
        self._next = secrets.randbelow(1 << 14)  # of the stream of resent packets
        self._tokens, self._tokens_at = float(RESENDS_PER_SECOND), 0.0

    def add(self, first: int, now: float, timestamp: int, payloads: tuple[bytes, ...], extension: bytes) -> None:
        """A picture that was sent, `now` in monotonic seconds."""
        if self._sent and now - self._sent[0][0] > SECONDS:  # a batch at a time
            old = bisect.bisect_left(self._sent, now - SECONDS / 2, key=lambda sent: sent[0])
            del self._sent[:old], self._firsts[:old]
        self._firsts.append(first)
        self._sent.append((now, timestamp, payloads, extension))

    def resend(self, lost: list[int], following: int, to: Sending, now: float) -> None:
        """Sends what was asked for again; `lost` are numbers as in the packets, `following` is the next one to be sent."""
        self._tokens = min(RESENDS_PER_SECOND, self._tokens + (now - self._tokens_at) * RESENDS_PER_SECOND)
        self._tokens_at = now
        for number in lost:
            if self._tokens >= 1 and self._again(number, following - 1, to):
                self._tokens -= 1
                self.resent += 1
            else:
                self.refused += 1

    def _again(self, number: int, newest: int, to: Sending) -> bool:
        """Found by arithmetic: the picture by its first number, the payload by the difference."""
        sequence = newest - ((newest - number) & 0xFFFF)
        at = bisect.bisect_right(self._firsts, sequence) - 1
        if at < 0:
            return False
        _, timestamp, payloads, extension = self._sent[at]
        index = sequence - self._firsts[at]
        if not 0 <= index < len(payloads):
            return False
        marker = 0x80 if index == len(payloads) - 1 else 0
        rtx = self._choice.rtx
        if rtx is None:
            kind = self._choice.payload_type | marker
            return resend(to, payloads[index], kind=kind, sequence=sequence, timestamp=timestamp, ssrc=self._ssrc,
                          extension=extension, original=None)  # fmt: skip
        self._next += 1
        return resend(to, payloads[index], kind=rtx | marker, sequence=self._next, timestamp=timestamp, ssrc=self._ssrc + 1,
                      extension=extension, original=sequence)  # fmt: skip
