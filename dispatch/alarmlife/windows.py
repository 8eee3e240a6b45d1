"""Announcements counted over sliding spans of city time, and when a flood of them begins and ends. Pure, incremental.

A moment `t` looks back over the half-open span (t - span, t]: what happened exactly one span ago is out.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Hashable
from typing import NamedTuple


class Told(NamedTuple):
    """One announcement: an alarm asked for somebody's attention. `at`: city ms when the ledger recorded it."""

    at: int
    site: str
    priority: int
    district: str


class Window:
    """Announcements of the last `span` ms, counted by site and by priority. Keeps at most `bound`; older ones are forgotten
    early then, and counted in `dropped`."""

    def __init__(self, span: int, bound: int = 100_000) -> None:
        self.span, self._bound = span, bound
        self._kept: deque[Told] = deque()
        self.sites: Counter[str] = Counter()
        self.priorities: Counter[int] = Counter()
        self.dropped = 0

    def __len__(self) -> int:
        return len(self._kept)

    def __iter__(self):
        return iter(self._kept)

    def take(self, told: Told) -> None:
        """In the order of `at`."""
        self._kept.append(told)
        self.sites[told.site] += 1
        self.priorities[told.priority] += 1
        if len(self._kept) > self._bound:
            self._forget()
            self.dropped += 1

    def advance(self, now: int) -> list[Told]:
        """Forgets what is out of the span at `now`; gives it."""
        gone = []
        while self._kept and self._kept[0].at <= now - self.span:
            gone.append(self._forget())
        return gone

    def since(self, moment: int) -> int:
        """How many were told after `moment`."""
        found = 0
        for told in reversed(self._kept):
            if told.at <= moment:
                break
            found += 1
        return found

    def _forget(self) -> Told:
        told = self._kept.popleft()
        _less(self.sites, told.site)
        _less(self.priorities, told.priority)
        return told


def _less(counts: Counter, key: Hashable) -> None:
    counts[key] -= 1
    if not counts[key]:
        del counts[key]


class Flood:
    """Whether announcements come faster than one person can answer: from `begins` within `window` ms on until there are fewer
    than `ends_below`. `since` is when the present one began; `spans` are those that ended, oldest first, for `memory` ms.

    Where it ends is worked out, not noticed: however rarely it is asked, the answer is the same.
    """

    def __init__(self, window: int, begins: int, ends_below: int, memory: int) -> None:
        self._window, self._begins, self._ends_below, self._memory = window, begins, ends_below, memory
        self._newest: deque[int] = deque(maxlen=begins)
        self.since: int | None = None
        self.spans: deque[tuple[int, int]] = deque()

    def take(self, at: int) -> None:
        """An announcement, in order. One at the very moment at which the flood would have ended keeps it going."""
        self.advance(at - 1)
        self._newest.append(at)
        if self.since is None and len(self._newest) == self._begins and self._newest[0] > at - self._window:
            self.since = at

    def advance(self, now: int) -> None:
        if self.since is not None:
            end = self._newest[-self._ends_below] + self._window
            if end <= now:
                self.spans.append((self.since, end))
                self.since = None
        while self.spans and self.spans[0][1] <= now - self._memory:
            self.spans.popleft()

    def since_at(self, moment: int) -> int | None:
        """When the flood that was on at `moment` had begun; None: there was none (that is still remembered)."""
        if self.since is not None and self.since <= moment:
            return self.since
        return next((begin for begin, end in self.spans if begin <= moment < end), None)

    def share(self, now: int) -> float:
        """Part of the last `memory` ms that was flood."""
        start = now - self._memory
        running = [(self.since, now)] if self.since is not None else []
        lasted = sum(max(0, min(end, now) - max(begin, start)) for begin, end in [*self.spans, *running])
        return lasted / self._memory

    def idle(self, now: int) -> bool:
        """Whether nothing of it needs to be kept at `now`."""
        quiet = not self._newest or self._newest[-1] <= now - self._window
        return self.since is None and not self.spans and quiet
