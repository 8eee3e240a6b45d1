"""Whose turn it is: every channel once per lap, suspects sooner, the dead ever more seldom. Pure; times are seconds of a clock
that never jumps, given by the caller."""

from __future__ import annotations

import heapq
import itertools

import msgspec

from video.health.limits import SUSPECT_SECONDS

_LONGEST_BACK_OFF = 8  # laps between looks at a camera that has long been dead


class Turn(msgspec.Struct):
    """A channel's place in the round. `fails`: looks in a row without a picture."""

    due: float
    number: int
    fails: int = 0
    out: bool = False  # it was handed out and has not come back


class Progress(msgspec.Struct, frozen=True, omit_defaults=True):
    """Lap `number`: `done` of `total`; `resting` of them were dead so often that they sit this lap out."""

    number: int
    done: int
    total: int
    resting: int
    started: float
    took: float | None = None  # seconds, once everybody was looked at; the next lap begins when its time has come


class Laps:
    """Every channel in turn. `seconds`: no channel is visited more often than this, suspects excepted."""

    def __init__(self, seconds: float, now: float) -> None:
        self.seconds = seconds
        self._turns: dict[str, Turn] = {}
        self._heap: list[tuple[float, int, str]] = []
        self._count = itertools.count()
        self._pending: set[str] = set()
        self._number, self._started, self._total, self._resting = 1, now, 0, 0
        self._ended: float | None = None  # when everybody of this lap had been looked at

    def __len__(self) -> int:
        return len(self._turns)

    def keep(self, subjects: set[str], now: float) -> None:
        """The channels there are: new ones are due at once, gone ones are forgotten."""
        for subject in [known for known in self._turns if known not in subjects]:
            del self._turns[subject]
            if subject in self._pending:
                self._pending.discard(subject)
                self._total -= 1
        for subject in subjects:
            if subject not in self._turns:
                self._turns[subject] = Turn(now, 0)
                self._push(subject, now)
                self._pending.add(subject)
                self._total, self._ended = self._total + 1, None
        self._end_if_done(now)

    def take(self, now: float) -> str | None:
        """The channel that is longest due, which is then out until `seen` or `failed`; None when none is due."""
        if self._ended is not None and now - self._started >= self.seconds:
            self._begin(now)
        while self._heap and self._heap[0][0] <= now:
            _, number, subject = heapq.heappop(self._heap)
            turn = self._turns.get(subject)
            if turn is not None and turn.number == number and not turn.out:
                turn.out = True
                return subject
        return None

    def wait(self, now: float) -> float:
        """Seconds until somebody is due, at most a second."""
        return min(1.0, max(0.0, self._heap[0][0] - now)) if self._heap else 1.0

    def seen(self, subject: str, now: float, suspect: bool = False) -> None:
        """It gave a picture; `suspect`: look again soon."""
        self._back(subject, now, SUSPECT_SECONDS if suspect else self.seconds, 0)

    def failed(self, subject: str, now: float) -> None:
        """It gave none: once more soon, then after one lap, two, four, eight."""
        turn = self._turns.get(subject)
        fails = turn.fails + 1 if turn else 1
        wait = SUSPECT_SECONDS if fails == 1 else self.seconds * min(_LONGEST_BACK_OFF, 2 ** (fails - 2))
        self._back(subject, now, wait, fails)

    def progress(self) -> Progress:
        took = None if self._ended is None else self._ended - self._started
        return Progress(self._number, self._total - len(self._pending), self._total, self._resting, self._started, took)

    # -- inside --------------------------------------------------------------------------------------------------

    def _back(self, subject: str, now: float, wait: float, fails: int) -> None:
        self._pending.discard(subject)
        turn = self._turns.get(subject)
        if turn is not None:
            turn.out, turn.fails = False, fails
            self._push(subject, now + wait)
        self._end_if_done(now)

    def _push(self, subject: str, due: float) -> None:
        turn = self._turns[subject]
        turn.due, turn.number = due, next(self._count)
        heapq.heappush(self._heap, (due, turn.number, subject))

    def _end_if_done(self, now: float) -> None:
        if not self._pending and self._turns and self._ended is None:
            self._ended = now

    def _begin(self, now: float) -> None:
        """A new lap for everybody who is due within it; who has long been dead sits it out."""
        soon = now + self.seconds
        pending = {subject for subject, turn in self._turns.items() if turn.due <= soon or turn.out}
        if pending:
            self._number, self._started, self._ended = self._number + 1, now, None
            self._pending, self._total, self._resting = pending, len(pending), len(self._turns) - len(pending)
