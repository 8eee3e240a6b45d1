"""Refused input, kept with its reason: bus queue `parked:<feed>` (fields reason, detail, raw, form, at), bounded, and
counts by reason in the hash `parked-counts:<feed>`.

`form` says what `raw` is, so that it can go through a corrected mapping: `body:<content type>`, `row`, `view:<ms>`,
`document:<kind>`; with `cut:` before it, raw was longer than is kept and cannot be replayed.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

import msgspec

from hall.core.board import START, EntryId
from hall.core.bus import Bus

RAW_BOUND = 16_384  # bytes of one refused item
QUEUE_BOUND = 5_000  # items per feed, fewer where they are large:
BYTES_BOUND = 16 * 1024 * 1024  # a flood of large refused input must not fill the bus
LEAST_BOUND = 200
WAITING_BOUND = 2_000  # items in memory while the bus is away


class Parking:
    """One feed's refused input. `waiting` items are not on the bus yet: the rim stops reading at WAITING_BOUND."""

    def __init__(self, bus: Bus, feed: str) -> None:
        self.bus, self.feed = bus, feed
        self.dropped = 0  # oldest items that the bound pushed out
        self._waiting: list[dict[str, bytes]] = []
        self._average = 512.0  # bytes of one item, of late
        self._counts: Counter[bytes] = Counter()  # kept on the bus already, not yet counted there
        self._lock = asyncio.Lock()

    @property
    def waiting(self) -> int:
        return len(self._waiting)

    def add(self, raw: bytes, reason: str, detail: str, form: str, at: int) -> None:
        """Keeps one refused item; `at` is city time in ms."""
        cut = len(raw) > RAW_BOUND
        entry = {"reason": reason[:80], "detail": detail[:500], "raw": raw[:RAW_BOUND], "at": str(at)}
        entry["form"] = f"cut:{form}" if cut else form
        self._waiting.append({name: _sendable(value) for name, value in entry.items()})

    async def flush(self) -> None:
        """Puts what waits on the bus; raises BusLost, keeping the rest."""
        async with self._lock:
            if not self._waiting and not self._counts:
                return
            before, sent = await self.bus.queue_length("parked", self.feed), 0
            while self._waiting:
                entry = self._waiting[0]
                await self.bus.queue_add(entry, "parked", self.feed, bound=self._bound(len(entry["raw"])))
                self._waiting.pop(0)
                self._counts[entry["reason"]] += 1
                sent += 1
            self.dropped += max(0, before + sent - await self.bus.queue_length("parked", self.feed))
            while self._counts:
                reason, count = next(iter(self._counts.items()))
                await self.bus.hash_add(reason.decode(), count, "parked-counts", self.feed)
                del self._counts[reason]

    def _bound(self, size: int) -> int:
        """Items to keep when one of `size` bytes is added."""
        self._average = 0.98 * self._average + 0.02 * (size + 256)
        return min(QUEUE_BOUND, max(LEAST_BOUND, int(BYTES_BOUND / self._average)))

    async def read(self, after: EntryId = START) -> list[tuple[EntryId, dict[str, bytes]]]:
        return await self.bus.queue_read("parked", self.feed, after=after, count=200)

    async def remove(self, at: EntryId, reason: bytes) -> None:
        """Forgets an item that was taken up again."""
        await self.bus.queue_remove([at], "parked", self.feed)
        await self.bus.hash_add(reason.decode(), -1, "parked-counts", self.feed)


def _sendable(value: bytes | str) -> bytes:
    return value if isinstance(value, bytes) else value.encode("utf-8", "replace")


def raw_of(origin: Any) -> bytes:
    """Refused input as bytes that can be looked at, whatever it is."""
    if isinstance(origin, bytes):
        return origin
    try:
        return msgspec.json.encode(origin)
    except (TypeError, ValueError, OverflowError, RecursionError, msgspec.MsgspecError):
        return repr(origin)[:RAW_BOUND].encode("utf-8", "replace")
