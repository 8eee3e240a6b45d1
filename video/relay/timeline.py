"""One clock for a track, whatever its sources' clocks do: it runs on over reconnects and never jumps back."""

from __future__ import annotations

from video.media import CLOCK_RATE

#: a source's clock that departs from real time by more than this between two pictures was set anew
JUMP_SECONDS = 10.0
_STEP = CLOCK_RATE // 100  # between the last picture of one source and the first of the next, at least


class Timeline:
    """Places source times (any origin, 90 kHz) on the track's. Pure: `now` is seconds on a clock that never jumps."""

    __slots__ = ("top", "_offset", "_last", "_at", "_started")

    def __init__(self) -> None:
        self.top = CLOCK_RATE  # highest time given; one second of room below, for pictures shown before the first key
        self._offset: int | None = None
        self._last, self._at, self._started = 0, 0.0, False

    def restart(self) -> None:
        """The next picture comes from a clock that has nothing to do with the last one's."""
        self._offset = None

    def place(self, pts: int, now: float) -> tuple[int, bool]:
        """The track's time of a picture, and whether the source's clock had to be fitted anew."""
        elapsed = now - self._at
        fitted = self._offset is None or abs((pts - self._last) / CLOCK_RATE - elapsed) > JUMP_SECONDS
        if fitted:
            gone = max(_STEP, round(elapsed * CLOCK_RATE)) if self._started else 0
            self._offset = self.top + gone - pts
        self._last, self._at, self._started = pts, now, True
        placed = max(0, pts + (self._offset or 0))
        if placed > self.top:
            self.top = placed
        return placed, fitted
