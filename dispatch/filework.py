"""What the dispatch process does for the case files by itself: opens them, lays decisions over the casebook, climbs ladders.

Everything here is repeatable: commands have ids made from what caused them, so a restart does nothing twice.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from dispatch.casefile.model import CaseFile, subject_of_case, subject_of_file
from dispatch.clocks.city import CityClocks
from dispatch.clocks.ladder import Standing
from dispatch.clocks.timer import Timers
from dispatch.crews.enrolment import enrol
from dispatch.desk import Desk
from dispatch.laidover import LaidOver, of_document
from dispatch.naming import name_of
from dispatch.part import SYSTEM
from hall.core.clock import real_ms
from hall.core.command import Actor, Command, Entry, Outcome
from hall.core.errors import LedgerFault, Refused
from hall.core.event import Event
from hall.core.model import Case
from hall.core.process import Process

log = logging.getLogger("hall")

#: files opened in one transaction
_TOGETHER = 200
#: timers that fall in one look; the rest follow at once
_FALL = 500
_LOOK_SECONDS = 0.1
_RETRY_SECONDS = 1.0

LayOver = Callable[[dict[str, LaidOver]], Awaitable[None]]
#: told of new entries, in order, at least once
Listener = Callable[[list[Entry]], Awaitable[None]]


class FileWork:
    """`lay_over` stores the hall's decisions in the casebook and counts them; `listeners` are told of every new entry."""

    def __init__(self, process: Process, desk: Desk, clocks: CityClocks, lay_over: LayOver, listeners: list[Listener]) -> None:
        self.process, self.desk, self.clocks, self._lay_over = process, desk, clocks, lay_over
        self.listeners = listeners
        self.timers = Timers()
        self.seen = 0  # entries up to here are worked in
        self._supplied: dict[str, tuple[str, Case]] = {}  # file subject -> (cause, newest case)
        self._come = asyncio.Event()
        self._news = asyncio.Event()
        self._told = False
        process.counters |= {"files_open": 0, "ledger_seq": 0, "ledger_faults": 0, "files_waiting": 0, "files_faulty": 0}

    # -- start -----------------------------------------------------------------------------------------------------

    async def start(self, seen: int) -> None:
        """Every file's decisions and timers as the ledger has them; entries after `seen` are told to the listeners."""
        self.seen = seen
        states = await self._patiently(lambda: self.desk.states("file"))
        await self._lay_over({subject_of_case(name): self._laid_over(file) for name, file in states.items()})
        for name, file in states.items():
            self._set_timers(name, file)
        self.process.counters["files_open"] = len(states)
        now = self.process.clock.now()
        await self._patiently(lambda: self.desk.run(lambda: enrol(self.desk.ledger, self.process.config, now, real_ms())))

    async def _patiently(self, work: Callable[[], Awaitable[Any]]) -> Any:
        """The outcome of `work`, however long the ledger refuses; says so once."""
        while True:
            try:
                found = await work()
            except LedgerFault as error:
                if not self._told:
                    log.error("dispatch: the ledger cannot be used, waiting: %s", error)
                self._told = True
                self.process.counters["ledger_faults"] += 1
                await asyncio.sleep(_RETRY_SECONDS)
                continue
            if self._told:
                log.warning("dispatch: the ledger can be used again")
                self._told = False
            return found

    async def _ask(self, commands: list[tuple[Command, Actor]]) -> list[Outcome | Refused]:
        """Asks for all; where a rule itself is at fault, each by itself, so that one case holds up no other."""
        try:
            return await self._patiently(lambda: self.desk.execute_many(commands))
        except Exception as error:
            if len(commands) == 1:
                self._fault(commands[0][0].subject, error)
                return [Refused("rule-fault", str(error)[:200], 500)]
            return [result for command in commands for result in await self._ask([command])]

    def _fault(self, subject: str, error: Exception) -> None:
        """One thing could not be worked in: told with its name, counted, left out; the process goes on."""
        self.process.counters["files_faulty"] += 1
        log.error("dispatch: %s is left out", subject, exc_info=error)

    def _laid_over(self, file: CaseFile) -> LaidOver:
        return of_document(self.desk.files.document(file) or {})

    # -- what suppliers say ----------------------------------------------------------------------------------------

    def supplied(self, case_subject: str, cause: str, case: Case) -> None:
        """A supplier's newest word about a case; `cause` names the version, so that it is worked in once."""
        self._supplied[subject_of_file(case_subject)] = (cause, case)
        self._come.set()

    async def open_files(self) -> None:
        """Opens a file for every case that has none, tells the others what their supplier said; never ends."""
        while True:
            await self._come.wait()
            self._come.clear()
            while self._supplied:
                batch = dict(list(self._supplied.items())[:_TOGETHER])
                commands = [(self._supplied_command(name, *said), SYSTEM) for name, said in batch.items()]
                await self._ask(commands)
                for name, said in batch.items():
                    if self._supplied.get(name) is said:
                        del self._supplied[name]
                self.process.counters["files_waiting"] = len(self._supplied)
                await self._refresh(list(batch))

    def _supplied_command(self, name: str, cause: str, case: Case) -> Command:
        return Command(id=name_of(f"supplied-{cause}"), subject=name, move="supplied", data={"case": msgspec.to_builtins(case)})

    async def _refresh(self, names: list[str]) -> None:
        """Lays the decisions of these files over the casebook and sets their timers."""
        found = await self._patiently(lambda: self.desk.many(names))
        await self._lay_over({subject_of_case(name): self._laid_over(file) for name, file in found.items()})
        for name, file in found.items():
            self._set_timers(name, file)

    # -- what was decided ------------------------------------------------------------------------------------------

    def wake(self) -> None:
        """There may be new entries."""
        self._news.set()

    async def follow_ledger(self) -> None:
        """Works every new entry in, in order; never ends."""
        while True:
            found = await self._patiently(lambda: self.desk.entries(self.seen, 1_000))
            if not found:
                self._news.clear()
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(0.25):
                        await self._news.wait()
                continue
            try:
                await self._work_in(found)
            except Exception:
                for entry in found:
                    try:
                        await self._work_in([entry])
                    except Exception as error:
                        self._fault(f"{entry.subject}, line {entry.seq}", error)
                        self.seen = entry.seq

    async def _work_in(self, found: list[Entry]) -> None:
        """Everything that these entries mean to this process; may be done again."""
        names = dict.fromkeys(entry.subject for entry in found if entry.subject.startswith("file/"))
        await self._publish_own(found)
        await self._refresh(list(names))
        for listener in self.listeners:
            await listener(found)
        self.seen = found[-1].seq
        self.process.counters["ledger_seq"] = self.seen

    async def _publish_own(self, entries: list[Entry]) -> None:
        """Cases made in the hall itself have no supplier: their document comes from the file's first entry."""
        for entry in entries:
            if entry.move == "open" and entry.subject.startswith("file/desk/"):
                case = msgspec.convert({**entry.data["case"], "state": entry.data.get("to", "reported")}, Case)
                case.stages.reported = case.stages.reported or entry.time
                event = Event(
                    id=f"ledger-{entry.seq:016d}",
                    source="dispatch-desk",
                    subject=subject_of_case(entry.subject),
                    time=entry.time,
                    recordedtime=entry.recorded,
                    data=case,
                )
                self.process.fast.put(event)

    # -- what falls due --------------------------------------------------------------------------------------------

    def _set_timers(self, name: str, file: CaseFile) -> None:
        self.timers.put(name, "resume", file.suspended_until if file.state == "suspended" else None)
        step = None if file.ended else self.clocks.ladder.next(standing(file)) if file.clock else None
        self.timers.put(name, "rung", step.moment if step else None)

    async def watch_clocks(self) -> None:
        """Resumes what was suspended until now and climbs the ladders; never ends."""
        while True:
            fallen = self.timers.due(self.process.clock.now(), _FALL)
            if not fallen:
                await asyncio.sleep(_LOOK_SECONDS)
                continue
            files = await self._patiently(lambda held=fallen: self.desk.many([f.subject for f in held]))
            commands = [made for f in fallen if f.subject in files for made in self._due(f.subject, f.what, files[f.subject])]
            results = await self._ask(commands) if commands else []
            if not any(isinstance(result, Outcome) and not result.repeated for result in results):
                await self._refresh(list(files))  # nothing changed: the next timer comes from the states
                await asyncio.sleep(_LOOK_SECONDS)  # and may be the same again
            self.wake()

    def _due(self, name: str, what: str, file: CaseFile) -> list[tuple[Command, Actor]]:
        now = self.process.clock.now()
        if what == "resume":
            if file.state != "suspended" or (file.suspended_until or 0) > now:
                return []
            cause = f"resume-{file.suspended_until}-{file.suspensions}-{name}"
            return [(Command(id=name_of(cause), subject=name, move="resume", revision=file.revision), SYSTEM)]
        if file.ended or file.clock is None:
            return []
        made = []
        for step in self.clocks.ladder.due(standing(file), now):
            cause = f"rung-{file.clock.started}-{file.returns}-{file.reworks}-{step.rung.name}-{name}"
            data = {"rung": step.rung.name, "told": step.rung.to}
            made.append((Command(id=name_of(cause), subject=name, move="escalate", data=data), SYSTEM))
        return made


def standing(file: CaseFile) -> Standing:
    """The ladder's view of a file that has a clock."""
    clock = file.clock
    assert clock is not None
    return Standing(
        kind=clock.kind,
        limit_ms=clock.limit_ms,
        near=clock.near,
        due=clock.due,
        told=file.rungs,
        stopped=True if file.ladder_stopped else file.stopped_rungs,
        reacted=file.touched_at,
        paused=clock.stopped_at is not None,
    )
