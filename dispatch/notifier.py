"""Makes the notices that new ledger lines mean, in the dispatch process; ends those that are old.

It is told of lines at least once (`FileWork.listeners`). A notice's command is named by the line it is made of, so what was
told before is not told again.
"""

from __future__ import annotations

import asyncio
import logging

from dispatch.casefile.model import CaseFile
from dispatch.desk import Desk
from dispatch.ledger import Ledger
from dispatch.noticeboard import NoticeBoard
from dispatch.noticerules import RULES, commands_for, file_of, overtaken
from dispatch.waiting import Waiting, ask
from hall.core.command import Command, Entry
from hall.core.errors import LedgerFault, Refused
from hall.core.process import Process

log = logging.getLogger("hall")

TIDY_SECONDS = 60.0
#: a notice to a role or unit that nobody needs any more leaves the screens after this; the ledger keeps it
KEEP_MS = 24 * 3_600_000
#: moves that mean nothing to anybody but who makes them
_QUIET = frozenset({"supplied", "claim", "release", "call_back", "attach", "link", "correct"})


class Notifier:
    """One per hall. `take` is the listener, `run` the housekeeping (returns only when cancelled)."""

    def __init__(self, process: Process, desk: Desk, ledger: Ledger) -> None:
        self.process, self.desk, self.ledger = process, desk, ledger
        self.board = NoticeBoard(ledger)
        self._waiting = Waiting(process, "notices", "notice_faults")
        process.counters["notices"] = 0

    async def take(self, entries: list[Entry]) -> None:
        """Tells of these lines, however long the ledger refuses."""
        await self._waiting.until_done(lambda: self._take(entries))

    async def _take(self, entries: list[Entry]) -> None:
        speaking = [entry for entry in entries if _speaks(entry)]
        if not speaking:
            return
        await asyncio.to_thread(self.board.catch_up)
        commands: list[Command] = []
        for entry in speaking:
            try:
                commands += await self._of(entry)
            except (LedgerFault, Refused):
                raise
            except Exception:  # one odd line must not keep the hall from telling of all others
                log.exception("dispatch: nobody is told of ledger line %d", entry.seq)
                self.process.counters["notice_faults"] += 1
        await self._execute(commands)

    async def _of(self, entry: Entry) -> list[Command]:
        about = file_of(entry)
        file: CaseFile | None = await self.desk.state(about)
        asker = await self._asker(entry, about) if entry.move in ("grant", "refuse") else ""
        gone = overtaken(entry, file, self.board.live(about))
        return commands_for(entry, file, asker) + [_withdrawal(subject) for subject in gone]

    async def _execute(self, commands: list[Command]) -> None:
        for _, result in await ask(self.desk, commands):
            self.process.counters["notices"] += bool(getattr(result, "seqs", ()))

    async def _asker(self, entry: Entry, about: str) -> str:
        """Who asked the question that this entry answered: questions are numbered in the order they were asked."""
        if entry.data.get("asker"):
            return str(entry.data["asker"])
        history = await asyncio.to_thread(self.ledger.history, about)
        asked = [line for line in history if line.revision < entry.revision and isinstance(line.data.get("ask"), str)]
        number = entry.data.get("ask", 0)
        return asked[number - 1].who if 0 < number <= len(asked) else ""

    async def run(self) -> None:
        await self._waiting.looking(self.tidy, TIDY_SECONDS)

    async def tidy(self) -> None:
        """Withdraws what is older than KEEP_MS."""
        await asyncio.to_thread(self.board.catch_up)
        before = self.process.clock.now() - KEEP_MS
        await self._execute([_withdrawal(f"notice/{n.notice_id}") for n in self.board.live() if n.made < before])


def _speaks(entry: Entry) -> bool:
    """Whether a line may concern anybody: only then is anything looked up."""
    topic = entry.subject.partition("/")[0]
    if topic not in ("file", "crew") or entry.move in _QUIET or not file_of(entry):
        return False
    if entry.move == "open":
        return bool(entry.data.get("emergency"))
    return topic == "file" or (topic, entry.move) in RULES


def _withdrawal(subject: str) -> Command:
    return Command(id=f"withdraw-{subject}", subject=subject, move="withdraw")
