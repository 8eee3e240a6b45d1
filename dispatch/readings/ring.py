"""The last days of what the alarm engine heard, in one SQLite file of bounded size.

A *chunk* is some seconds of events as the bus told them, compressed; the oldest chunks make room for new ones. The documents of
the measuring points are kept beside them, the newest of each. A chunk, and the bus positions it reaches to, are one
transaction: killed at any moment nothing is kept twice or left out that the bus still has.
"""

from __future__ import annotations

import sqlite3
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import msgspec

from dispatch.reader import Head
from dispatch.readings.settings import FILE
from hall.core.board import EntryId

#: events of one chunk at most: encoding them holds up the process's other work for a few ms
CHUNK = 5_000
#: chunks that may go with one that comes
AT_ONCE = 100
_SCHEMA = """
CREATE TABLE IF NOT EXISTS chunk(
    id INTEGER PRIMARY KEY, since INTEGER NOT NULL, until INTEGER NOT NULL, count INTEGER NOT NULL, bytes INTEGER NOT NULL,
    body BLOB NOT NULL);
CREATE INDEX IF NOT EXISTS chunk_until ON chunk(until);
CREATE TABLE IF NOT EXISTS point(subject TEXT PRIMARY KEY, head BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS reached(lane TEXT PRIMARY KEY, ms INTEGER NOT NULL, seq INTEGER NOT NULL);
"""
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(list[Head]).decode
_decode_one = msgspec.json.Decoder(Head).decode


class Extent(NamedTuple):
    """What is kept: from `since` to `until` (city ms, when the hall learnt it; None: nothing), events, bytes on disk."""

    since: int | None
    until: int | None
    count: int
    bytes: int


class Ring:
    """The file. `most_bytes` and `days_ms` bound it. One thread at a time; every method raises sqlite3.Error."""

    def __init__(self, path: Path, most_bytes: int, days_ms: int) -> None:
        self._most, self._days = most_bytes, days_ms
        self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=5)
        self._connection.execute("PRAGMA journal_mode=WAL")
        self._connection.execute("PRAGMA synchronous=NORMAL")
        self._connection.execute("PRAGMA journal_size_limit=16777216")
        self._connection.executescript(_SCHEMA)
        self._total = self._sum("")

    def reached(self) -> dict[str, EntryId]:
        """Lane -> the newest bus entry that is kept."""
        return {lane: (ms, seq) for lane, ms, seq in self._connection.execute("SELECT lane, ms, seq FROM reached")}

    def write(self, heads: list[Head], points: dict[str, Head | None], reached: dict[str, EntryId]) -> int:
        """Keeps events, newest documents of measuring points (None: gone) and positions; returns the chunks that went."""
        body = zlib.compress(_encode(heads), 1) if heads else b""
        moments = [head.recordedtime for head in heads] or [0]
        row = (min(moments), max(moments), len(heads), len(body), body)
        with self._connection:
            self._connection.execute("BEGIN IMMEDIATE")
            if heads:
                self._connection.execute("INSERT INTO chunk(since, until, count, bytes, body) VALUES (?, ?, ?, ?, ?)", row)
            gone = [(subject,) for subject, head in points.items() if head is None]
            kept = [(subject, _encode(head)) for subject, head in points.items() if head is not None]
            self._connection.executemany("DELETE FROM point WHERE subject = ?", gone)
            self._connection.executemany("INSERT OR REPLACE INTO point VALUES (?, ?)", kept)
            lanes = [(lane, *at) for lane, at in reached.items()]
            self._connection.executemany("INSERT OR REPLACE INTO reached VALUES (?, ?, ?)", lanes)
            return self._bounded(row[1], len(body)) if heads else 0

    def _bounded(self, newest: int, added: int) -> int:
        """The oldest go; `newest`: when the newest event was learnt, `added`: bytes that came."""
        old = newest - self._days
        total = self._total + added - self._sum("WHERE until < ?", old)
        went = self._connection.execute("DELETE FROM chunk WHERE until < ?", (old,)).rowcount
        for number, size in self._connection.execute("SELECT id, bytes FROM chunk ORDER BY id").fetchmany(AT_ONCE):
            if total <= self._most:
                break
            self._connection.execute("DELETE FROM chunk WHERE id = ?", (number,))
            total, went = total - size, went + 1
        self._total = total
        return went

    def _sum(self, where: str, *values: int) -> int:
        return self._connection.execute(f"SELECT coalesce(sum(bytes), 0) FROM chunk {where}", values).fetchone()[0]

    def forget_after(self, moment: int) -> None:
        """Takes away what is from the future: another run of a replayed city."""
        with self._connection:
            self._connection.execute("DELETE FROM chunk WHERE until > ?", (moment,))
        self._total = self._sum("")

    def close(self) -> None:
        self._connection.close()


class Past:
    """The file, for those who read it while it is written."""

    def __init__(self, path: Path) -> None:
        """Raises FileNotFoundError where nothing was ever kept."""
        if not path.exists():
            raise FileNotFoundError(path)
        self._connection = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, timeout=5)
        self._connection.execute("PRAGMA query_only=1")

    def extent(self, since: int | None = None, until: int | None = None) -> Extent:
        """Of the chunks that touch a stretch of time."""
        query = "SELECT min(since), max(until), coalesce(sum(count), 0), coalesce(sum(bytes), 0) FROM chunk"
        return Extent(*self._connection.execute(f"{query} WHERE until >= ? AND since < ?", _span(since, until)).fetchone())

    def heads(self, since: int | None = None, until: int | None = None) -> Iterator[Head]:
        """Measuring points as they are now, told at the first moment, then every event learnt from `since` on and before
        `until`, in the order of hearing. Reads chunk by chunk: what is forgotten meanwhile is not told."""
        low, high = _span(since, until)
        first = self.extent(since, until).since
        if first is None:
            return
        yield from self.points(max(first, low))
        last, query = 0, "SELECT id, body FROM chunk WHERE id > ? AND +until >= ? AND +since < ? ORDER BY id LIMIT 1"
        while (row := self._connection.execute(query, (last, low, high)).fetchone()) is not None:
            last = row[0]
            yield from _within(_decode(zlib.decompress(row[1])), low, high)

    def points(self, moment: int = 0) -> Iterator[Head]:
        """Measuring points as they are now, as if told at `moment`."""
        for _, raw in self._connection.execute("SELECT subject, head FROM point ORDER BY subject").fetchall():
            yield msgspec.structs.replace(_decode_one(raw), time=moment, recordedtime=moment)

    def close(self) -> None:
        self._connection.close()


def _span(since: int | None, until: int | None) -> tuple[int, int]:
    return (0 if since is None else since), (2**62 if until is None else until)


def _within(heads: Iterable[Head], low: int, high: int) -> Iterator[Head]:
    return (head for head in heads if low <= head.recordedtime < high)


def kept_readings(folder: Path) -> dict[str, int | None] | None:
    """Extent of what a hall with this data directory keeps; None: nothing."""
    try:
        past = Past(folder / FILE)
    except (FileNotFoundError, sqlite3.Error):
        return None
    try:
        found = past.extent()
    except sqlite3.Error:
        return None
    finally:
        past.close()
    return found._asdict() if found.count else None
