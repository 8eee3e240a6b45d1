"""A line that a reading reaches: with a deadband, and a delay on and off in readings and in time."""

from __future__ import annotations

from collections.abc import Iterable

from dispatch.alarming.kind import Kind, Live, Settings


class Threshold(Settings, kw_only=True, frozen=True):
    """Reached at or above `value` (`when = "below"`: at or below), left `deadband` past it. Going on and off each need so many
    readings one after the other that agree, and so many
    seconds from the first of them in which none says otherwise."""

    value: float
    when: str = "above"
    deadband: float | None = None  # None: a tenth of the value, never past half the way to the next line (rulebook)
    readings_on: int = 2
    readings_off: int = 2
    seconds_on: float = 0.0
    seconds_off: float = 0.0


class Condition:
    """State: `active` since, how many readings one after the other say otherwise, the first of them."""

    __slots__ = ("active", "agree", "first", "live", "since")

    def __init__(self, live: Live) -> None:
        self.live, self.active, self.since = live, False, 0
        self.agree, self.first = 0, 0

    def read(self, value: float, time: int, past: object = None) -> bool:
        line = self.live.now
        if self.active:
            edge = line.value - line.deadband if line.when == "above" else line.value + line.deadband
            other = value < edge if line.when == "above" else value > edge
            if not other:
                self.agree = 0
                return False
            return self._agree(time, line.readings_off, line.seconds_off)
        if not (value >= line.value if line.when == "above" else value <= line.value):
            self.agree = 0
            return False
        return self._agree(time, line.readings_on, line.seconds_on)

    def due(self) -> int | None:
        """When the delay that runs is over, if no reading says otherwise; None: none runs, or more readings are needed."""
        line = self.live.now
        readings, seconds = (line.readings_off, line.seconds_off) if self.active else (line.readings_on, line.seconds_on)
        return self.first + int(seconds * 1000) if seconds and self.agree >= readings else None

    def wake(self, due: int) -> bool:
        """True: the delay is over and the line turned."""
        over = self.due()
        if over is None or over > due:
            return False
        self.active, self.since, self.agree = not self.active, over, 0
        return True

    def _agree(self, time: int, readings: int, seconds: float) -> bool:
        if not self.agree:
            self.first = time
        self.agree += 1
        if self.agree < readings or time - self.first < seconds * 1000:
            return False
        self.active, self.since, self.agree = not self.active, time, 0
        return True

    def facts(self) -> dict:
        return {"threshold": self.live.now.value}

    def quiet(self) -> tuple[float, float]:
        """While nothing is counted: readings between these two change nothing."""
        if self.active or self.agree:
            return 1.0, 0.0
        line = self.live.now
        return (float("-inf"), line.value) if line.when == "above" else (line.value, float("inf"))

    def dump(self) -> list:
        return [self.active, self.since, self.agree, self.first]

    def load(self, kept: list) -> None:
        self.active, self.since, self.agree, self.first = kept


def _check(settings: Threshold) -> Iterable[tuple[str, str]]:
    if settings.when not in ("above", "below"):
        yield "when", "above or below"
    for key in ("readings_on", "readings_off"):
        if getattr(settings, key) < 1:
            yield key, "at least 1"
    for key in ("seconds_on", "seconds_off", "deadband"):
        if (getattr(settings, key) or 0) < 0:
            yield key, "not below 0"


RULE = Kind("threshold", "point", Threshold, Condition, measures=("value", "deadband"), check=_check)
