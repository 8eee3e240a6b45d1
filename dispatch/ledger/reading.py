"""What can be asked of the ledger without writing. Each answer is one snapshot."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec
import sqlalchemy as sa

from dispatch.aggregate import Aggregate
from dispatch.ledger import chain, schema
from dispatch.ledger.chain import Verdict
from dispatch.ledger.database import Database
from dispatch.ledger.streams import decoded, folded
from hall.core.command import Entry

_PAGE = 1_000
#: city ms for which a new bus is still told what has ended
_ENDED_SHOWN_MS = 2 * 86_400_000
_OF_STREAM = sa.select(schema.streams).where(schema.streams.c.subject == sa.bindparam("subject"))
_LINES_OF_STREAM = (
    sa.select(schema.entries).where(schema.entries.c.subject == sa.bindparam("subject")).order_by(schema.entries.c.revision)
)


class OutboxRow(msgspec.Struct, frozen=True):
    """One entry and the document its stream shows after it; None: nothing is shown (any more)."""

    seq: int
    subject: str
    document: bytes | None
    entry: Entry


class Reading:
    """The reading half of `Ledger`."""

    database: Database
    aggregates: dict[str, Aggregate]

    def state(self, subject: str) -> Any | None:
        """The folded state of a stream, None when it has no entries."""
        aggregate = self.aggregates.get(subject.partition("/")[0])
        query = sa.select(schema.streams).where(schema.streams.c.subject == subject)
        with self.database.read() as connection:
            row = connection.execute(query).mappings().first()
            return decoded(connection, aggregate, row) if row and aggregate else None

    def files(self, subjects: Iterable[str]) -> dict[str, tuple[Any, list[Entry]]]:
        """State and history of those streams that exist, together as of one moment."""
        found = {}
        with self.database.read() as connection:
            for subject in subjects:
                aggregate = self.aggregates.get(subject.partition("/")[0])
                row = connection.execute(_OF_STREAM, {"subject": subject}).mappings().first()
                if row and aggregate:
                    lines = connection.execute(_LINES_OF_STREAM, {"subject": subject}).mappings().all()
                    found[subject] = decoded(connection, aggregate, row), [chain.entry_of(line) for line in lines]
        return found

    def states(self, topic: str, *, ended: bool = False, naming: str = "") -> Iterator[tuple[str, Any]]:
        """Every stream of a topic with its state, by subject; those that ended too with `ended`. Read in portions.

        `naming`: only those whose stored state has this text as one of its words or values, so that looking for what
        concerns one person decodes his few states and not all of a city's.
        """
        s, last = schema.streams, ""
        aggregate = self.aggregates[topic]
        while True:
            query = sa.select(s).where(s.c.topic == topic, s.c.subject > last).order_by(s.c.subject).limit(_PAGE)
            if not ended:
                query = query.where(s.c.ended.is_(False))
            if naming:
                query = query.where(s.c.state.contains(msgspec.json.encode(naming).decode(), autoescape=True))
            with self.database.read() as connection:
                rows = connection.execute(query).mappings().all()
                found = [(row["subject"], decoded(connection, aggregate, row)) for row in rows]
            yield from found
            if len(found) < _PAGE:
                return
            last = found[-1][0]

    def history(self, subject: str, after: int = 0) -> list[Entry]:
        """The entries of a stream after revision `after`, oldest first."""
        e = schema.entries
        return self._entries(sa.select(e).where(e.c.subject == subject, e.c.revision > after).order_by(e.c.revision))

    def entries(
        self,
        after_seq: int = 0,
        limit: int = _PAGE,
        *,
        subject_prefix: str = "",
        who: str = "",
        since: int | None = None,
        until: int | None = None,
    ) -> list[Entry]:
        """Lines after `after_seq`, in order; recorded from `since` until before `until` (city ms)."""
        e = schema.entries
        query = sa.select(e).where(e.c.seq > after_seq).order_by(e.c.seq).limit(limit)
        if subject_prefix:
            query = query.where(sa.func.substr(e.c.subject, 1, len(subject_prefix)) == subject_prefix)
        if who:
            query = query.where(e.c.who == who)
        if since is not None:
            query = query.where(e.c.recorded >= since)
        if until is not None:
            query = query.where(e.c.recorded < until)
        return self._entries(query)

    def outbox(self, after_seq: int, limit: int) -> list[OutboxRow]:
        """What the bus has to be told after line `after_seq`."""
        e, o = schema.entries, schema.outbox
        query = sa.select(o.c.document, e).join(e, e.c.seq == o.c.seq).where(o.c.seq > after_seq)
        with self.database.read() as connection:
            rows = connection.execute(query.order_by(o.c.seq).limit(limit)).mappings().all()
        return [_outbox_row(row, chain.entry_of(row)) for row in rows]

    def relayed(self) -> int:
        """Up to which line the bus was surely told, as last noted; it may be further."""
        with self.database.read() as connection:
            return connection.execute(sa.select(schema.head.c.relayed)).scalar_one()

    def standing(self, after_seq: int, until_seq: int, limit: int) -> list[tuple[Entry, bytes | None]]:
        """Streams whose newest line is after one and not after the other, in that order: the line, and what is shown.

        Streams that ended are left out, but for those that ended lately: a screen may still show them.
        """
        s, e = schema.streams, schema.entries
        query = sa.select(s.c.state, e).join(e, e.c.seq == s.c.seq).where(s.c.seq > after_seq, s.c.seq <= until_seq)
        newest = sa.select(schema.head.c.recorded).scalar_subquery()
        query = query.where(sa.or_(s.c.ended.is_(False), s.c.recorded > newest - _ENDED_SHOWN_MS), s.c.state.is_not(None))
        found = []
        with self.database.read() as connection:
            for row in connection.execute(query.order_by(s.c.seq).limit(limit)).mappings().all():
                aggregate = self.aggregates.get(row["subject"].partition("/")[0])
                state = decoded(connection, aggregate, row) if aggregate else None
                document = None if state is None else aggregate.document(state)
                found.append((chain.entry_of(row), None if document is None else msgspec.json.encode(document)))
        return found

    def head(self) -> tuple[int, str]:
        """Number and hash of the newest line; (0, "") when there is none."""
        with self.database.read() as connection:
            row = connection.execute(sa.select(schema.head)).mappings().one()
        return row["seq"], row["hash"]

    def verify(self) -> Verdict:
        """Walks every line; see `chain.verify`."""
        with self.database.read() as connection:
            return chain.verify(connection)

    def misfolded(self) -> list[str]:
        """Streams whose kept state is not the fold of their entries (of the topics this ledger has aggregates for)."""
        found = []
        for topic, aggregate in self.aggregates.items():
            for subject, state in self.states(topic, ended=True):
                with self.database.read() as connection:
                    if folded(connection, aggregate, subject) != state and self.state(subject) == state:
                        found.append(subject)
        return found

    def _entries(self, query: sa.Select) -> list[Entry]:
        with self.database.read() as connection:
            return [chain.entry_of(row) for row in connection.execute(query).mappings().all()]


def _outbox_row(row: Any, entry: Entry) -> OutboxRow:
    document = None if row["document"] is None else row["document"].encode()
    return OutboxRow(entry.seq, entry.subject, document, entry)
