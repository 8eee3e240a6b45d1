"""WebSocket messages built once and written to many connections: framed once, deflated once.

Pure. Server frames are not masked (RFC 6455), so the same bytes serve every connection. Deflate follows RFC 7692 with
`server_no_context_takeover`: each message is compressed on its own, so those bytes can be shared too.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from hall.core.clock import real_ms

#: events of one part of a snapshot, and of one frame, in bytes
PART_BYTES = 256 * 1024
FRAME_BYTES = 512 * 1024
#: shorter messages are not worth deflating
DEFLATE_FROM = 256

_TEXT, _CLOSE = 0x81, 0x88
_RSV1 = 0x40
encode = msgspec.json.encode


def header(first: int, length: int) -> bytes:
    """First bytes of an unmasked frame."""
    if length < 126:
        return bytes((first, length))
    if length < 65536:
        return struct.pack("!BBH", first, 126, length)
    return struct.pack("!BBQ", first, 127, length)


class Message:
    """One JSON message, ready for the wire. `events` counts the events inside."""

    __slots__ = ("plain", "events", "_head", "_deflated")

    def __init__(self, payload: bytes, events: int = 0) -> None:
        head = header(_TEXT, len(payload))
        self.plain = head + payload
        self.events = events
        self._head = len(head)
        self._deflated: bytes | None = None

    @property
    def payload(self) -> bytes:
        return self.plain[self._head :]

    @property
    def deflated(self) -> bytes:
        """The frame compressed; made at the first request, then shared."""
        if self._deflated is None:
            self._deflated = self.plain if len(self.plain) < DEFLATE_FROM else self._deflate()
        return self._deflated

    def _deflate(self) -> bytes:
        worker = zlib.compressobj(level=1, wbits=-15)
        body = worker.compress(memoryview(self.plain)[self._head :]) + worker.flush(zlib.Z_SYNC_FLUSH)
        body = body[:-4]  # RFC 7692 section 7.2.1: the empty block at the end is not sent
        return header(_TEXT | _RSV1, len(body)) + body


def close_frame(code: int, reason: str = "") -> bytes:
    """A close frame; `reason` is cut to the 123 bytes that fit."""
    body = struct.pack("!H", code) + reason.encode()[:123]
    return header(_CLOSE, len(body)) + body


def chunks(events: Iterable[bytes], bound: int) -> Iterator[list[bytes]]:
    """Splits events into lists of at most `bound` bytes (one event at least); yields one empty list when there are none."""
    part: list[bytes] = []
    size = 0
    for event in events:
        if part and size + len(event) > bound:
            yield part
            part, size = [], 0
        part.append(event)
        size += len(event) + 1
    yield part


def frame(pos: str, events: list[bytes]) -> Message:
    return Message(b'{"op":"frame","pos":"%b","e":[%b]}' % (pos.encode(), b",".join(events)), len(events))


def joined_frame(pos: str, joined: list[bytes], count: int) -> Message:
    """A frame out of runs of events that are already joined by commas."""
    return Message(b'{"op":"frame","pos":"%b","e":[%b]}' % (pos.encode(), b",".join(joined)), count)


def state(reset: bool, pos: str, events: Iterable[bytes]) -> list[Message]:
    """A snapshot or what a resuming client missed, in parts."""
    parts = list(chunks(events, PART_BYTES))
    flag = b"true" if reset else b"false"
    shape = b'{"op":"state","reset":%b,"part":%d,"parts":%d,"pos":"%b","e":[%b]}'
    return [
        Message(shape % (flag, number, len(parts), pos.encode(), b",".join(part)), len(part))
        for number, part in enumerate(parts, 1)
    ]


def say(op: str, **fields: Any) -> Message:
    """Any small message: hello, beat, pong, told, refused."""
    return Message(encode({"op": op, **fields}))


def beat(pos: str | None, bus_age: int) -> Message:
    return say("beat", now=real_ms(), pos=pos, bus_age=bus_age)


def left_out(group: Any) -> Message:
    """Which topics this subscription does not carry because they are too large, with their bounds; none: all it asked for."""
    return say("told", kind="left-out", topics=group.left_out)
