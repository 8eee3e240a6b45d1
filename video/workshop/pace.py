"""A clip's pictures at the moments they are due, as if a camera sent them."""

from __future__ import annotations

import threading

from hall.core.clock import monotonic

_LATE = 1.0  # seconds behind after which the plan is moved instead of a burst being sent


class Pace:
    """`wait(seconds)` returns when a moment of the clip's own time has come; False: it was ended meanwhile."""

    def __init__(self) -> None:
        self._ended = threading.Event()
        self._start: float | None = None

    def wait(self, seconds: float) -> bool:
        now = monotonic()
        if self._start is None or now - (self._start + seconds) > _LATE:
            self._start = now - seconds
        wait = self._start + seconds - now
        return not (self._ended.wait(wait) if wait > 0 else self._ended.is_set())

    def jump(self) -> None:
        """The clip's time starts anew with the next picture."""
        self._start = None

    def end(self) -> None:
        self._ended.set()

    @property
    def ended(self) -> bool:
        return self._ended.is_set()
