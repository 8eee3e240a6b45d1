"""What a person asks of the hall, and what the ledger keeps of it: shared by who takes commands and who decides them.

A *command* asks for one move of one thing (a case file, a crew, a shift ...), named by the subject of its ledger stream.
An *entry* is one line of the ledger: append-only, numbered, chained by hash. Times are ms since the epoch, city time; `real`
is the machine's own.
"""

from __future__ import annotations

from typing import Any

import msgspec

from hall.core.errors import Refused


class Actor(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Who acts. `desk` is the console or device he sits at, `unit` the department he speaks for, `crew` his crew.

    `districts` empty = the whole city. `kind`: person | crew | system | supplier (a connected department's own system).
    """

    name: str
    role: str
    kind: str = "person"
    desk: str = ""
    unit: str = ""
    crew: str = ""
    districts: tuple[str, ...] = ()


class Command(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One move asked for. `id` is made by who asks: the same id asked again gets the same answer and changes nothing.

    `revision` is the one that was looked at when asking; None only for moves that do not care (a note). `time` is when it
    happened where that is earlier than now (a phone without a network); None = now.
    """

    id: str
    subject: str
    move: str
    revision: int | None = None
    reason: str = ""
    data: dict[str, Any] = {}
    time: int | None = None
    correlation: str = ""


class Entry(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One line of the ledger. `data` holds everything its fold needs: a fold asks no rule and no clock."""

    seq: int  # over the whole ledger, from 1, without gaps
    subject: str
    revision: int  # of the subject after this entry, from 1
    move: str
    time: int
    recorded: int
    real: int
    who: str
    role: str
    kind: str = "person"
    desk: str = ""
    unit: str = ""
    reason: str = ""
    data: dict[str, Any] = {}
    command: str = ""
    correlation: str = ""
    causation: str = ""
    previous: str = ""  # hash of the line before
    hash: str = ""


class Draft(msgspec.Struct, kw_only=True):
    """What a decision wants written; the ledger adds number, revision, times, actor and hash."""

    subject: str
    move: str
    data: dict[str, Any] = {}
    reason: str = ""


class Outcome(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What became of a command: the revision of its subject now, and what was written. `repeated`: it had been done before."""

    command: str
    subject: str
    revision: int
    seqs: list[int] = []
    repeated: bool = False


class Stale(Refused):
    """The subject changed since the revision the command was made on; `changed` says what and by whom."""

    def __init__(self, subject: str, revision: int, changed: list[Entry]) -> None:
        super().__init__("stale", f"{subject} is at revision {revision} now", 409)
        self.subject, self.revision, self.changed = subject, revision, changed
