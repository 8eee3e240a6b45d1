"""One picture in the making: the payloads of RFC 6184 and RFC 7798 looked at as they come, none of them copied twice."""

from __future__ import annotations

from collections.abc import Callable

from video.bitstream.nal import FIRST_IRAP5, FIRST_NON_VCL5, H264, H265, IDR, LAST_IRAP5, SETS
from video.bitstream.payloads import AP, FU, FU_A, STAP_A, aggregated
from video.media import SourceFailed

OVERHEAD = 64  # bytes that a payload costs beside its own
_RASL = (8, 9)  # pictures after a random access point that need what came before it
#: the byte after the header of a first slice (first_mb_in_slice 0 is one bit) whose slice_type is B: 1 or 6
_B_SLICE = frozenset(b for b in range(128, 256) if b >> 4 & 7 == 0b010 or b >> 2 & 31 == 0b00111)


class Gathering:
    """`take(data, at, stop)` adds a payload. `key`: nal_unit_type that makes it a key picture, 0 otherwise."""

    __slots__ = (
        "take", "parts", "size", "has", "key", "bad", "open", "middle", "headless", "inline", "leading", "b_slice", "long_set",
        "_learn",
    )  # fmt: skip

    def __init__(self, family: str, learn: Callable[[bytes], None]) -> None:
        self.take = self._h264 if family == H264 else self._h265
        self._learn = learn
        self.clear()

    def clear(self) -> None:
        self.parts: list[bytes] = []
        self.size = self.key = 0
        self.middle = b""  # how the payloads inside the fragmented unit begin, its first and last excepted
        #: has a slice; is known to be incomplete; is inside a fragmented unit; its first slice is missing
        self.has = self.bad = self.open = self.headless = False
        #: brings parameter sets (whole, or in fragments); needs pictures before the last random access point; B slices
        self.inline = self.long_set = self.leading = self.b_slice = False

    @property
    def whole(self) -> bool:
        return not (self.bad or self.open or self.headless)

    def _h264(self, data: bytes, at: int, stop: int) -> None:
        payload = data[at:stop]
        self.parts.append(payload)
        self.size += stop - at + OVERHEAD
        number = payload[0] & 31
        if number == FU_A:
            if not self.open or len(payload) < 3 or payload[1] & 0xC0:  # else: inside a unit, most packets are
                self._fragment(payload, 1)
            return
        if self.open:
            self.bad, self.open = True, False
        if 0 < number < STAP_A:
            self._unit264(payload)
        elif number == STAP_A:
            for unit in aggregated(payload, 1):
                self._unit264(unit)
        elif 0 < number < 30:
            raise SourceFailed("codec", "the camera interleaves its H.264 packets (packetization-mode 2)", lasting=True)
        else:
            self.bad = True

    def _unit264(self, unit: bytes) -> None:
        number = unit[0] & 31
        if number in SETS[H264]:
            self.inline = True
            self._learn(unit)
        elif number == 1 or number == IDR:
            self._slice264(number, unit[1] if len(unit) > 1 else 0)

    def _slice264(self, number: int, first: int) -> None:
        """A slice by its type and the byte after its header."""
        if not self.has:
            self.has = True
            self.headless, self.b_slice = not first & 0x80, first in _B_SLICE
        if number == IDR:
            self.key = IDR

    def _h265(self, data: bytes, at: int, stop: int) -> None:
        payload = data[at:stop]
        self.parts.append(payload)
        self.size += stop - at + OVERHEAD
        number = payload[0] >> 1 & 63
        if number == FU:
            self._fragment(payload, 2)
            return
        if self.open:
            self.bad, self.open = True, False
        if number == AP:
            for unit in aggregated(payload, 2):
                self._unit265(unit)
        elif number < AP:
            self._unit265(payload)
        else:
            raise SourceFailed("codec", "this is not H.265 as RFC 7798 packs it", lasting=True)

    def _unit265(self, unit: bytes) -> None:
        number = unit[0] >> 1 & 63
        if number in SETS[H265]:
            self.inline = True
            self._learn(unit)
        elif number < FIRST_NON_VCL5:
            self._slice265(number, unit[2] if len(unit) > 2 else 0)

    def _slice265(self, number: int, first: int) -> None:
        if not self.has:
            self.has, self.leading = True, number in _RASL
            self.headless = not first & 0x80
        if FIRST_IRAP5 <= number <= LAST_IRAP5:
            self.key = number

    def _fragment(self, payload: bytes, header: int) -> None:
        """A fragmentation unit after a payload header of so many bytes."""
        if len(payload) < header + 2:
            self.bad = True
            return
        flags = payload[header]
        if flags & 0x80:
            self.bad = self.bad or self.open
            self.open, self.middle = True, payload[:header] + bytes((flags & 0x3F,))
            if header == 1:
                self._begun264(flags & 31, payload[2])
            else:
                self._begun265(flags & 63, payload[3])
        elif not self.open:
            self.bad = True
        if flags & 0x40:
            self.open = False

    def _begun264(self, number: int, first: int) -> None:
        if number in SETS[H264]:
            self.long_set = True
        elif number == 1 or number == IDR:
            self._slice264(number, first)

    def _begun265(self, number: int, first: int) -> None:
        if number in SETS[H265]:
            self.long_set = True
        elif number < FIRST_NON_VCL5:
            self._slice265(number, first)
