"""The alarm engine in the dispatch process: bus events in, edges of alarms as the hall's commands on `alarm/<site>` out.

What is heard waits in a bounded queue and is taken in slices between which everything else has its turn, so a wave of readings
holds up no case. The state is kept only once every edge it has made is in the ledger; after a kill the bus is read again from
there, and what was told before is the same command and changes nothing.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections import deque
from typing import Any

import msgspec

from dispatch.alarming.checkpoint import Checkpoint, Kept
from dispatch.alarming.engine import Engine
from dispatch.alarming.findings import Edge
from dispatch.alarming.hearing import Hearing
from dispatch.alarming.inputs import Input
from dispatch.alarming.rulebook import compile_rules
from dispatch.alarming.snapshot import Snapshot
from dispatch.alarmlife.table import EDGE
from dispatch.desk import Desk
from dispatch.part import SYSTEM, Part
from dispatch.reader import Head
from hall.core.board import LANES, START, EntryId
from hall.core.clock import monotonic
from hall.core.command import Command
from hall.core.errors import BusLost, LedgerFault, Refused
from hall.core.event import topic_of
from hall.core.process import Process

log = logging.getLogger("hall")

#: events that may wait; beyond it the oldest readings are left out, counted
QUEUE = 100_000
SLICE = 250  # events taken in one turn of the loop
TOGETHER = 200  # edges in one transaction
LOOK_SECONDS = 0.2
#: time goes by in the engine so much later than in the city: what is on its way is heard before silence is
SETTLE_SECONDS = 1.0
KEEP_SECONDS = 5.0
#: keeping the state takes at most this share of the time
KEEP_SHARE = 0.02
#: sensors and alarms that are encoded in one turn of the loop: 2 to 3 ms
PIECES = 50
RETRY_SECONDS = 1.0
#: a state from further in the future than this belongs to another run of a replayed city
AHEAD_MS = 3_600_000


class AlarmPart(Part):
    """One per dispatch process."""

    def __init__(self, process: Process, desk: Desk) -> None:
        self.process, self.desk = process, desk
        self.rules = compile_rules(process.config)
        self.engine, self.hearing = Engine(self.rules), Hearing(self.rules)
        self.topics = self.hearing.topics
        self._file = Checkpoint(process.settings.data_dir / "alarms.db")
        self._kept = self._read()
        self._board: list[Head] = []
        self._queue: deque[Head | tuple[str, EntryId]] = deque()
        self._come, self._started = asyncio.Event(), False
        self._positions: dict[str, EntryId] = dict(self._kept.positions) if self._kept else {}
        self._goal: dict[str, EntryId] = {}
        self._saved: dict[str, EntryId] = {}
        self._keep_at = 0.0
        process.counters |= {"alarms_active": 0, "alarm_events_dropped": 0, "alarm_edges": 0, "alarm_edges_refused": 0}
        process.counters["alarm_faults"] = 0

    # -- hearing -------------------------------------------------------------------------------------------------------

    def hear(self, head: Head) -> None:
        if not self._started:
            self._board.append(head)
            return
        if len(self._queue) >= QUEUE:
            self.process.counters["alarm_events_dropped"] += 1
            self._queue.popleft()
        self._queue.append(head)
        self._come.set()

    def position(self, lane: str) -> EntryId | None:
        return self._positions.get(lane)

    def reached(self, lane: str, at: EntryId) -> None:
        self._queue.append((lane, at))
        self._come.set()

    # -- start ---------------------------------------------------------------------------------------------------------

    def _read(self) -> Kept | None:
        """The state of the last run, None where there is none that can be used."""
        try:
            kept = self._file.read()
            if kept is not None:
                self.engine.restore(kept.state)
                if self.engine.now > self.process.clock.now() + AHEAD_MS:
                    raise ValueError("it is from the future")
            return kept
        except (ValueError, sqlite3.Error, msgspec.MsgspecError) as error:
            log.warning("dispatch: the alarm engine begins anew from the ledger and the board: %s", error)
            self._file.forget()
            self.engine = Engine(self.rules)
            return None

    async def start(self) -> None:
        alarms = await self._patiently(lambda: self.desk.states("alarm", ended=True))
        lost = self._kept is not None and any(f"alarm/{site}" not in alarms for site in self.engine.told())
        gap = False
        for lane in LANES:
            first, self._goal[lane] = await self._ends(lane)
            own = self._positions.get(lane, START)
            gap = gap or (first is not None and START < own < first)
        anew = self._kept is None or lost
        if anew:
            self._anew(alarms)
        await self._tell(self._take(self._of_board(anew, gap or (anew and bool(alarms)))))
        self._board.clear()
        await self._tell(self.engine.settle())
        self._started = True

    def _of_board(self, anew: bool, readings: bool) -> list[Head]:
        """What of the board the engine must hear: nothing where its state was kept and the bus still has what came after; the
        sensors where it begins anew; the newest readings, too, where there are alarms to go on from or the bus lost some.
        A hall that never had an alarm reads what the bus has from its start instead: the newest reading would make all
        others late."""
        found = [head for head in self._board if topic_of(head.subject) == "response"]
        if anew or readings:
            found += [head for head in self._board if topic_of(head.subject) not in ("response", "observation")]
        if readings:
            found += [head for head in self._board if topic_of(head.subject) == "observation"]
        return sorted(found, key=_board_order)

    async def _ends(self, lane: str) -> tuple[EntryId | None, EntryId]:
        while True:
            try:
                return await self.process.bus.first_entry(lane), await self.process.bus.last_entry(lane)
            except BusLost:
                await asyncio.sleep(LOOK_SECONDS)

    def _anew(self, alarms: dict[str, Any]) -> None:
        """Alarms that stand go on from what the ledger knows of them."""
        self.engine = Engine(self.rules)
        standing = {name.partition("/")[2]: alarm for name, alarm in alarms.items() if alarm.active and not alarm.ended}
        fields = {site: msgspec.to_builtins(alarm) for site, alarm in standing.items()}
        self.engine.adopt({site: {key: found[key] for key in EDGE if key in found} for site, found in fields.items()})

    # -- work ----------------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        self._keep_at = monotonic()
        keeping: asyncio.Task | None = None
        try:
            while True:
                if not self._queue:
                    self._come.clear()
                    try:
                        async with asyncio.timeout(LOOK_SECONDS):
                            await self._come.wait()
                    except TimeoutError:
                        pass
                await self._drain()
                await self._tick()
                if keeping is not None and keeping.done():
                    keeping = keeping.result()
                if keeping is None and monotonic() >= self._keep_at and self._positions != self._saved:
                    # of this moment, when every edge it has made is in the ledger
                    began, snapshot = monotonic(), self.engine.snapshot()
                    keeping = asyncio.create_task(self._keep(snapshot, dict(self._positions), monotonic() - began))
        finally:
            if keeping is not None:
                keeping.cancel()
                await asyncio.gather(keeping, return_exceptions=True)
            self._file.close()

    async def _drain(self) -> None:
        """Everything that waits, in slices."""
        while self._queue:
            slice_ = [self._queue.popleft() for _ in range(min(SLICE, len(self._queue)))]
            edges = self._take([one for one in slice_ if isinstance(one, Head)])
            await self._tell(edges)
            self._positions |= {one[0]: one[1] for one in slice_ if not isinstance(one, Head)}
            await asyncio.sleep(0)

    def _take(self, heads: list[Head]) -> list[Edge]:
        inputs: list[Input] = []
        for head in heads:
            try:
                inputs += self.hearing.inputs(head)
            except (msgspec.MsgspecError, KeyError, TypeError, ValueError):
                continue  # the process counts what is malformed
        edges: list[Edge] = []
        for one in inputs:
            try:
                edges += self.engine.take((one,))
            except Exception:  # one odd document must not end the alarms of all others
                if not self.process.counters["alarm_faults"]:
                    log.exception("dispatch: the alarm engine leaves out %r", one)
                self.process.counters["alarm_faults"] += 1
        return edges

    async def _tick(self) -> None:
        """Time goes by, once everything that was on the bus at the start has been heard."""
        if all(self._positions.get(lane, goal) >= goal for lane, goal in self._goal.items()):
            rate = self.process.clock.state.rate
            await self._tell(self.engine.advance(self.process.clock.now() - int(SETTLE_SECONDS * 1000 * max(rate, 0.0))))
        counters = self.process.counters
        counters["alarms_active"], counters["alarm_events_waiting"] = self.engine.active, len(self._queue)
        counters |= self.engine.counters

    async def _tell(self, edges: list[Edge]) -> None:
        for start in range(0, len(edges), TOGETHER):
            part = edges[start : start + TOGETHER]
            now = self.process.clock.now()
            commands = [(_command(edge, now), SYSTEM) for edge in part]
            found = await self._patiently(lambda commands=commands: self.desk.execute_many(commands))
            for edge, result in zip(part, found, strict=True):
                if isinstance(result, Refused):
                    if not self.process.counters["alarm_edges_refused"]:
                        log.error("dispatch: %s of alarm/%s is refused: %s", edge.move, edge.site, result)
                    self.process.counters["alarm_edges_refused"] += 1
            self.process.counters["alarm_edges"] += len(part)

    async def _patiently(self, work: Any) -> Any:
        """However long the ledger refuses; says so once."""
        told = False
        while True:
            try:
                return await work()
            except (LedgerFault, Refused) as error:
                if not told:
                    log.warning("dispatch: alarms wait for the ledger: %s", error)
                told = True
                await asyncio.sleep(RETRY_SECONDS)

    async def _keep(self, snapshot: Snapshot, positions: dict[str, EntryId], spent: float) -> None:
        """Keeps a state with its positions, in small turns beside everything else."""
        done = False
        while not done:
            await asyncio.sleep(0)
            turn = monotonic()
            done = snapshot.work(PIECES)
            spent += monotonic() - turn
        try:
            await asyncio.to_thread(self._file.write, Kept(positions, snapshot.state))
            self._saved = positions
        except sqlite3.Error as error:
            log.warning("dispatch: the alarm engine's state cannot be kept: %s", error)
        self._keep_at = monotonic() + max(KEEP_SECONDS, spent / KEEP_SHARE)


def _command(edge: Edge, now: int) -> Command:
    """A machine's clock that was set back leaves readings from the future: their alarms happen now."""
    data = {key: value for key, value in edge.data.items() if key in EDGE}
    return Command(id=edge.id, subject=f"alarm/{edge.site}", move=edge.move, data=data, time=min(edge.time, now))


def _board_order(head: Head) -> tuple:
    """Sensors before what they measured, then in the order of hearing."""
    return topic_of(head.subject) == "observation", head.recordedtime, head.subject
