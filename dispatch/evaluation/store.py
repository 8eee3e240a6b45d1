"""`evaluation.db`: one row per case, made again whenever the case changes, and the two questions asked of it.

One writer (the dispatch process), any number of readers. Sums are not kept: a question counts the cases of its period by
their mask of columns, and every figure is a sum over those counts; so a figure and its list of cases cannot differ.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from dispatch.evaluation.columns import Selection, mask_of, mask_sql, settled
from dispatch.evaluation.record import PERSONS, TEXTS, Record
from hall.core.clock import monotonic
from hall.core.errors import HallError, Refused

SCHEMA_VERSION = 1
#: what a question may group and filter by -> column of the store
DIMENSIONS: dict[str, str] = {
    "district": "district", "unit": "unit", "class": "class_name", "subclass": "subclass_name", "source": "report_source",
} | {person: person for person in PERSONS}  # fmt: skip
_OPCODES = 50_000  # of SQLite's machine between two looks at the clock
_FIELDS = (*Record._fields, "settled", "mask")
_TABLE = f"""CREATE TABLE IF NOT EXISTS record(id INTEGER PRIMARY KEY, {
    ", ".join(
        f"{name} {'TEXT' if name in TEXTS else 'INTEGER'} NOT NULL{' UNIQUE' if name == 'subject' else ''}" for name in _FIELDS
    )
})"""
_INDEXES = tuple(
    f"CREATE INDEX IF NOT EXISTS record_{name} ON record({name})" for name in ("reported", "registered", "due", "closed")
)
_META = "CREATE TABLE IF NOT EXISTS meta(key TEXT PRIMARY KEY, value NOT NULL)"
_PUT = f"""INSERT INTO record({", ".join(_FIELDS)}) VALUES({",".join("?" * len(_FIELDS))})
    ON CONFLICT(subject) DO UPDATE SET {", ".join(f"{name}=excluded.{name}" for name in _FIELDS[1:])}"""
_WRITER = ("journal_mode=WAL", "synchronous=NORMAL", "busy_timeout=5000", "cache_size=-32000", "journal_size_limit=67108864")
_READER = ("query_only=1", "busy_timeout=5000", "cache_size=-32000", "mmap_size=1073741824", "temp_store=MEMORY")

Answer = TypeVar("Answer")
#: value of the dimension -> mask -> cases
Counts = dict[str, dict[int, int]]


class EvaluationFault(HallError):
    """evaluation.db cannot be written or read."""


class Scope(NamedTuple):
    """Which cases: `basis` is the moment that must lie in `start` <= moment < `end`; `filters` column -> allowed values."""

    basis: str
    start: int
    end: int
    at: int
    filters: tuple[tuple[str, tuple[str, ...]], ...] = ()

    def where(self) -> tuple[str, dict[str, Any]]:
        terms, values = (
            [f"{self.basis} >= :start AND {self.basis} < :end"],
            {"start": self.start, "end": self.end, "at": self.at},
        )
        for number, (column, allowed) in enumerate(self.filters):
            names = [f"f{number}_{place}" for place in range(len(allowed))]
            terms.append(f"{column} IN ({', '.join(':' + name for name in names)})")
            values |= dict(zip(names, allowed, strict=True))
        return " AND ".join(terms), values


class Writer:
    """The dispatch process's end. Used from one thread at a time; raises EvaluationFault."""

    def __init__(self, path: Path, fingerprint: str) -> None:
        """`fingerprint` names what the rows are made by; when it changed all are made anew."""
        self.path = path
        with _faults(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
            for pragma in _WRITER:
                self._db.execute(f"PRAGMA {pragma}")
            self._db.execute(_META)
        if self.meta().get("fingerprint") != f"{SCHEMA_VERSION} {fingerprint}":
            self.begin_anew(f"{SCHEMA_VERSION} {fingerprint}")

    def begin_anew(self, fingerprint: str = "") -> None:
        """Forgets every row; the next passes make them again."""
        with _faults(self.path):
            fingerprint = fingerprint or self.meta()["fingerprint"]
            self._db.execute("BEGIN IMMEDIATE")
            for statement in ("DROP TABLE IF EXISTS record", _TABLE, *_INDEXES, "DELETE FROM meta"):
                self._db.execute(statement)
            self._db.execute("INSERT INTO meta VALUES('fingerprint', ?)", (fingerprint,))
            self._db.execute("COMMIT")

    def meta(self) -> dict[str, Any]:
        with _faults(self.path):
            return dict(self._db.execute("SELECT key, value FROM meta"))

    def put(self, records: Iterable[Record], gone: Iterable[str], meta: dict[str, Any]) -> None:
        """Rows made again, subjects that are cases no more, and how far that is: one transaction."""
        with _faults(self.path):
            self._db.execute("BEGIN IMMEDIATE")
            try:
                rows = [(*record, last := settled(record), mask_of(record, last)) for record in records]
                self._db.executemany(_PUT, rows)
                self._db.executemany("DELETE FROM record WHERE subject=?", [(subject,) for subject in gone])
                self._db.executemany("INSERT OR REPLACE INTO meta VALUES(?,?)", list(meta.items()))
                self._db.execute("COMMIT")
            except BaseException:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise

    def tidy(self) -> None:
        """Refreshes what the query planner knows."""
        with _faults(self.path):
            for statement in ("PRAGMA analysis_limit=1000", "ANALYZE record"):
                self._db.execute(statement)

    def close(self) -> None:
        self._db.close()


class _faults:
    """sqlite3's errors become EvaluationFault with the file's name."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __enter__(self) -> None: ...

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        if isinstance(error, (sqlite3.Error, OSError)):
            raise EvaluationFault(f"{self.path}: {error}") from error


class Reader:
    """The web process's end; usable from any thread, one connection each. No question takes longer than `seconds`."""

    def __init__(self, path: Path, seconds: float = 10.0) -> None:
        self.path, self.seconds, self._local = path, seconds, threading.local()
        self._opened: list[sqlite3.Connection] = []

    def meta(self) -> dict[str, Any]:
        """How far the rows are; empty while there are none."""
        return self._ask(lambda db: dict(db.execute("SELECT key, value FROM meta")))

    def counts(self, scope: Scope, column: str = "") -> Counts:
        """Cases of a scope by their value of a store's column (`""`: all together) and mask."""
        where, values = scope.where()
        group = column or "''"
        query = f"SELECT {group}, {mask_sql()} AS columns, count(*) FROM record WHERE {where} GROUP BY 1, 2"

        def count(db: sqlite3.Connection) -> Counts:
            found: Counts = {}
            for value, mask, cases in db.execute(query, values):
                found.setdefault(value, {})[mask] = cases
            return found

        return self._ask(count)

    def cases(self, scope: Scope, chosen: Selection, offset: int, limit: int) -> tuple[list[Record], int]:
        """One page of the cases that a figure counts, newest first, and how many there are."""
        where, values = scope.where()
        values |= {"all": chosen.all, "none": chosen.none, "limit": limit, "offset": offset}
        found = f"FROM record WHERE {where} AND ({mask_sql()} & :all) = :all AND ({mask_sql()} & :none) = 0"
        page = f"SELECT {', '.join(Record._fields)} {found} ORDER BY {scope.basis} DESC, id DESC LIMIT :limit OFFSET :offset"

        def read(db: sqlite3.Connection) -> tuple[list[Record], int]:
            db.execute("BEGIN")  # the page and its total are of one moment
            try:
                total = db.execute(f"SELECT count(*) {found}", values).fetchone()[0]
                return [Record(*row) for row in db.execute(page, values)], total
            finally:
                db.execute("COMMIT")

        return self._ask(read)

    def _ask(self, question: Callable[[sqlite3.Connection], Answer]) -> Answer:
        """Raises Refused: not ready yet, or it took too long."""
        db, limit = self._db(), monotonic() + self.seconds
        db.set_progress_handler(lambda: monotonic() > limit, _OPCODES)
        try:
            return question(db)
        except sqlite3.OperationalError as error:
            if "interrupt" in str(error):
                detail = f"not answered within {self.seconds:g} s: choose a shorter period"
                raise Refused("evaluation-too-long", detail, 503) from None
            if "no such table" in str(error):
                raise Refused("evaluation-not-ready", "the hall is counting its cases for the first time", 503) from None
            raise
        finally:
            db.set_progress_handler(None, 0)

    def _db(self) -> sqlite3.Connection:
        found = getattr(self._local, "db", None)
        if found is None:
            if not self.path.exists():
                raise Refused("evaluation-not-ready", "the hall is counting its cases for the first time", 503)
            address = f"{self.path.resolve().as_uri()}?mode=ro"
            found = sqlite3.connect(address, uri=True, isolation_level=None, check_same_thread=False)
            for pragma in _READER:
                found.execute(f"PRAGMA {pragma}")
            self._local.db = found
            self._opened.append(found)
        return found

    def close(self) -> None:
        for db in self._opened:
            db.close()
