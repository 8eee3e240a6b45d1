"""One MBTiles 1.3 file: written whole and put in place at once; read tile by tile, by many threads."""

from __future__ import annotations

import contextlib
import hashlib
import os
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from hall.core.errors import HallError

_SCHEMA = """
CREATE TABLE metadata (name TEXT PRIMARY KEY, value TEXT);
CREATE TABLE tiles (zoom_level INTEGER, tile_column INTEGER, tile_row INTEGER, tile_data BLOB);
CREATE UNIQUE INDEX tile_index ON tiles (zoom_level, tile_column, tile_row);
"""
#: what a tile is, by the metadata's `format`
MEDIA_TYPES = {
    "pbf": "application/vnd.mapbox-vector-tile", "png": "image/png", "jpg": "image/jpeg", "webp": "image/webp",
}  # fmt: skip
GZIP = b"\x1f\x8b"


class MapFault(HallError):
    """A map file is missing or cannot be read."""


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A name to write to beside `path`; takes its place when the block ends well, else nothing is left of it."""
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.unlink(missing_ok=True)
        yield part
        with part.open("rb") as file:
            os.fsync(file.fileno())
        part.replace(path)
    except (OSError, sqlite3.Error) as error:
        raise HallError(f"{path}: {error}") from None
    finally:
        for leftover in (part, part.with_name(part.name + "-journal")):
            leftover.unlink(missing_ok=True)


class Writer:
    """Tiles into a new file; `put` takes them as web clients name them (y from the north)."""

    def __init__(self, path: Path) -> None:
        self._base = sqlite3.connect(path)
        self._base.executescript("PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF;" + _SCHEMA)

    def put(self, zoom: int, x: int, y: int, body: bytes) -> None:
        self._base.execute("INSERT INTO tiles VALUES (?, ?, ?, ?)", (zoom, x, 2**zoom - 1 - y, body))

    def close(self, metadata: dict[str, str]) -> None:
        self._base.executemany("INSERT INTO metadata VALUES (?, ?)", metadata.items())
        self._base.commit()
        self._base.close()


class Stored(NamedTuple):
    """A tile as it is stored (`gzipped`, or not) and the ETag of its content."""

    body: bytes
    gzipped: bool
    etag: str


class Tiles:
    """A file that is there for reading; one that was replaced is opened anew. Every method blocks; raises MapFault."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._base: sqlite3.Connection | None = None
        self._mark: tuple[int, int, int] | None = None
        self._metadata: dict[str, str] = {}

    def _opened(self) -> sqlite3.Connection:
        try:
            stat = self.path.stat()
        except OSError as error:
            raise MapFault(f"{self.path.name}: {error.strerror}") from None
        mark = (stat.st_ino, stat.st_size, stat.st_mtime_ns)
        if self._base is None or mark != self._mark:
            self._shut()
            base = sqlite3.connect(f"{self.path.resolve().as_uri()}?mode=ro", uri=True, check_same_thread=False)
            self._base, self._mark = base, mark
            self._metadata = {str(k): str(v) for k, v in base.execute("SELECT name, value FROM metadata")}
        return self._base

    def _shut(self) -> None:
        if self._base is not None:
            self._base.close()
        self._base = self._mark = None

    def _asked(self, statement: str, given: tuple = ()) -> list[tuple]:
        with self._lock:
            try:
                return self._opened().execute(statement, given).fetchall()
            except sqlite3.Error as error:
                self._shut()
                raise MapFault(f"{self.path.name}: {error}") from None

    def tile(self, zoom: int, x: int, y: int) -> Stored | None:
        """The tile, None where the map has none."""
        statement = "SELECT tile_data FROM tiles WHERE zoom_level = ? AND tile_column = ? AND tile_row = ?"
        rows = self._asked(statement, (zoom, x, 2**zoom - 1 - y))
        if not rows or not rows[0][0]:
            return None
        body = bytes(rows[0][0])
        return Stored(body, body.startswith(GZIP), hashlib.blake2b(body, digest_size=12).hexdigest())

    def metadata(self) -> dict[str, str]:
        self._asked("SELECT 1")
        return dict(self._metadata)

    def version(self) -> str:
        """Changes with the file."""
        self._asked("SELECT 1")
        return hashlib.blake2b(repr(self._mark).encode(), digest_size=6).hexdigest()

    def walk(self) -> Iterator[tuple[int, int, int, bytes]]:
        """(zoom, x, y, body) of every tile; not for serving."""
        with self._lock:
            try:
                rows = self._opened().execute("SELECT zoom_level, tile_column, tile_row, tile_data FROM tiles ORDER BY 1, 2, 3")
                for zoom, x, row, body in rows:
                    yield zoom, x, 2**zoom - 1 - row, bytes(body or b"")
            except sqlite3.Error as error:
                raise MapFault(f"{self.path.name}: {error}") from None

    def sound(self) -> str:
        """What the database says of itself; "ok" where nothing is wrong."""
        return str(self._asked("PRAGMA quick_check(1)")[0][0])

    def close(self) -> None:
        with self._lock:
            self._shut()


def whole_number(metadata: dict[str, Any], key: str, otherwise: int) -> int:
    text = str(metadata.get(key, ""))
    return int(text) if text.isdigit() else otherwise
