"""What the dispatch process does for shapes by itself: takes off what has expired."""

from __future__ import annotations

from dispatch.desk import Desk
from dispatch.part import Part
from dispatch.shapes.model import Shape
from dispatch.waiting import Waiting, ask
from hall.core.command import Command, Entry
from hall.core.process import Process

LOOK_SECONDS = 1.0


class ShapePart(Part):
    """One per hall. Screens leave out what is over by the clock; this ends it in the record, too."""

    def __init__(self, process: Process, desk: Desk) -> None:
        self.process, self.desk = process, desk
        self._ends: dict[str, tuple[int, int]] = {}  # subject -> (city ms, revision)
        self._waiting = Waiting(process, "shapes")

    async def start(self) -> None:
        self._follow(await self.desk.states("shape"))

    async def take(self, entries: list[Entry]) -> None:
        mine = list(dict.fromkeys(entry.subject for entry in entries if entry.subject.startswith("shape/")))
        if mine:
            self._follow(await self.desk.many(mine))

    def _follow(self, states: dict[str, Shape]) -> None:
        for subject, state in states.items():
            self._ends.pop(subject, None)
            if state.expires is not None and not state.ended:
                self._ends[subject] = state.expires, state.revision

    async def run(self) -> None:
        await self._waiting.looking(self.tidy, LOOK_SECONDS)

    async def tidy(self) -> None:
        now = self.process.clock.now()
        over = [(subject, revision) for subject, (at, revision) in self._ends.items() if at <= now]
        await ask(self.desk, [_over(subject, revision) for subject, revision in over])
        for subject, revision in over:
            if self._ends.get(subject, (0, 0))[1] == revision:
                del self._ends[subject]


def _over(subject: str, revision: int) -> Command:
    """Named by the version that ends, so that a restart does nothing twice."""
    return Command(id=f"{subject}-over-{revision}", subject=subject, move="remove", revision=revision, reason="expired")
