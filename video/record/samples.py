"""Pictures waiting for their fragment: what lasts how long is told by the pictures after, when to decode by all of them."""

from __future__ import annotations

from typing import NamedTuple

from video.media import CLOCK_RATE
from video.record.boxes import Sample

_MOST_BYTES = 16 * 1024 * 1024  # of one fragment


class Taken(NamedTuple):
    """The samples of one fragment; `at` = decoding time of the first, `captured` = when it was taken (real ms)."""

    at: int
    captured: float
    samples: list[Sample]


class _Waiting(NamedTuple):
    data: bytes
    key: bool
    shown: int
    captured: float


class Samples:
    """Collects one fragment at a time; times in 90 kHz of the tape's own clock."""

    def __init__(self) -> None:
        self._waiting: list[_Waiting] = []
        self._bytes = 0
        self._began = 0
        self._segment_at = 0
        self.suspects = 0
        self.newest: int | None = None

    def start(self, at: int, captured: float) -> None:
        """A segment begins with a picture shown at `at`."""
        self._segment_at, self.suspects, self._waiting, self._bytes = at, 0, [], 0

    def lasts(self, at: int) -> int:
        """How long the segment would be with a picture shown at `at`."""
        return at - self._segment_at

    def add(self, data: bytes, key: bool, shown: int, captured: float, suspect: bool) -> None:
        if not self._waiting:
            self._began = shown
        self._waiting.append(_Waiting(data, key, shown, captured))
        self._bytes += len(data)
        self.suspects += suspect
        self.newest = shown if self.newest is None else max(self.newest, shown)

    def due(self, at: int, key: bool, reorders: bool, most: float) -> bool:
        """Whether the fragment ends before a picture shown at `at`. Pictures that are reordered stay together with their
        group: only the whole group says in what order they are shown."""
        if self._bytes > _MOST_BYTES:
            return True
        return (key or not reorders) and bool(self._waiting) and at - self._began >= most

    def taken(self, following: int | None, usual: int) -> Taken | None:
        """The fragment's samples, which are forgotten here. `following`: when the next picture is shown, None when there is
        none for now; `usual`: a picture's duration where nothing tells it."""
        waiting, self._waiting, self._bytes = self._waiting, [], 0
        if not waiting:
            return None
        order = sorted(one.shown for one in waiting)
        usual = order[-1] - order[-2] if len(order) > 1 and order[-1] > order[-2] else usual
        last = following - order[-1] if following is not None and following > order[-1] else min(usual, 2 * CLOCK_RATE)
        ends = [*order[1:], order[-1] + last]
        samples = [
            Sample(one.data, one.key, max(1, end - start), one.shown - start)
            for one, start, end in zip(waiting, order, ends, strict=True)
        ]
        first = min(waiting, key=lambda one: one.shown)
        return Taken(order[0], first.captured, samples)
