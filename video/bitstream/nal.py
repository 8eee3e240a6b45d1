"""NAL units: the pieces that coded video is made of (ITU-T H.264 7.3.1, H.265 7.3.1)."""

from __future__ import annotations

from hall.core.errors import BadInput

H264, H265 = "h264", "h265"

#: H.264 nal_unit_type
IDR, SPS, PPS, DELIMITER = 5, 7, 8, 9
#: H.265 nal_unit_type
VPS5, SPS5, PPS5, DELIMITER5 = 32, 33, 34, 35
FIRST_IRAP5, LAST_IRAP5, FIRST_NON_VCL5 = 16, 23, 32

SETS = {H264: (SPS, PPS), H265: (VPS5, SPS5, PPS5)}

LONGEST_SET = 4096  # bytes; real ones have 10 to 100


def split(data: bytes) -> list[bytes]:
    """NAL units of a byte stream with 3- or 4-byte start codes; without their trailing zeros, none empty."""
    return [unit for piece in data.split(b"\0\0\1")[1:] if (unit := piece.rstrip(b"\0"))]


def kind(unit: bytes, family: str) -> int:
    """nal_unit_type of a unit with at least one byte."""
    return unit[0] & 31 if family == H264 else unit[0] >> 1 & 63


class Bits:
    """Reads a raw byte sequence payload bit by bit, the highest first; raises BadInput past its end."""

    __slots__ = ("_value", "left")

    def __init__(self, unit: bytes) -> None:
        if len(unit) > LONGEST_SET:
            raise BadInput("parameter-set-long", f"{len(unit)} bytes")
        raw = unit.replace(b"\0\0\3", b"\0\0")  # emulation prevention
        self._value, self.left = int.from_bytes(raw, "big"), len(raw) * 8

    def u(self, count: int) -> int:
        """An unsigned number of `count` bits."""
        if count > self.left:
            raise BadInput("parameter-set-short")
        self.left -= count
        return self._value >> self.left & ((1 << count) - 1)

    def skip(self, count: int) -> None:
        self.u(count)

    def ue(self) -> int:
        """An Exp-Golomb code, at most 2^32 - 2."""
        zeros = 0
        while not self.u(1):
            zeros += 1
            if zeros > 32:
                raise BadInput("parameter-set-garbled", "a number of more than 32 bits")
        return (1 << zeros) - 1 + self.u(zeros)

    def se(self) -> int:
        """A signed Exp-Golomb code."""
        code = self.ue()
        return (code + 1) // 2 if code & 1 else -(code // 2)
