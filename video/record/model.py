"""What is kept beside the pictures: recordings, the lines of an index."""

from __future__ import annotations

import msgspec


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One closed segment of a channel: `<number>.m4s`, played after `init`. `start` and `end` real ms; `pts` and `duration`
    90 kHz on the tape's own clock; `suspect` counts damaged pictures; `recovered`: closed after the process had died."""

    number: int
    init: str
    start: int
    end: int
    pts: int
    duration: int
    bytes: int
    pictures: int
    keys: int
    sha256: str
    suspect: int = 0
    recovered: bool = False
    chain: str = ""


class Ordered(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody asks to be recorded. Times real ms. `pre_roll_s` above 0: what is kept of a running channel, back to its
    newest key picture, is recorded too; a channel that nobody watched has none."""

    channels: tuple[str, ...]  # subjects
    case: str = ""  # subject of the case, empty: none
    who: str = ""
    role: str = ""
    why: str = ""
    quality: str = "main"
    pre_roll_s: float = 10.0
    until: int = 0


class Recording(msgspec.Struct, kw_only=True):
    """One recording as kept in `recording.json`. `ended` None while it runs; `reason` of its end: `until`, `stopped`,
    `too-large`, `relay-ended`."""

    id: str
    order: Ordered
    started: int
    ended: int | None = None
    reason: str = ""
    locked: bool = False  # evidence: never removed by age or for room
    locked_by: str = ""


class Taping(msgspec.Struct, kw_only=True):
    """How one channel of a recording does, for screens. `state`: waiting | recording | lost | disk-full | codec | ended."""

    channel: str
    state: str = "waiting"
    segments: int = 0
    bytes: int = 0
    pictures: int = 0
    dropped: int = 0  # pictures that could not be written
    start: int | None = None  # real ms of the first picture kept
    end: int | None = None
    converted: str = ""


class Document(msgspec.Struct, kw_only=True, omit_defaults=True):
    """`recording/<id>` on the bus and over HTTP. Times real ms."""

    id: str
    case: str = ""
    who: str = ""
    why: str = ""
    started: int = 0
    until: int = 0
    ended: int | None = None
    reason: str = ""
    locked: bool = False
    channels: list[Taping] = []


def document_of(recording: Recording, tapings: list[Taping]) -> Document:
    """A recording as it is published."""
    order = recording.order
    return Document(
        id=recording.id, case=order.case, who=order.who, why=order.why, started=recording.started, until=order.until,
        ended=recording.ended, reason=recording.reason, locked=recording.locked, channels=tapings,
    )  # fmt: skip
