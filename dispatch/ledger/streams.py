"""Streams as one transaction sees them: read once, changed in memory, written together."""

from __future__ import annotations

from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from dispatch.aggregate import Aggregate
from dispatch.ledger import chain, schema


class Streams:
    """Rows of `streams` by subject. States are kept encoded: whoever asks gets one of his own and cannot spoil another's."""

    def __init__(self, connection: Connection, aggregates: dict[str, Aggregate]) -> None:
        self._connection, self._aggregates = connection, aggregates
        self._rows: dict[str, dict[str, Any] | None] = {}
        self._changed: set[str] = set()
        self._stored_names: dict[str, set[str]] = {}

    def expect(self, subjects: set[str]) -> None:
        """Reads many rows with few questions."""
        wanted = list(subjects - self._rows.keys())
        table = schema.streams
        for start in range(0, len(wanted), 500):
            part = wanted[start : start + 500]
            self._rows |= dict.fromkeys(part)
            for row in self._connection.execute(sa.select(table).where(table.c.subject.in_(part))).mappings():
                self._rows[row["subject"]] = dict(row)

    def _row(self, subject: str) -> dict[str, Any] | None:
        if subject not in self._rows:
            row = self._connection.execute(schema.THE_STREAM, {"of": subject}).mappings().first()
            self._rows[subject] = dict(row) if row else None
        return self._rows[subject]

    def revision(self, subject: str) -> int:
        row = self._row(subject)
        return row["revision"] if row else 0

    def state(self, subject: str) -> Any | None:
        row = self._row(subject)
        aggregate = self._aggregates.get(subject.partition("/")[0])
        return None if row is None or aggregate is None else decoded(self._connection, aggregate, row)

    def names(self, topic: str) -> list[str]:
        if topic not in self._stored_names:
            table = schema.streams
            query = sa.select(table.c.subject).where(table.c.topic == topic, table.c.ended.is_(False))
            self._stored_names[topic] = set(self._connection.execute(query).scalars())
        found = set(self._stored_names[topic])
        for subject in self._changed:
            row = self._rows[subject]
            if row["topic"] == topic:
                found.discard(subject) if row["ended"] else found.add(subject)
        return sorted(found)

    def put(self, rows: dict[str, dict[str, Any]]) -> None:
        self._rows |= rows
        self._changed |= rows.keys()

    def write(self) -> None:
        if not self._changed:
            return
        statement = schema.new_streams(self._connection.dialect.name)
        self._connection.execute(statement, [self._rows[subject] for subject in self._changed])


def decoded(connection: Connection, aggregate: Aggregate, row: Any) -> Any | None:
    """The state of a row of `streams`. One that an earlier version of the hall folded is folded again from its entries."""
    if row["state"] is None:
        return None
    try:
        return msgspec.json.decode(row["state"], type=aggregate.State)
    except msgspec.MsgspecError:
        return folded(connection, aggregate, row["subject"])


def folded(connection: Connection, aggregate: Aggregate, subject: str) -> Any | None:
    """A stream's state from its entries alone."""
    table, state = schema.entries, None
    query = sa.select(table).where(table.c.subject == subject).order_by(table.c.revision)
    for row in connection.execute(query).mappings():
        state = aggregate.evolve(state, chain.entry_of(row))
    return state
