"""People who may sign in: names, roles and password hashes (argon2id) in one SQLite file. Blocking: call it in a thread."""

from __future__ import annotations

import re
import secrets
import sqlite3
from pathlib import Path

import msgspec
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from hall.access import ROLES
from hall.core.clock import real_ms
from hall.core.errors import Refused

FIRST_USER = "admin"
_NAME = re.compile(r"[\w.@-]{1,64}")
_SHORTEST, _LONGEST = 10, 200
#: nobody signs in with it: an unknown name costs the same time as a wrong password
_DECOY = "hall-decoy"
PERSON_ROLES = tuple(role for role in ROLES if role != "wall")

_TABLE = """create table if not exists users (
    name text primary key, role text not null, password_hash text not null, made integer not null, changed integer not null)"""


class User(msgspec.Struct):
    """A user without the password; times are real ms."""

    name: str
    role: str
    made: int
    changed: int


class Users:
    """The user file. Every method opens its own connection, so threads need no lock of ours."""

    def __init__(self, path: Path, hasher: PasswordHasher | None = None) -> None:
        self.path = path
        self._hasher = hasher or PasswordHasher()
        self._decoy_hash = self._hasher.hash(_DECOY)
        path.parent.mkdir(parents=True, exist_ok=True)
        with self._open() as db:
            db.execute(_TABLE)
        path.chmod(0o600)

    def _open(self) -> _Connection:
        return _Connection(self.path)

    def first_password(self) -> str | None:
        """Makes the first admin when there is no user at all; returns the password, which is kept nowhere."""
        with self._open() as db:
            if db.execute("select count(*) from users").fetchone()[0]:
                return None
        password = secrets.token_urlsafe(12)
        self.add(FIRST_USER, "admin", password)
        return password

    def check(self, name: str, password: str) -> User | None:
        """The user whose password this is. Unknown names take as long as wrong passwords."""
        with self._open() as db:
            row = db.execute("select name, role, made, changed, password_hash from users where name = ?", (name,)).fetchone()
        try:
            self._hasher.verify(row[4] if row else self._decoy_hash, password[:_LONGEST])
        except (VerificationError, InvalidHashError):
            return None
        return User(*row[:4]) if row else None

    def all(self) -> list[User]:
        with self._open() as db:
            return [User(*row) for row in db.execute("select name, role, made, changed from users order by name")]

    def add(self, name: str, role: str, password: str) -> None:
        """Raises Refused when the name is taken or anything is unfit."""
        if not _NAME.fullmatch(name):
            raise Refused("bad-name", "1 to 64 letters, digits or . @ _ -", 422)
        _fit(role, password)
        now = real_ms()
        try:
            with self._open() as db:
                db.execute("insert into users values (?, ?, ?, ?, ?)", (name, role, self._hasher.hash(password), now, now))
        except sqlite3.IntegrityError:
            raise Refused("name-taken", f"there is a user {name} already", 409) from None

    def change(self, name: str, role: str | None, password: str | None) -> None:
        """Changes what is given; raises Refused when there is no such user or the last admin would be lost."""
        _fit(role or PERSON_ROLES[0], password)
        with self._open() as db:
            db.execute("begin immediate")
            self._keep_an_admin(db, name, role)
            if role:
                db.execute("update users set role = ?, changed = ? where name = ?", (role, real_ms(), name))
            if password:
                hashed = self._hasher.hash(password)
                db.execute("update users set password_hash = ?, changed = ? where name = ?", (hashed, real_ms(), name))

    def remove(self, name: str) -> None:
        with self._open() as db:
            db.execute("begin immediate")
            self._keep_an_admin(db, name, "")
            db.execute("delete from users where name = ?", (name,))

    def _keep_an_admin(self, db: sqlite3.Connection, name: str, new_role: str | None) -> None:
        row = db.execute("select role from users where name = ?", (name,)).fetchone()
        if row is None:
            raise Refused("unknown-user", f"there is no user {name[:64]}", 404)
        others = db.execute("select count(*) from users where role = 'admin' and name != ?", (name,)).fetchone()[0]
        if row[0] == "admin" and new_role not in (None, "admin") and not others:
            raise Refused("last-admin", "somebody must stay admin", 409)


class _Connection:
    """One transaction: committed at the end, rolled back on an error, closed always."""

    def __init__(self, path: Path) -> None:
        self._db = sqlite3.connect(path, timeout=5, isolation_level=None)

    def __enter__(self) -> sqlite3.Connection:
        return self._db

    def __exit__(self, kind, *_) -> None:
        if self._db.in_transaction:
            self._db.execute("rollback" if kind else "commit")
        self._db.close()


def _fit(role: str, password: str | None) -> None:
    if role not in PERSON_ROLES:
        raise Refused("bad-role", f"one of {', '.join(PERSON_ROLES)}", 422)
    if password is not None and not _SHORTEST <= len(password) <= _LONGEST:
        raise Refused("bad-password", f"{_SHORTEST} to {_LONGEST} characters", 422)
