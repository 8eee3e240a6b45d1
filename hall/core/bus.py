"""The bus and live state: Redis protocol (Valkey or Redis). The only file that imports `redis`.

Two streams carry everything: `bulk` (readings and most documents, one pack per tick) and `fast` (operators' actions and
alarms, never behind bulk). A stream entry is one pack: a JSON array of events under the field `p`. All keys share one
hash tag so that one MULTI can span them on a Cluster.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from typing import Any

import redis.asyncio as aioredis
from redis.exceptions import RedisError
from redis.exceptions import ResponseError as ReplyError

from hall.core.board import LANES, START, Board, Entry, EntryId, Position
from hall.core.errors import BadInput, BusLost, BusRefuses
from hall.core.event import envelope, pack, topic_of, unpack
from hall.core.store import BLOCK_GRACE_SECONDS, Store, entry_id, stream_fields

_FAULTS = (RedisError, OSError, asyncio.TimeoutError)
#: bytes a stream may hold before its oldest packs go (the checkpoint keeps the current picture)
STREAM_BUDGET = 192 * 1024 * 1024
#: to the bus from one process; who finds all in use waits so long for one
CONNECTIONS, WAIT_SECONDS = 64, 10
_BATCH = 512  # entries of one read; less means that there are no more yet
#: a pack and the position it brings a cursor to, in one step: whoever repeats it after a lost answer doubles nothing
_PUBLISH_ONCE = """
if (redis.call('GET', KEYS[2]) or '') ~= ARGV[1] then return 0 end
if ARGV[4] ~= '' then redis.call('XADD', KEYS[1], 'MAXLEN', '~', ARGV[3], '*', 'p', ARGV[4]) end
redis.call('SET', KEYS[2], ARGV[2])
return 1
"""


@contextlib.contextmanager
def _faults() -> Iterator[None]:
    """The server's faults as BusLost. A cancellation that `asyncio.wait_for` inside redis-py swallows before Python 3.12
    (gh-86296) is raised after all: without it a cancelled task would go on reading for ever."""
    task = asyncio.current_task()
    before = task.cancelling() if task else 0
    fault: Exception | None = None
    try:
        yield
    except _FAULTS as error:
        fault = error
    if task and task.cancelling() > before:
        raise asyncio.CancelledError from fault
    if fault:
        reason = _reason(fault)
        raise (BusRefuses if reason.startswith(("MISCONF", "OOM")) else BusLost)(reason) from fault


def _reason(fault: Exception) -> str:
    """What the server said; not the command it said it of, which holds a city's data."""
    said = str(fault).rpartition(" of pipeline caused error: ")[2].strip("(',)")
    return said or ("no answer in time" if isinstance(fault, TimeoutError) else type(fault).__name__)


class Bus(Store):
    """One process's connection pool to the bus. Every method raises BusLost when the server cannot be reached."""

    def __init__(self, url: str, prefix: str = "{hall}") -> None:
        self.url, self.prefix = url, prefix
        # who finds all connections in use waits for one: refusing him would call the bus lost, which it is not. The names are
        # left out because redis-py looks its own version up on the disk for each connection.
        pool = aioredis.BlockingConnectionPool.from_url(
            url,
            max_connections=CONNECTIONS,
            timeout=WAIT_SECONDS,
            socket_connect_timeout=3,
            socket_timeout=15,
            health_check_interval=0,
            lib_name=None,
            lib_version=None,
        )
        self.redis = aioredis.Redis.from_pool(pool)
        self._pack_bytes = {lane: 4096.0 for lane in LANES}

    def key(self, *parts: str) -> str:
        return ":".join((self.prefix, *parts))

    async def close(self) -> None:
        await self.redis.aclose()

    async def call(self, *command: Any) -> Any:
        """One command, keys already made with `key()`."""
        with _faults():
            return await self.redis.execute_command(*command)

    async def ping(self) -> None:
        await self.call("PING")

    # -- publishing ----------------------------------------------------------------------------------------------

    async def publish(self, encoded: list[bytes], lane: str = "bulk", cursors: dict[str, bytes] | None = None) -> EntryId:
        """Appends one pack; `cursors` (key parts joined by `:` -> value) are stored in the same transaction.

        Returns the entry id once the server has it. After BusLost the pack may or may not be there: publish it again,
        the board ignores repeats.
        """
        payload = pack(encoded)
        average = self._pack_bytes[lane] = 0.95 * self._pack_bytes[lane] + 0.05 * (len(payload) + 64)
        bound = max(1_000, int(STREAM_BUDGET / average))
        with _faults():
            pipe = self.redis.pipeline(transaction=bool(cursors))
            pipe.xadd(self.key(lane), {"p": payload}, maxlen=bound, approximate=True)
            for name, value in (cursors or {}).items():
                pipe.set(self.key(name), value)
            return entry_id((await pipe.execute())[0])

    async def publish_once(self, encoded: list[bytes], lane: str, cursor: str, expected: str, reached: str) -> bool:
        """Appends one pack and moves `cursor` from `expected` ("" = not there) to `reached`, both or neither.

        False: the cursor stood elsewhere and nothing was done. After BusLost the cursor tells whether it was done. An empty
        pack only moves the cursor.
        """
        bound = max(1_000, int(STREAM_BUDGET / self._pack_bytes[lane]))
        payload = pack(encoded) if encoded else b""
        keys = (self.key(lane), self.key(cursor))
        return bool(await self.call("EVAL", _PUBLISH_ONCE, 2, *keys, expected, reached, bound, payload))

    async def nudge(self) -> None:
        """Wakes who waits in `nudged`: something was written to the ledger."""
        await self.queue_add({"n": "1"}, "ledger-nudge", bound=1)

    async def nudged(self, after: EntryId, block_ms: int) -> EntryId:
        """Returns at the next nudge after `after`, at the latest after `block_ms`; the newest nudge seen."""
        entries = await self.queue_read("ledger-nudge", after=after, block_ms=block_ms)
        return entries[-1][0] if entries else after

    # -- following -----------------------------------------------------------------------------------------------

    async def follow(
        self,
        lane: str,
        after: EntryId,
        on_lost: Callable[[str], None] | None = None,
        block_ms: int = 1000,
        gather_seconds: float = 0.0,
    ) -> AsyncIterator[list[tuple[EntryId, bytes]]]:
        """Yields batches of `(entry id, payload)` for ever, an empty batch at least every `block_ms` when idle. Who is in no
        hurry lets what comes within `gather_seconds` come together: a read costs as much as what it reads.

        Survives the server's death: calls `on_lost(reason)` once per outage, retries with a bounded wait, goes on
        after the last entry seen.
        """
        last, pause, lost = after, 0.05, False
        while True:
            try:
                with _faults():
                    async with asyncio.timeout(block_ms / 1000 + BLOCK_GRACE_SECONDS):
                        reply = await self.redis.xread({self.key(lane): f"{last[0]}-{last[1]}"}, count=_BATCH, block=block_ms)
            except BusLost as error:
                if not lost and on_lost:
                    on_lost(str(error))
                lost = True
                await asyncio.sleep(pause)
                pause = min(pause * 2, 1.0)
                continue
            pause, lost = 0.05, False
            entries = _stream_entries(reply)
            if entries:
                last = entries[-1][0]
            yield entries
            if gather_seconds and 0 < len(entries) < _BATCH:
                await asyncio.sleep(gather_seconds)

    async def first_entry(self, lane: str) -> EntryId | None:
        """The oldest entry a lane still holds, None when it is empty."""
        reply = await self.call("XRANGE", self.key(lane), "-", "+", "COUNT", 1)
        return entry_id(reply[0][0]) if reply else None

    async def last_entry(self, lane: str) -> EntryId:
        reply = await self.call("XREVRANGE", self.key(lane), "+", "-", "COUNT", 1)
        return entry_id(reply[0][0]) if reply else START

    async def newest_pack(self, lane: str) -> bytes | None:
        """The payload of a lane's last entry, None when it is empty."""
        reply = await self.call("XREVRANGE", self.key(lane), "+", "-", "COUNT", 1)
        found = stream_fields([[b"", reply]]) if reply else []
        return found[0][1].get("p") if found else None

    # -- the board's checkpoint ----------------------------------------------------------------------------------

    async def save_checkpoint(
        self,
        entries: list[tuple[str, Entry]],
        position: Position,
        *,
        whole: bool = False,
        forgotten: Iterable[str] = (),
        horizon: Position | None = None,
    ) -> None:
        """Stores changed board entries, then the position they are true at.

        A crash in between is harmless: entries newer than the stored position are read from the stream again. They go
        in small portions, so that the caller's loop is never held up. `whole`: `entries` are all there is, they replace
        the old checkpoint in one transaction. `forgotten` subjects are dropped; `horizon` is the position up to which a
        board has forgotten removals.
        """
        portions = [entries[start : start + 500] for start in range(0, len(entries), 500)]
        with _faults():
            if not whole:
                for portion in portions:
                    await self.redis.hset(self.key("board"), mapping=_checkpoint_fields(portion))
            pipe = self.redis.pipeline(transaction=True)
            if whole:
                pipe.delete(self.key("board"))
                for portion in portions:
                    pipe.hset(self.key("board"), mapping=_checkpoint_fields(portion))
            if gone := list(forgotten):
                pipe.hdel(self.key("board"), *gone)
            if horizon is not None:
                pipe.set(self.key("board", "horizon"), str(horizon))
            pipe.set(self.key("board", "position"), str(position))
            await pipe.execute()

    async def load_board(self, board: Board, until_now: bool = True) -> Position:
        """Fills an empty board from the checkpoint and everything after it; returns the position reached."""
        text = await self.call("GET", self.key("board", "position"))
        position = Position.parse(text.decode()) if text else Position()
        stored = []
        with _faults():
            async for _, value in self.redis.hscan_iter(self.key("board"), count=2000):
                lane, at, raw = value.split(b" ", 2)
                # What a gate saves while we read is newer than `position`: the stream brings it, in order.
                if entry_id(at) <= getattr(position, lane.decode()):
                    stored.append((entry_id(at), lane.decode(), raw))
        for at, lane, raw in sorted(stored, key=lambda item: item[0]):
            board.apply(lane, at, raw, envelope(raw))
        kept = await self.call("GET", self.key("board", "horizon"))
        board.start_at(position, Position.parse(kept.decode()) if kept else Position())
        if until_now:
            for lane in LANES:
                await self._catch_up(board, lane)
        return board.position

    async def _catch_up(self, board: Board, lane: str) -> None:
        while True:
            last = getattr(board.position, lane)
            reply = await self.call("XREAD", "COUNT", 512, "STREAMS", self.key(lane), f"{last[0]}-{last[1]}")
            entries = _stream_entries(reply)
            if not entries:
                return
            for at, payload in entries:
                apply_entry(board, lane, at, payload)


def _checkpoint_fields(entries: list[tuple[str, Entry]]) -> dict[str, bytes]:
    return {subject: f"{e.lane} {e.at[0]}-{e.at[1]} ".encode() + e.raw for subject, e in entries}


def apply_entry(board: Board, lane: str, at: EntryId, payload: bytes) -> list[tuple[str, bytes]]:
    """Reduces one bus entry into the board; returns `(topic, raw event)` of what changed. A broken event is skipped."""
    changed = []
    with contextlib.suppress(BadInput):
        for raw in unpack(payload):
            with contextlib.suppress(BadInput):
                head = envelope(raw)
                if board.apply(lane, at, bytes(raw), head):
                    changed.append((topic_of(head.subject), bytes(raw)))
    board.advance(lane, at)
    return changed


def _stream_entries(reply: Any) -> list[tuple[EntryId, bytes]]:
    return [(at, fields["p"]) for at, fields in stream_fields(reply) if "p" in fields]


__all__ = ["Bus", "ReplyError", "apply_entry", "entry_id"]
