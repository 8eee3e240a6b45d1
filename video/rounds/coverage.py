"""Which cameras somebody has really seen, and when: what the relay says was painted on a screen, kept over restarts."""

from __future__ import annotations

from typing import Any

import numpy as np

from hall.core.bus import Bus
from hall.core.errors import BusLost

KEY = "seen"  # bus hash: subject -> real ms of the last moment its pictures were on a screen
_FLUSH = 5_000  # entries per write


class Seen:
    """When each channel was last on a screen. Written to the bus in batches; what the bus could not take waits."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self.at: dict[str, int] = {}
        self._new: dict[str, int] = {}

    async def load(self) -> None:
        """Takes what is kept; raises BusLost."""
        for subject, at in (await self._bus.hash_all(KEY)).items():
            if at.isdigit():
                self.at[subject] = max(int(at), self.at.get(subject, 0))

    def take(self, subject: str, at: int) -> None:
        if at > self.at.get(subject, 0):
            self.at[subject] = self._new[subject] = at

    async def keep(self) -> None:
        """Writes what is new; on BusLost it stays for the next time."""
        batch = dict(list(self._new.items())[:_FLUSH])
        if not batch:
            return
        try:
            await self._bus.hash_set({subject: str(at) for subject, at in batch.items()}, KEY)
        except BusLost:
            return
        for subject, at in batch.items():
            if self._new.get(subject) == at:
                del self._new[subject]


def by_owner(owners: list[str], alive: np.ndarray, seen: np.ndarray, now: int, hours: float) -> list[dict[str, Any]]:
    """Rows per department: `{owner, total, living, seen, never, oldest_minutes}`, worst share first. `seen` counts living
    cameras that were on a screen within `hours`; `oldest_minutes`: of the living one not seen for the longest, null where one
    never was."""
    since = now - hours * 3_600_000
    rows = []
    names = np.array(owners, dtype=object)
    for owner in sorted(set(owners)):
        mine = names == owner
        living = mine & alive
        count = int(living.sum())
        never = int((seen[living] == 0).sum())
        oldest = None if not count or never else round((now - float(seen[living].min())) / 60_000, 1)
        rows.append({
            "owner": owner, "total": int(mine.sum()), "living": count, "seen": int((seen[living] >= max(since, 1)).sum()),
            "never": never, "oldest_minutes": oldest,
        })  # fmt: skip
    return sorted(rows, key=lambda row: (row["seen"] / row["living"] if row["living"] else 1.0, -row["living"], row["owner"]))
