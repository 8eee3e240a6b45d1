"""RTP packets of one video stream in, whole pictures out, their payloads as the camera sent them."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable

from hall.core.errors import BadInput
from video.bitstream import h264, h265
from video.bitstream.describe import describe, parameter_sets_of
from video.bitstream.gathering import OVERHEAD, Gathering
from video.bitstream.nal import H264, kind
from video.bitstream.payloads import annexb, sets_payloads
from video.media import CLOCK_RATE, Intake, SourceFailed, StreamInfo

MOST_BYTES = 8 << 20  # of one picture; a 4K key picture has 2
MOST_SETS = 64
_MANY_OLD = 64  # packets in a row from the past: the camera began to count anew
_BACKWARDS = 3  # timestamps that go back: not a clock's hiccup but reordering
_IDR5 = (19, 20)  # H.265 key pictures after which nothing needs what came before
_HEAD = struct.Struct("!HI")
#: of an interleaved packet (RFC 2326 10.12): `$`, channel, length, first two bytes of RTP, sequence number as one; timestamp
_INTERLEAVED = struct.Struct("!QI")


class Pictures:
    """`packet` takes one RTP packet; pictures go to the intake from the first key picture on, broken ones are left out.

    A picture ends with the marker bit or, from cameras that do not set it (or set it too often), with the next timestamp.
    `captured(timestamp)` is the real ms at which it was taken, where that is known. Raises SourceFailed for what can never
    become pictures. `channel`: which interleaved packets `run` takes.
    """

    __slots__ = (
        "family", "kind", "info", "packets", "pictures", "lost", "broken", "unusable", "skipped", "trouble",
        "_intake", "_fps", "_rate", "_captured", "_sets", "_known", "_prefix", "_news", "_reorders", "_backwards", "_making",
        "_next", "_ssrc", "_old", "_stamp", "_ended", "_pts", "_wrap", "_head",
        "_trust_marker", "_marker_seen", "_markerless", "_leading_ok", "_overflows",
    )  # fmt: skip

    def __init__(
        self,
        family: str,
        intake: Intake,
        *,
        kind: int,
        sets: Iterable[bytes] = (),
        fps: float | None = None,
        rate: int = CLOCK_RATE,
        captured: Callable[[int], float | None] = lambda stamp: None,
        channel: int = 0,
    ) -> None:
        self.family, self.kind = family, kind
        self.info: StreamInfo | None = None  # what the intake was told
        self._intake, self._fps, self._rate, self._captured = intake, fps, rate, captured
        self._head = 0x24 << 56 | channel << 48 | 0x80 << 24 | kind << 16  # of interleaved packets, but for length and number
        self._sets: dict[tuple[int, int], bytes] = {}
        self._known: set[bytes] = set()
        self._prefix: list[bytes] = []
        self._news, self._reorders, self._backwards = True, False, 0
        self._making = Gathering(family, self._learn)
        self._next: int | None = None  # sequence number
        self._ssrc, self._old = b"", 0
        self._stamp = self._ended = -1  # RTP time of the picture being made, of the last one
        self._pts, self._wrap = 0, -1
        self._trust_marker, self._marker_seen, self._markerless, self._leading_ok = True, False, False, True
        self._overflows = 0
        #: what came, for errors and tests
        self.packets = self.pictures = self.lost = self.broken = self.unusable = self.skipped = 0
        self.trouble = ""  # why key pictures were not good enough to begin with
        for unit in sets:
            if unit:
                self._learn(unit)

    def packet(self, data: bytes, start: int, stop: int) -> None:
        """The RTP packet data[start:stop]."""
        if stop - start < 13 or data[start] & 0xC0 != 0x80:
            self.unusable += 1
            return
        mark = data[start + 1]
        if mark & 127 != self.kind:
            self.unusable += 1
            return
        seq, stamp = _HEAD.unpack_from(data, start + 2)
        at = start + 12
        if data[start] != 0x80:
            at, stop = _inside(data, start, stop)
            if at >= stop:
                self.unusable += 1
                return
        self.packets += 1
        if seq != self._next and not self._gap(seq, stamp, data[start + 8 : start + 12]):
            return
        self._next = seq + 1 & 0xFFFF
        if stamp != self._stamp:
            self._turn(stamp)
        making = self._making
        making.take(data, at, stop)
        if mark & 128:
            self._marker_seen = True
            if making.open:  # inside a slice no picture ends: this camera marks every packet
                self._trust_marker = False
            elif making.has and self._trust_marker:
                self._finish()
        if making.size > MOST_BYTES:
            self._overflow()

    def run(self, data: bytes, at: int, end: int) -> int:
        """Takes interleaved packets from data[at:end] as long as they are what most are: of one length, each the next in line,
        inside a fragmented unit of the picture in the making. Where it stopped; all others are for `packet`, which would have
        done the same with these in many times as long."""
        making = self._making
        if not making.open or end - at < 20:
            return at
        head, stamp = _INTERLEAVED.unpack_from(data, at)
        size = head >> 32 & 0xFFFF
        wanted = self._head | size << 32 | (self._next or 0)
        step, now, middle, add = size + 4, self._stamp, making.middle, making.parts.append
        began = at
        while head == wanted and stamp == now and size >= 16 and data.startswith(middle, at + 16) and at + step <= end:
            add(data[at + 16 : at + step])
            at += step
            wanted += 1  # past 65,535 it is nobody's
            if end - at < 20:
                break
            head, stamp = _INTERLEAVED.unpack_from(data, at)
        count = (at - began) // step
        making.size += count * (size - 12 + OVERHEAD)
        self.packets += count
        self._next = (self._next or 0) + count & 0xFFFF
        if making.size > MOST_BYTES:
            self._overflow()
        return at

    @property
    def ssrc(self) -> int:
        """The stream's number of itself; 0 before its first packet."""
        return int.from_bytes(self._ssrc, "big")

    @property
    def highest(self) -> int:
        """Sequence number of the last packet."""
        return ((self._next or 0) - 1) & 0xFFFF

    def begin_early(self) -> None:
        """Takes pictures of any kind from the start, where the parameter sets are known by now."""
        self._begin()

    def end(self) -> None:
        """Nothing more will come: the picture that no marker has ended is one if it is whole."""
        if self._making.has:
            self._finish()

    # -- order ---------------------------------------------------------------------------------------------------

    def _gap(self, seq: int, stamp: int, ssrc: bytes) -> bool:
        """A packet out of its turn; False where it is to be left out."""
        if self._next is None:
            self._ssrc = ssrc
            return True
        lost = seq - self._next & 0xFFFF
        if ssrc == self._ssrc and lost >= 0x8000:
            self._old += 1
            if self._old < _MANY_OLD:
                self.unusable += 1
                return False
        self._old, self._ssrc = 0, ssrc
        self.lost += lost if lost < 0x8000 else 1
        # without markers the picture at hand may be whole: only its middle or a fragment is known to be missing
        making = self._making
        if making.parts and (making.open or stamp == self._stamp or not self._markerless):
            making.bad = True
        self._damage(f"{lost} packets were lost" if lost < 0x8000 else "the camera began to count anew")
        return True

    def _turn(self, stamp: int) -> None:
        """The first packet of another time. Parameter sets sent ahead under a time of their own stay with what follows."""
        making = self._making
        if making.has:
            self._markerless = self._markerless or not (self._marker_seen or making.bad)
            self._finish()
        elif not making.whole or making.size > 1 << 16:
            making.clear()
        self._stamp = stamp

    def _damage(self, why: str) -> None:
        if self.info is not None:
            self._intake.damaged(why)

    def _overflow(self) -> None:
        self._making.clear()
        self._overflows += 1
        self._damage("a picture of more than 8 MiB")
        if self._overflows > 3:
            raise SourceFailed("garbled", "the camera's pictures do not end: neither marker nor new timestamps")

    # -- pictures ------------------------------------------------------------------------------------------------

    def _finish(self) -> None:
        made, stamp = self._making, self._stamp
        self.pictures += 1
        if made.long_set:
            self._learn_long(made)
        self._reorders_too(made, stamp)
        parts, key, inline, leading = made.parts, made.key, made.inline, made.leading
        whole = not (made.bad or made.open or made.headless)
        if made.headless and stamp == self._ended and self._trust_marker:
            self._trust_marker = False
            self._damage("the camera marks slices instead of pictures")
        made.clear()
        self._ended = stamp
        if not whole:
            self.broken += 1
            self._damage("a picture came incomplete")
            return
        if key:
            began = self._begin() if self._news else False
            self._leading_ok = not began or key in _IDR5 or self.family == H264
            if not inline:
                parts[:0] = self._prefix
        if self.info is None or (leading and not self._leading_ok):
            self.skipped += 1
            return
        pts = self._pts if self._rate == CLOCK_RATE else self._pts * CLOCK_RATE // self._rate
        self._intake.picture(bool(key), pts, payloads=parts, captured=self._captured(stamp))

    def _begin(self) -> bool:
        """A key picture with something new before it: tells it, where it changes what was told."""
        try:
            info = describe(self.family, self._sets.values(), fps=self._fps, reorders=self._reorders)
        except BadInput as error:
            self.trouble = str(error)
            return False
        self._news = False
        if info == self.info:
            return False
        self._prefix = sets_payloads(info.parameter_sets, self.family)
        self.info = info
        self._intake.begin(info)
        return True

    def _reorders_too(self, made: Gathering, stamp: int) -> None:
        """Unwraps the RTP time into _pts; notes what shows that pictures are not shown in the order they come."""
        if self._wrap < 0:
            self._pts = self._wrap = stamp
        step = (stamp - self._wrap + 0x80000000 & 0xFFFFFFFF) - 0x80000000
        self._wrap = stamp
        self._pts += step
        if self._reorders:
            return
        self._backwards += -self._rate < step < 0
        if made.b_slice or self._backwards >= _BACKWARDS:
            self._reorders = self._news = True

    # -- parameter sets ------------------------------------------------------------------------------------------

    def _learn(self, unit: bytes) -> None:
        if unit in self._known:
            return
        try:
            place = kind(unit, self.family), (h264 if self.family == H264 else h265).parameter_set_id(unit)
        except BadInput as error:
            self.trouble = str(error)
            return
        if len(self._sets) >= MOST_SETS and place not in self._sets:
            raise SourceFailed("garbled", f"more than {MOST_SETS} parameter sets")
        self._known.discard(self._sets.pop(place, b""))  # the newest of a kind counts, and stands last
        self._known.add(unit)
        self._sets[place], self._news = unit, True

    def _learn_long(self, made: Gathering) -> None:
        """Parameter sets that came in fragments."""
        whole = annexb(made.parts, False, StreamInfo(family=self.family, codec=""))
        for unit in parameter_sets_of(whole, self.family):
            made.inline = True
            self._learn(unit)


def _inside(data: bytes, start: int, stop: int) -> tuple[int, int]:
    """Where the payload of a packet with contributing sources, extension or padding begins and ends."""
    first = data[start]
    at = start + 12 + 4 * (first & 15)
    if first & 0x10:
        if at + 4 > stop:
            return stop, stop
        at += 4 + 4 * (data[at + 2] << 8 | data[at + 3])
    if first & 0x20:
        stop -= data[stop - 1]
    return at, stop
