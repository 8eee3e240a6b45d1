"""When an ended case leaves the board. Pure. The casebook keeps it for good."""

from __future__ import annotations

import heapq

KEEP = 24 * 3_600_000  # city time an ended case stays on the walls


class Retirements:
    """Cases on the board by the moment they may leave it."""

    def __init__(self, keep: int = KEEP) -> None:
        self._keep = keep
        self._waiting: dict[str, tuple[int, int]] = {}  # subject -> (when it leaves, its newest event's time)
        self._heap: list[tuple[int, str]] = []

    def put(self, subject: str, ended_at: int | None, time: int) -> None:
        """The newest version of a case on the board: ended at `ended_at` or not (None), told by an event of `time`."""
        if ended_at is None:
            self._waiting.pop(subject, None)
            return
        leaves = ended_at + self._keep
        known = self._waiting.get(subject)
        self._waiting[subject] = (leaves, time)
        if known is None or known[0] != leaves:
            heapq.heappush(self._heap, (leaves, subject))

    def due(self, now: int) -> list[tuple[str, int]]:
        """Subjects that leave now, each with its newest event's time; each is given once."""
        found = []
        while self._heap and self._heap[0][0] <= now:
            leaves, subject = heapq.heappop(self._heap)
            known = self._waiting.get(subject)
            if known is not None and known[0] == leaves:
                del self._waiting[subject]
                found.append((subject, known[1]))
        return found
