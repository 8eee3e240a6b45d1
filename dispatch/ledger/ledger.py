"""The ledger: what the hall decided, durable before it is acknowledged. The one door to it for every part of the hall."""

from __future__ import annotations

import threading
from collections.abc import Iterable

import sqlalchemy as sa

from dispatch.aggregate import Aggregate
from dispatch.ledger import schema
from dispatch.ledger.database import Database
from dispatch.ledger.reading import Reading
from dispatch.ledger.work import Item, Work
from hall.core.command import Actor, Command, Draft, Entry, Outcome
from hall.core.errors import LedgerFault, Refused

#: every step of a write at which a test kills the process
STEPS = ("begun", "decided", "entries", "streams", "outbox", "commands", "head", "committed")
#: commands that share one transaction at most, when several threads wait for their turn
_TOGETHER = 256
#: lines the outbox holds on to after the bus was told: one that comes back from an older copy goes on from there
OUTBOX_KEPT = 50_000
_TIDY_AT_ONCE = 20_000


class _Batch:
    """What one caller waits for."""

    def __init__(self, items: list[Item]) -> None:
        self.items, self.leads, self.fault = items, False, None
        self.ready = threading.Event()


class Ledger(Reading):
    """Append-only, chained by hash, on SQLite or PostgreSQL. Blocking and thread-safe; any number of processes may have
    one open on the same database. Every method raises LedgerFault when the database cannot be used.
    """

    def __init__(self, url: str, aggregates: dict[str, Aggregate], migrate: bool = True) -> None:
        """`url` as SQLAlchemy takes it: `sqlite:////path` or `postgresql+psycopg://...`; `aggregates` by topic."""
        self.aggregates = dict(aggregates)
        self.database = Database(url, migrate=migrate)
        self._waiting: list[_Batch] = []
        self._busy = False  # somebody is writing, for himself and others
        self._door = threading.Lock()  # of both

    def execute(self, command: Command, actor: Actor, now: int, real: int) -> Outcome:
        """Decides and writes one command; returns when it is durable. `now` city ms, `real` the machine's.

        Raises Refused, Stale (with what changed) or LedgerFault; then nothing was written, except that after a
        LedgerFault in the very moment of the commit asking again under the same id tells.
        """
        return _answer(self._submit([Item(command, actor, now, real)])[0])

    def execute_many(self, commands: Iterable[tuple[Command, Actor]], now: int, real: int) -> list[Outcome | Refused]:
        """Many commands in one transaction, in order, each seeing what those before it did; a refused one changes
        nothing and its place in the answer holds the refusal."""
        items = self._submit([Item(command, actor, now, real) for command, actor in commands])
        return [item.result if isinstance(item.result, Refused) else _answer(item) for item in items]

    def execute_each(self, commands: Iterable[tuple[Command, Actor]], now: int, real: int) -> list[Outcome | Exception]:
        """As `execute_many`, for askers who know nothing of each other: what one command raised, its asker gets."""
        return [item.result for item in self._submit([Item(command, actor, now, real) for command, actor in commands])]

    def note(self, draft: Draft, actor: Actor, now: int, real: int) -> Entry:
        """A line under `audit/...` that changes nothing: a refusal, a view, an export, a sign-in."""
        return _answer(self._submit([Item(draft, actor, now, real)])[0])

    def mark_relayed(self, seq: int) -> None:
        """Notes that the bus has every line up to `seq`; drops what the outbox need not hold any longer."""
        o, head = schema.outbox, schema.head
        with self.database.write() as connection:
            connection.execute(sa.update(head).where(head.c.id == 1, head.c.relayed < seq), {"relayed": seq})
            first = connection.execute(sa.select(sa.func.min(o.c.seq))).scalar()
            if first is not None and first < seq - OUTBOX_KEPT:
                until = min(seq - OUTBOX_KEPT, first + _TIDY_AT_ONCE)
                connection.execute(sa.delete(o).where(o.c.seq < until))

    def close(self) -> None:
        self.database.close()

    def reached(self, step: str) -> None:
        """Called at each of STEPS; tests stop the process here."""

    # -- one transaction for all who wait -------------------------------------------------------------------------

    def _submit(self, items: list[Item]) -> list[Item]:
        """Whoever has the turn writes for all who wait, so that they share one sync of the medium."""
        if not items:
            return items
        batch = _Batch(items)
        with self._door:
            self._waiting.append(batch)
            batch.leads, self._busy = not self._busy, True
        try:
            if not batch.leads:
                batch.ready.wait()  # until somebody wrote it too, or it is its turn to write for all
            if batch.leads:
                self._write(self._next())
        finally:
            self._hand_over(batch)
        if batch.fault is not None:
            raise batch.fault
        return items

    def _hand_over(self, batch: _Batch) -> None:
        """Who led gives the turn to the first of those who came meanwhile; who was interrupted waits no longer."""
        with self._door:
            if batch in self._waiting:
                self._waiting.remove(batch)
            if batch.leads:
                self._busy = bool(self._waiting)
                if self._waiting:
                    self._waiting[0].leads = True
                    self._waiting[0].ready.set()

    def _next(self) -> list[_Batch]:
        with self._door:
            taken, count = [], 0
            while self._waiting and (not taken or count + len(self._waiting[0].items) <= _TOGETHER):
                taken.append(self._waiting.pop(0))
                count += len(taken[-1].items)
        return taken

    def _write(self, batches: list[_Batch]) -> None:
        try:
            self._transaction([item for batch in batches for item in batch.items])
        except LedgerFault as error:
            for batch in batches:
                batch.fault = LedgerFault(str(error))  # one of its own for each thread: they add their tracebacks
                batch.fault.__cause__ = error.__cause__
        except BaseException as error:
            for batch in batches:
                batch.fault = LedgerFault(f"the ledger was interrupted: {type(error).__name__}")
            raise
        finally:
            for batch in batches:
                batch.ready.set()

    def _transaction(self, items: list[Item]) -> None:
        with self.database.write() as connection:
            self.reached("begun")
            work = Work(connection, self.aggregates)
            if len(items) > 1:
                work.expect(items)
            for item in items:
                item.result = self._take(work, item)
            self.reached("decided")
            if work.changed:
                for step in ("entries", "streams", "outbox", "commands", "head"):
                    getattr(work, f"write_{step}")()
                    self.reached(step)
        self.reached("committed")

    @staticmethod
    def _take(work: Work, item: Item):
        try:
            return work.take(item)
        except sa.exc.SQLAlchemyError:
            raise  # the transaction is lost, for everybody in it
        except Exception as error:  # a faulty rule is its asker's misfortune only
            return error


def _answer(item: Item):
    if isinstance(item.result, Exception):
        raise item.result
    return item.result
