"""What the ledger knows of the things it keeps: how each decides, folds and shows. Pure; the contract between parts.

A *stream* is one thing's entries, named `topic/...` like the subject it is published under: `file/<feed>/<case>` a case
file, `crew/<id>` a crew, `shift/<id>`, `notice/<id>`, `show/<screen>`. Each topic has one Aggregate.
"""

from __future__ import annotations

from typing import Any, Protocol

import msgspec

from hall.core.command import Actor, Command, Draft, Entry


class View(Protocol):
    """What a decision may look at: streams as they stand inside the transaction that will write the outcome."""

    now: int  # city ms
    real: int  # the machine's ms: for what people look at in real time, also during a replay

    def get(self, subject: str) -> Any | None:
        """The folded state of a stream, None when it has no entries. Seen states are part of the transaction."""

    def history(self, subject: str) -> list[Entry]:
        """All entries of a stream, oldest first."""

    def names(self, topic: str) -> list[str]:
        """Subjects of all streams of a topic that are not ended."""


class Aggregate(Protocol):
    """One kind of thing. `State` is a msgspec Struct with `revision: int` and `ended: bool`."""

    topic: str
    State: type[msgspec.Struct]

    def decide(self, view: View, command: Command, actor: Actor) -> list[Draft]:
        """What is written for this command: one draft or more, also for other streams. Raises Refused with a reason that a
        person can act on. An empty list: nothing to do, which is no error."""

    def evolve(self, state: Any | None, entry: Entry) -> Any:
        """The state after an entry. Never refuses, asks no clock and no rule; an unknown move leaves all but `revision`."""

    def document(self, state: Any) -> dict[str, Any] | None:
        """What the bus carries of it (JSON-able), None = no longer shown."""

    def needs_revision(self, move: str) -> bool:
        """Whether a command for this move must name the revision it was made on (False: notes and the like)."""
