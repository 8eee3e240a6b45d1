"""From the ledger to the bus: every line once, in order, whatever dies in between. One relay runs in the dispatch process.

How far the bus was told stands on the bus itself (`ledger-relayed`) and moves in the same step as the pack that brings it
there. A bus without that cursor is a new one: it first gets the current document of every stream, then goes on like any.
The cursor reads `<seq>`, or `new <seq> <base>` while a new bus gets the documents of streams that stood still since `base`.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import msgspec

from dispatch.ledger.ledger import Ledger
from dispatch.ledger.reading import OutboxRow
from dispatch.ledger.rules import AUDIT
from hall.core.board import START
from hall.core.bus import Bus
from hall.core.clock import monotonic
from hall.core.command import Entry
from hall.core.errors import BusLost, LedgerFault
from hall.core.event import Event, encode, topic_of
from hall.core.process import Process

log = logging.getLogger("hall")

CURSOR = "ledger-relayed"
LANE = "fast"
#: every step of a relay at which a test kills the process
RELAY_STEPS = ("cursor", "read", "published", "known", "marked")
#: events of one pack at most, and bytes after which a pack takes no further line
PACK_EVENTS, PACK_BYTES = 500, 1_000_000
LOOK_MS = 250
_MARK_SECONDS = 10.0


class Relay:
    """`run` never returns; `step` does one pack's worth."""

    def __init__(self, ledger: Ledger, bus: Bus, process: Process) -> None:
        self.ledger, self.bus, self.process = ledger, bus, process
        self._thread = ThreadPoolExecutor(1, "relay")
        self._cursor: str | None = None  # as stored; None = has to be read
        self._nudge = START
        self._marked, self._mark_at = 0, 0.0
        self._fault = ""
        process.counters |= {"ledger_relayed": 0, "ledger_waiting": 0, "relay_faults": 0}

    async def run(self) -> None:
        try:
            while True:
                try:
                    while await self.step():
                        pass
                    self._well()
                    self._nudge = await self.bus.nudged(self._nudge, LOOK_MS)
                except (BusLost, LedgerFault) as error:
                    self._trouble(error)
                    await asyncio.sleep(LOOK_MS / 1000)
        finally:
            self._thread.shutdown(wait=True)

    def reached(self, step: str) -> None:
        """Called at each of RELAY_STEPS; tests stop the process here."""

    async def step(self) -> bool:
        """Tells the bus the next lines; False when there are none. Raises BusLost or LedgerFault and loses nothing."""
        if self._cursor is None:
            self._cursor = await self._stored_cursor()
        self.reached("cursor")
        if self._cursor.startswith("new "):
            return await self._tell_standing(self._cursor)
        done = int(self._cursor)
        rows = await self._ask(lambda: self.ledger.outbox(done, PACK_EVENTS // 2))
        self.reached("read")
        if not rows:
            self.process.counters["ledger_waiting"] = 0
            await self._mark(done)
            return False
        if rows[0].seq != done + 1:  # the bus is older than what the outbox still holds
            await self._begin_anew(f"lines {done + 1} to {rows[0].seq - 1} are no longer kept for it", self._cursor)
            return True
        rows = _bounded(rows)
        events = [event for row in rows for event in events_of(row)]
        await self._publish(events, str(rows[-1].seq))
        self.process.counters["ledger_waiting"] = (await self._ask(self.ledger.head))[0] - rows[-1].seq
        await self._mark(rows[-1].seq)
        return True

    # -- the bus -------------------------------------------------------------------------------------------------

    async def _publish(self, events: list[bytes], reached: str) -> None:
        before, self._cursor = self._cursor or "", None  # until the answer is here it could be either
        if await self.bus.publish_once(events, LANE, CURSOR, before, reached):
            self.reached("published")
            self._cursor = reached
            self.process.counters["ledger_relayed"] += len(events)
        self.reached("known")

    async def _stored_cursor(self) -> str:
        while True:
            stored = ((await self.bus.get(CURSOR)) or b"").decode()
            newest = (await self._ask(self.ledger.head))[0]
            if not stored:
                await self._begin_anew("it is new", "")
            elif not stored.startswith("new ") and int(stored) > newest:
                why = f"it was told {stored} lines, this ledger has {newest}: it is another one"
                await self._begin_anew(why, stored)
            else:
                return stored

    async def _begin_anew(self, why: str, expected: str) -> None:
        """Has every stream's document told again, unless another relay was quicker to see to it."""
        base = await self._ask(self.ledger.relayed)
        if await self.bus.publish_once([], LANE, CURSOR, expected, f"new 0 {base}"):
            log.log(logging.WARNING if expected else logging.INFO, "ledger: the bus gets every current document: %s", why)
        self._cursor = None

    async def _tell_standing(self, cursor: str) -> bool:
        """A portion of the documents of streams whose newest line is not after `base`; the others' lines are to come."""
        _, last, base = cursor.split()
        streams = await self._ask(lambda: self.ledger.standing(int(last), int(base), PACK_EVENTS))
        self.reached("read")
        if not streams:
            await self._publish([], base)
            return True
        events = [encode(_state_event(entry, document)) for entry, document in streams if document is not None]
        await self._publish(events, f"new {streams[-1][0].seq} {base}")
        return True

    # -- the ledger ------------------------------------------------------------------------------------------------

    async def _ask(self, question: Callable[[], Any]) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._thread, question)

    async def _mark(self, seq: int) -> None:
        """Now and then notes in the ledger how far the bus got, for a new bus and to tidy the outbox."""
        if seq == self._marked or monotonic() < self._mark_at:
            return
        await self._ask(lambda: self.ledger.mark_relayed(seq))
        self._marked, self._mark_at = seq, monotonic() + _MARK_SECONDS
        self.reached("marked")

    # -- trouble ---------------------------------------------------------------------------------------------------

    def _trouble(self, error: Exception) -> None:
        self._cursor, self._nudge = None, START
        self.process.counters["relay_faults"] += 1
        if not self._fault:
            log.error("ledger: the bus cannot be told, nothing is lost: %s", error)
        self._fault = str(error) or type(error).__name__

    def _well(self) -> None:
        if self._fault:
            log.warning("ledger: the bus is told again")
        self._fault = ""


def _bounded(rows: list[OutboxRow]) -> list[OutboxRow]:
    size = 0
    for count, row in enumerate(rows, 1):
        size += len(row.document or b"") + 500
        if size >= PACK_BYTES:
            return rows[:count]
    return rows


def events_of(row: OutboxRow) -> list[bytes]:
    """The bus events of one line: the stream's document and the line of the log; for a note its line of the audit."""
    entry = row.entry
    if topic_of(row.subject) == AUDIT:
        return [encode(_event(entry, row.subject, _line(entry) | {"data": entry.data}))]
    return [encode(_state_event(entry, row.document)), encode(_event(entry, f"log/{entry.seq}", _line(entry)))]


def _state_event(entry: Entry, document: bytes | None) -> Event:
    return _event(entry, entry.subject, None if document is None else msgspec.Raw(document))


def _event(entry: Entry, subject: str, data: Any) -> Event:
    return Event(
        id=f"ledger-{entry.seq:016d}",
        source="ledger",
        subject=subject,
        time=entry.recorded,
        recordedtime=entry.recorded,
        type=entry.move,
        data=data,
        correlationid=entry.correlation,
        causationid=entry.causation,
    )


def _line(entry: Entry) -> dict[str, Any]:
    names = ("seq", "subject", "revision", "move", "who", "role", "desk", "time", "recorded", "reason")
    return {name: getattr(entry, name) for name in names}
