"""What a client may say, checked. Everything refused has a stable reason and a sentence for people."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec

from hall.core.board import Position
from hall.core.errors import Refused
from hall.core.model import LOG_TOPICS, STATE_TOPICS
from hall.gate.filters import Filter, Where, within
from hall.gate.listener import Asked

#: bytes of one client message
MAX_BYTES = 64 * 1024
#: subscriptions a second for good, and at once: each is answered with the whole picture
SUBSCRIPTIONS = (1.0, 20.0)
KNOWN_TOPICS = frozenset((*STATE_TOPICS, *LOG_TOPICS))

#: reason -> code the connection is closed with
CLOSE_CODES = {
    "malformed": 4400, "op-unknown": 4400, "topic-unknown": 4400, "filter-malformed": 4400, "position-malformed": 4400,
    "no-identity": 4401, "origin": 4403, "topic-refused": 4403, "too-many-messages": 4429, "too-many-clients": 4429,
    "bus-lost": 1013,
}  # fmt: skip


class Head(msgspec.Struct):
    op: str


class Subscribe(msgspec.Struct):
    topics: Annotated[list[Annotated[str, msgspec.Meta(max_length=64)]], msgspec.Meta(min_length=1, max_length=32)]
    where: dict[str, dict[str, list[Any] | dict[str, Any]]] | None = None
    from_: str | None = msgspec.field(default=None, name="from")


class Ping(msgspec.Struct):
    n: int | float | str | None = None


_Short = Annotated[str, msgspec.Meta(max_length=64)]


class Shown(msgspec.Struct, omit_defaults=True):
    """The push (dispatch/shows.py) that a screen obeys. `since`: real ms of the painted frame, None while it does not show it.

    `here`: whether it lies on this screen at all, or on others of the same wall. `held`: who acts there, so that it waits.
    """

    subject: Annotated[str, msgspec.Meta(max_length=200)]
    number: int
    since: int | None = None
    here: bool = True
    held: _Short = ""
    fault: _Short = ""


class Report(msgspec.Struct, omit_defaults=True):
    """What a screen says it shows. `number`: which screen of its wall it is, from 1, row by row from the top left."""

    id: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9._:-]{1,64}\Z")]
    wall: _Short | None = ""
    layout: _Short | None = ""
    part: Any = None
    hash: _Short | int | None = ""
    oldest_frame_ms: float | None = None
    tiles: Annotated[dict[_Short, _Short], msgspec.Meta(max_length=64)] = {}
    heap_mb: float | None = None
    fps: float | None = None
    build: _Short | None = ""
    number: int | None = None
    shows: Shown | None = None


def _decode(raw: bytes, kind: type) -> Any:
    try:
        return msgspec.json.decode(raw, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise Refused("malformed", str(error)) from None


def read_op(raw: bytes) -> str:
    return _decode(raw, Head).op


def read_ping(raw: bytes) -> Ping:
    return _decode(raw, Ping)


def read_report(raw: bytes) -> Report:
    """Raises Refused, also when `part` is more than a small value."""
    report = _decode(raw, Report)
    if len(_encoded(report.part)) > 200:
        raise Refused("malformed", "part: at most 200 bytes")
    return report


def _encoded(part: Any) -> bytes:
    try:
        return msgspec.json.encode(part)
    except RecursionError:
        raise Refused("malformed", "part: too deep") from None


def read_subscribe(raw: bytes, allowed: tuple[str, ...], bounds: Where | None = None) -> Asked:
    """Checks topics, filter and position; raises Refused. `bounds` is what the asker may see at most (hall.roles.bounds)."""
    wanted = _decode(raw, Subscribe)
    for topic in wanted.topics:
        if topic not in KNOWN_TOPICS:
            raise Refused("topic-unknown", f"no topic is called {topic!r}")
        if topic not in allowed:
            raise Refused("topic-refused", f"{topic!r} is not for this role")
    strange = set(wanted.where or ()) - set(wanted.topics)
    if strange:
        raise Refused("filter-malformed", f"where names topics that are not subscribed: {', '.join(sorted(strange))}")
    where = Filter(within(wanted.where, {topic: bounds[topic] for topic in wanted.topics if topic in (bounds or {})}))
    if not wanted.from_:
        return Asked(tuple(wanted.topics), where)
    stamp, _, position = wanted.from_.rpartition("@")
    try:
        return Asked(tuple(wanted.topics), where, Position.parse(position), stamp)
    except ValueError as error:
        raise Refused("position-malformed", str(error)) from None


class Allowance:
    """How often a client may speak: `burst` at once, `rate` a second for good."""

    def __init__(self, rate: float = 20.0, burst: float = 200.0) -> None:
        self.rate, self.burst, self._left, self._at = rate, burst, burst, 0.0

    def take(self, now: float) -> bool:
        self._left = min(self.burst, self._left + (now - self._at) * self.rate)
        self._at = now
        if self._left < 1:
            return False
        self._left -= 1
        return True
