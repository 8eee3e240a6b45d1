"""Who has begun to live: the supervisor waits for the first beat of each of its processes."""

from __future__ import annotations

import contextlib

from hall.core.bus import Bus
from hall.core.errors import BusLost
from hall.core.event import envelope, unpack


class Beats:
    """Which of the processes `names` have said on the bus, since the moment `at`, that they live; reads every entry once."""

    def __init__(self, bus: Bus, at: tuple[int, int], names: set[str]) -> None:
        self._bus, self._at, self._missing = bus, at, set(names)

    async def all(self) -> bool:
        with contextlib.suppress(BusLost):
            while self._missing and (entries := await self._bus.queue_read("bulk", after=self._at, count=500)):
                self._at = entries[-1][0]
                for _, fields in entries:
                    pack = fields.get("p", b"[]")
                    if b'"subject":"process/' in pack:  # of thousands of events at a start a handful
                        subjects = (envelope(raw).subject for raw in unpack(pack))
                        self._missing -= {subject.partition("/")[2] for subject in subjects if subject.startswith("process/")}
        return not self._missing
