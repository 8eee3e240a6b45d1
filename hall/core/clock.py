"""The only file that asks the system for the time.

Two times exist. *Real* time is the machine's. *City* time is what the hall treats as now: equal to real time in a live
hall, and another moment, running at another rate, while a past day is replayed. Times are integer milliseconds since
1970-01-01T00:00Z.
"""

from __future__ import annotations

import time

import msgspec


def real_ms() -> int:
    """The machine's wall clock, in milliseconds since the epoch."""
    return time.time_ns() // 1_000_000


def monotonic() -> float:
    """Seconds on a clock that never jumps; for durations and time-outs only."""
    return time.monotonic()


class ClockState(msgspec.Struct, frozen=True):
    """How city time follows real time: `city = anchor_city + (real - anchor_real) * rate`, never past `stop_city`."""

    anchor_real: int = 0
    anchor_city: int = 0
    rate: float = 1.0
    stop_city: int | None = None

    @property
    def live(self) -> bool:
        return self.rate == 1.0 and self.anchor_real == self.anchor_city and self.stop_city is None


LIVE = ClockState()


def city_ms(state: ClockState, real: int) -> int:
    """City time at the real moment `real`."""
    city = state.anchor_city + int((real - state.anchor_real) * state.rate)
    return city if state.stop_city is None else min(city, state.stop_city)


def real_wait_seconds(state: ClockState, real: int, until_city: int) -> float | None:
    """Real seconds until city time reaches `until_city`; None when it never will (paused or stopped before it)."""
    now = city_ms(state, real)
    if until_city <= now:
        return 0.0
    if state.rate <= 0 or (state.stop_city is not None and until_city > state.stop_city):
        return None
    return (until_city - now) / state.rate / 1000.0


class CityClock:
    """City time for one process; `state` is replaced when the shared clock document changes on the bus.

    A live city follows the machine's clock wherever it is set. A replay keeps its pace: it runs by a clock that never
    jumps, from the moment its state was taken, until the state is anchored anew (the gate does that, see `drift`).
    """

    def __init__(self, state: ClockState = LIVE) -> None:
        self._state = state
        self._taken = real_ms(), monotonic()

    @property
    def state(self) -> ClockState:
        return self._state

    @state.setter
    def state(self, state: ClockState) -> None:
        if state != self._state:
            self._state, self._taken = state, (real_ms(), monotonic())

    def now(self) -> int:
        return city_ms(self._state, self.steady())

    def real(self) -> int:
        return real_ms()

    def steady(self) -> int:
        """The real moment that `state` is to be read at, ms: the machine's when live, else one that never jumps."""
        if self._state.live:
            return real_ms()
        real, at = self._taken
        return real + int((monotonic() - at) * 1000)

    def drift(self) -> int:
        """ms that the machine's clock was set on (or, negative, back) since a replay's state was taken; 0 when live."""
        return real_ms() - self.steady()
