"""What changed in casebook and ledger, and the cases as they are now: read-only, in portions.

Both stores number what they add, so `(version, seq)` says how far a reader has come, whatever process wrote.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import NamedTuple

import msgspec
import sqlalchemy as sa

from dispatch import casesql
from dispatch.casefile.aggregate import effective, over
from dispatch.casefile.model import CaseFile, subject_of_case, subject_of_file
from dispatch.ledger import Ledger, schema
from dispatch.ledger.streams import decoded
from hall.core.model import Case

_TOGETHER = 500  # subjects in one question
_CHANGED = "SELECT version, case_id FROM history WHERE version > ? ORDER BY version LIMIT ?"
_SUBJECT = "SELECT subject FROM cases WHERE id IN (%s)"
_NEWEST = "SELECT c.subject, c.time, h.doc FROM cases c JOIN history h USING(version) WHERE c.subject IN (%s)"


class Position(NamedTuple):
    """Newest version of the casebook and newest line of the ledger that are known."""

    version: int = 0
    seq: int = 0


class Source:
    """Blocking; used from one thread at a time. Raises sqlite3.Error and LedgerFault. `close` closes the ledger too."""

    def __init__(self, casebook: Path, ledger: Ledger) -> None:
        self._path, self._ledger = casebook, ledger
        self._db: sqlite3.Connection | None = None

    def newest(self) -> Position:
        """How far the stores are."""
        db = self._book()
        version = None if db is None else db.execute("SELECT max(version) FROM history").fetchone()[0]
        return Position(version or 0, self._ledger.head()[0])

    def changed(self, since: Position, limit: int) -> tuple[list[str], Position]:
        """Subjects (`case/...`) of cases that changed after `since`, at most about `limit`, and how far that is."""
        names: dict[str, None] = {}
        version, seq, e = since.version, since.seq, schema.entries
        if (db := self._book()) is not None:
            found = db.execute(_CHANGED, (since.version, limit)).fetchall()
            version = found[-1][0] if found else version
            ids = list(dict.fromkeys(case_id for _, case_id in found))
            for start in range(0, len(ids), _TOGETHER):
                part = ids[start : start + _TOGETHER]
                names |= dict.fromkeys(name for (name,) in db.execute(_SUBJECT % _marks(part), part))
        query = sa.select(e.c.seq, e.c.subject).where(e.c.seq > since.seq).order_by(e.c.seq).limit(limit)
        with self._ledger.database.read() as connection:
            rows = connection.execute(query).all()
        names |= dict.fromkeys(subject_of_case(subject) for _, subject in rows if subject.startswith("file/"))
        seq = rows[-1][0] if rows else seq
        return list(names), Position(version, seq)

    def cases(self, subjects: list[str]) -> list[tuple[str, Case, int, CaseFile | None]]:
        """Each case as the hall sees it, when its state became true, and its file. Unknown subjects are left out."""
        found = []
        for start in range(0, len(subjects), _TOGETHER):
            part = subjects[start : start + _TOGETHER]
            supplied, files = self._supplied(part), self._files(part)
            for subject in part:
                made = _as_seen(supplied.get(subject), files.get(subject_of_file(subject)))
                if made is not None:
                    found.append((subject, *made))
        return found

    def _supplied(self, subjects: list[str]) -> dict[str, tuple[int, bytes]]:
        db = self._book()
        rows = [] if db is None else db.execute(_NEWEST % _marks(subjects), subjects)
        return {subject: (time, doc) for subject, time, doc in rows}

    def _files(self, subjects: list[str]) -> dict[str, CaseFile]:
        s, aggregate = schema.streams, self._ledger.aggregates["file"]
        query = sa.select(s).where(s.c.subject.in_([subject_of_file(subject) for subject in subjects]))
        with self._ledger.database.read() as connection:
            rows = connection.execute(query).mappings().all()
            made = {row["subject"]: decoded(connection, aggregate, row) for row in rows}
        return {subject: file for subject, file in made.items() if file is not None}

    def _book(self) -> sqlite3.Connection | None:
        if self._db is None and self._path.exists():
            made = sqlite3.connect(
                f"{self._path.resolve().as_uri()}?mode=ro", uri=True, isolation_level=None, check_same_thread=False
            )
            for pragma in casesql.READER_PRAGMAS:
                made.execute(pragma)
            if made.execute("PRAGMA user_version").fetchone()[0] != casesql.SCHEMA_VERSION:
                made.close()
                return None  # the writer is just making it
            self._db = made
        return self._db

    def close(self) -> None:
        if self._db is not None:
            self._db.close()
        self._ledger.close()


def _marks(values: list) -> str:
    return ",".join("?" * len(values))


def _as_seen(supplied: tuple[int, bytes] | None, file: CaseFile | None) -> tuple[Case, int, CaseFile | None] | None:
    """The supplier's newest word with the hall's decisions over it; a case made in the hall may have its file only."""
    if supplied is None:
        if file is None or not file.report:
            return None
        case = msgspec.convert(effective(file.report, over(file)), Case)
        return case, file.state_since, file
    time, case = supplied[0], msgspec.json.decode(supplied[1], type=Case)
    if file is None or case.state == "withdrawn":
        return case, time, file
    laid_over = over(file)
    if laid_over:
        case = msgspec.convert(effective(msgspec.to_builtins(case), laid_over), Case)
    return case, file.state_since if file.moved else time, file
