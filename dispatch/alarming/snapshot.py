"""The engine's state of one moment, encoded piece by piece while the engine goes on: no turn of the loop waits for the whole.

What is many (sensors) is encoded in pieces; one that is about to change is encoded before (copy on write). What is few (alarms
that stand) is copied at the moment itself. Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from typing import Any

import msgspec

_encode = msgspec.msgpack.Encoder().encode
Piece = Callable[[str], Any]


def raw(found: Any) -> msgspec.Raw:
    """Encoded now, put in as it is later."""
    return msgspec.Raw(_encode(found))


class Parts:
    """What is kept of each sensor by one stage: `piece(sensor)` at this moment, for those that were there at the beginning.
    `whole(pieces)` makes the stage's state of all of them, in their order."""

    def __init__(self, sensors: Iterable[str], piece: Piece, whole: Callable[[dict[str, msgspec.Raw]], Any]) -> None:
        self.piece, self.whole = piece, whole
        self.found: dict[str, Any] = dict.fromkeys(sensors)


class Snapshot:
    """`frozen`: stage -> a copy of its state, or Parts. `state` is there when `work` says so."""

    def __init__(self, head: dict[str, Any], frozen: dict[str, Any]) -> None:
        self._head, self._frozen = head, frozen
        self._parts = [one for one in frozen.values() if isinstance(one, Parts)]
        self.waiting = {sensor for part in self._parts for sensor in part.found}
        self._pieces = self._work()
        self.state = b""

    def save(self, sensor: str) -> None:
        """It is about to change."""
        if sensor in self.waiting:
            self.waiting.discard(sensor)
            for part in self._parts:
                if sensor in part.found:
                    part.found[sensor] = raw(part.piece(sensor))

    def save_all(self) -> None:
        """All of them are about to change."""
        for sensor in list(self.waiting):
            self.save(sensor)

    def work(self, pieces: int) -> bool:
        """Encodes so many pieces more; whether that was all."""
        for _ in range(pieces):
            try:
                next(self._pieces)
            except StopIteration:
                return True
        return False

    def _work(self) -> Generator[None, None, None]:
        for part in self._parts:
            for sensor in part.found:
                if sensor in self.waiting:
                    self.save(sensor)
                    yield
        stages = {}
        for name, frozen in self._frozen.items():
            stages[name] = yield from _sliced(frozen.whole(frozen.found) if isinstance(frozen, Parts) else frozen, 2)
        self.state = _encode({**self._head, "stages": stages})


def _sliced(found: Any, deep: int) -> Generator[None, None, msgspec.Raw]:
    """Encodes each item of tables and lists by itself, down to so deep."""
    if type(found) is msgspec.Raw:
        return found
    if deep and type(found) is dict:
        made: Any = {}
        for key, value in found.items():
            made[key] = yield from _sliced(value, deep - 1)
        return raw(made)
    if deep and type(found) is list:
        made = []
        for value in found:
            made.append((yield from _sliced(value, deep - 1)))
        return raw(made)
    yield
    return raw(found)
