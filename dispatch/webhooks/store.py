"""What is to be delivered, kept in `webhooks.db` of the data directory: SQLite, synced before anything counts on it.

A delivery and the place in the ledger it was made from are written in one transaction: a process that dies tells each line
once more or not at all, never leaves one out. The web process reads the same file and asks for dead ones to be sent again.
"""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

_SCHEMA = """
create table if not exists deliveries (
  id text primary key, hook text not null, subject text not null, seq integer not null, move text not null,
  made integer not null, body blob not null, state text not null default 'waiting', attempts integer not null default 0,
  next_at integer not null, give_up_at integer not null, status integer, reason text not null default '', done_at integer,
  notice text not null default '');
create index if not exists deliveries_order on deliveries (hook, state, subject, seq);
create index if not exists deliveries_due on deliveries (state, next_at);
create table if not exists cursors (hook text primary key, seq integer not null);
"""
SENT_KEPT_MS = 7 * 24 * 3_600_000
DEAD_KEPT_MS = 90 * 24 * 3_600_000
BODY_SHOWN = 4_000


class Delivery(NamedTuple):
    """One call to be made. `notice`: the stream of the notice whose way it is, empty for none. Times real ms."""

    id: str
    hook: str
    subject: str
    seq: int
    move: str
    made: int
    body: bytes
    attempts: int
    give_up_at: int
    notice: str


class DeliveryStore:
    """Blocking and thread-safe; several processes may have one open."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=15)
        self._lock = threading.Lock()
        self._db.row_factory = sqlite3.Row
        for line in ("pragma journal_mode=wal", "pragma synchronous=full"):
            self._db.execute(line)
        self._db.executescript(_SCHEMA)

    def close(self) -> None:
        with self._lock:
            self._db.close()

    @contextlib.contextmanager
    def _write(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            self._db.execute("begin immediate")
            try:
                yield self._db
                self._db.execute("commit")
            except BaseException:
                self._db.execute("rollback")
                raise

    def _read(self, query: str, *values: Any) -> list[sqlite3.Row]:
        with self._lock:
            return self._db.execute(query, values).fetchall()

    # -- making ------------------------------------------------------------------------------------------------------

    def cursor(self, hook: str, start: int) -> int:
        """The last ledger line worked in for a hook; a new one begins after `start`."""
        with self._write() as db:
            db.execute("insert into cursors values (?, ?) on conflict do nothing", (hook, start))
            return db.execute("select seq from cursors where hook = ?", (hook,)).fetchone()["seq"]

    def add(self, hook: str, deliveries: list[Delivery], seq: int) -> None:
        """Keeps these and that the ledger was worked in up to `seq`; what is known by its id is left as it is."""
        rows = [(d.id, d.hook, d.subject, d.seq, d.move, d.made, d.body, d.made, d.give_up_at, d.notice) for d in deliveries]
        with self._write() as db:
            db.executemany(
                "insert into deliveries (id, hook, subject, seq, move, made, body, next_at, give_up_at, notice)"
                " values (?,?,?,?,?,?,?,?,?,?) on conflict (id) do nothing",
                rows,
            )
            db.execute("update cursors set seq = max(seq, ?) where hook = ?", (seq, hook))

    # -- sending -----------------------------------------------------------------------------------------------------

    def due(self, hook: str, now: int, limit: int, busy: set[str]) -> list[Delivery]:
        """The oldest waiting delivery of each case whose time has come: a later one of a case waits for those before it."""
        rows = self._read(
            "select * from deliveries d where hook = ? and state = 'waiting' and next_at <= ? and not exists (select 1 from"
            " deliveries e where e.hook = d.hook and e.subject = d.subject and e.state = 'waiting' and e.seq < d.seq)"
            " order by next_at, seq limit ?",
            hook, now, limit + len(busy),
        )  # fmt: skip
        return [_delivery(row) for row in rows if row["subject"] not in busy][:limit]

    def next_at(self) -> int | None:
        """When the next delivery of any hook falls due."""
        return self._read("select min(next_at) as at from deliveries where state = 'waiting'")[0]["at"]

    def sent(self, delivery: Delivery, status: int, now: int) -> None:
        with self._write() as db:
            db.execute(
                "update deliveries set state = 'sent', status = ?, reason = '', attempts = attempts + 1, done_at = ?"
                " where id = ?",
                (status, now, delivery.id),
            )

    def failed(self, delivery: Delivery, status: int | None, reason: str, next_at: int | None, now: int) -> None:
        """Notes a failure; `next_at` None gives up."""
        state = "dead" if next_at is None else "waiting"
        values = (state, status, reason[:500], next_at or now, now if state == "dead" else None, delivery.id)
        with self._write() as db:
            db.execute(
                "update deliveries set state = ?, status = ?, reason = ?, attempts = attempts + 1, next_at = ?, done_at = ?"
                " where id = ?",
                values,
            )

    def again(self, delivery_id: str, now: int, give_up_at: int) -> bool:
        """Puts a dead delivery back; False when there is no such dead one."""
        with self._write() as db:
            changed = db.execute(
                "update deliveries set state = 'waiting', next_at = ?, give_up_at = ?, done_at = null"
                " where id = ? and state = 'dead'",
                (now, give_up_at, delivery_id),
            )
            return changed.rowcount == 1

    def tidy(self, now: int) -> None:
        """Forgets what was sent a week ago and what has been dead for three months."""
        with self._write() as db:
            for state, kept in (("sent", SENT_KEPT_MS), ("dead", DEAD_KEPT_MS)):
                db.execute("delete from deliveries where state = ? and done_at < ?", (state, now - kept))

    # -- looking -----------------------------------------------------------------------------------------------------

    def counts(self) -> dict[str, dict[str, int]]:
        """`{hook: {waiting, sent, dead}}`"""
        found: dict[str, dict[str, int]] = {}
        for row in self._read("select hook, state, count(*) as n from deliveries group by hook, state"):
            found.setdefault(row["hook"], {})[row["state"]] = row["n"]
        return found

    def listed(self, hook: str, state: str, limit: int) -> list[dict[str, Any]]:
        """Deliveries of a hook in a state, the newest first."""
        names = "id, hook, subject, seq, move, made, state, attempts, next_at, give_up_at, status, reason, done_at"
        query = f"select {names} from deliveries where hook = ? and state = ? order by seq desc limit ?"
        return [dict(row) for row in self._read(query, hook, state, limit)]

    def hook_of(self, delivery_id: str) -> str | None:
        rows = self._read("select hook from deliveries where id = ?", delivery_id)
        return rows[0]["hook"] if rows else None


def _delivery(row: sqlite3.Row) -> Delivery:
    return Delivery(*(row[name] for name in Delivery._fields))
