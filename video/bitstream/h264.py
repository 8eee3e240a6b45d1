"""What an H.264 sequence parameter set says (ITU-T H.264 7.3.2.1.1, E.1.1)."""

from __future__ import annotations

import msgspec

from hall.core.errors import BadInput
from video.bitstream.nal import Bits

_EXTENDED = 255  # aspect_ratio_idc of a ratio that is written out
#: profile_idc whose sets carry the chroma format
_HIGH = frozenset({100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135})
_LARGEST = 16_384  # pixels
_REORDERING_SLICES = frozenset({1, 6})  # slice_type B


class Sps(msgspec.Struct, frozen=True):
    """`codec` as RFC 6381 has it; sizes in pixels after cropping; `fps` where the VUI tells; `reorder_frames`: how many
    pictures may be shown later than they are coded, None where the set does not say."""

    id: int
    codec: str
    width: int
    height: int
    fps: float | None
    reorder_frames: int | None


def parse_sps(unit: bytes) -> Sps:
    """Reads the NAL unit; raises BadInput."""
    if len(unit) < 4 or unit[0] & 31 != 7:
        raise BadInput("parameter-set-garbled", "no sequence parameter set")
    bits = Bits(unit[1:])
    profile = bits.u(8)
    bits.skip(16)  # constraints and level, taken from the bytes
    number = bits.ue()
    if number > 31:
        raise BadInput("parameter-set-garbled", "SPS id above 31")
    chroma = _chroma(bits) if profile in _HIGH else 1
    bits.ue()  # log2_max_frame_num
    order = _picture_order(bits)
    bits.ue()  # max_num_ref_frames
    bits.skip(1)
    width, height = _size(bits, chroma)
    fps, reorder = _vui(bits) if bits.u(1) else (None, None)
    if order == 2 or profile == 66:  # output follows decoding, always
        reorder = 0
    return Sps(number, f"avc1.{unit[1:4].hex()}", width, height, fps, reorder)


def parameter_set_id(unit: bytes) -> int:
    """The id under which an SPS or PPS is kept; raises BadInput."""
    bits = Bits(unit[1:40])
    if unit[0] & 31 == 7:
        bits.skip(24)
    return bits.ue()


def is_b_slice(unit: bytes) -> bool:
    """Whether a coded slice may be predicted from later pictures; False where it cannot be read."""
    if unit[0] & 31 not in (1, 5):
        return False
    try:
        bits = Bits(unit[1:12])
        bits.ue()
        return bits.ue() in _REORDERING_SLICES
    except BadInput:
        return False


def _chroma(bits: Bits) -> int:
    chroma = bits.ue()
    if chroma > 3:
        raise BadInput("parameter-set-garbled", "chroma format")
    if chroma == 3 and bits.u(1):
        chroma = 0  # three separate planes are cropped as grey pictures are
    bits.ue()
    bits.ue()  # bit depths
    bits.skip(1)
    if bits.u(1):
        for index in range(8 if chroma != 3 else 12):
            if bits.u(1):
                _scaling_list(bits, 16 if index < 6 else 64)
    return chroma


def _scaling_list(bits: Bits, size: int) -> None:
    last = following = 8
    for _ in range(size):
        if following:
            following = (last + bits.se()) % 256
        last = following or last


def _picture_order(bits: Bits) -> int:
    order = bits.ue()
    if order == 0:
        bits.ue()
    elif order == 1:
        bits.skip(1)
        bits.se()
        bits.se()
        count = bits.ue()
        if count > 255:
            raise BadInput("parameter-set-garbled", "picture order cycle")
        for _ in range(count):
            bits.se()
    elif order > 2:
        raise BadInput("parameter-set-garbled", "picture order type")
    return order


def _size(bits: Bits, chroma: int) -> tuple[int, int]:
    width, units = (bits.ue() + 1) * 16, bits.ue() + 1
    frames_only = bits.u(1)
    height = units * 16 * (2 - frames_only)
    bits.skip(1 if frames_only else 2)
    if bits.u(1):
        across = 2 if chroma in (1, 2) else 1
        down = (2 if chroma == 1 else 1) * (2 - frames_only)
        left, right, top, bottom = bits.ue(), bits.ue(), bits.ue(), bits.ue()
        width, height = width - (left + right) * across, height - (top + bottom) * down
    if not (0 < width <= _LARGEST and 0 < height <= _LARGEST):
        raise BadInput("parameter-set-garbled", f"a picture of {width} x {height}")
    return width, height


def _vui(bits: Bits) -> tuple[float | None, int | None]:
    """Frames per second and how many pictures are reordered; cut-off VUIs, which cameras send, say nothing."""
    fps = None
    try:
        if bits.u(1) and bits.u(8) == _EXTENDED:
            bits.skip(32)
        if bits.u(1):
            bits.skip(1)
        if bits.u(1):
            bits.skip(4)
            if bits.u(1):
                bits.skip(24)
        if bits.u(1):
            bits.ue()
            bits.ue()
        if bits.u(1):
            units, scale = bits.u(32), bits.u(32)
            bits.skip(1)
            fps = plausible_fps(scale, 2 * units)
        nal_hrd = _hrd(bits)
        if _hrd(bits) or nal_hrd:
            bits.skip(1)
        bits.skip(1)
        if not bits.u(1):
            return fps, None
        bits.skip(1)
        for _ in range(4):
            bits.ue()
        return fps, bits.ue()
    except BadInput:
        return fps, None


def _hrd(bits: Bits) -> bool:
    if not bits.u(1):
        return False
    count = bits.ue() + 1
    bits.skip(8)
    for _ in range(min(count, 32)):
        bits.ue()
        bits.ue()
        bits.skip(1)
    bits.skip(20)
    return True


def plausible_fps(scale: int, units: int) -> float | None:
    """Pictures per second, None for what no camera does."""
    fps = scale / units if units else 0.0
    return round(fps, 3) if 0.1 <= fps <= 240 else None
