"""What a part of the dispatch process is: something of alarms and emergencies that it does by itself."""

from __future__ import annotations

from dispatch.reader import Head
from hall.core.board import EntryId
from hall.core.command import Actor, Entry

SYSTEM = Actor(name="system", role="system", kind="system", desk="dispatch")
#: a supplier's word that a reading is not to be trusted
POOR = frozenset({"bad", "doubtful", "suspect", "invalid", "error"})


class Part:
    """Base: a part overrides what it needs. `topics` are those of the bus that `hear` is called for, also once at the start
    with what the board holds."""

    topics: frozenset[str] = frozenset()

    def hear(self, head: Head) -> None:
        """One bus event of `topics`. Quick, no I/O: note it, `run` does the work. At a restart some are heard again."""

    def position(self, lane: str) -> EntryId | None:
        """The bus entry of `lane` after which it must hear everything; None: wherever the process goes on from."""
        return None

    def reached(self, lane: str, at: EntryId) -> None:
        """Everything of `lane` up to the entry `at` was heard."""

    async def start(self) -> None:
        """Once, after the board was heard and before new events are followed: read states from the ledger here."""

    async def take(self, entries: list[Entry]) -> None:
        """New ledger lines, in order, at least once."""

    async def run(self) -> None:
        """Works until cancelled; a part that returns has nothing to do by itself."""
