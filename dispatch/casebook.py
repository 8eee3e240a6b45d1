"""The casebook 案卷库: every case and every version of it, in one SQLite file, searchable.

One writer (the dispatch process) and any number of readers. The newest version of a case is the one with the greatest
key `(time, recordedtime, id)`, as on the board; older ones arriving late are kept in the history only. The bus position
is stored in the transaction of the events before it, so after a crash nothing is missing and nothing counts twice.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from dispatch import casesql as sql
from dispatch.caseplaces import Placed, around, inside, square_of
from dispatch.casesearch import Page, first, search
from dispatch.facts import WITHDRAWN, Facts, facts_of, is_ended, last_moment
from dispatch.laidover import LaidOver, applied, decoded, shown
from hall.core.errors import HallError
from hall.core.model import Case
from hall.core.wording import plain

_decode = msgspec.json.Decoder(Case).decode
_encode = msgspec.json.Encoder().encode
Key = tuple[int, int, str]
#: a component's number of so many characters is not found in a description by chance
_NUMBER = 12


class Version(NamedTuple):
    """One event about a case. `case` None: the supplier took it back."""

    subject: str
    key: Key
    source: str
    case: Case | None


class CasebookFault(HallError):
    """The file cannot be written or read (disk full, damaged, in use); nothing of the batch was stored."""


class Casebook:
    """Made by `open_writer` or `open_reader`. A reader may be used from any thread; a writer from one at a time."""

    def __init__(self, path: Path, connect: Any) -> None:
        self.path, self._connect, self._local = path, connect, threading.local()
        self._shared: sqlite3.Connection | None = None

    @classmethod
    def open_writer(cls, path: str | Path) -> Casebook:
        """Makes the file when it is not there; raises CasebookFault saying what is wrong with it."""
        path = Path(path)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            made = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
            for pragma in sql.WRITER_PRAGMAS:
                made.execute(pragma)
            found = made.execute("PRAGMA user_version").fetchone()[0]
            if found > sql.SCHEMA_VERSION:
                raise CasebookFault(f"{path} was written by a later version of the hall (schema {found})")
            for step in range(found, sql.SCHEMA_VERSION if found else found):
                for statement in sql.UPGRADES[step]:
                    made.execute(statement)
            for statement in sql.SCHEMA:
                made.execute(statement)
        except (sqlite3.Error, OSError) as error:
            raise CasebookFault(f"{path}: {error}") from error
        book = cls(path, None)
        book._shared = made
        return book

    @classmethod
    def open_reader(cls, path: str | Path) -> Casebook:
        """Opens for reading; while the file does not exist yet every search is empty."""

        def connect() -> sqlite3.Connection:
            made = sqlite3.connect(
                f"{Path(path).resolve().as_uri()}?mode=ro", uri=True, isolation_level=None, check_same_thread=False
            )
            for pragma in sql.READER_PRAGMAS:
                made.execute(pragma)
            return made

        return cls(Path(path), connect)

    def _db(self) -> sqlite3.Connection | None:
        if self._shared is not None:
            return self._shared
        found = getattr(self._local, "db", None)
        if found is None and self.path.exists():
            found = self._connect()
            if found.execute("PRAGMA user_version").fetchone()[0] != sql.SCHEMA_VERSION:
                found.close()
                return None  # the writer is just making it
            self._local.db = found
        return found

    def close(self) -> None:
        for db in (self._shared, getattr(self._local, "db", None)):
            if db is not None:
                db.close()

    # -- writing ---------------------------------------------------------------------------------------------------

    def record(
        self, versions: Iterable[Version], positions: dict[str, tuple[int, int]] | None = None
    ) -> list[tuple[Version, Facts | None]]:
        """Stores versions and bus positions (lane -> entry) in one transaction; returns the versions that are now the
        newest of their case, in order, with their facts (None: withdrawn). Raises CasebookFault: nothing was stored."""
        db = self._shared
        assert db is not None, "opened for reading"
        try:
            db.execute("BEGIN IMMEDIATE")
            won = [(version, facts) for version in versions for is_new, facts in [_store(db, version)] if is_new]
            for lane, (ms, seq) in (positions or {}).items():
                db.execute(sql.SAVE_POSITION, (lane, ms, seq))
            db.execute("COMMIT")
        except BaseException as error:
            if db.in_transaction:
                db.execute("ROLLBACK")
            if isinstance(error, sqlite3.Error):
                raise CasebookFault(f"{self.path}: {error}") from error
            raise
        return won

    def lay_over(self, decided: dict[str, LaidOver]) -> list[tuple[str, Facts, int]]:
        """Lays the hall's decisions over cases (subject -> what); returns (subject, facts, time) of those that are known.
        An older revision than the one kept changes nothing. Raises CasebookFault: nothing was stored."""
        db = self._shared
        assert db is not None, "opened for reading"
        try:
            db.execute("BEGIN IMMEDIATE")
            found = [(subject, *made) for subject, kept in decided.items() if (made := _laid_over(db, subject, kept))]
            db.execute("COMMIT")
        except BaseException as error:
            if db.in_transaction:
                db.execute("ROLLBACK")
            if isinstance(error, sqlite3.Error):
                raise CasebookFault(f"{self.path}: {error}") from error
            raise
        return found

    def tidy(self) -> None:
        """Refreshes what the query planner knows about the data; cheap, worth calling now and then. Raises CasebookFault."""
        assert self._shared is not None
        try:
            for statement in sql.TIDY:
                self._shared.execute(statement)
        except sqlite3.Error as error:
            raise CasebookFault(f"{self.path}: {error}") from error

    def positions(self) -> dict[str, tuple[int, int]]:
        """Lane -> the last bus entry that is wholly stored."""
        return {lane: (ms, seq) for lane, ms, seq in self.rows(sql.POSITIONS)}

    # -- reading ---------------------------------------------------------------------------------------------------

    def rows(self, query: str, values: tuple = ()) -> list[tuple]:
        """What one of `casesql`'s queries finds; nothing while there is no casebook."""
        db = self._db()
        return [] if db is None else db.execute(query, values).fetchall()

    def relevant(self, start: int, reference_start: int, reference_end: int) -> Iterator[tuple[str, Facts]]:
        """Facts of every case that can count on the day beginning at `start` or on the reference day."""
        bounds = {"start": start, "reference_start": reference_start, "reference_end": reference_end}
        db = self._db()
        for subject, time, doc, laid_over in [] if db is None else db.execute(sql.RELEVANT, bounds):
            case, since = decoded(doc, time, laid_over)
            if case.state != WITHDRAWN:
                yield subject, facts_of(case, since)

    def get(self, subject: str) -> dict[str, Any] | None:
        """The newest version: the case's fields plus `subject` and `time`; None when the case is not known."""
        db = self._db()
        row = None if db is None else db.execute(sql.GET, (subject,)).fetchone()
        return None if row is None else {"subject": row[0], "time": row[1], **shown(row[2], row[3])}

    def supplied(self, subject: str) -> dict[str, Any] | None:
        """The newest version as its supplier sent it, None when the case is not known."""
        db = self._db()
        row = None if db is None else db.execute(sql.GET, (subject,)).fetchone()
        return None if row is None else msgspec.json.decode(row[2])

    def history(self, subject: str) -> list[dict[str, Any]]:
        """Every version, oldest first: `{time, recordedtime, id, source, case}`."""
        names = ("time", "recordedtime", "id", "source")
        rows = self.rows(sql.HISTORY, (subject,))
        return [dict(zip(names, row[:4], strict=True)) | {"case": msgspec.json.decode(row[4])} for row in rows]

    def search(
        self,
        text: str = "",
        filters: dict[str, Any] | None = None,
        sort: str = "reported desc",
        offset: int = 0,
        limit: int = 50,
        now: int | None = None,
    ) -> Page:
        """Cases that hold every word of `text` and pass all `filters`; see `dispatch.casesearch.search`."""
        db = self._db()
        return Page([], 0, False) if db is None else search(db, text, filters or {}, sort, offset, limit, now)

    def first(self, text: str, filters: dict[str, Any], limit: int) -> list[dict[str, Any]]:
        """The first cases that answer what somebody types (dispatch.casesearch.first)."""
        db = self._db()
        return [] if db is None else first(db, text, filters, limit)

    def of_component(self, component_id: str, limit: int) -> list[dict[str, Any]]:
        """Cases that name a component, the latest reported first: in their field for it, or its whole number in their words."""
        page = self.search(component_id, {}, "reported desc", 0, limit * 4, None)
        written = len(component_id) >= _NUMBER
        named = [case for case in page.rows if case.get("component") == component_id or (written and not case.get("component"))]
        return [case for case in named if case.get("state") != WITHDRAWN][:limit]

    def around(self, lon: float, lat: float, metres: float, limit: int) -> list[dict[str, Any]]:
        """Cases within so many metres of a place (WGS-84), see `dispatch.caseplaces.around`."""
        db = self._db()
        return [] if db is None else around(db, lon, lat, metres, limit)

    def inside(self, area: Any, ended: bool = False) -> list[Placed]:
        """Cases in an area (a shapely polygon, WGS-84), see `dispatch.caseplaces.inside`."""
        db = self._db()
        return [] if db is None else inside(db, area, ended)


def searched_text(case: Case) -> str:
    """What a search looks in, as `plain` has it; until a case changes it may be there in lower case only, as it was before."""
    named = (case.class_name, case.subclass_name, case.district, case.unit, case.component)
    fields = (case.case_id, case.description, case.address, *named)
    return plain("".join(f"{field}\n" for field in fields if field)) + "\n"


def _store(db: sqlite3.Connection, version: Version) -> tuple[bool, Facts | None]:
    """Adds one version; True with its facts when it became the newest."""
    known = db.execute(sql.FIND, (version.subject,)).fetchone()
    case = version.case if version.case is not None else _withdrawn(db, version.subject, known)
    case_id = known[0] if known else db.execute(sql.NEXT_ID).fetchone()[0]
    added = db.execute(sql.ADD_VERSION, (case_id, *version.key, version.source, _encode(case)))
    if not added.rowcount or (known and version.key <= tuple(known[1:4])):
        return False, None
    laid_over = known[6] if known else None
    seen, since, owner = applied(case, version.key[0], laid_over)
    facts = facts_of(seen, since)
    text = searched_text(seen)
    row = _row(version.subject, version.key, added.lastrowid, seen, facts, text, owner, laid_over)
    if known is None:
        db.execute(sql.INSERT_CASE, (case_id, *row))
        db.execute(sql.INDEX_TEXT, (case_id, text))
    else:
        if known[5] != text:
            db.execute(sql.UNINDEX_TEXT, (case_id, known[5]))
            db.execute(sql.INDEX_TEXT, (case_id, text))
        db.execute(sql.UPDATE_CASE, (*row, case_id))
    return True, facts if version.case is not None else None


def _row(
    subject: str, key: Key, version: int, case: Case, facts: Facts, text: str, owner: str, laid_over: bytes | None
) -> tuple:
    """Values of `sql._COLUMNS`."""
    return (
        subject, *key, version, case.case_id, case.state, facts.ended_at if is_ended(case.state) else None, case.class_name,
        case.district, case.report_source, case.unit, case.severity, facts.reported,
        sql.NO_DUE if case.due is None else case.due, last_moment(facts), text, owner, laid_over, square_of(case.lon, case.lat),
        case.cell, case.lon, case.lat,
    )  # fmt: skip


def _laid_over(db: sqlite3.Connection, subject: str, decided: LaidOver) -> tuple[Facts, int] | None:
    """Keeps what the hall decided about one case; None when the case is unknown or more was known already."""
    known = db.execute(sql.FIND, (subject,)).fetchone()
    if known is None or (known[6] and msgspec.json.decode(known[6], type=LaidOver).revision >= decided.revision):
        return None
    case_id, *key, version, text, _ = known
    laid_over = _encode(decided)
    case = _decode(db.execute(sql.NEWEST, (version,)).fetchone()[0])
    if case.state == WITHDRAWN:
        return None
    seen, since, owner = applied(case, key[0], laid_over)
    facts, new_text = facts_of(seen, since), searched_text(seen)
    if new_text != text:
        db.execute(sql.UNINDEX_TEXT, (case_id, text))
        db.execute(sql.INDEX_TEXT, (case_id, new_text))
    db.execute(sql.UPDATE_CASE, (*_row(subject, tuple(key), version, seen, facts, new_text, owner, laid_over), case_id))
    return facts, max(key[0], since)


def _withdrawn(db: sqlite3.Connection, subject: str, known: tuple | None) -> Case:
    """The last known case, marked as taken back by its supplier."""
    if known is None:
        _, feed, name = (*subject.split("/", 2), "", "")[:3]
        return Case(feed=feed, case_id=name, state=WITHDRAWN)
    case = _decode(db.execute(sql.NEWEST, (known[4],)).fetchone()[0])
    case.state = WITHDRAWN
    return case
