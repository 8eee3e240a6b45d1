"""Where the alarm engine got to: its state with the bus positions it is true at, in one row of a small SQLite file.

Written whole or not at all. What is lost with it is made again from the ledger's alarms and the board's newest readings.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import NamedTuple

import msgspec

from hall.core.board import EntryId

#: a state beyond it is not kept: the engine's own bounds keep it far below
MOST_BYTES = 512 * 1024 * 1024
_SCHEMA = "CREATE TABLE IF NOT EXISTS kept(id INTEGER PRIMARY KEY CHECK (id = 1), positions BLOB NOT NULL, state BLOB NOT NULL)"


class Kept(NamedTuple):
    """`positions`: lane -> the newest bus entry that is in `state`."""

    positions: dict[str, EntryId]
    state: bytes


class Checkpoint:
    """One file. Every method raises sqlite3.Error; used from one thread at a time."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection: sqlite3.Connection | None = None

    def read(self) -> Kept | None:
        """None: nothing was kept yet."""
        row = self._open().execute("SELECT positions, state FROM kept").fetchone()
        if row is None:
            return None
        return Kept(msgspec.msgpack.decode(row[0], type=dict[str, tuple[int, int]]), row[1])

    def write(self, kept: Kept) -> None:
        if len(kept.state) > MOST_BYTES:
            raise sqlite3.DataError(f"the state of the alarm engine is {len(kept.state)} bytes, at most {MOST_BYTES}")
        connection = self._open()
        with connection:
            connection.execute("BEGIN IMMEDIATE")
            connection.execute(
                "INSERT OR REPLACE INTO kept VALUES (1, ?, ?)", (msgspec.msgpack.encode(kept.positions), kept.state)
            )

    def forget(self) -> None:
        """Takes the file away: it cannot be read, or says what is not so."""
        self.close()
        for name in (self._path, Path(f"{self._path}-wal"), Path(f"{self._path}-shm")):
            name.unlink(missing_ok=True)

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _open(self) -> sqlite3.Connection:
        if self._connection is None:
            made = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False, timeout=5)
            made.execute("PRAGMA journal_mode=WAL")
            made.execute("PRAGMA synchronous=NORMAL")  # a lost row is an older one: the bus is read again from there
            made.execute("PRAGMA journal_size_limit=67108864")
            made.execute(_SCHEMA)
            self._connection = made
        return self._connection
