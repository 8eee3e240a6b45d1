"""The dispatch process: follows the bus, keeps casebook, indicators and series, runs the parts, publishes what they mean."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Coroutine

import msgspec

from dispatch import webhooks
from dispatch.casebook import Casebook, CasebookFault, Version
from dispatch.casefile.model import subject_of_file
from dispatch.desk import Desk
from dispatch.emergency import Parts, parts_of
from dispatch.facts import Facts, facts_of
from dispatch.filework import FileWork
from dispatch.indicators import Indicators
from dispatch.laidover import LaidOver
from dispatch.ledger import Ledger
from dispatch.ledger.relay import Relay
from dispatch.measures.columns import CaseColumns
from dispatch.news import News
from dispatch.notifier import Notifier
from dispatch.patience import PatientBook
from dispatch.policy import compile_policy
from dispatch.reader import Head, document, heads, version_of
from dispatch.retirement import Retirements
from dispatch.series import AllSeries
from dispatch.views import follow_watches
from hall.core.board import LANES, START, Board, EntryId
from hall.core.clock import monotonic
from hall.core.errors import BadInput, BusLost
from hall.core.event import topic_of
from hall.core.process import Process

log = logging.getLogger("hall")

_CHUNK = 1_000  # versions per transaction while much comes at once
_LOOK_SECONDS = 0.25  # between two looks at what changed: at most four documents a second
_TELL_SECONDS = 1.5  # indicators are told again after this, changed or not: their silence shows
_SERIES_SECONDS = 5.0
_POSITION_SECONDS = 5.0  # how often a position without case events is stored
_TIDY_SECONDS = 900.0
_FIRST_TIDY_SECONDS = 30.0
_MEASURED_MS = 26 * 3_600_000  # how far back measures of the last day look, an hour ago included
_TELL_BOUND = 1_000  # events waiting for a lost bus above which only alarms and retirements are still added


class Dispatch:
    """One running dispatch process; `run` returns only when cancelled."""

    def __init__(self, process: Process) -> None:
        self.process = process
        self.policy = compile_policy(config := process.config)
        self.casebook = Casebook.open_writer(process.settings.data_dir / "cases.db")
        self.ledger = Ledger(process.settings.database_url, self.policy.aggregates())
        self.desk = Desk(process, self.ledger, self.policy.files, self.casebook.supplied)
        self.notifier = Notifier(process, self.desk, self.ledger)
        self.columns = CaseColumns()
        self.parts = Parts(process, parts_of(process, self.desk, self.policy, self.columns))
        listeners = [self.notifier.take, self.parts.take]
        self.files = FileWork(process, self.desk, self.policy.clocks, self._lay_over, listeners)
        self.indicators = Indicators(config.city.timezone)
        self.series = AllSeries()
        self.retirements = Retirements()
        self._news = News(_TELL_SECONDS)
        self._book = PatientBook(process, self.casebook)
        self._lock = asyncio.Lock()  # casebook and counters change together
        self._positions: dict[str, EntryId] = {}
        self._saved: dict[str, EntryId] = {}
        process.counters |= {"case_versions": 0, "malformed": 0, "bus_gaps": 0}

    async def run(self) -> None:
        try:
            await self._start()
            async with asyncio.TaskGroup() as group:
                for work in (self._tell_indicators(), self._tell_series(), self._keep_house(), *self._others()):
                    group.create_task(work)
        finally:
            self.desk.close()
            self._book.close()

    def _others(self) -> tuple[Coroutine, ...]:
        files, process, ledger = self.files, self.process, self.ledger
        own = files.open_files(), files.follow_ledger(), files.watch_clocks(), self.notifier.run()
        others = webhooks.run(process, self.desk, ledger), follow_watches(process, ledger.database)
        return *own, *map(self._follow, LANES), Relay(ledger, process.bus, process).run(), *others, *self.parts.works()

    # -- start -----------------------------------------------------------------------------------------------------

    async def _start(self) -> None:
        """The board first (current cases and series, what the parts hear), then everything after the saved position."""
        board = await self._patiently(self._load_board)
        versions: list[Version] = []
        for entry in board.current(tuple({"series", "case", *self.parts.topics})):
            with self._tolerant():
                head = msgspec.json.decode(entry.raw, type=Head)
                self.parts.hear(head)
                self._restore(head, versions)
        await self._record(versions, counted=False, on_board=False)
        for version in versions:
            facts = facts_of(version.case, version.key[0])
            self.retirements.put(version.subject, facts.ended_at, version.key[0])
        await self._count_anew()
        await self.files.start(self.casebook.positions().get("ledger", START)[0])
        await self.parts.start()
        for version in versions:
            if version.case is not None:
                self.files.supplied(version.subject, version.key[2], version.case)

    def _restore(self, head: Head, versions: list[Version]) -> None:
        match topic_of(head.subject):
            case "case":
                versions.append(version_of(head))
            case "series":
                self.series.restore(head.subject, msgspec.json.decode(head.data))

    async def _load_board(self) -> Board:
        board = Board(log_bound=1)  # histories come from the stream
        await self.process.bus.load_board(board)
        stored = self.casebook.positions()
        for lane in LANES:
            saved = self.parts.position(lane, stored.get(lane, START))
            self._positions[lane] = await self._position(lane, saved)
            self.parts.reached(lane, self._positions[lane])
        return board

    async def _patiently(self, work: Callable[[], Awaitable[Board]]) -> Board:
        told = False
        while True:
            try:
                return await work()
            except BusLost as error:
                if not told:
                    log.warning("dispatch: the board could not be loaded, trying again: %s", error)
                told = True
                await asyncio.sleep(0.2)

    async def _position(self, lane: str, saved: EntryId) -> EntryId:
        """Where to follow from. A bus that is younger than the casebook is read from its start."""
        first, last = await self.process.bus.first_entry(lane), await self.process.bus.last_entry(lane)
        if saved > last:
            log.warning("dispatch: the %s lane was begun anew, reading it from its start", lane)
            return START
        if saved != START and first is not None and first > saved:
            self.process.counters["bus_gaps"] += 1
            log.warning("dispatch: the %s lane lost entries since the last run; what is current came from the board", lane)
        return saved

    # -- following -------------------------------------------------------------------------------------------------

    async def _follow(self, lane: str) -> None:
        def lost(reason: str) -> None:
            log.warning("dispatch: bus lost (%s): %s", lane, reason)

        async for batch in self.process.bus.follow(lane, self._positions[lane], on_lost=lost):
            if batch:
                async with self._lock:
                    await self._take(lane, batch)

    async def _take(self, lane: str, batch: list[tuple[EntryId, bytes]]) -> None:
        live: list[Version] = []
        archived: list[Version] = []
        for _, payload in batch:
            found, broken = heads(payload)
            self.process.counters["malformed"] += broken
            for head in found:
                with self._tolerant():
                    self._sort(head, live, archived)
            await asyncio.sleep(0)
        self.parts.reached(lane, batch[-1][0])
        await self._record(archived, on_board=False)
        await self._record(live, on_board=True, positions=self._positions | {lane: batch[-1][0]})
        self._positions[lane] = batch[-1][0]

    def _sort(self, head: Head, live: list[Version], archived: list[Version]) -> None:
        """Hands one event to whom it concerns."""
        self.parts.hear(head)
        own = head.source == self.process.name
        match topic_of(head.subject):
            case "observation" if not head.gone:
                reading = document(head)
                self.series.reading(head.subject, reading.quantity, head.time, reading.value)
            case "case" if not (own and head.gone):
                live.append(version_of(head))
            case "archive":
                archived.append(version_of(head))

    @contextlib.contextmanager
    def _tolerant(self):
        """One unreadable document is counted and left out."""
        try:
            yield
        except (msgspec.MsgspecError, BadInput, KeyError, TypeError) as error:
            if not self.process.counters["malformed"]:
                log.warning("dispatch: an event is left out: %s", error)
            self.process.counters["malformed"] += 1

    async def _record(
        self,
        versions: list[Version],
        on_board: bool,
        counted: bool = True,
        positions: dict[str, EntryId] | None = None,
    ) -> None:
        """Stores versions and counts those that won. `positions` go with the last of them."""
        for start in range(0, len(versions), _CHUNK):
            chunk = versions[start : start + _CHUNK]
            last = start + _CHUNK >= len(versions)
            won = await self._stored(chunk, positions if last else None)
            if counted:
                for version, facts in won:
                    self.indicators.put(version.subject, facts)
                    self.columns.case(version.subject, facts)
            if on_board:
                self._watch_end(chunk, won)
            self.process.counters["case_versions"] += len(won)

    def _watch_end(self, chunk: list[Version], won: list[tuple[Version, Facts | None]]) -> None:
        """Notes which cases will leave the board, and forgets those a supplier took back."""
        newest = {version.subject: (version, facts) for version, facts in won}
        for version, facts in newest.values():
            self.retirements.put(version.subject, facts.ended_at if facts else None, version.key[0])
            if version.case is not None:
                self.files.supplied(version.subject, version.key[2], version.case)

    async def _lay_over(self, decided: dict[str, LaidOver]) -> None:
        """The hall's decisions into casebook and counters."""
        if not decided:
            return
        async with self._lock:
            found = await self._book.write(lambda: self.casebook.lay_over(decided))
            for subject, facts, time in found:
                self.indicators.put(subject, facts)
                self.columns.case(subject, facts)
                self.retirements.put(subject, facts.ended_at, time)

    async def _stored(self, versions: list[Version], positions: dict[str, EntryId] | None) -> list:
        won = await self._book.write(lambda: self.casebook.record(versions, positions))
        self._saved |= positions or {}
        return won

    # -- telling ---------------------------------------------------------------------------------------------------

    async def _count_anew(self) -> None:
        """Fills the indicators for the city's present day from the casebook."""
        now = self.process.clock.now()
        day = self.indicators.day_at(now)
        bounds = (min(day.start, now - _MEASURED_MS), day.reference_start, day.reference_end)
        found = await self._book.ask(lambda: list(self.casebook.relevant(*bounds)))
        self.indicators.start(now, found)
        self.columns.start(found)

    async def _tell_indicators(self) -> None:
        while True:
            now = self.process.clock.now()
            if self.indicators.outdated(now):
                async with self._lock:
                    await self._count_anew()
            else:
                self.indicators.advance(now)
            if self._may_tell():
                for subject, data in self._news.of(self.indicators, monotonic()):
                    self.process.bulk.put(self.process.event(subject, data))
            await asyncio.sleep(_LOOK_SECONDS)

    async def _tell_series(self) -> None:
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            if self._may_tell():
                for subject, data in self.series.due(monotonic(), _SERIES_SECONDS):
                    newest = data["start"] + (len(data["values"]) - 1) * data["step"]
                    self.process.bulk.put(self.process.event(subject, data, time=newest))

    def _may_tell(self) -> bool:
        return self.process.bulk.waiting < _TELL_BOUND

    async def _keep_house(self) -> None:
        """Retires what ended long ago, stores positions that carried no case, shows the counters."""
        saved_at, tidy_at = monotonic(), monotonic() + _FIRST_TIDY_SECONDS
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            now = self.process.clock.now()
            if self._may_tell():
                for subject, time in self.retirements.due(now):
                    self.process.bulk.put(self.process.event(subject, None, time=time + 1))
                    self.process.fast.put(self.process.event(subject_of_file(subject), None))
            self.process.counters |= {"series": self.series.count, "series_refused": self.series.refused}
            self._positions["ledger"] = (self.files.seen, 0)
            if monotonic() - saved_at >= _POSITION_SECONDS and self._positions != self._saved:
                async with self._lock:
                    await self._stored([], dict(self._positions))
                saved_at = monotonic()
            if monotonic() >= tidy_at:
                async with self._lock:
                    with contextlib.suppress(CasebookFault):  # a full disk is told where it keeps a case from being stored
                        await self._book.ask(self.casebook.tidy)
                tidy_at = monotonic() + _TIDY_SECONDS
