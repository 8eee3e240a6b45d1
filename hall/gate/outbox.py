"""What one connection still needs: pure, no clock, no socket.

A connection is *idle* until it subscribes, *feeding* while the parts of a state go out, *live* while it gets the frames
that everybody gets, and *held* while it has too many unsent bytes. Nothing is queued for a held connection: it keeps the
position it has been told, and is caught up from the board.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum

from hall.core.board import Position
from hall.gate.frames import Message

#: unsent bytes beyond which a connection is held, and under which it counts as drained
HIGH_BYTES = 1024 * 1024
LOW_BYTES = 64 * 1024
#: seconds without draining until a connection is cut
PATIENCE_SECONDS = 30.0


class Phase(Enum):
    IDLE = "idle"
    FEEDING = "feeding"
    LIVE = "live"
    HELD = "held"


class Step(Enum):
    """What to do next for a connection that is not live."""

    WAIT = "wait"
    DONE = "done"  # the state is out: go live, or catch up if the world moved on meanwhile
    CATCH_UP = "catch up"  # drained after being held
    CUT = "cut"


class Outbox:
    """Decides; the hub does. `position` is what has been told, valid while not live; `skipped` events since held."""

    def __init__(self) -> None:
        self.phase = Phase.IDLE
        self.position = Position()
        self.skipped = 0
        self._parts: Iterator[Message] = iter(())
        self._next: Message | None = None
        self._goal = Position()
        self._blocked_since: float | None = None

    def feed(self, parts: list[Message], goal: Position) -> None:
        """Starts sending a state that is true at `goal`."""
        self._parts = iter(parts)
        self._next = next(self._parts, None)
        self._goal = goal
        self.phase = Phase.FEEDING

    def live(self) -> None:
        self.phase, self._blocked_since, self.skipped = Phase.LIVE, None, 0

    def hold(self, told: Position, now: float) -> None:
        """Too many unsent bytes: no more frames; `told` is the position of the last one written."""
        self.phase, self.position = Phase.HELD, told
        self._blocked_since = now

    def pass_over(self, events: int) -> None:
        """A frame with `events` was not sent."""
        if self.phase is Phase.HELD:
            self.skipped += events

    def take_skipped(self) -> int:
        skipped, self.skipped = self.skipped, 0
        return skipped

    def step(self, unsent: int, now: float) -> Step | Message:
        """The next thing to do: a message to write now, or a Step. Call again after writing."""
        if self.phase is Phase.HELD:
            if unsent <= LOW_BYTES:
                return Step.CATCH_UP
            return self._wait(now)
        if self._next is None:
            self.position = self._goal
            return Step.DONE
        if unsent > HIGH_BYTES:
            return self._wait(now)
        self._blocked_since = None
        message, self._next = self._next, next(self._parts, None)
        return message

    def _wait(self, now: float) -> Step:
        if self._blocked_since is None:
            self._blocked_since = now
        return Step.CUT if now - self._blocked_since >= PATIENCE_SECONDS else Step.WAIT
