"""The desk: takes commands, has the ledger decide them in one transaction, wakes the relay.

Used by the web process (people) and the dispatch process (timers, suppliers).
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Coroutine, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import msgspec

from dispatch.casefile import CaseFiles
from dispatch.casefile.aggregate import effective, over
from dispatch.casefile.model import subject_of_case
from dispatch.ledger import Ledger
from dispatch.together import Together
from hall.core.clock import real_ms
from hall.core.command import Actor, Command, Draft, Entry, Outcome
from hall.core.errors import BusLost, Refused
from hall.core.process import Process

#: commands under way at once; SQLite writes one after the other anyway, readers need not wait for them
THREADS = 4
#: turns of looking that are under way at once
VIEWS_AT_ONCE = 2
#: commands that may wait; more are refused, so that a storm cannot pile up
WAITING = 500
#: audit lines of refused commands that one person can cause in a minute
REFUSALS_A_MINUTE = 120


class Desk:
    """`case_of(case subject)` gives a supplier's newest case as plain fields, or None. Close it when done."""

    def __init__(
        self, process: Process, ledger: Ledger, files: CaseFiles, case_of: Callable[[str], dict[str, Any] | None]
    ) -> None:
        self.process, self.ledger, self.files, self._case_of = process, ledger, files, case_of
        self._threads = ThreadPoolExecutor(THREADS, "desk")
        self._waiting = 0
        self._commands = Together(self._execute_all)
        self._views = Together(self._view_all, at_once=VIEWS_AT_ONCE)
        self._refusals: dict[str, list[int]] = {}  # name -> minute, lines written in it, refusals not written since the last

    async def execute(self, command: Command, actor: Actor) -> Outcome:
        """Decides and commits one command; durable when it returns. Raises Refused, which leaves an audit line."""
        try:
            return await self._waited(self._commands.ask((command, actor)))
        except Refused as refusal:
            await self._refused(command, actor, refusal)
            raise

    async def _execute_all(self, asked: Sequence[tuple[Command, Actor]]) -> list[Outcome | Exception]:
        """Commands of people who know nothing of each other share one transaction when they come at the same time."""
        now, real = self.process.clock.now(), real_ms()
        found = await self._in_thread(lambda: self.ledger.execute_each(asked, now, real))
        if any(isinstance(result, Outcome) and not result.repeated for result in found):
            await self.nudge()
        return found

    async def execute_many(self, commands: Iterable[tuple[Command, Actor]]) -> list[Outcome | Refused]:
        """Many commands in one transaction, each for itself: what is refused spoils nothing."""
        asked, now, real = list(commands), self.process.clock.now(), real_ms()
        found = await self.run(lambda: self.ledger.execute_many(asked, now, real))
        for (command, actor), result in zip(asked, found, strict=True):
            if isinstance(result, Refused) and actor.kind != "system":
                await self._refused(command, actor, result)
        if any(isinstance(result, Outcome) for result in found):
            await self.nudge()
        return found

    async def view(self, subject: str, actor: Actor) -> dict[str, Any]:
        """A case as `actor` sees it: docs/DISPATCH.md. Raises Refused 404."""
        return await self._waited(self._views.ask((subject, actor)))

    async def _view_all(self, asked: Sequence[tuple[str, Actor]]) -> list[dict[str, Any] | Exception]:
        def look() -> list[dict[str, Any] | Exception]:
            files = self.ledger.files({subject for subject, _ in asked})
            return [self._seen(subject, actor, *files.get(subject, (None, []))) for subject, actor in asked]

        return await self._in_thread(look)

    def _seen(self, subject: str, actor: Actor, file: Any, history: list[Entry]) -> dict[str, Any] | Exception:
        if file is None:
            return Refused("unknown-case", f"no file {subject[:200]}", 404)
        try:
            return self._view(subject, actor, file, history)
        except Exception as error:  # one faulty file is no other asker's misfortune
            return error

    def _view(self, subject: str, actor: Actor, file: Any, history: list[Entry]) -> dict[str, Any]:
        supplied = self._case_of(subject_of_case(subject)) or file.report
        now = self.process.clock.now()
        return {
            "subject": subject,
            "case": effective(supplied, over(file)),
            "file": msgspec.to_builtins(file),
            "allowed": self.files.allowed(file, actor, now),
            "entries": [_shown(entry) for entry in history],
            "revision": file.revision,
            "now": now,
        }

    async def state(self, subject: str) -> Any | None:
        """The folded state of any stream."""
        return await self.run(lambda: self.ledger.state(subject))

    async def states(self, topic: str, *, ended: bool = False) -> dict[str, Any]:
        """Every stream of a topic that is not ended; those that are, too, with `ended`."""
        return await self.run(lambda: dict(self.ledger.states(topic, ended=ended)))

    async def concerning(self, topic: str, name: str) -> dict[str, Any]:
        """Those of a topic that are not ended and hold `name` as one of their words or values."""
        return await self.run(lambda: dict(self.ledger.states(topic, naming=name)))

    async def history(self, subject: str) -> list[Entry]:
        """Every line of one stream, oldest first."""
        return await self.run(lambda: self.ledger.history(subject))

    async def many(self, subjects: list[str]) -> dict[str, Any]:
        """The folded states of those streams that exist."""

        def read() -> dict[str, Any]:
            found = ((name, self.ledger.state(name)) for name in dict.fromkeys(subjects))
            return {name: state for name, state in found if state is not None}

        return await self.run(read)

    async def entries(self, after: int = 0, limit: int = 200, **filters: str) -> list[Entry]:
        return await self.run(lambda: self.ledger.entries(after, limit, **filters))

    async def note(self, what: str, actor: Actor, data: dict[str, Any], reason: str = "") -> None:
        """An audit line that changes nothing."""
        draft = Draft(subject=f"audit/{what}", move=what, data=data, reason=reason[:500])
        now, real = self.process.clock.now(), real_ms()
        await self.run(lambda: self.ledger.note(draft, actor, now, real))

    async def _refused(self, command: Command, actor: Actor, refusal: Refused) -> None:
        """An audit line; of one person at most so many a minute, then their number with the next minute's first: a script
        that is refused fifty times a second must not fill the disk."""
        minute, kept = real_ms() // 60_000, self._refusals.get(actor.name)
        if kept is None or kept[0] != minute:
            self._refusals[actor.name] = kept = [minute, 0, kept[2] if kept else 0]
        kept[1] += 1
        if kept[1] > REFUSALS_A_MINUTE:
            kept[2] += 1
            return
        data = {"subject": command.subject[:300], "move": command.move[:60], "command": command.id[:100]}
        data |= {"code": refusal.reason} | ({"unwritten_before": kept[2]} if kept[2] else {})
        kept[2] = 0
        while len(self._refusals) > WAITING:
            del self._refusals[next(iter(self._refusals))]
        await self.note("refused", actor, data, refusal.detail)

    async def nudge(self) -> None:
        """Wakes the relay; when the bus is lost the relay looks by itself."""
        with contextlib.suppress(BusLost):
            await self.process.bus.nudge()

    async def run(self, work: Callable[[], Any]) -> Any:
        """`work()`, which may block on the ledger, in one of the desk's threads. Refuses when too much waits already."""
        return await self._waited(self._in_thread(work))

    async def _waited(self, work: Coroutine[Any, Any, Any]) -> Any:
        if self._waiting >= WAITING:
            work.close()
            raise Refused("busy", "too many commands at once; try again", 503)
        self._waiting += 1
        try:
            return await work
        finally:
            self._waiting -= 1

    async def _in_thread(self, work: Callable[[], Any]) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)

    def close(self) -> None:
        self._threads.shutdown(wait=True, cancel_futures=True)
        self.ledger.close()


def _shown(entry: Entry) -> dict[str, Any]:
    """An entry for people: without the state that an undo carries."""
    plain = msgspec.to_builtins(entry)
    plain.get("data", {}).pop("back", None)
    return plain
