"""Streams in memory, decided and folded as the ledger does it."""

from __future__ import annotations

import itertools

import msgspec
import pytest

from dispatch.crews.aggregate import Crews
from hall.core.command import Actor, Command, Entry

DISPATCHER = Actor(name="李调度", role="dispatcher")
SUPERVISOR = Actor(name="王值班长", role="supervisor")
SYSTEM = Actor(name="system", role="system", kind="system")


class Streams:
    """A View and the writer in one; `now` is set by the test."""

    def __init__(self) -> None:
        self.now, self.states, self.entries = 1_000, {}, []
        self._ids = itertools.count(1)
        self.crews = Crews()

    def get(self, subject):
        return self.states.get(subject)

    def history(self, subject):
        return [e for e in self.entries if e.subject == subject]

    def names(self, topic):
        return [s for s, state in self.states.items() if s.startswith(f"{topic}/") and not state.ended]

    def do(self, stream, move, actor=DISPATCHER, /, *, reason="", revision=None, at=None, **data):
        """Decides and writes; returns the drafts."""
        command = Command(id=f"c{next(self._ids)}", subject=stream, move=move, reason=reason, revision=revision, data=data)
        drafts = self.crews.decide(self, command, actor)
        for draft in drafts:
            self.write(draft, actor, self.now if at is None else at)
        return drafts

    def write(self, draft, actor=DISPATCHER, time=None):
        time = self.now if time is None else time
        entry = Entry(
            seq=len(self.entries) + 1, subject=draft.subject, revision=len(self.history(draft.subject)) + 1, move=draft.move,
            time=time, recorded=self.now, real=self.now, who=actor.name, role=actor.role, reason=draft.reason, data=draft.data,
        )  # fmt: skip
        self.entries.append(entry)
        if draft.subject.startswith("crew/"):
            folded = self.crews.evolve(self.states.get(draft.subject), entry)
            # as the database does: a state lives as JSON between two transactions
            self.states[draft.subject] = msgspec.json.decode(msgspec.json.encode(folded), type=self.crews.State)


@pytest.fixture
def streams():
    return Streams()
