"""What is kept beside the pictures: recordings, the lines of an index."""

from __future__ import annotations

import msgspec

from hall.core.errors import Refused

MOST_CHANNELS = 16  # of one recording
LONGEST_MS, USUAL_MS = 24 * 3_600_000, 3_600_000


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


class Gap(msgspec.Struct, frozen=True, kw_only=True):
    """A time without pictures, a line of `gaps.jsonl`: real ms; `until` None while it lasts. `reason` as a track or the relay
    gives it (`unreachable`, `silent`, `too-many-channels` ...), or `disk-full`, `disk-slow`, `codec`, `restarted`."""

    since: int
    until: int | None = None
    reason: str = ""
    detail: str = ""


class Handed(msgspec.Struct, frozen=True, kw_only=True):
    """To whom a recording is handed over, when (real ms) and why; `export` names this handing over in the audit."""

    export: str
    who: str
    role: str = ""
    desk: str = ""
    why: str = ""
    at: int = 0


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
    """How one channel of a recording does, for screens. `state`: waiting | recording | lost | disk-full | codec | ended;
    `reason`: why there are no pictures, empty while there are."""

    channel: str
    state: str = "waiting"
    reason: str = ""
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


def checked(order: Ordered, now: int) -> Ordered:
    """The order with its end set; raises Refused."""
    if not 0 < len(order.channels) <= MOST_CHANNELS or len(set(order.channels)) != len(order.channels):
        raise Refused("channels-bad", f"1 to {MOST_CHANNELS} different channels", 422)
    if not all(channel.startswith("channel/") and channel.count("/") >= 2 for channel in order.channels):
        raise Refused("channels-bad", "a channel is channel/<feed>/<id>", 422)
    until = order.until or now + USUAL_MS
    if not now < until <= now + LONGEST_MS:
        raise Refused("until-bad", f"until: real ms, at most {LONGEST_MS // 3_600_000} hours from now", 422)
    return msgspec.structs.replace(order, until=until)
