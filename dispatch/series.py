"""The last three hours of each level, depth and rain gauge, in steps of a minute: what a sparkline draws. Pure.

A minute's value is its newest reading. A minute without a reading is null: a gap is shown as a gap.
"""

from __future__ import annotations

from typing import Any, NamedTuple

STEP = 60_000
STEPS = 180
BOUND = 2_000
QUANTITIES = frozenset({"water_depth", "water_level", "rain_10min", "rain_1h", "rain_24h", "rain_rate"})


class _Cell(NamedTuple):
    time: int
    value: float


class AllSeries:
    """Series by subject `series/<feed>/<sensor>/<quantity>`; further than `bound` subjects are refused and counted."""

    def __init__(self, bound: int = BOUND) -> None:
        self._bound = bound
        self._cells: dict[str, dict[int, _Cell]] = {}  # subject -> minute -> newest reading of it
        self._told: dict[str, float] = {}
        self._changed: dict[str, None] = {}
        self._refused: set[str] = set()

    @property
    def count(self) -> int:
        return len(self._cells)

    @property
    def refused(self) -> int:
        """Subjects beyond the bound (counted up to as many again)."""
        return len(self._refused)

    def reading(self, subject: str, quantity: str, time: int, value: float | None) -> None:
        """Takes one reading; `subject` is the observation's. A late one fills its own minute."""
        if quantity not in QUANTITIES:
            return
        name = f"series/{subject.partition('/')[2]}"
        cells = self._cells.get(name)
        if cells is None:
            if len(self._cells) >= self._bound:
                if len(self._refused) < self._bound:
                    self._refused.add(name)
                return
            cells = self._cells[name] = {}
        minute = time // STEP
        known = cells.get(minute)
        if value is None or (known is not None and time < known.time):
            return
        newest = max(cells, default=minute)
        if minute <= newest - STEPS:
            return
        cells[minute] = _Cell(time, value)
        if known is not None and known.value == value:
            return
        if minute > newest:
            for old in [m for m in cells if m <= minute - STEPS]:
                del cells[old]
        self._changed[name] = None

    def restore(self, subject: str, data: dict[str, Any]) -> None:
        """A series the board still has from before a restart."""
        if len(self._cells) < self._bound:
            minutes = enumerate(data["values"], data["start"] // STEP)
            self._cells[subject] = {minute: _Cell(minute * STEP, value) for minute, value in minutes if value is not None}

    def due(self, real: float, every: float) -> list[tuple[str, dict[str, Any]]]:
        """Documents of series that changed and were not told in the last `every` seconds of `real` (any clock)."""
        found = [name for name in self._changed if real - self._told.get(name, -every) >= every]
        for name in found:
            del self._changed[name]
            self._told[name] = real
        return [(name, self.document(name)) for name in found if self._cells[name]]

    def document(self, subject: str) -> dict[str, Any]:
        """`{start, step, values}`: from the first minute known to the newest."""
        cells = self._cells[subject]
        first, last = min(cells), max(cells)
        values = [round(cells[minute].value, 4) if minute in cells else None for minute in range(first, last + 1)]
        return {"start": first * STEP, "step": STEP, "values": values}
