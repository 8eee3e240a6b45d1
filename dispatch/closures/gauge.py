"""One measuring place's water, and what makes its word doubtful. Pure: a reading in, lines crossed and signs out.

Signs found on 290 floods over 25 cm of FloodNet (12,308 steps up to the line): water rises by no more than 18 cm a minute, in
two of them by more than 15; it hardly steps by a unit's factor (one step comes near ten times, none 2.54 or more than ten);
after a step of 10 cm the readings move (three floods repeat one). A gauge that does otherwise may still be right: its proposal
asks to look first.
"""

from __future__ import annotations

from typing import Any

from dispatch.closures.settings import MINUTE, ClosureRules, Doubt, Lines


class Signs:
    """What one gauge did that water hardly does, until it is dry again: `[{code, values}]`."""

    def __init__(self) -> None:
        self._held: dict[str, dict[str, Any]] = {}
        self._leap: tuple[float, int, int] | None = None  # to which value, when, readings in a row that repeat it since

    def take(self, last: float | None, value: float, minutes: float, time: int, dry: float, rules: Doubt) -> None:
        """A reading, `minutes` after the `last` one (metres; None: nothing was known before it)."""
        if value < dry:
            self._held, self._leap = {}, None
        if last is None:
            return
        rise = value - last
        if self._leap is not None:
            to, since, count = self._leap
            self._leap = (to, since, count + 1) if value == to else None
        if self._leap is not None and self._leap[2] >= rules.frozen_readings:
            self._held["frozen"] = {"value": value, "since": self._leap[1]}
        elif self._leap is None:
            self._held.pop("frozen", None)  # it moves again: water does
        if rise >= rules.frozen_metres:
            self._leap = (value, time, 0)
        if rise < rules.step_metres or minutes > rules.gap_minutes:
            return
        if last >= rules.least_metres and (factor := _factor(value / last, rules)):
            self._held["factor"] = {"factor": factor, "from": last, "value": value, "at": time}
        if rise / minutes > rules.metres_per_minute or rise >= rules.leap_metres:
            self._held["steep"] = {"rise": round(rise, 3), "minutes": round(minutes, 1), "at": time}

    def told(self) -> list[dict[str, Any]]:
        return [{"code": code, "values": values} for code, values in self._held.items()]


def _factor(ratio: float, rules: Doubt) -> float:
    """The unit's factor that a ratio comes near, 0: none."""
    near = (x for x in rules.factors if abs(ratio / x - 1) <= (rules.wide_tolerance if x >= 10 else rules.tolerance))
    return min(near, key=lambda x: abs(ratio / x - 1), default=0.0)


class Gauge:
    """One measuring place's water. For each line: since when and how many readings in a row were above it, or below."""

    def __init__(self, lines: Lines) -> None:
        self.lines, self.time, self.value = lines, -1, 0.0
        self.known = False  # whether `value` is the newest reading
        self._above: dict[float, tuple[int, int]] = {}
        self._below: tuple[int, int] | None = None
        self.wet = -1  # when it last stood at the reopen line or above, ms
        self.jumped: tuple[int, float] | None = None  # when, and how far: until it stood for long
        self.signs = Signs()

    def judged_by(self, lines: Lines) -> None:
        """The lines that hold here; what was counted against others proves nothing."""
        if lines != self.lines:
            self.lines, self._above, self._below = lines, {}, None

    def take(self, value: float, time: int, rules: ClosureRules) -> None:
        """A believable reading, newer than the last."""
        rise, minutes = value - self.value, max(time - self.time, 1) / MINUTE
        steep = rise > rules.step_metres or (rise / minutes > rules.step_metres_per_minute and rise > self.lines.close)
        if self.known and steep:
            self.jumped = (time, rise)
        elif value < self.lines.close:
            self.jumped = None
        self.signs.take(self.value if self.known else None, value, minutes, time, self.lines.reopen, rules.doubt)
        self.time, self.value, self.known = time, value, True
        for line in {self.lines.care, self.lines.close, self.lines.must}:
            since, count = self._above.get(line, (time, 0))
            self._above[line] = (since, count + 1)
            if value < line:
                del self._above[line]
        self.wet = time if value >= self.lines.reopen else self.wet
        since, count = self._below or (time, 0)
        self._below = (since, count + 1) if value < self.lines.reopen else None

    def forget(self, time: int) -> None:
        """A reading that cannot be: what was known before it proves nothing any more."""
        self.time, self._above, self._below, self.known = time, {}, None, False

    def above(self, line: float, rules: ClosureRules) -> bool:
        since, count = self._above.get(line, (self.time, 0))
        doubted = self.jumped is not None and self.time - self.jumped[0] < rules.doubt_minutes * MINUTE
        return not doubted and count >= rules.hold_readings and self.time - since >= rules.hold_seconds * 1000

    def below_since(self, rules: ClosureRules) -> int | None:
        """Since when it is under the reopen line, once readings in a row agree."""
        return self._below[0] if self._below is not None and self._below[1] >= rules.hold_readings else None
