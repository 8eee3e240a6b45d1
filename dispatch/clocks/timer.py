"""Timers: what falls due when. A heap in memory, made anew from the files' states at each start, so nothing is kept twice."""

from __future__ import annotations

import heapq
from typing import NamedTuple


class Fallen(NamedTuple):
    """A timer that fell due."""

    due: int
    subject: str
    what: str


class Timers:
    """One timer per (subject, what). Cost: log n to put, log n per timer that falls; changed ones are left in the heap until
    they come up, and cleared out when they are the greater part."""

    def __init__(self) -> None:
        self._heap: list[Fallen] = []
        self._due: dict[tuple[str, str], int] = {}

    def __len__(self) -> int:
        return len(self._due)

    def put(self, subject: str, what: str, due: int | None) -> None:
        """Sets (or moves) a timer to `due` ms; None takes it away."""
        key = (subject, what)
        if due is None:
            self._due.pop(key, None)
        elif self._due.get(key) != due:
            self._due[key] = due
            heapq.heappush(self._heap, Fallen(due, subject, what))
        if len(self._heap) > 64 and len(self._heap) > 2 * len(self._due):
            self._heap = [Fallen(at, *held) for held, at in self._due.items()]
            heapq.heapify(self._heap)

    def drop(self, subject: str, *whats: str) -> None:
        """Takes several timers of a subject away."""
        for what in whats:
            self.put(subject, what, None)

    def due(self, now: int, most: int | None = None) -> list[Fallen]:
        """The timers that fell due by `now`, earliest first, each told once; at most `most` of them, the rest next time."""
        fallen: list[Fallen] = []
        while self._heap and self._heap[0].due <= now and (most is None or len(fallen) < most):
            top = heapq.heappop(self._heap)
            if self._due.get(top[1:]) == top.due:
                del self._due[top[1:]]
                fallen.append(top)
        return fallen

    def next(self) -> int | None:
        """When the earliest timer falls due; None: there is none."""
        while self._heap and self._due.get(self._heap[0][1:]) != self._heap[0].due:
            heapq.heappop(self._heap)
        return self._heap[0].due if self._heap else None
