"""Small shared state and side queues on the bus: values, counters, hashes, streams read by one consumer.

Knows commands, not the library that sends them: `Bus` gives `call` and `key`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from hall.core.board import START, EntryId

#: the server ends a blocking read by its wall clock: set back, it would hold the read for as long as the clock was moved
BLOCK_GRACE_SECONDS = 2.0
#: hash: districts that somebody answers for (a sorted JSON list) -> real ms of his newest sign-in
OPERATOR_DISTRICTS = "operator-districts"


def entry_id(text: bytes | str) -> EntryId:
    ms, _, seq = (text.decode() if isinstance(text, bytes) else text).partition("-")
    return int(ms), int(seq or 0)


def stream_fields(reply: Any) -> list[tuple[EntryId, dict[str, bytes]]]:
    """Reads an XREAD reply of one stream, in RESP2 or RESP3 form, parsed by redis-py or raw."""
    if not reply:
        return []
    entries = next(iter(reply.values())) if isinstance(reply, dict) else reply[0][1]
    if entries and isinstance(entries[0], list) and entries[0] and isinstance(entries[0][0], (list, tuple)):
        entries = entries[0]
    found = []
    for at, fields in entries:
        if fields is None:
            continue
        if not isinstance(fields, dict):
            fields = dict(zip(fields[::2], fields[1::2], strict=True))
        found.append((entry_id(at), {name.decode(): value for name, value in fields.items()}))
    return found


class Store:
    """The part of the bus that is not the event streams. Every method raises BusLost when the server cannot be reached."""

    key: Callable[..., str]
    call: Callable[..., Awaitable[Any]]

    # -- small shared state --------------------------------------------------------------------------------------

    async def get(self, *parts: str) -> bytes | None:
        return await self.call("GET", self.key(*parts))

    async def set(self, value: bytes | str, *parts: str, ttl_seconds: int | None = None, only_new: bool = False) -> bool:
        """Stores a value; with `only_new` returns False when the key was already there."""
        options = (["EX", ttl_seconds] if ttl_seconds else []) + (["NX"] if only_new else [])
        return await self.call("SET", self.key(*parts), value, *options) is not None

    async def delete(self, *parts: str) -> None:
        await self.call("DEL", self.key(*parts))

    async def increment(self, *parts: str, ttl_seconds: int) -> int:
        """Counts up; the count disappears `ttl_seconds` after its first increment (rate limits)."""
        count = int(await self.call("INCR", self.key(*parts)))
        # set at the first one, and again where a clock that was set back would make it last longer than was meant
        if not 0 <= int(await self.call("TTL", self.key(*parts))) <= ttl_seconds:
            await self.call("EXPIRE", self.key(*parts), ttl_seconds)
        return count

    async def hash_all(self, *parts: str) -> dict[str, bytes]:
        reply = await self.call("HGETALL", self.key(*parts))
        pairs = reply.items() if isinstance(reply, dict) else zip(reply[::2], reply[1::2], strict=True)
        return {name.decode(): value for name, value in pairs}

    async def hash_set(self, values: dict[str, bytes | str], *parts: str) -> None:
        flat = [part for pair in values.items() for part in pair]
        if flat:
            await self.call("HSET", self.key(*parts), *flat)

    async def hash_get(self, name: str, *parts: str) -> bytes | None:
        return await self.call("HGET", self.key(*parts), name)

    async def hash_names(self, *parts: str) -> list[str]:
        return [name.decode() for name in await self.call("HKEYS", self.key(*parts))]

    async def hash_remove(self, names: Iterable[str], *parts: str) -> None:
        if gone := list(names):
            await self.call("HDEL", self.key(*parts), *gone)

    async def hash_add(self, name: str, amount: int, *parts: str) -> int:
        return int(await self.call("HINCRBY", self.key(*parts), name, amount))

    # -- queues: inbox of pushed bytes, parked input, commands to a process -----------------------------------------

    async def queue_add(self, fields: dict[str, bytes | str], *parts: str, bound: int | None = None) -> EntryId:
        """Appends to a side queue; with `bound` the oldest beyond it go (count them before if that matters)."""
        trim = ["MAXLEN", "~", bound] if bound else []
        flat = [part for pair in fields.items() for part in pair]
        return entry_id(await self.call("XADD", self.key(*parts), *trim, "*", *flat))

    async def queue_length(self, *parts: str) -> int:
        return int(await self.call("XLEN", self.key(*parts)))

    async def queue_read(
        self, *parts: str, after: EntryId = START, count: int = 100, block_ms: int | None = None
    ) -> list[tuple[EntryId, dict[str, bytes]]]:
        """Entries after `after`, oldest first; waits up to `block_ms` (None: does not wait)."""
        return await self.stream_read(self.key(*parts), after, count, block_ms)

    async def queue_bytes(self, *parts: str) -> int:
        """Memory a side queue takes on the server, in bytes; 0 when there is none."""
        return int(await self.call("MEMORY", "USAGE", self.key(*parts), "SAMPLES", 0) or 0)

    async def stream_read(
        self, stream: str, after: EntryId = START, count: int = 100, block_ms: int | None = None
    ) -> list[tuple[EntryId, dict[str, bytes]]]:
        """Like `queue_read`, for a stream of somebody else: `stream` is its whole key, without this bus's prefix."""
        last = f"{after[0]}-{after[1]}"
        if block_ms is None:
            return stream_fields(await self.call("XREAD", "COUNT", count, "STREAMS", stream, last))
        try:
            async with asyncio.timeout(block_ms / 1000 + BLOCK_GRACE_SECONDS):
                return stream_fields(await self.call("XREAD", "COUNT", count, "BLOCK", block_ms, "STREAMS", stream, last))
        except TimeoutError:
            return []  # nothing came; a server that is gone is found out by the next command

    async def stream_end(self, stream: str) -> EntryId:
        """The newest entry of somebody else's stream, START when it is empty."""
        reply = await self.call("XREVRANGE", stream, "+", "-", "COUNT", 1)
        return entry_id(reply[0][0]) if reply else START

    async def queue_remove(self, entries: list[EntryId], *parts: str) -> None:
        if entries:
            await self.call("XDEL", self.key(*parts), *(f"{ms}-{seq}" for ms, seq in entries))
