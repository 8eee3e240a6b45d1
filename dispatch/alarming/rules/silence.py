"""A sensor that says nothing any more. Woken by time: no push on a heap per reading (detect.py looks again when it is
woken)."""

from __future__ import annotations

from collections.abc import Iterable

from dispatch.alarming.kind import Kind, Live, Settings


class Silence(Settings, kw_only=True, frozen=True):
    """On when nothing was heard of a sensor for `minutes`; off with its next reading. A sensor that was never heard is none."""

    minutes: float


class Condition:
    """`heard`: when the hall last learnt something; `newest`: of when that was."""

    __slots__ = ("active", "heard", "live", "newest", "since")

    def __init__(self, live: Live) -> None:
        self.live, self.active, self.since, self.heard, self.newest = live, False, 0, 0, -1

    def due(self) -> int:
        return self.heard + int(self.live.now.minutes * 60_000)

    def hear(self, at: int, time: int) -> bool:
        """True: it was silent and speaks again. What is told again or late is no sign of life."""
        if time <= self.newest:
            return False
        self.heard, self.newest = at, time
        if not self.active:
            return False
        self.active, self.since = False, at
        return True

    def wake(self, due: int) -> bool:
        """True: it is silent now. False: something was heard meanwhile, or it is known."""
        if self.active or self.due() > due:
            return False
        self.active, self.since = True, self.due()
        return True

    def dump(self) -> list:
        return [self.active, self.since, self.heard, self.newest]

    def load(self, kept: list) -> None:
        self.active, self.since, self.heard, self.newest = kept


def _check(settings: Silence) -> Iterable[tuple[str, str]]:
    if settings.minutes <= 0:
        yield "minutes", "more than 0"


RULE = Kind("silence", "sensor", Silence, Condition, needs_quantity=False, check=_check)
