"""What the dispatch process does for messages by itself: ends those that are over."""

from __future__ import annotations

from dispatch.desk import Desk
from dispatch.messages.model import Message, over_at
from dispatch.part import Part
from dispatch.waiting import Waiting, ask
from hall.core.command import Command, Entry
from hall.core.process import Process

LOOK_SECONDS = 10.0


class MessagePart(Part):
    """One per hall."""

    def __init__(self, process: Process, desk: Desk) -> None:
        self.process, self.desk = process, desk
        self._ends: dict[str, tuple[int, int]] = {}  # subject -> (city ms, revision)
        self._waiting = Waiting(process, "messages")

    async def start(self) -> None:
        self._follow(await self.desk.states("message"))

    async def take(self, entries: list[Entry]) -> None:
        mine = list(dict.fromkeys(entry.subject for entry in entries if entry.subject.startswith("message/")))
        if mine:
            self._follow(await self.desk.many(mine))

    def _follow(self, states: dict[str, Message]) -> None:
        for subject, state in states.items():
            self._ends.pop(subject, None)
            if not state.ended:
                self._ends[subject] = over_at(state), state.revision

    async def run(self) -> None:
        await self._waiting.looking(self.tidy, LOOK_SECONDS)

    async def tidy(self) -> None:
        now = self.process.clock.now()
        over = [(subject, end) for subject, end in self._ends.items() if end[0] <= now]
        await ask(self.desk, [_over(subject, revision) for subject, (_, revision) in over])
        for subject, end in over:
            if self._ends.get(subject) == end:
                del self._ends[subject]


def _over(subject: str, revision: int) -> Command:
    """Named by the version that ends, so that a restart does nothing twice."""
    return Command(id=f"{subject}-over-{revision}", subject=subject, move="expire", revision=revision)
