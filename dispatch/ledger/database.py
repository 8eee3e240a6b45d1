"""The connections of the ledger, for SQLite and PostgreSQL: durable writes, snapshots to read, its migrations, its faults."""

from __future__ import annotations

import contextlib
import logging
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.engine import URL, Connection, Engine, make_url

from dispatch.ledger.schema import REVISIONS, head, metadata
from dispatch.ledger.turn import Turn
from hall.core.errors import LedgerFault

log = logging.getLogger("hall")

#: seconds a writer waits for its turn among all processes before it gives up
TURN_SECONDS = 15
#: names the ledger's turn among the advisory locks of a PostgreSQL database
_TURN_KEY = 0x48414C4C_4C454447
#: as Alembic makes it
_REVISION_TABLE = (
    "CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL, CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num))"
)
_SQLITE_PRAGMAS = (
    "PRAGMA synchronous=FULL",
    "PRAGMA fullfsync=1",  # macOS: its fsync alone does not reach the medium
    "PRAGMA cache_size=-16000",
    "PRAGMA journal_size_limit=67108864",
    "PRAGMA temp_store=MEMORY",
)


class Database:
    """Two ways in: `write()` one transaction at a time over all processes, `read()` a snapshot. Both raise LedgerFault."""

    def __init__(self, url: str, *, migrate: bool = True) -> None:
        self.url: URL = make_url(url)
        self.sqlite = self.url.get_backend_name() == "sqlite"
        if not self.sqlite and self.url.get_backend_name() != "postgresql":
            raise LedgerFault(f"the ledger is kept in SQLite or PostgreSQL, not in {self.url.get_backend_name()}")
        self.place = self.url.database if self.sqlite else self.url.render_as_string(hide_password=True)
        self._turn = Turn(Path(self.url.database or ""), TURN_SECONDS) if self.sqlite else None
        self._writer = self._engine("BEGIN IMMEDIATE", pool_size=1, max_overflow=0, pool_timeout=TURN_SECONDS)
        self._reader = self._engine("BEGIN", pool_size=4, max_overflow=4)
        try:
            with self._faults():
                if migrate:
                    with self._opening():
                        self._migrate()
                else:
                    self._check()
        except BaseException:
            self.close()
            raise

    def _engine(self, begin: str, **pool: int) -> Engine:
        if not self.sqlite:
            options = {"application_name": "hall ledger", "connect_timeout": 5}
            reader = {} if "IMMEDIATE" in begin else {"isolation_level": "REPEATABLE READ"}
            engine = sa.create_engine(self.url, connect_args=options, pool_pre_ping=True, **reader, **pool)
            sa.event.listen(engine, "connect", _make_durable)
            return engine
        options = {"timeout": TURN_SECONDS, "isolation_level": None, "check_same_thread": False}
        engine = sa.create_engine(self.url, connect_args=options, **pool)

        @sa.event.listens_for(engine, "connect")
        def _(connection, _record) -> None:
            for pragma in _SQLITE_PRAGMAS:
                connection.execute(pragma)

        @sa.event.listens_for(engine, "begin")
        def _(connection: Connection) -> None:
            connection.exec_driver_sql(begin)

        return engine

    @contextlib.contextmanager
    def write(self) -> Iterator[Connection]:
        """One transaction that nobody else writes beside: what commits later has the higher numbers. Ends durable."""
        with self._faults(), self._turn.held() if self._turn else contextlib.nullcontext(), self._transaction() as connection:
            yield connection

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[Connection]:
        with self._writer.begin() as connection:
            if not self.sqlite:
                connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_TURN_KEY})")
            yield connection

    @contextlib.contextmanager
    def read(self) -> Iterator[Connection]:
        with self._faults(), self._reader.begin() as connection:
            yield connection

    def close(self) -> None:
        self._writer.dispose()
        self._reader.dispose()
        if self._turn:
            self._turn.close()

    # -- opening -------------------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def _opening(self) -> Iterator[None]:
        """One process at a time makes a SQLite file or changes its journal: SQLite itself does not wait for that."""
        if self._turn is None:
            yield
            return
        Path(self.url.database or "").parent.mkdir(parents=True, exist_ok=True)
        with self._turn.held():
            yield

    def _migrate(self) -> None:
        if self.sqlite:
            connection = sqlite3.connect(self.url.database, timeout=TURN_SECONDS, isolation_level=None)
            connection.execute("PRAGMA journal_mode=WAL")
            connection.close()
        revision = self._revision()
        if revision == REVISIONS[-1] or (not revision and self._made()):
            return  # Alembic is not even loaded
        with self._transaction() as connection:
            self._known(_revision_in(connection))  # again: another process may have been here meanwhile
            upgrade(connection)

    def _made(self) -> bool:
        """Makes a ledger that is not there yet as it is to be today, without walking through what it once was (a test compares
        the two ways). False when another process has made one meanwhile."""
        with self._transaction() as connection:
            if _revision_in(connection):
                return False
            metadata.create_all(connection, checkfirst=False)
            connection.execute(sa.insert(head).values(id=1, seq=0, hash="", recorded=0, relayed=0))
            connection.exec_driver_sql(_REVISION_TABLE)
            connection.exec_driver_sql(f"INSERT INTO alembic_version (version_num) VALUES ('{REVISIONS[-1]}')")
        return True

    def _check(self) -> None:
        if self.sqlite and not Path(self.url.database or "").exists():
            raise LedgerFault(f"there is no ledger yet at {self.url.database}")
        if self._revision() != REVISIONS[-1]:
            raise LedgerFault(f"the ledger at {self.place} is not of this version; start the hall once to bring it up to date")

    def _revision(self) -> str:
        with self.read() as connection:
            return self._known(_revision_in(connection))

    def _known(self, revision: str) -> str:
        if revision and revision not in REVISIONS:
            raise LedgerFault(
                f"the ledger at {self.place} was written by a newer Command Hall (schema {revision}, this one knows "
                f"{REVISIONS[-1]}); install that version again, or name another ledger"
            )
        return revision

    # -- faults ----------------------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def _faults(self) -> Iterator[None]:
        try:
            yield
        except sa.exc.DBAPIError as error:
            raise LedgerFault(self._say(str(error.orig).strip())) from error
        except (sa.exc.SQLAlchemyError, sqlite3.Error, OSError) as error:
            raise LedgerFault(self._say(str(error))) from error

    def _say(self, reason: str) -> str:
        """What a person can act on."""
        lower = reason.lower()
        if "full" in lower or "no space left" in lower:
            return f"the disk that holds the ledger ({self.place}) is full: {reason}"
        if "locked" in lower:
            return f"the ledger ({self.place}) is held by another program for more than {TURN_SECONDS} s"
        if "readonly" in lower or "read-only" in lower:
            return f"the ledger ({self.place}) may not be written: {reason}"
        return f"the ledger ({self.place}) could not be used: {reason}"


def upgrade(connection: Connection, revision: str = REVISIONS[-1]) -> None:
    """Takes a ledger of an earlier revision, or none, through every step up to `revision`, in the transaction that is open."""
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, revision)


def _revision_in(connection: Connection) -> str:
    if not sa.inspect(connection).has_table("alembic_version"):
        return ""
    return connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar() or ""


def _make_durable(connection, _record) -> None:
    """An acknowledged command is on the medium, whatever the server's default says."""
    with connection.cursor() as cursor:
        cursor.execute("SET synchronous_commit TO on")
        cursor.execute("SHOW fsync")
        if cursor.fetchone()[0] != "on":
            log.warning("ledger: the PostgreSQL server runs with fsync=off: a power cut loses what was acknowledged")
    connection.commit()
