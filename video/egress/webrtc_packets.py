"""RTP packets of one picture, laid out once for all viewers, and the little that is left to do for each of them: sequence
number and timestamp into the header, SRTP in place, one system call for many packets.

Why in place: pylibsrtp's own protect() copies twice, allocates, and refuses packets over 1,356 bytes; cameras send longer.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Any

import msgspec
from pylibsrtp import ffi, lib

from video.egress.webrtc_port import Port
from video.media import AccessUnit

HEADER = 12  # bytes of an RTP header without extensions
_ROOM = 64_000  # bytes sent in one call, below what a UDP datagram may have (65,507)
_SEGMENTS = 60  # datagrams in one call; the kernel takes 64
_TRAILER = 144  # bytes libsrtp may touch behind a packet (SRTP_MAX_TRAILER_LEN)
LARGEST_PAYLOAD = 8_000  # bytes; nothing longer is a camera's RTP payload over UDP

# one workspace for the process: a packet lives in it only until the kernel took it
_space = ffi.new("char[]", _ROOM + LARGEST_PAYLOAD + HEADER + _TRAILER)
_bytes = memoryview(ffi.buffer(_space))
_length = ffi.new("int *")
_place = struct.Struct("!HI").pack_into  # sequence number and timestamp, at byte 2


class Shape(msgspec.Struct, frozen=True):
    """What differs between players, and is the same for most of them."""

    payload_type: int
    extension: bytes  # header extension block of key pictures; empty: none
    tag: int  # bytes SRTP adds


class Sending(msgspec.Struct, frozen=True):
    """How one viewer is reached: where to, and with whose keys (an srtp_t, kept alive by its owner)."""

    port: Port
    sock: Any
    address: Any
    srtp: Any


def playout_delay(number: int | None, least_ms: int, most_ms: int) -> bytes:
    """Header extension block that asks the player to show pictures between `least_ms` and `most_ms` after they came;
    empty without a number. RFC 8285 one-byte form, values in 10 ms."""
    if number is None:
        return b""
    value = (min(least_ms // 10, 4095) << 12) | min(most_ms // 10, 4095)
    return struct.pack("!HHB3s", 0xBEDE, 1, number << 4 | 2, value.to_bytes(3, "big"))


def packets_of(unit: AccessUnit) -> tuple[bytes, ...]:
    """The unit's payloads; a key picture whose camera names its parameter sets only in its SDP gets them in front."""
    payloads = unit.payloads
    if unit.key and not _has_parameters(payloads, unit.info.family):
        payloads = (*unit.info.parameter_sets, *payloads)
    return tuple(payload for payload in payloads if payload and len(payload) <= LARGEST_PAYLOAD)


def _has_parameters(payloads: Sequence[bytes], family: str) -> bool:
    for payload in payloads[:4]:
        if len(payload) < 4:
            continue
        if family == "h265":
            kind = payload[0] >> 1 & 0x3F
            if kind in (32, 33) or (kind == 48 and payload[4:5] and payload[4] >> 1 & 0x3F in (32, 33)):
                return True
        elif payload[0] & 0x1F == 7 or (payload[0] & 0x1F == 24 and payload[3] & 0x1F == 7):
            return True
    return False


class _Chunk(msgspec.Struct, frozen=True):
    """Packets sent from one filling of the workspace: where each lies, and which runs of equal length go in one call."""

    blob: bytes
    items: tuple[tuple[int, Any, int], ...]  # byte of the header's sequence number, pointer to the packet, its length
    runs: tuple[tuple[memoryview, int], ...]  # protected packets, length of each but the last


class Layout:
    """One picture as RTP for one shape of player. `packets` are the payloads; marker on the last."""

    __slots__ = ("packets", "extension", "size", "_chunks")

    def __init__(self, packets: tuple[bytes, ...], shape: Shape, ssrc: int, key: bool) -> None:
        self.packets, self.extension = packets, shape.extension if key else b""
        self.size = sum(map(len, packets))
        first = 0x90 if self.extension else 0x80
        plain = struct.pack("!BBHII", first, shape.payload_type, 0, 0, ssrc) + self.extension
        last = struct.pack("!BBHII", first, shape.payload_type | 0x80, 0, 0, ssrc) + self.extension
        self._chunks: list[_Chunk] = []
        waiting: list[bytes] = []
        room = 0
        for index, payload in enumerate(packets):
            packet = (last if index == len(packets) - 1 else plain) + payload
            if waiting and room + len(packet) + shape.tag > _ROOM:
                self._chunks.append(_chunk(waiting, shape.tag))
                waiting, room = [], 0
            waiting.append(packet)
            room += len(packet) + shape.tag
        if waiting:
            self._chunks.append(_chunk(waiting, shape.tag))

    def send(self, to: Sending, sequence: int, timestamp: int) -> bool:
        """All packets to one viewer, from `sequence` on; False when one of them was not taken. Raises ValueError when SRTP
        refuses (its key is used up)."""
        srtp, protect, length, space = to.srtp, lib.srtp_protect, _length, _bytes
        port, sock, address = to.port, to.sock, to.address
        timestamp &= 0xFFFFFFFF
        taken = True
        for chunk in self._chunks:
            space[: len(chunk.blob)] = chunk.blob
            for at, packet, size in chunk.items:
                _place(space, at, sequence & 0xFFFF, timestamp)
                length[0] = size
                if protect(srtp, packet, length):
                    raise ValueError("SRTP refuses to protect a packet")
                sequence += 1
            for run, segment in chunk.runs:
                taken = port.send_many(sock, run, segment, address) and taken
        return taken


def _chunk(packets: list[bytes], tag: int) -> _Chunk:
    gap = bytes(tag)
    items, starts, at = [], [], 0
    for packet in packets:
        items.append((at + 2, _space + at, len(packet)))
        starts.append(at)
        at += len(packet) + tag
    starts.append(at)
    runs, first = [], 0
    while first < len(packets):
        segment, last = starts[first + 1] - starts[first], first
        while last + 1 < len(packets) and last - first < _SEGMENTS - 1:
            length = starts[last + 2] - starts[last + 1]
            if length > segment:
                break
            last += 1
            if length < segment:  # a shorter one may only be the last of its call
                break
        runs.append((_bytes[starts[first] : starts[last + 1]], segment))
        first = last + 1
    return _Chunk(gap.join([*packets, b""]), tuple(items), tuple(runs))


def resend(
    to: Sending, payload: bytes, *, kind: int, sequence: int, timestamp: int, ssrc: int, extension: bytes, original: int | None
) -> bool:
    """One packet again: as it was, or with `original` as a retransmission (RFC 4588) of that sequence number. False when
    it was not taken, also when it is too old for SRTP."""
    head = struct.pack("!BBHII", 0x90 if extension else 0x80, kind, sequence & 0xFFFF, timestamp & 0xFFFFFFFF, ssrc)
    packet = head + extension + (b"" if original is None else struct.pack("!H", original & 0xFFFF)) + payload
    _bytes[: len(packet)] = packet
    _length[0] = len(packet)
    if lib.srtp_protect(to.srtp, _space, _length):
        return False
    return to.port.send(to.sock, _bytes[: _length[0]], to.address)


class Wires:
    """Layouts of one track's newest pictures since the last key picture, shared by its viewers."""

    def __init__(self, ssrc: int) -> None:
        self.ssrc = ssrc
        self.viewers = 0
        self._layouts: dict[tuple[int, Shape], Layout] = {}
        self._key = -1  # number of the newest key picture

    def layout(self, unit: AccessUnit, shape: Shape) -> Layout:
        if unit.key and unit.number > self._key:
            self._key = unit.number
            self._layouts = {}
        found = self._layouts.get((unit.number, shape))
        if found is None:
            found = Layout(packets_of(unit), shape, self.ssrc, unit.key)
            if unit.number >= self._key:
                self._layouts[unit.number, shape] = found
        return found
