"""The pictures since the last key picture: who comes in shows them at once, without waiting for the next key picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from video.relay.track import Unit

#: a group that lasts longer is not kept: whoever comes in would decode for seconds what nobody sees
GOP_SECONDS = 20.0


class Budget:
    """Bytes that all tracks together may keep. `dropped` counts groups given up for any bound."""

    __slots__ = ("total", "per_track", "used", "dropped")

    def __init__(self, total: int, per_track: int) -> None:
        self.total, self.per_track, self.used, self.dropped = total, per_track, 0, 0


class Gop:
    """One track's group: a key picture and everything after it, or nothing. `key` is kept also when the rest is not."""

    __slots__ = ("units", "key", "bytes", "_budget", "_began", "_given_up")

    def __init__(self, budget: Budget) -> None:
        self.units: list[Unit] = []
        self.key: Unit | None = None
        self.bytes = 0
        self._budget, self._began, self._given_up = budget, 0.0, True

    def add(self, unit: Unit, now: float) -> None:
        """Keeps a unit; a key picture replaces the group. A group over a bound goes as a whole: with a hole in it, what
        follows cannot be decoded."""
        if unit.key:
            self.clear()
            self.key, self._began, self._given_up = unit, now, False
        elif self._given_up:
            return
        budget, size = self._budget, unit.size
        over = self.bytes + size > budget.per_track or budget.used + size > budget.total
        if over or now - self._began > GOP_SECONDS:
            self.clear()
            budget.dropped += 1
            return
        self.units.append(unit)
        self.bytes += size
        budget.used += size

    def clear(self) -> None:
        """Gives the group's bytes back; nothing is kept until the next key picture."""
        self._budget.used -= self.bytes
        self.units, self.bytes, self._given_up = [], 0, True

    def forget(self) -> None:
        """As `clear`, the key picture too: the stream is another one now."""
        self.clear()
        self.key = None
