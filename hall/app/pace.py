"""How fast one person may act: a bucket of tokens each, so that one broken script does not stand in everybody's way."""

from __future__ import annotations

from hall.core.clock import monotonic
from hall.core.errors import Refused

#: commands a second in the long run, and at once after a pause: far above any hand, enough for whole batches
RATE, BURST = 50.0, 1000.0
_PEOPLE = 10_000


class Pace:
    """Buckets by name; the oldest are forgotten when there are too many."""

    def __init__(self, rate: float = RATE, burst: float = BURST) -> None:
        self.rate, self.burst = rate, burst
        self._left: dict[str, tuple[float, float]] = {}

    def take(self, name: str, amount: int = 1) -> None:
        """Takes `amount` from the bucket of `name`; raises Refused 429 when it holds less."""
        now = monotonic()
        left, at = self._left.pop(name, (self.burst, now))
        left = min(self.burst, left + (now - at) * self.rate)
        enough = left >= amount
        self._left[name] = (left - amount if enough else left, now)
        if len(self._left) > _PEOPLE:
            del self._left[next(iter(self._left))]
        if not enough:
            raise Refused("too-many", f"more than {self.rate:g} commands a second; wait a moment", 429)
