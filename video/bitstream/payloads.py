"""Pictures as RTP payloads and back: RFC 6184 packetization mode 1 (H.264), RFC 7798 without DON (H.265)."""

from __future__ import annotations

import struct
from collections.abc import Sequence

from video.bitstream.nal import DELIMITER, DELIMITER5, H264, SETS, SPS, SPS5, kind, split
from video.media import START_CODE, StreamInfo

LONGEST = 1200  # bytes of a payload: fits every tunnel's packets

STAP_A, FU_A = 24, 28  # RFC 6184
AP, FU = 48, 49  # RFC 7798


def packetise(annexb: bytes, family: str) -> tuple[bytes, ...]:
    """One picture as RTP payloads of at most 1,200 bytes: parameter sets together, long units in fragments."""
    found: list[bytes] = []
    sets: list[bytes] = []
    for unit in split(annexb):
        number = kind(unit, family)
        if number in SETS[family]:
            sets.append(unit)
        elif number != (DELIMITER if family == H264 else DELIMITER5):
            found += sets_payloads(sets, family)
            sets = []
            found += [unit] if len(unit) <= LONGEST else _fragments(unit, family)
    return tuple(found + sets_payloads(sets, family))


def sets_payloads(sets: Sequence[bytes], family: str) -> list[bytes]:
    """Parameter sets in one aggregation packet where they fit."""
    if len(sets) < 2 or 2 + sum(len(unit) + 2 for unit in sets) > LONGEST:
        return [part for unit in sets for part in ([unit] if len(unit) <= LONGEST else _fragments(unit, family))]
    if family == H264:
        head = bytes([max(unit[0] & 0x60 for unit in sets) | STAP_A])
    else:
        head = bytes([AP << 1, 1])
    return [head + b"".join(struct.pack("!H", len(unit)) + unit for unit in sets)]


def _fragments(unit: bytes, family: str) -> list[bytes]:
    if family == H264:
        head, number, start = bytes([unit[0] & 0xE0 | FU_A]), unit[0] & 31, 1
    else:
        head, number, start = bytes([unit[0] & 0x81 | FU << 1]) + unit[1:2], unit[0] >> 1 & 63, 2
    # of nearly equal length: the last one as small as a few bytes would cost a packet all the same
    room = LONGEST - len(head) - 1
    count = -(-(len(unit) - start) // room)
    step = -(-(len(unit) - start) // count)
    pieces = [unit[at : at + step] for at in range(start, len(unit), step)]
    last = len(pieces) - 1
    return [
        head + bytes([(0x80 if index == 0 else 0) | (0x40 if index == last else 0) | number]) + piece
        for index, piece in enumerate(pieces)
    ]


def annexb(payloads: Sequence[bytes], key: bool, info: StreamInfo) -> bytes:
    """One picture with start codes, from RTP payloads; parameter sets before a key picture that has none of its own.

    Never raises: what is cut off is left out."""
    return b"".join(pieces(payloads, key, info))


def pieces(payloads: Sequence[bytes], key: bool, info: StreamInfo) -> list[bytes]:
    """`annexb` before it is joined: who puts something in front of it joins once."""
    if info.family not in SETS:
        return list(payloads)
    parts: list[bytes] = []
    own = (_h264 if info.family == H264 else _h265)(payloads, parts)
    if key and not own:
        parts[:0] = [part for unit in info.parameter_sets for part in (START_CODE, unit)]
    return parts


def _h264(payloads: Sequence[bytes], parts: list[bytes]) -> bool:
    own = False
    for payload in payloads:
        number = payload[0] & 31 if payload else 0
        if number == FU_A:
            if len(payload) < 3:
                continue
            if payload[1] & 0x80:
                own = own or payload[1] & 31 == SPS
                parts.append(START_CODE + bytes([payload[0] & 0xE0 | payload[1] & 31]))
            parts.append(payload[2:])
        elif number == STAP_A:
            for unit in aggregated(payload, 1):
                own = own or unit[0] & 31 == SPS
                parts += (START_CODE, unit)
        elif 0 < number < STAP_A:
            own = own or number == SPS
            parts += (START_CODE, payload)
    return own


def _h265(payloads: Sequence[bytes], parts: list[bytes]) -> bool:
    own = False
    for payload in payloads:
        if len(payload) < 3:
            continue
        number = payload[0] >> 1 & 63
        if number == FU:
            if payload[2] & 0x80:
                own = own or payload[2] & 63 == SPS5
                parts.append(START_CODE + bytes([payload[0] & 0x81 | (payload[2] & 63) << 1, payload[1]]))
            parts.append(payload[3:])
        elif number == AP:
            for unit in aggregated(payload, 2):
                own = own or unit[0] >> 1 & 63 == SPS5
                parts += (START_CODE, unit)
        elif number < AP:
            own = own or number == SPS5
            parts += (START_CODE, payload)
    return own


def aggregated(payload: bytes, start: int) -> list[bytes]:
    """The units of an aggregation packet after its header of `start` bytes; what is cut off is left out."""
    found, at = [], start
    while at + 2 < len(payload):
        size = payload[at] << 8 | payload[at + 1]
        unit = payload[at + 2 : at + 2 + size]
        if 0 < size == len(unit):
            found.append(unit)
        at += 2 + size
    return found
