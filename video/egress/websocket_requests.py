"""What a viewer may say on the video socket, checked. Everything refused has a stable reason and a sentence for people."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from hall.core.errors import Refused
from hall.core.tickets import LONGEST

#: bytes of one message: a ticket and little more
MAX_BYTES = 64 * 1024

_Number = Annotated[int, msgspec.Meta(ge=0, le=2**31)]
_Count = Annotated[int, msgspec.Meta(ge=0, le=10**9)]


class Watch(msgspec.Struct, tag_field="op", tag="watch"):
    """Show a channel in the viewer's tile `n`; a tile that shows something shows this instead."""

    n: _Number
    ticket: Annotated[str, msgspec.Meta(max_length=LONGEST)]
    channel: Annotated[str, msgspec.Meta(max_length=300)]
    quality: Literal["main", "sub"] = "main"
    only: Literal["all", "keys"] = "all"
    plain: bool = False  # what every browser and WebRTC can show, converted where needed
    takes: Annotated[list[Annotated[str, msgspec.Meta(max_length=20)]], msgspec.Meta(max_length=20)] | None = None  # families


class Leave(msgspec.Struct, tag_field="op", tag="leave"):
    n: _Number


class Ping(msgspec.Struct, tag_field="op", tag="ping"):
    n: int | float | None = None


class Report(msgspec.Struct, tag_field="op", tag="report"):
    """What a tile did since its last report."""

    n: _Number
    shown: _Count = 0
    dropped: _Count = 0
    latency_ms: float | None = None


_decode = msgspec.json.Decoder(Watch | Leave | Ping | Report).decode


def read(raw: bytes | str) -> Watch | Leave | Ping | Report:
    """A message; raises Refused `malformed`."""
    try:
        return _decode(raw)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise Refused("malformed", str(error)[:200]) from None


class Allowance:
    """How often a viewer may speak: `burst` at once, `rate` a second for good."""

    def __init__(self, rate: float = 60.0, burst: float = 600.0) -> None:
        self.rate, self.burst, self._left, self._at = rate, burst, burst, 0.0

    def take(self, now: float) -> bool:
        self._left = min(self.burst, self._left + (now - self._at) * self.rate)
        self._at = now
        if self._left < 1:
            return False
        self._left -= 1
        return True


#: reason -> code the connection is closed with
CLOSE_CODES: dict[str, int] = {"malformed": 4400, "origin": 4403, "too-many-messages": 4429, "too-many-viewers": 4429}
