"""What H.265's video and sequence parameter sets say (ITU-T H.265 7.3.2.1, 7.3.2.2, 7.3.3; RFC 6381 by ISO 14496-15 E.3)."""

from __future__ import annotations

import msgspec

from hall.core.errors import BadInput
from video.bitstream.h264 import plausible_fps
from video.bitstream.nal import Bits

_LARGEST = 16_384  # pixels


class Sps(msgspec.Struct, frozen=True):
    """As video.bitstream.h264.Sps; the frame rate is in the VPS."""

    id: int
    codec: str
    width: int
    height: int
    reorder_frames: int


def parse_sps(unit: bytes) -> Sps:
    """Reads the NAL unit; raises BadInput."""
    if len(unit) < 6 or unit[0] >> 1 & 63 != 33:
        raise BadInput("parameter-set-garbled", "no sequence parameter set")
    bits = Bits(unit[2:])
    bits.skip(4)
    layers = bits.u(3)
    bits.skip(1)
    codec = _tier_and_level(bits, layers)
    number = bits.ue()
    if number > 15:
        raise BadInput("parameter-set-garbled", "SPS id above 15")
    width, height = _size(bits)
    bits.ue()
    bits.ue()  # bit depths
    bits.ue()  # log2_max_pic_order_cnt
    return Sps(number, codec, width, height, _reordered(bits, layers))


def vps_fps(unit: bytes) -> float | None:
    """Pictures per second where the video parameter set tells; raises BadInput."""
    if len(unit) < 6 or unit[0] >> 1 & 63 != 32:
        raise BadInput("parameter-set-garbled", "no video parameter set")
    bits = Bits(unit[2:])
    bits.skip(12)
    layers = bits.u(3)
    bits.skip(17)
    _tier_and_level(bits, layers)
    _reordered(bits, layers)
    width = bits.u(6) + 1
    sets = bits.ue()
    if sets > 1023:
        raise BadInput("parameter-set-garbled", "layer sets")
    bits.skip(sets * width)
    if not bits.u(1):
        return None
    units, scale = bits.u(32), bits.u(32)
    return plausible_fps(scale, units)


def parameter_set_id(unit: bytes) -> int:
    """The id under which a VPS, SPS or PPS is kept; raises BadInput."""
    kind = unit[0] >> 1 & 63
    if kind == 33:
        return parse_sps(unit).id
    bits = Bits(unit[2:40])
    return bits.u(4) if kind == 32 else bits.ue()


def _tier_and_level(bits: Bits, layers: int) -> str:
    """The profile, tier and level structure as a codec string: hvc1.1.6.L93.B0."""
    space, tier, profile = bits.u(2), bits.u(1), bits.u(5)
    compatible = int(f"{bits.u(32):032b}"[::-1], 2)
    constraints = bits.u(48).to_bytes(6, "big").rstrip(b"\0")
    level = bits.u(8)
    present = [(bits.u(1), bits.u(1)) for _ in range(layers)]
    if layers:
        bits.skip(2 * (8 - layers))
    for has_profile, has_level in present:
        bits.skip(88 * has_profile + 8 * has_level)
    text = f"hvc1.{'ABC'[space - 1] if space else ''}{profile}.{compatible:X}.{'LH'[tier]}{level}"
    return text + "".join(f".{byte:X}" for byte in constraints)


def _size(bits: Bits) -> tuple[int, int]:
    chroma = bits.ue()
    if chroma > 3:
        raise BadInput("parameter-set-garbled", "chroma format")
    separate = chroma == 3 and bits.u(1)
    width, height = bits.ue(), bits.ue()
    if bits.u(1):
        across = 2 if chroma in (1, 2) and not separate else 1
        down = 2 if chroma == 1 and not separate else 1
        left, right, top, bottom = bits.ue(), bits.ue(), bits.ue(), bits.ue()
        width, height = width - (left + right) * across, height - (top + bottom) * down
    if not (0 < width <= _LARGEST and 0 < height <= _LARGEST):
        raise BadInput("parameter-set-garbled", f"a picture of {width} x {height}")
    return width, height


def _reordered(bits: Bits, layers: int) -> int:
    """sps_max_num_reorder_pics of the highest layer."""
    each, reorder = bits.u(1), 0
    for _ in range(layers + 1 if each else 1):
        bits.ue()
        reorder = bits.ue()
        bits.ue()
    return reorder
