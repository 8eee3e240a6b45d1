"""Tiles of one service on disk: one SQLite file, bounded; the longest unused go first. Blocking.

A file that is damaged is put aside and begun anew: what it held can be asked for again.
"""

from __future__ import annotations

import contextlib
import logging
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

log = logging.getLogger("hall.pictures")

_TABLES = """
CREATE TABLE IF NOT EXISTS tile (z INTEGER, x INTEGER, y INTEGER, body BLOB, fetched INTEGER NOT NULL, used INTEGER NOT NULL,
  bytes INTEGER NOT NULL, PRIMARY KEY (z, x, y)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS tile_used ON tile (used);
CREATE TABLE IF NOT EXISTS about (name TEXT PRIMARY KEY, value BLOB, fetched INTEGER NOT NULL);
"""
_OVERHEAD = 80  # bytes of a row besides the picture
_USED_MS = 6 * 3_600_000  # a tile's use is noted so often at most
_ROOM = 0.9  # of the bound, that is left after tidying


class Found(NamedTuple):
    """`body` empty: the service has nothing there. `fetched`: ms."""

    body: bytes
    fetched: int


class Kept:
    """`version`: of what is asked; of another one nothing is left. `most`: bytes of pictures, 0: nothing is kept."""

    def __init__(self, path: Path, version: str, most: int) -> None:
        self.path, self.most, self._lock = path, most, threading.Lock()
        self._version, self._base, self.bytes, self.tiles = version, None, 0, 0

    def get(self, z: int, x: int, y: int, now: int) -> Found | None:
        def work(base: sqlite3.Connection) -> Found | None:
            row = base.execute("SELECT body, fetched, used FROM tile WHERE z = ? AND x = ? AND y = ?", (z, x, y)).fetchone()
            if row is not None and now - row[2] > _USED_MS:
                base.execute("UPDATE tile SET used = ? WHERE z = ? AND x = ? AND y = ?", (now, z, x, y))
                base.commit()
            return Found(row[0], row[1]) if row else None

        return self._guarded(work) if self.most else None

    def put(self, z: int, x: int, y: int, body: bytes, fetched: int) -> None:
        def work(base: sqlite3.Connection) -> None:
            old = base.execute("SELECT bytes FROM tile WHERE z = ? AND x = ? AND y = ?", (z, x, y)).fetchone()
            size = len(body) + _OVERHEAD
            base.execute("INSERT OR REPLACE INTO tile VALUES (?, ?, ?, ?, ?, ?, ?)", (z, x, y, body, fetched, fetched, size))
            self.bytes += size - (old[0] if old else 0)
            self.tiles += old is None
            if self.bytes > self.most:
                self._tidy(base)
            base.commit()

        if self.most:
            self._guarded(work)

    def pictured(self) -> tuple[int, int, int] | None:
        """z, x, y of the picture that was used last."""

        def work(base: sqlite3.Connection) -> tuple[int, int, int] | None:
            wanted = "SELECT z, x, y FROM tile WHERE bytes > ? ORDER BY used DESC LIMIT 1"
            return base.execute(wanted, (_OVERHEAD,)).fetchone()

        return self._guarded(work) if self.most else None

    def about(self, name: str) -> Found | None:
        def work(base: sqlite3.Connection) -> Found | None:
            row = base.execute("SELECT value, fetched FROM about WHERE name = ?", (name,)).fetchone()
            return Found(*row) if row else None

        return self._guarded(work)

    def put_about(self, name: str, value: bytes, fetched: int) -> None:
        def work(base: sqlite3.Connection) -> None:
            base.execute("INSERT OR REPLACE INTO about VALUES (?, ?, ?)", (name, value, fetched))
            base.commit()

        self._guarded(work)

    def _tidy(self, base: sqlite3.Connection) -> None:
        wanted, gone = self.bytes - int(self.most * _ROOM), []
        for z, x, y, size in base.execute("SELECT z, x, y, bytes FROM tile ORDER BY used"):
            if wanted <= 0:
                break
            gone.append((z, x, y))
            wanted -= size
            self.bytes -= size
        base.executemany("DELETE FROM tile WHERE z = ? AND x = ? AND y = ?", gone)
        self.tiles -= len(gone)

    def _guarded(self, work: Callable[[sqlite3.Connection], Any]) -> Any:
        """With the open file, alone; trouble with it is told, and what was asked for is not there."""
        with self._lock:
            try:
                return work(self._opened())
            except (sqlite3.DatabaseError, OSError) as error:
                log.warning("tiles kept of a service: %s: %s", self.path.name, error)
                if isinstance(error, sqlite3.DatabaseError) and not isinstance(error, sqlite3.OperationalError):
                    self._aside()
            return None

    def _opened(self) -> sqlite3.Connection:
        if self._base is None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._base = sqlite3.connect(self.path, timeout=5, check_same_thread=False)
            self._base.execute("PRAGMA journal_mode = WAL")
            self._base.execute("PRAGMA synchronous = NORMAL")  # what is lost in a crash is asked for again
            self._base.executescript(_TABLES)
            known = self._base.execute("SELECT value FROM about WHERE name = 'version'").fetchone()
            if known is None or known[0] != self._version.encode():
                self._base.execute("DELETE FROM tile")
                self._base.execute("DELETE FROM about")
                self._base.execute("INSERT INTO about VALUES ('version', ?, 0)", (self._version.encode(),))
                self._base.commit()
            self.bytes, self.tiles = self._base.execute("SELECT coalesce(sum(bytes), 0), count(*) FROM tile").fetchone()
        return self._base

    def _aside(self) -> None:
        self.close_now()
        with contextlib.suppress(OSError):
            self.path.replace(self.path.with_suffix(".damaged"))
            for end in ("-wal", "-shm"):
                self.path.with_name(self.path.name + end).unlink(missing_ok=True)

    def close_now(self) -> None:
        if self._base is not None:
            with contextlib.suppress(sqlite3.Error):
                self._base.close()
            self._base = None

    def close(self) -> None:
        with self._lock:
            self.close_now()
