"""How many pictures a lossy way still gets: all, key pictures only, then the sub-stream; and back when it is quiet."""

from __future__ import annotations

LOSSY = 0.15  # share of packets lost in one report, above what resending mends without harm
BAD_REPORTS = 3  # within WINDOW seconds: one bad moment changes nothing
WINDOW = 6.0
QUIET = {"keys": 10.0, "sub": 30.0}  # seconds without trouble before a better level is tried
LONGEST_QUIET = 300.0
LEVELS = ("all", "keys", "sub")


class Budget:
    """Pure: told what happened and when (monotonic seconds), it says which level holds."""

    def __init__(self, now: float) -> None:
        self.level = "all"
        self.why = ""
        self._bad: list[float] = []
        self._since = self._trouble = now
        self._patience = 1.0  # grows when a better level was tried in vain

    def lost(self, share: float, now: float) -> bool:
        """A receiver's report; True when the level changed."""
        return self._bad_at(now, "loss") if share >= LOSSY else self.quiet(now)

    def unsent(self, now: float) -> bool:
        """A picture that the machine's own network did not take; True when the level changed."""
        return self._bad_at(now, "unsent")

    def quiet(self, now: float) -> bool:
        """Time went by; True when a better level is to be tried."""
        if self.level == "all" or now - max(self._trouble, self._since) < min(
            QUIET[self.level] * self._patience, LONGEST_QUIET
        ):
            return False
        self._to("all", "", now)
        return True

    def _bad_at(self, now: float, why: str) -> bool:
        self._trouble = now
        self._bad = [at for at in self._bad if now - at < WINDOW] + [now]
        if len(self._bad) < BAD_REPORTS or self.level == LEVELS[-1]:
            return False
        if self.level == "all":
            self._patience = self._patience * 2 if now - self._since < 60 and self._since > 0 and self.why == "" else 1.0
        self._to(LEVELS[LEVELS.index(self.level) + 1], why, now)
        return True

    def _to(self, level: str, why: str, now: float) -> None:
        self.level, self.why, self._since, self._bad = level, why, now, []
