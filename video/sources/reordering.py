"""RTP packets over UDP put in order: what is missing is asked for again, and given up when it does not come in time."""

from __future__ import annotations

from collections.abc import Callable

HOLD_SECONDS = 0.25  # how long packets wait for one before them
AGAIN_SECONDS = 0.04
MOST_HELD, MOST_ASKED = 1024, 128


class Reordering:
    """`take` packets as they come; `deliver` gets them in order. `look` from time to time."""

    def __init__(self, deliver: Callable[[bytes], None]) -> None:
        self._deliver = deliver
        self._next: int | None = None  # sequence number, counted on beyond 16 bits
        self._held: dict[int, tuple[bytes, float]] = {}
        self._asked: dict[int, float] = {}
        self._first = self._highest = 0
        self.received = self.late = 0
        self._before = (0, 0)

    def take(self, data: bytes, now: float) -> None:
        number = self._counted(int.from_bytes(data[2:4], "big"))
        self.received += 1
        if number < self._next or number in self._held:
            self.late += 1
            return
        self._highest = max(self._highest, number)
        if number == self._next:
            self._pass(data)
            self._go_on()
        else:
            self._held[number] = (data, now)
            if len(self._held) > MOST_HELD:
                self._give_up()

    def look(self, now: float) -> list[int]:
        """Gives up what is waited for too long; returns the 16-bit numbers to be asked for now."""
        while self._held and now - min(at for _, at in self._held.values()) > HOLD_SECONDS:
            self._give_up()
        if not self._held:
            self._asked.clear()
            return []
        missing = [n for n in range(self._next, max(self._held)) if n not in self._held][:MOST_ASKED]
        due = [n for n in missing if now - self._asked.get(n, -1.0) >= AGAIN_SECONDS]
        self._asked = {n: self._asked.get(n, now) for n in missing} | dict.fromkeys(due, now)
        return [n & 0xFFFF for n in due]

    def report(self) -> tuple[int, int, int]:
        """For a receiver report: part lost since the last one (of 256), all that was lost, highest number with its cycles."""
        if self._next is None:
            return 0, 0, 0
        expected = self._highest - self._first + 1
        lost = max(0, expected - (self.received - self.late))
        span, gone = expected - self._before[0], lost - self._before[1]
        self._before = expected, lost
        fraction = min(255, max(0, gone * 256 // span)) if span > 0 else 0
        return fraction, min(lost, 0x7FFFFF), self._highest & 0xFFFFFFFF

    def _counted(self, number: int) -> int:
        if self._next is None:
            self._next = self._first = self._highest = number
            return number
        distance = (number - self._next + 0x8000 & 0xFFFF) - 0x8000
        return self._next + distance

    def _pass(self, data: bytes) -> None:
        self._next += 1
        self._deliver(data)

    def _go_on(self) -> None:
        while self._held and (found := self._held.pop(self._next, None)):
            self._pass(found[0])

    def _give_up(self) -> None:
        """What is missing before the first one held is lost; who takes pictures out of packets sees it by the numbers."""
        self._next = min(self._held)
        self._go_on()
