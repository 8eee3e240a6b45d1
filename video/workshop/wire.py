"""What the relay and its workshop children say to each other: a 4-byte length, then one msgpack message."""

from __future__ import annotations

from typing import Any

import msgspec

from hall.core.errors import HallError
from video.media import StreamInfo

LONGEST = 48 * 1024 * 1024  # bytes of one message: a whole segment of a playlist fits


class Open(msgspec.Struct, frozen=True, array_like=True, tag=1):
    """Relay → child: begin work `job` of this kind."""

    job: int
    kind: str
    about: dict[str, Any]


class Feed(msgspec.Struct, frozen=True, array_like=True, tag=2):
    """Relay → child: material for a job: one coded picture (`pts` 90 kHz), or bytes of a container."""

    job: int
    data: bytes
    key: bool = False
    pts: int = 0
    captured: float = 0.0


class Close(msgspec.Struct, frozen=True, array_like=True, tag=3):
    """Relay → child: nobody wants this any more."""

    job: int


class Began(msgspec.Struct, frozen=True, array_like=True, tag=4):
    """Child → relay: the stream of a job (re)starts."""

    job: int
    info: StreamInfo


class Made(msgspec.Struct, frozen=True, array_like=True, tag=5):
    """Child → relay: one coded picture; `captured` real ms, 0 where the job does not know."""

    job: int
    data: bytes
    key: bool
    pts: int
    captured: float = 0.0


class Told(msgspec.Struct, frozen=True, array_like=True, tag=6):
    """Child → relay: something about the work: counts of what was dropped, how far it is."""

    job: int
    about: dict[str, Any]


class Ended(msgspec.Struct, frozen=True, array_like=True, tag=7):
    """Child → relay: the work is over; no `reason`: as it should."""

    job: int
    reason: str = ""
    detail: str = ""
    lasting: bool = False


Order = Open | Feed | Close
Reply = Began | Made | Told | Ended

_encoder = msgspec.msgpack.Encoder()
_orders = msgspec.msgpack.Decoder(Order)
_replies = msgspec.msgpack.Decoder(Reply)


def packed(message: Order | Reply) -> bytes:
    """The message with its length before it; raises HallError for one that is too long to send."""
    body = _encoder.encode(message)
    if len(body) > LONGEST:
        raise HallError(f"{len(body)} bytes are more than one message may have ({LONGEST})")
    return len(body).to_bytes(4, "big") + body


def order(body: bytes) -> Order:
    return _orders.decode(body)


def reply(body: bytes) -> Reply:
    """Raises msgspec.DecodeError for what is none: the child is ended then."""
    return _replies.decode(body)
