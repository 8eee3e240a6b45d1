"""One transaction of the ledger: decides commands one after another on what is stored plus what was decided before them,
and writes all of it at once. A refused command leaves nothing behind, so one refusal does not spoil the others.
"""

from __future__ import annotations

from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from dispatch.aggregate import Aggregate
from dispatch.ledger import chain, schema
from dispatch.ledger.rules import actor_of, check_command, check_draft, happened_at, key_of, note_of
from dispatch.ledger.streams import Streams
from hall.core.command import Actor, Command, Draft, Entry, Outcome, Stale
from hall.core.errors import LedgerFault, Refused


class Item(msgspec.Struct):
    """A command or a note asked for, and later what became of it."""

    asked: Command | Draft
    actor: Actor
    now: int
    real: int
    result: Outcome | Entry | Exception | None = None


class _Look:
    """The View of one decision."""

    def __init__(self, work: Work, now: int, real: int) -> None:
        self._work, self.now, self.real = work, now, real

    def get(self, subject: str) -> Any | None:
        return self._work.streams.state(subject)

    def history(self, subject: str) -> list[Entry]:
        return self._work.history(subject)

    def names(self, topic: str) -> list[str]:
        return self._work.streams.names(topic)


class Work:
    """Everything one transaction reads and will write. Used by one thread, inside `Database.write`."""

    def __init__(self, connection: Connection, aggregates: dict[str, Aggregate]) -> None:
        self.connection, self.aggregates = connection, aggregates
        self.streams = Streams(connection, aggregates)
        self._done: dict[str, dict[str, Any] | None] = {}
        self._new_commands: list[dict[str, Any]] = []
        self._entries: list[Entry] = []
        self._outbox: list[dict[str, Any]] = []
        row = connection.execute(schema.THE_HEAD).mappings().one()
        self._seq, self._hash, self._recorded = row["seq"], row["hash"], row["recorded"]

    def expect(self, items: list[Item]) -> None:
        """Reads what these commands will ask for in few questions instead of two each."""
        asked = [(item.asked, item.actor) for item in items if isinstance(item.asked, Command)]
        self.streams.expect({command.subject for command, _ in asked})
        ids = list({key_of(*one) for one in asked} - self._done.keys())
        for start in range(0, len(ids), 500):
            part = ids[start : start + 500]
            self._done |= dict.fromkeys(part)
            table = schema.commands
            for row in self.connection.execute(sa.select(table).where(table.c.id.in_(part))).mappings():
                self._done[row["id"]] = dict(row)

    def take(self, item: Item) -> Outcome | Entry:
        """Does one item; raises Refused, Stale, or what a faulty rule raises, and has then changed nothing."""
        item.actor = actor_of(item.actor)
        if isinstance(item.asked, Draft):
            return self._note(item.asked, item)
        command, actor = item.asked, item.actor
        check_command(command)
        digest = self._digest(command)
        if (repeated := self._repeated(command, actor, digest)) is not None:
            return repeated
        time = happened_at(command, item.now)
        aggregate = self.aggregates.get(command.subject.partition("/")[0])
        if aggregate is None:
            raise Refused("subject-unknown", f"nothing is kept under {command.subject}", 404)
        self._on_revision(command, aggregate)
        drafts = aggregate.decide(_Look(self, item.now, item.real), command, actor)
        made = self._entries_of(drafts, command, time, item)
        self._fold(made)
        outcome = Outcome(
            command=command.id,
            subject=command.subject,
            revision=self.streams.revision(command.subject),
            seqs=[entry.seq for entry in made],
        )
        key = key_of(command, actor)
        row = {"id": key, "who": actor.name, "digest": digest, "outcome": msgspec.json.encode(outcome).decode()}
        self._done[key] = row
        self._new_commands.append(row)
        return outcome

    def history(self, subject: str, after: int = 0) -> list[Entry]:
        table = schema.entries
        query = sa.select(table).where(table.c.subject == subject, table.c.revision > after).order_by(table.c.revision)
        stored = [chain.entry_of(row) for row in self.connection.execute(query).mappings()]
        return stored + [e for e in self._entries if e.subject == subject and e.revision > after]

    @property
    def changed(self) -> bool:
        return bool(self._entries or self._new_commands)

    def write_entries(self) -> None:
        self._insert(schema.NEW_ENTRIES, [chain.row_of(entry) for entry in self._entries])

    def write_streams(self) -> None:
        self.streams.write()

    def write_outbox(self) -> None:
        self._insert(schema.NEW_OUTBOX, self._outbox)

    def write_commands(self) -> None:
        self._insert(schema.NEW_COMMANDS, self._new_commands)

    def write_head(self) -> None:
        if self._entries:
            values = {"seq": self._seq, "hash": self._hash, "recorded": self._recorded}
            self.connection.execute(schema.NEW_HEAD, values)

    # -- one command ---------------------------------------------------------------------------------------------

    @staticmethod
    def _digest(command: Command) -> str:
        try:
            return chain.digest_of(command)
        except (TypeError, ValueError, msgspec.MsgspecError) as error:
            raise Refused("data-unusable", f"{command.move} carries what cannot be written down: {error}") from None

    def _repeated(self, command: Command, actor: Actor, digest: str) -> Outcome | None:
        key = key_of(command, actor)
        if key not in self._done:
            row = self.connection.execute(schema.THE_COMMAND, {"of": key}).mappings().first()
            self._done[key] = dict(row) if row else None
        row = self._done[key]
        if row is None:
            return None
        if (row["who"], row["digest"]) != (actor.name, digest):
            raise Refused("command-id-reused", "this id was used before, for another command or by somebody else", 409)
        return msgspec.structs.replace(msgspec.json.decode(row["outcome"], type=Outcome), repeated=True)

    def _on_revision(self, command: Command, aggregate: Aggregate) -> None:
        if not aggregate.needs_revision(command.move):
            return
        if command.revision is None:
            raise Refused("revision-missing", f"{command.move} must name the revision it was made on")
        current = self.streams.revision(command.subject)
        if command.revision != current:
            raise Stale(command.subject, current, self.history(command.subject, command.revision))

    def _entries_of(self, drafts: list[Draft], command: Command, time: int, item: Item) -> list[Entry]:
        made: list[Entry] = []
        revisions: dict[str, int] = {}
        for draft in drafts:
            check_draft(draft)
            revision = revisions.get(draft.subject)
            revisions[draft.subject] = (self.streams.revision(draft.subject) if revision is None else revision) + 1
            entry = self._entry(draft, revisions[draft.subject], time, item, made[-1] if made else None)
            entry.reason = entry.reason or command.reason
            entry.command, entry.correlation = command.id, command.correlation or command.id
            entry.causation = f"ledger-{made[0].seq:016d}" if made else ""
            entry.hash = chain.hash_of(entry)
            made.append(entry)
        return made

    def _entry(self, draft: Draft, revision: int, time: int, item: Item, before: Entry | None) -> Entry:
        actor = item.actor
        try:
            data = msgspec.json.decode(chain.canonical(draft.data))  # what the fold sees now is what it sees ever after
        except (TypeError, ValueError, msgspec.MsgspecError) as error:
            raise Refused("data-unusable", f"{draft.move} carries what cannot be written down: {error}") from None
        return Entry(
            seq=(before.seq if before else self._seq) + 1,
            subject=draft.subject,
            revision=revision,
            move=draft.move,
            time=time,
            recorded=max(item.now, self._recorded),
            real=item.real,
            who=actor.name,
            role=actor.role,
            kind=actor.kind,
            desk=actor.desk,
            unit=actor.unit,
            reason=draft.reason,
            data=data,
            previous=before.hash if before else self._hash,
        )

    def _fold(self, made: list[Entry]) -> None:
        """Folds every entry first; takes them in only when all could be."""
        states: dict[str, Any] = {}
        rows: dict[str, dict[str, Any]] = {}
        outbox: list[dict[str, Any]] = []
        for entry in made:
            topic = entry.subject.partition("/")[0]
            aggregate = self.aggregates.get(topic)
            if aggregate is None:
                raise LedgerFault(f"{entry.move} wants to write to {entry.subject}, which no part of this hall keeps")
            before = states[entry.subject] if entry.subject in states else self.streams.state(entry.subject)
            state = states[entry.subject] = aggregate.evolve(before, entry)
            rows[entry.subject] = _stream_row(entry, state.ended, msgspec.json.encode(state).decode())
            document = aggregate.document(state)
            outbox.append({"seq": entry.seq, "document": _text(document)})
        self._accept(made, rows, outbox)

    def _note(self, draft: Draft, item: Item) -> Entry:
        draft = note_of(draft, self.aggregates)
        entry = self._entry(draft, self.streams.revision(draft.subject) + 1, item.now, item, None)
        entry.hash = chain.hash_of(entry)
        row = _stream_row(entry, False, None)
        self._accept([entry], {entry.subject: row}, [{"seq": entry.seq, "document": None}])
        return entry

    def _accept(self, made: list[Entry], rows: dict[str, dict[str, Any]], outbox: list[dict[str, Any]]) -> None:
        self.streams.put(rows)
        self._entries += made
        self._outbox += outbox
        if made:
            self._seq, self._hash, self._recorded = made[-1].seq, made[-1].hash, made[-1].recorded

    def _insert(self, statement: sa.Insert, rows: list[dict[str, Any]]) -> None:
        if rows:
            self.connection.execute(statement, rows)


def _stream_row(entry: Entry, ended: bool, state: str | None) -> dict[str, Any]:
    return {
        "subject": entry.subject,
        "topic": entry.subject.partition("/")[0],
        "revision": entry.revision,
        "ended": bool(ended),
        "seq": entry.seq,
        "recorded": entry.recorded,
        "state": state,
    }


def _text(document: dict[str, Any] | None) -> str | None:
    return None if document is None else msgspec.json.encode(document).decode()
