"""The bytes of the video socket: each picture is framed once, the same bytes go to every viewer (docs/VIDEO.md). Pure.

Server frames are not masked (RFC 6455) and not deflated: coded pictures do not get smaller.
"""

from __future__ import annotations

import struct
from typing import Any

import msgspec

from video.relay.track import CACHED, Unit

VERSION = 1
#: handle, flags, version, reserved, pts (90 kHz), captured (real ms)
PICTURE = struct.Struct("!IBBHQd")
_BINARY, _TEXT, _CLOSE = 0x82, 0x81, 0x88


def header(first: int, length: int) -> bytes:
    """First bytes of an unmasked frame."""
    if length < 126:
        return bytes((first, length))
    if length < 65536:
        return struct.pack("!BBH", first, 126, length)
    return struct.pack("!BBQ", first, 127, length)


def _head(unit: Unit, handle: int, flags: int, size: int) -> bytes:
    return header(_BINARY, PICTURE.size + size) + PICTURE.pack(handle, flags, VERSION, 0, unit.pts, unit.captured)


def framed(unit: Unit, handle: int) -> bytes:
    """The whole message for viewers of the track's own `handle`. Not kept on the unit: whoever has it unsent keeps it, and a
    group of pictures takes half the memory."""
    return b"".join(_split(unit, handle, 0, unit.pieces()))


def _split(unit: Unit, handle: int, more: int, pieces: list[Any]) -> list[Any]:
    pieces.insert(0, _head(unit, handle, unit.flags | more, sum(map(len, pieces))))
    return pieces


def alias(unit: Unit, handle: int, wire: bytes) -> tuple[bytes, memoryview]:
    """The same picture under another handle: a head of its own before the shared bytes of `wire`, the message for others."""
    skip = (4 if wire[1] == 126 else 10 if wire[1] == 127 else 2) + PICTURE.size
    return _head(unit, handle, unit.flags, len(wire) - skip), memoryview(wire)[skip:]


def cached(units: list[Unit], handle: int) -> list[Any]:
    """The kept group, marked as cached, ready for one write; its pieces are shared with everybody who begins with it."""
    return [piece for unit in units for piece in _split(unit, handle, CACHED, unit.pieces(shared=True))]


def say(op: str, **fields: Any) -> bytes:
    """A small text message."""
    body = msgspec.json.encode({"op": op, **fields})
    return header(_TEXT, len(body)) + body


def close_frame(code: int, reason: str = "") -> bytes:
    """A close frame; `reason` is cut to the 123 bytes that fit."""
    body = struct.pack("!H", code) + reason.encode()[:123]
    return header(_CLOSE, len(body)) + body
