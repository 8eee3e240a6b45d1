"""Photos on disk: content-addressed files under `data_dir/media/`, and a small book of who brought and who attached which.

Blocking: call it in a thread.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import re
import sqlite3
from pathlib import Path

import msgspec

from hall.app.pictures import Picture
from hall.core.clock import real_ms
from hall.core.errors import Refused

ID_PATTERN = r"^[0-9a-f]{64}$"
_ID = re.compile(ID_PATTERN)
_SCHEMA = (
    "PRAGMA journal_mode=WAL",
    """create table if not exists media(id text primary key, type text not null, suffix text not null, bytes integer not null,
        width integer not null, height integer not null, made integer not null)""",
    "create table if not exists brought(media text not null, who text not null, at integer not null, primary key(media, who))",
    """create table if not exists attached(media text not null, subject text not null, who text not null, at integer not null,
        primary key(media, subject))""",
)


class Stored(msgspec.Struct):
    """One kept photo; `made` real ms."""

    id: str
    type: str
    suffix: str
    bytes: int
    width: int
    height: int
    made: int


class MediaStore:
    """Every method opens its own connection, so threads need no lock of ours."""

    def __init__(self, data_dir: Path) -> None:
        self.folder = data_dir / "media"
        self._book = self.folder / "media.db"
        self.folder.mkdir(parents=True, exist_ok=True)
        with self._db() as db:
            for statement in _SCHEMA:
                db.execute(statement)

    @contextlib.contextmanager
    def _db(self):
        db = sqlite3.connect(self._book, timeout=5, isolation_level=None)
        try:
            yield db
        finally:
            db.close()

    def path(self, stored: Stored) -> Path:
        return self.folder / stored.id[:2] / f"{stored.id}.{stored.suffix}"

    def keep(self, picture: Picture, who: str) -> Stored:
        """Stores a photo durably, once however often it is brought; raises Refused 507 when the disk refuses."""
        key = hashlib.sha256(picture.body).hexdigest()
        size = len(picture.body)
        stored = Stored(key, picture.type, picture.suffix, size, picture.width, picture.height, real_ms())
        try:
            self._write(self.path(stored), picture.body)
            with self._db() as db:
                db.execute("insert or ignore into media values(?,?,?,?,?,?,?)", msgspec.structs.astuple(stored))
                db.execute("insert or ignore into brought values(?,?,?)", (key, who, stored.made))
        except (OSError, sqlite3.OperationalError) as error:
            full = getattr(error, "errno", 0) in (errno.ENOSPC, errno.EDQUOT) or "full" in str(error)
            raise Refused("disk-full" if full else "not-stored", f"the photo could not be stored: {error}", 507) from None
        return stored

    @staticmethod
    def _write(path: Path, body: bytes) -> None:
        if path.exists():
            return
        path.parent.mkdir(exist_ok=True)
        part = path.with_name(f"{path.name}.{os.getpid()}.{os.urandom(4).hex()}.part")
        try:
            with part.open("wb") as file:
                file.write(body)
                file.flush()
                os.fsync(file.fileno())
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)

    def find(self, media: str) -> Stored | None:
        if not _ID.fullmatch(media):
            return None
        with self._db() as db:
            row = db.execute("select * from media where id = ?", (media,)).fetchone()
        return Stored(*row) if row else None

    def brought_by(self, media: str, who: str) -> bool:
        with self._db() as db:
            return db.execute("select 1 from brought where media = ? and who = ?", (media, who)).fetchone() is not None

    def subjects(self, media: str) -> list[str]:
        """Case files it is attached to, newest first."""
        with self._db() as db:
            rows = db.execute("select subject from attached where media = ? order by at desc limit 50", (media,)).fetchall()
        return [subject for (subject,) in rows]

    def attach(self, media: str, subject: str, who: str) -> None:
        with self._db() as db:
            db.execute("insert or ignore into attached values(?,?,?,?)", (media, subject, who, real_ms()))
