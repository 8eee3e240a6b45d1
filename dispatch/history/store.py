"""The file of the last hours, written by one thread, bounded in hours and bytes.

Documents are *versions*: one row from when the hall learnt it until it learnt better, so what was known at any moment is
one query. Positions and readings wait in a journal until their segment is over, then they are packed (tracks.py). What is
written of some seconds of events, and the bus positions they reach to, are one transaction: killed at any moment nothing is
kept twice, and nothing is missing that the bus still has.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec

from dispatch.history.settings import FIGURE_MS, FIGURES, SEGMENT_MS, SILENT_MS, TRACKS
from dispatch.history.tracks import Tracks, pack, split, unpack
from dispatch.history.versions import Version, digest_of, edge_of, rank_of, squeeze, version_of
from dispatch.reader import Head
from hall.core.board import EntryId
from hall.core.event import topic_of

#: "not yet": above any moment
OPEN = 2**62
_SCHEMA = """
CREATE TABLE IF NOT EXISTS doc(
    id INTEGER PRIMARY KEY, subject TEXT NOT NULL, topic TEXT NOT NULL, since INTEGER NOT NULL, until INTEGER NOT NULL,
    gone INTEGER NOT NULL DEFAULT 0, edge INTEGER NOT NULL DEFAULT 0, body BLOB NOT NULL);
CREATE INDEX IF NOT EXISTS doc_until ON doc(until, since, topic);
CREATE INDEX IF NOT EXISTS doc_since ON doc(since, topic);
CREATE INDEX IF NOT EXISTS doc_edge ON doc(topic, since) WHERE edge > 0;
CREATE TABLE IF NOT EXISTS segment(
    id INTEGER PRIMARY KEY AUTOINCREMENT, since INTEGER NOT NULL UNIQUE, until INTEGER NOT NULL, points INTEGER NOT NULL,
    heard INTEGER NOT NULL, bytes INTEGER NOT NULL, body BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS journal(id INTEGER PRIMARY KEY, segment INTEGER NOT NULL, body BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS covered(id INTEGER PRIMARY KEY, since INTEGER NOT NULL, until INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS raster(version TEXT PRIMARY KEY, time INTEGER NOT NULL, body BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS reached(lane TEXT PRIMARY KEY, ms INTEGER NOT NULL, seq INTEGER NOT NULL);
"""
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode


class Store:
    """One thread at a time; every method raises sqlite3.Error. Times: city ms. `pace`: city seconds per second."""

    def __init__(self, path: Path, keep_ms: int, most_bytes: int) -> None:
        self._keep, self._most = keep_ms, most_bytes
        self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=5)
        for pragma in ("auto_vacuum=INCREMENTAL", "journal_mode=WAL", "synchronous=NORMAL", "journal_size_limit=16777216"):
            self._db.execute(f"PRAGMA {pragma}")
        self._db.executescript(_SCHEMA)
        self._load()
        self._old = {subject: known.row for subject, known in self._docs.items()}

    def _load(self) -> None:
        """What the file says goes on: present versions, the open segment, the last points of the one before."""
        db = self._db
        self._docs = {s: version_of(row, since, raw) for row, s, since, raw in db.execute(
            "SELECT id, subject, since, body FROM doc WHERE until = ?", (OPEN,))}  # fmt: skip
        self._open, self._tracks = None, Tracks()
        for self._open, body in db.execute("SELECT segment, body FROM journal ORDER BY id"):
            self._tracks.merge(body)
        body = db.execute("SELECT body FROM segment ORDER BY since DESC LIMIT 1").fetchone()
        self._before: dict[str, dict[str, Any]] = {topic: {} for topic in TRACKS}
        for topic, rows in unpack(body[0]).topics.items() if body else ():
            self._before[topic] = {s: table[-1].copy() for s, (table, _) in rows.items() if s in self._docs}
        found = db.execute("SELECT id, since, until FROM covered ORDER BY until DESC LIMIT 1").fetchone()
        self._covered = list(found) if found else None

    def reached(self) -> dict[str, EntryId]:
        """Lane -> the newest bus entry that is kept."""
        return {lane: (ms, seq) for lane, ms, seq in self._db.execute("SELECT lane, ms, seq FROM reached")}

    def forget_after(self, moment: int) -> None:
        """Takes away what is from the future: another run of a replayed city. Then nothing here is of this run: all goes."""
        newest = self._db.execute("SELECT max(until) FROM covered").fetchone()[0]
        if newest is None or newest <= moment:
            return
        with self._db:
            for table in ("doc", "segment", "journal", "covered", "reached", "raster"):
                self._db.execute(f"DELETE FROM {table}")
        self._load()

    # -- writing ---------------------------------------------------------------------------------------------------

    def write(self, heads: Iterable[Head], reached: dict[str, EntryId], pace: float = 1.0, covers: bool = True) -> int:
        """Keeps some events in the order of hearing; returns how many it could not read. `covers`: they say that the hall was
        there when they came."""
        chunk, broken = Tracks(), 0
        with self._db:
            self._db.execute("BEGIN IMMEDIATE")
            for head in heads:
                if covers:
                    self._cover(head.recordedtime, int(SILENT_MS * max(1.0, pace)))
                try:
                    chunk = self._take(head, chunk)
                except (msgspec.MsgspecError, TypeError, ValueError, AttributeError, OverflowError):
                    broken += 1
            self._keep_journal(chunk)
            self._keep_cover()
            lanes = [(lane, *at) for lane, at in reached.items()]
            self._db.executemany("INSERT OR REPLACE INTO reached VALUES (?, ?, ?)", lanes)
        return broken

    def rasters(self) -> set[str]:
        """Versions of the radar's frames that are kept."""
        return {row[0] for row in self._db.execute("SELECT version FROM raster")}

    def keep_raster(self, version: str, time: int, body: bytes) -> None:
        """One measured frame's pixels, as the bus has them (gzip); `time`: when it was measured."""
        with self._db:
            self._db.execute("INSERT OR IGNORE INTO raster VALUES (?, ?, ?)", (version, time, body))

    def settle(self, board: Iterable[Head], moment: int) -> int:
        """Once, when all that the bus still had was heard: takes in what of the board was not, and ends what the file says is
        there and is not; it went while nobody listened. Returns how many it could not read."""
        heads = list(board)
        there = {head.subject for head in heads}
        broken = self.write(heads, {}, covers=False)
        with self._db:
            for subject, row in self._old.items():
                if subject not in there and (known := self._docs.get(subject)) is not None and known.row == row:
                    self._end(subject, max(moment, known.since))
        self._old = {}
        return broken

    def _take(self, head: Head, chunk: Tracks) -> Tracks:
        topic = topic_of(head.subject)
        if topic in TRACKS:
            return self._take_point(head, topic, chunk)
        if topic != "process" and (topic != "kpi" or head.subject in FIGURES):
            self._take_doc(head, topic, bytes(head.data))
        return chunk

    def _take_point(self, head: Head, topic: str, chunk: Tracks) -> Tracks:
        chunk = self._turn(head.recordedtime, chunk)
        if head.gone:
            self._take_doc(head, topic, b"null")
            self._before[topic].pop(head.subject, None)
            return chunk
        known = self._docs.get(head.subject)
        if known is not None and (head.time, head.recordedtime, head.id) <= known.key:
            return chunk  # the board has something newer: nobody was shown this
        data = _decode(head.data)
        numbers = split(topic, data)
        self._take_doc(head, topic, _encode(data))
        self._docs[head.subject] = self._docs[head.subject]._replace(key=(head.time, head.recordedtime, head.id))
        chunk.add(topic, head.subject, (head.recordedtime, head.recordedtime - head.time, *numbers))
        return chunk

    def _take_doc(self, head: Head, topic: str, data: bytes) -> None:
        known, key = self._docs.get(head.subject), (head.time, head.recordedtime, head.id)
        if known is not None and key <= known.key:
            return
        if data == b"null":
            if known is not None:
                self._end(head.subject, max(head.recordedtime, known.since))
            return
        digest = digest_of(data)
        if known is not None and (digest == known.digest or (topic == "kpi" and head.recordedtime - known.since < FIGURE_MS)):
            self._docs[head.subject] = known._replace(key=key)
            return
        since = head.recordedtime if known is None else max(head.recordedtime, known.since)
        rank = rank_of(topic, data, since)
        edge = edge_of(topic, None if known is None else known.rank, rank)
        if known is not None:
            self._db.execute("UPDATE doc SET until = ? WHERE id = ?", (since, known.row))
        raw = b'{"id":%b,"source":%b,"subject":%b,"time":%d,"recordedtime":%d,"data":%b}' % (
            _encode(head.id), _encode(head.source), _encode(head.subject), head.time, head.recordedtime, data)  # fmt: skip
        row = self._db.execute(
            "INSERT INTO doc(subject, topic, since, until, edge, body) VALUES (?, ?, ?, ?, ?, ?)",
            (head.subject, topic, since, OPEN, edge, squeeze(raw)),
        ).lastrowid
        self._docs[head.subject] = Version(row or 0, since, key, digest, rank)

    def _end(self, subject: str, moment: int) -> None:
        self._db.execute("UPDATE doc SET until = ?, gone = 1 WHERE id = ?", (moment, self._docs.pop(subject).row))

    def _cover(self, moment: int, silence: int) -> None:
        if self._covered is not None and moment - self._covered[2] <= silence:
            self._covered[2] = max(self._covered[2], moment)
            return
        self._keep_cover()
        row = self._db.execute("INSERT INTO covered(since, until) VALUES (?, ?)", (moment, moment)).lastrowid
        self._covered = [row, moment, moment]

    def _keep_cover(self) -> None:
        if self._covered is not None:
            self._db.execute("UPDATE covered SET until = ? WHERE id = ?", (self._covered[2], self._covered[0]))

    # -- segments --------------------------------------------------------------------------------------------------

    def _turn(self, moment: int, chunk: Tracks) -> Tracks:
        """When `moment` lies after the open segment, that one is packed and its journal goes."""
        start = moment - moment % SEGMENT_MS
        if self._open is None:
            self._open = start
        if start <= self._open:
            return chunk
        self._keep_journal(chunk)
        self._pack(self._open)
        self._open = start
        self._keep_cover()
        self._bound(moment)
        return Tracks()

    def _keep_journal(self, chunk: Tracks) -> None:
        if chunk:
            body = chunk.encode()
            self._db.execute("INSERT INTO journal(segment, body) VALUES (?, ?)", (self._open, body))
            self._tracks.merge(body)

    def _pack(self, start: int) -> None:
        made = pack(self._tracks, start, start + SEGMENT_MS, self._before)
        row = (start, start + SEGMENT_MS, made.points, self._tracks.points, len(made.body), made.body)
        self._db.execute("INSERT OR REPLACE INTO segment(since, until, points, heard, bytes, body) VALUES (?,?,?,?,?,?)", row)
        self._db.execute("DELETE FROM journal")
        self._before = {t: {s: p for s, p in rows.items() if s in self._docs} for t, rows in made.last.items()}
        self._tracks = Tracks()

    def _bound(self, newest: int) -> None:
        """The oldest go: by hours, then by bytes, a segment and the documents that ended in it at a time."""
        self._drop(newest - self._keep)
        used = self.used()
        for (until,) in self._db.execute("SELECT until FROM segment ORDER BY since").fetchall():
            if used <= self._most or until >= newest:
                return
            used -= self._drop(until)

    def _drop(self, before: int) -> int:
        freed = self._db.execute("SELECT coalesce(sum(bytes), 0) FROM segment WHERE until <= ?", (before,)).fetchone()[0]
        freed += self._db.execute("SELECT coalesce(sum(length(body)), 0) FROM doc WHERE until <= ?", (before,)).fetchone()[0]
        freed += self._db.execute("SELECT coalesce(sum(length(body)), 0) FROM raster WHERE time <= ?", (before,)).fetchone()[0]
        for table, end in (("segment", "until"), ("doc", "until"), ("covered", "until"), ("raster", "time")):
            self._db.execute(f"DELETE FROM {table} WHERE {end} <= ?", (before,))
        self._db.execute("UPDATE covered SET since = ? WHERE since < ?", (before, before))
        return freed

    def used(self) -> int:
        """Bytes of the file that hold something."""
        pages = self._db.execute("PRAGMA page_count").fetchone()[0] - self._db.execute("PRAGMA freelist_count").fetchone()[0]
        return pages * self._db.execute("PRAGMA page_size").fetchone()[0]

    def tidy(self) -> None:
        """Gives what was freed back to the disk."""
        self._db.execute("PRAGMA incremental_vacuum(2000)").fetchall()

    def recover(self) -> None:
        """After a fault: what was written goes on, what was not is as if it had not been heard."""
        self._load()

    def close(self) -> None:
        self._db.close()
