"""Fragmented MP4 (ISO/IEC 14496-12 and -15) of coded pictures as they are: what a browser's MSE and any player takes.

A file is an init segment (`ftyp moov`), then fragments (`prft moof mdat`). `prft` tells when the first picture of a fragment
was taken, so that times survive whatever happens to the index beside the files.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import NamedTuple

from hall.core.errors import HallError
from video.bitstream.nal import DELIMITER, DELIMITER5, H264, SETS, kind, split
from video.media import CLOCK_RATE, StreamInfo

_NTP_EPOCH = 2_208_988_800  # seconds from 1900 to 1970
_KEY_FLAGS, _OTHER_FLAGS = 0x02000000, 0x01010000  # sample_depends_on: on nothing; on others and is no sync sample
_MATRIX = struct.pack(">9I", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)


class Sample(NamedTuple):
    """One picture in a fragment, length-prefixed; `shown_after` = presentation minus decoding time, 90 kHz."""

    data: bytes
    key: bool
    duration: int
    shown_after: int = 0


def box(name: bytes, *parts: bytes) -> bytes:
    return struct.pack(">I4s", 8 + sum(map(len, parts)), name) + b"".join(parts)


def full(name: bytes, version: int, flags: int, *parts: bytes) -> bytes:
    return box(name, struct.pack(">I", version << 24 | flags), *parts)


def init(info: StreamInfo) -> bytes:
    """The init segment of a stream; raises HallError for one that MP4 or a browser does not take."""
    width, height = info.width, info.height
    mvhd = full(b"mvhd", 0, 0, struct.pack(">4I", 0, 0, CLOCK_RATE, 0), struct.pack(">IHxx8x", 0x10000, 0x100), _MATRIX,
                bytes(24), struct.pack(">I", 2))  # fmt: skip
    tkhd = full(
        b"tkhd", 0, 3, struct.pack(">5I", 0, 0, 1, 0, 0), bytes(16), _MATRIX, struct.pack(">2I", width << 16, height << 16)
    )
    mdhd = full(b"mdhd", 0, 0, struct.pack(">4IHH", 0, 0, CLOCK_RATE, 0, 0x55C4, 0))
    hdlr = full(b"hdlr", 0, 0, struct.pack(">I4s12x", 0, b"vide"), b"hall\0")
    empty = [full(name, 0, 0, bytes(size)) for name, size in ((b"stts", 4), (b"stsc", 4), (b"stsz", 8), (b"stco", 4))]
    stbl = box(b"stbl", full(b"stsd", 0, 0, struct.pack(">I", 1), _entry(info)), *empty)
    dref = full(b"dref", 0, 0, struct.pack(">I", 1), full(b"url ", 0, 1))
    minf = box(b"minf", full(b"vmhd", 0, 1, bytes(8)), box(b"dinf", dref), stbl)
    trex = full(b"trex", 0, 0, struct.pack(">5I", 1, 1, 0, 0, 0))
    moov = box(b"moov", mvhd, box(b"trak", tkhd, box(b"mdia", mdhd, hdlr, minf)), box(b"mvex", trex))
    return box(b"ftyp", b"iso6", struct.pack(">I", 1), b"iso6mp41") + moov


def _entry(info: StreamInfo) -> bytes:
    head = bytes(6) + struct.pack(">H16xHH2I4xH32xHh", 1, info.width, info.height, 0x480000, 0x480000, 1, 24, -1)
    match info.family:
        case "h264":
            return box(b"avc1", head, box(b"avcC", _avcc(info.parameter_sets)))
        case "h265":
            return box(b"hvc1", head, box(b"hvcC", _hvcc(info.parameter_sets)))
    raise HallError(f"{info.family} cannot be kept in MP4")


def _avcc(sets: Sequence[bytes]) -> bytes:
    sps = [unit for unit in sets if unit[:1] and unit[0] & 31 == 7][:31]
    pps = [unit for unit in sets if unit[:1] and unit[0] & 31 == 8][:255]
    if not sps or not pps or len(sps[0]) < 4:
        raise HallError("the stream has no parameter sets")
    counted = [struct.pack(">H", len(unit)) + unit for unit in sps], [struct.pack(">H", len(unit)) + unit for unit in pps]
    return b"".join(
        (b"\x01", sps[0][1:4], b"\xff", bytes([0xE0 | len(sps)]), *counted[0], bytes([len(pps)]), *counted[1])
    )  # fmt: skip


def _hvcc(sets: Sequence[bytes]) -> bytes:
    kinds = {number: [unit for unit in sets if len(unit) > 2 and kind(unit, "h265") == number] for number in SETS["h265"]}
    if not all(kinds.values()) or len(kinds[33][0]) < 18:
        raise HallError("the stream has no parameter sets")
    plain = kinds[33][0][:40].replace(b"\0\0\3", b"\0\0")
    layers, tier = plain[2], plain[3:15]
    deep = 2 if tier[0] & 31 == 2 else 0  # Main 10
    found = b"\x01" + tier + struct.pack(">HBBBBHB", 0xF000, 0xFC, 0xFD, 0xF8 | deep, 0xF8 | deep, 0,
                                         ((layers >> 1 & 7) + 1) << 3 | (layers & 1) << 2 | 3)  # fmt: skip
    found += bytes([len(kinds)])
    for number, units in kinds.items():
        found += struct.pack(">BH", 0x80 | number, len(units)) + b"".join(struct.pack(">H", len(u)) + u for u in units)
    return found


def fragment(number: int, at: int, captured: float, samples: Sequence[Sample]) -> bytes:
    """One fragment: `at` = decoding time of its first picture (90 kHz), `captured` = when that was taken (real ms)."""
    seconds, thousandths = divmod(int(captured), 1000)
    ntp = (seconds + _NTP_EPOCH) << 32 | (thousandths << 32) // 1000
    prft = full(b"prft", 1, 0, struct.pack(">IQQ", 1, ntp, at))
    rows = b"".join(
        struct.pack(">IIIi", s.duration, len(s.data), _KEY_FLAGS if s.key else _OTHER_FLAGS, s.shown_after) for s in samples
    )
    # duration, size, flags and composition offset of each sample; offset to the data from the start of the moof
    size = 8 + 16 + 8 + 16 + 20 + 20 + len(rows)
    trun = full(b"trun", 1, 0xF01, struct.pack(">Ii", len(samples), size + 8), rows)
    traf = box(b"traf", full(b"tfhd", 0, 0x020000, struct.pack(">I", 1)), full(b"tfdt", 1, 0, struct.pack(">Q", at)), trun)
    moof = box(b"moof", full(b"mfhd", 0, 0, struct.pack(">I", number)), traf)
    assert len(moof) == size
    return prft + moof + box(b"mdat", *(s.data for s in samples))


class Fragment(NamedTuple):
    """Where a fragment lies in its segment, from when on it is shown (90 kHz), when its first picture was taken (real ms), and
    whether it can be decoded from its first picture on."""

    begins: int
    ends: int
    at: int
    captured: float
    keyed: bool


def fragments(data: bytes) -> list[Fragment]:
    """The whole fragments of a segment of ours."""
    found, offset, begins, at, captured, keyed = [], 0, 0, 0, 0.0, False
    while (head := _box(data, offset)) is not None:
        name, body, following = head
        if name == b"prft" and len(data) >= body + 24:
            ntp, at = struct.unpack_from(">QQ", data, body + 8)
            begins, captured = offset, _real(ntp)
        elif name == b"moof":
            keyed = struct.pack(">I", _KEY_FLAGS) == data[body + 88 : body + 92]  # flags of its first picture
        elif name == b"mdat":
            found.append(Fragment(begins, following, at, captured, keyed))
        offset = following
    return found


def _real(ntp: int) -> float:
    return ((ntp >> 32) - _NTP_EPOCH) * 1000 + round((ntp & 0xFFFFFFFF) * 1000 / (1 << 32))


class Found(NamedTuple):
    """What a segment holds as far as it is whole: bytes, times, pictures."""

    size: int
    at: int
    duration: int
    start: float  # real ms
    pictures: int
    keys: int


def whole(data: bytes) -> Found | None:
    """Reads a segment's fragments up to the last whole one; None when there is none."""
    offset, end, first, pictures, keys = 0, 0, None, 0, 0
    told, duration, start = None, 0, 0.0
    while (head := _box(data, offset)) is not None:
        name, body, following = head
        if name == b"prft" and len(data) >= body + 24:
            ntp, start_at = struct.unpack_from(">QQ", data, body + 8)
            if first is None:
                first = start_at
                start = _real(ntp)
        elif name == b"moof":
            told = _told(data[body:following])
        elif name == b"mdat":
            if told is None:
                break  # no fragment of ours
            at, lasts, count, sync = told
            end, duration, pictures, keys = following, at + lasts, pictures + count, keys + sync
        offset = following
    if not end or first is None:
        return None
    return Found(end, first, duration - first, start, pictures, keys)


def _box(data: bytes, offset: int) -> tuple[bytes, int, int] | None:
    if offset + 8 > len(data):
        return None
    size, name = struct.unpack_from(">I4s", data, offset)
    return (name, offset + 8, offset + size) if size >= 8 and offset + size <= len(data) else None


def _told(data: bytes) -> tuple[int, int, int, int] | None:
    """tfdt, duration, pictures, key pictures of one moof that we wrote; None of another."""
    offset = at = lasts = count = keys = 0
    while (head := _box(data, offset)) is not None:
        name, body, following = head
        if name == b"traf":
            offset = body
            continue
        try:
            if name == b"tfdt":
                (at,) = struct.unpack_from(">Q", data, body + 4)
            elif name == b"trun":
                (count,) = struct.unpack_from(">I", data, body + 4)
                rows = list(struct.iter_unpack(">IIIi", data[body + 12 : following]))
                lasts, keys = sum(row[0] for row in rows), sum(row[2] == _KEY_FLAGS for row in rows)
        except struct.error:
            return None
        offset = following
    return at, lasts, count, keys


def prefixed(annexb: bytes, info: StreamInfo) -> bytes:
    """The picture's NAL units with their lengths instead of start codes; without delimiters, and without the parameter sets
    that the init segment has."""
    known, delimiter = info.parameter_sets, DELIMITER if info.family == H264 else DELIMITER5
    found = []
    for unit in split(annexb):
        number = kind(unit, info.family)
        if number != delimiter and not (number in SETS[info.family] and unit in known):
            found.append(struct.pack(">I", len(unit)) + unit)
    return b"".join(found)
