"""One version of a document as the history keeps it: squeezed, compared, ranked for the slider's marks. Pure."""

from __future__ import annotations

import zlib
from hashlib import blake2b
from typing import NamedTuple

import msgspec

from dispatch.history.settings import HOUR_MS
from dispatch.reader import Head
from hall.core.event import topic_of

#: what documents have in common, so that small ones compress well
ZDICT = (
    b'{"id":"","source":"","subject":"position/observation/sensor/closure/alarm/file/case/","time":17,"recordedtime":17,"data":'
    b'{"feed":"","name":"","kind":"vehicle","state":"available","unit_id":"","sensor_id":"","quantity":"water_depth","unit":"m",'
    b'"case_id":"","class_name":"","subclass_name":"","description":"","severity":2,"lon":113.,"lat":35.,"address":"",'
    b'"district":"","cell":"","report_source":"","due":17,"stages":{"reported":17,"accepted":17,"registered":17,"dispatched":17},'
    b'"thresholds":[{"value":0.,"severity":1,"label":""}],"over":{"state":"handling"},"allowed":[],"revision":1}}'
)
#: of responses, mildest first
LEVELS = ("IV", "III", "II", "I")
#: a case that was reported longer ago when it was first heard is no new one
NEW_MS = 24 * HOUR_MS


class _Stages(msgspec.Struct, frozen=True):
    reported: int | None = None


class _Reported(msgspec.Struct):
    stages: _Stages = _Stages()


_decode = msgspec.json.Decoder().decode
_reported = msgspec.json.Decoder(_Reported).decode


def squeeze(raw: bytes) -> bytes:
    made = zlib.compressobj(6, zdict=ZDICT)
    return made.compress(raw) + made.flush()


def unsqueeze(body: bytes) -> bytes:
    return zlib.decompressobj(zdict=ZDICT).decompress(body)


class Version(NamedTuple):
    """The present version of a subject: its row, its key as the board compares it, its content."""

    row: int
    since: int
    key: tuple[int, int, str]
    digest: bytes
    rank: int


def digest_of(data: bytes) -> bytes:
    """Tells one content from another."""
    return blake2b(data, digest_size=8).digest()


def version_of(row: int, since: int, body: bytes) -> Version:
    """The version that a row holds."""
    head = msgspec.json.decode(unsqueeze(body), type=Head)
    data, topic = bytes(head.data), topic_of(head.subject)
    return Version(row, since, (head.time, head.recordedtime, head.id), digest_of(data), rank_of(topic, data, since))


def rank_of(topic: str, data: bytes, heard: int) -> int:
    """What an edge of the slider's marks is seen by: an active alarm, the level of a response, a case that was reported within
    NEW_MS before it was `heard` (ms): an archive that a supplier hands over at once is nothing that came up then."""
    if topic == "case":
        found = _reported(data).stages.reported
        return int(found is None or heard - found <= NEW_MS)
    if topic == "alarm":
        return int(_decode(data).get("active", True))
    if topic == "response":
        level = _decode(data).get("level")
        return LEVELS.index(level) + 1 if level in LEVELS else 0
    return 1


def edge_of(topic: str, was: int | None, rank: int) -> int:
    """1: a mark of its own on the slider; of responses 1 + the new rank."""
    if topic == "response":
        return 1 + rank if rank != (was or 0) else 0
    return int(topic in ("case", "alarm", "warning") and rank > (was or 0))
