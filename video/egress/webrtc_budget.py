"""What a viewer's reports lead to: how many pictures it still gets (all, key pictures only, then the sub-stream, and back when
it is quiet), and how long its player is asked to hold them back, so that what is sent again comes in time."""

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


ROUGH_LOSS, ROUGH_JITTER_MS = 0.01, 30.0
ROUGH_REPORTS = 2  # within CALM seconds
CALM = 30.0
STEP_MS, MOST_MS = 100, 2_000


class Smoothing:
    """Pure. `asked`: least and most ms that players are asked to hold pictures back; on a smooth way what is configured."""

    def __init__(self, least: int, most: int) -> None:
        self.asked = self._configured = (least, most)
        self._rough: list[float] = []

    def heard(self, share: float, rtt_ms: float, jitter_ms: float, now: float) -> bool:
        """Loss, time there and back, jitter of a report, `now` in seconds; True when something else is asked from now on."""
        self._rough = [at for at in self._rough if now - at < CALM]
        if share < ROUGH_LOSS and jitter_ms < ROUGH_JITTER_MS:
            changed = not self._rough and self.asked != self._configured
            self.asked = self._configured if changed else self.asked
            return changed
        self._rough.append(now)
        # noticed with the next packet, asked for and sent again: once, and once more
        wanted = min(MOST_MS, -(-(60 + 2 * rtt_ms + 2 * jitter_ms) // STEP_MS) * STEP_MS)
        if len(self._rough) < ROUGH_REPORTS or wanted <= self.asked[0]:
            return False
        self.asked = (int(wanted), max(2 * int(wanted), self._configured[1]))
        return True
