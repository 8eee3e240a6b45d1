"""One connection as the hub sees it: a transport to write to, what it asked for, and its outbox."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any, Protocol

from hall.core.board import Position
from hall.gate.filters import Filter
from hall.gate.frames import Message, close_frame
from hall.gate.groups import Group
from hall.gate.outbox import Outbox


class Transport(Protocol):
    """The part of asyncio's transport that is used."""

    def write(self, data: bytes) -> None: ...
    def get_write_buffer_size(self) -> int: ...
    def abort(self) -> None: ...


class Asked:
    """A checked subscription that waits for the next tick.

    `since` None: everything. `stamp` says which bus and subscription that position was told for.
    """

    __slots__ = ("topics", "where", "since", "stamp")

    def __init__(self, topics: tuple[str, ...], where: Filter, since: Position | None = None, stamp: str = "") -> None:
        self.topics, self.where, self.since, self.stamp = topics, where, since, stamp


class Listener:
    """Writes shared bytes straight to the transport: the library's own sending would frame and deflate per connection."""

    __slots__ = ("transport", "deflate", "outbox", "group", "asked", "is_open", "_later")

    def __init__(
        self,
        transport: Transport,
        deflate: bool,
        is_open: Callable[[], bool],
        later: Callable[[float, Callable[[], Any]], Any],
    ) -> None:
        self.transport, self.deflate, self.is_open, self._later = transport, deflate, is_open, later
        self.outbox = Outbox()
        self.group: Group | None = None
        self.asked: Asked | None = None

    def unsent(self) -> int:
        return self.transport.get_write_buffer_size()

    def write(self, message: Message) -> int:
        """Hands a message to the transport; returns its bytes on the wire, 0 when the connection has gone."""
        if not self.is_open():
            return 0
        wire = message.deflated if self.deflate else message.plain
        try:
            self.transport.write(wire)
        except (OSError, RuntimeError):  # the other side went in this very moment
            return 0
        return len(wire)

    def cut(self, code: int, reason: str = "") -> None:
        """Closes without waiting for somebody who does not read: a close frame, a second to take it, then the end."""
        with contextlib.suppress(OSError, RuntimeError):
            if self.is_open():
                self.transport.write(close_frame(code, reason))
        self._later(1.0, self.transport.abort)
