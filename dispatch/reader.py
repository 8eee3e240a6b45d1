"""Bus packs as dispatch reads them: envelope first, the document only where it matters. Pure."""

from __future__ import annotations

from typing import Any

import msgspec

from dispatch.casebook import Version
from hall.core.errors import BadInput
from hall.core.event import topic_of, unpack
from hall.core.model import KINDS, Alarm, Case, subject_of

#: far beyond any date, well within what the casebook can store
NUMBER_BOUND = 2**52


class Head(msgspec.Struct):
    """An event with its document still encoded."""

    id: str
    source: str
    subject: str
    time: int
    recordedtime: int
    data: msgspec.Raw = msgspec.Raw(b"null")

    @property
    def gone(self) -> bool:
        return bytes(self.data) == b"null"


_decode_pack = msgspec.json.Decoder(list[Head]).decode
_decode_head = msgspec.json.Decoder(Head).decode
_documents = {topic: msgspec.json.Decoder(kind) for kind, topic, _ in KINDS.values()} | {"alarm": msgspec.json.Decoder(Alarm)}


def heads(payload: bytes) -> tuple[list[Head], int]:
    """The events of a pack, and how many of it could not be read."""
    try:
        return _decode_pack(payload), 0
    except msgspec.MsgspecError:
        return _readable(payload)


def _readable(payload: bytes) -> tuple[list[Head], int]:
    try:
        parts = unpack(payload)
    except BadInput:
        return [], 1
    found = []
    for part in parts:
        try:
            found.append(_decode_head(part))
        except msgspec.MsgspecError:
            continue
    return found, len(parts) - len(found)


def document(head: Head) -> Any:
    """The event's document, None when the subject is gone; raises msgspec.MsgspecError when it is not of its kind."""
    return None if head.gone else _documents[topic_of(head.subject)].decode(head.data)


def version_of(head: Head) -> Version:
    """A `case` or `archive` event as the casebook takes it; an archived case keeps the subject it had on the board.

    Raises msgspec.MsgspecError when it is no case, BadInput when a number of it is beyond any date or measure.
    """
    archived = topic_of(head.subject) == "archive"
    case: Case | None = _documents["case"].decode(head.data) if archived else document(head)
    numbers = [head.time, head.recordedtime]
    if case is not None:
        numbers += [case.severity, case.due or 0, *(moment or 0 for moment in msgspec.structs.astuple(case.stages))]
    if any(abs(number) > NUMBER_BOUND for number in numbers):
        raise BadInput("number-out-of-range", head.subject)
    subject = subject_of(case) if archived else head.subject
    return Version(subject, (head.time, head.recordedtime, head.id), head.source, case)
