"""The envelope every fact travels in, and the packs it travels by on the bus.

Names are CloudEvents'. `time` is when it happened, `recordedtime` when the hall learnt it (both ms since the epoch, city
time). `subject` is `topic/...`: the first part is the topic screens subscribe to. `data` is the document after the
change, None when the subject is gone.
"""

from __future__ import annotations

from typing import Any

import msgspec

from hall.core.errors import BadInput


class Event(msgspec.Struct, omit_defaults=True, kw_only=True):
    """One fact. `id` is unique per source; equal ids are the same fact told twice."""

    id: str
    source: str
    subject: str
    time: int
    recordedtime: int
    type: str = ""
    data: Any = None
    correlationid: str = ""
    causationid: str = ""
    sequence: int = 0


class Envelope(msgspec.Struct):
    """The part of an event that the board decides on; `data` stays undecoded."""

    id: str
    subject: str
    time: int
    recordedtime: int
    data: msgspec.Raw = msgspec.Raw(b"null")


_encode_event = msgspec.json.Encoder().encode
_decode_event = msgspec.json.Decoder(Event).decode
_decode_envelope = msgspec.json.Decoder(Envelope).decode
_split_pack = msgspec.json.Decoder(list[msgspec.Raw]).decode


def topic_of(subject: str) -> str:
    """The first part of a subject: `observation` of `observation/floodnet/x1`."""
    return subject.partition("/")[0]


def encode(event: Event) -> bytes:
    return _encode_event(event)


def decode(raw: bytes) -> Event:
    try:
        return _decode_event(raw)
    except msgspec.MsgspecError as error:
        raise BadInput("event-malformed", str(error)) from None


def envelope(raw: bytes | msgspec.Raw) -> Envelope:
    try:
        return _decode_envelope(raw)
    except msgspec.MsgspecError as error:
        raise BadInput("event-malformed", str(error)) from None


def pack(encoded: list[bytes]) -> bytes:
    """Joins encoded events into one bus entry: a JSON array, each event's bytes unchanged."""
    return b"[" + b",".join(encoded) + b"]"


def unpack(payload: bytes) -> list[msgspec.Raw]:
    """The events of one bus entry, still encoded."""
    try:
        return _split_pack(payload)
    except msgspec.MsgspecError as error:
        raise BadInput("pack-malformed", str(error)) from None
