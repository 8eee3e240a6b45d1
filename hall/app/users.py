"""People who may sign in: names, roles, what they answer for, password and PIN hashes (argon2id) in one SQLite file.

Blocking: call it in a thread.
"""

from __future__ import annotations

import functools
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
PERSON_ROLES = tuple(role for role in ROLES if role not in ("wall", "crew"))
_PIN = re.compile(r"[0-9]{4,8}")
#: runs of digits that are tried first by whoever guesses
_RUNS = ("0123456789", "9876543210")
_LONGEST_TEXT, _MOST_DISTRICTS = 64, 100

_TABLE = """create table if not exists users (
    name text primary key, role text not null, password_hash text not null, made integer not null, changed integer not null)"""
#: columns that later versions of the hall added
_ADDED = {
    "unit": "text not null default ''",
    "districts": "text not null default '[]'",
    "display": "text not null default ''",
    "pin_hash": "text not null default ''",
    "must_change": "integer not null default 0",
}
_FIELDS = "name, role, made, changed, unit, districts, display, pin_hash <> '', must_change"


class Profile(msgspec.Struct, kw_only=True):
    """What a user answers for. None = leave as it is. `pin`: 4 to 8 digits for walls, empty takes it away."""

    unit: str | None = None
    districts: list[str] | None = None
    display: str | None = None
    pin: str | None = None


class User(msgspec.Struct):
    """A user without password and PIN; times are real ms."""

    name: str
    role: str
    made: int
    changed: int
    unit: str = ""
    districts: tuple[str, ...] = ()  # empty: the whole city
    display: str = ""
    has_pin: bool = False
    must_change: bool = False  # the password was made by the hall: the next sign-in chooses another


class Users:
    """The user file. Every method opens its own connection, so threads need no lock of ours."""

    def __init__(self, path: Path, hasher: PasswordHasher | None = None) -> None:
        self.path = path
        self._hasher = hasher or PasswordHasher()
        path.parent.mkdir(parents=True, exist_ok=True)
        with self._open() as db:
            db.execute("begin immediate")
            db.execute(_TABLE)
            known = {row[1] for row in db.execute("pragma table_info(users)")}
            for column, kind in _ADDED.items():
                if column not in known:
                    db.execute(f"alter table users add column {column} {kind}")
        path.chmod(0o600)

    @functools.cached_property
    def _decoy_hash(self) -> str:
        return self._hasher.hash(_DECOY)

    def _open(self) -> _Connection:
        return _Connection(self.path)

    def first_password(self) -> str | None:
        """Makes the first admin when there is no user at all; returns the password, which is kept nowhere."""
        with self._open() as db:
            if db.execute("select count(*) from users").fetchone()[0]:
                return None
        password = secrets.token_urlsafe(12)
        self.add(FIRST_USER, "admin", password, must_change=True)
        return password

    def check(self, name: str, password: str) -> User | None:
        """The user whose password this is. Unknown names take as long as wrong passwords."""
        return self._verified(name, password[:_LONGEST], "password_hash")

    def check_pin(self, name: str, pin: str) -> User | None:
        """The user whose PIN this is; who has none takes as long as a wrong one. Attempts are bounded by who asks."""
        return self._verified(name, pin[:_LONGEST], "pin_hash")

    def _verified(self, name: str, secret: str, column: str) -> User | None:
        with self._open() as db:
            row = db.execute(f"select {_FIELDS}, {column} from users where name = ?", (name,)).fetchone()
        decoy = self._decoy_hash  # made at the first sign-in, whoever tries it
        try:
            self._hasher.verify((row and row[-1]) or decoy, secret)
        except (VerificationError, InvalidHashError):
            return None
        return _user(row[:-1]) if row and row[-1] else None

    def get(self, name: str) -> User | None:
        with self._open() as db:
            row = db.execute(f"select {_FIELDS} from users where name = ?", (name,)).fetchone()
        return _user(row) if row else None

    def all(self) -> list[User]:
        with self._open() as db:
            return [_user(row) for row in db.execute(f"select {_FIELDS} from users order by name")]

    def add(self, name: str, role: str, password: str, profile: Profile | None = None, *, must_change: bool = False) -> None:
        """Raises Refused when the name is taken or anything is unfit."""
        if not _NAME.fullmatch(name):
            raise Refused("bad-name", "1 to 64 letters, digits or . @ _ -", 422)
        fields = self._fields(role, password, profile or Profile()) | {"must_change": int(must_change)}
        _bound_to_unit(role, fields.get("unit", ""))
        now = real_ms()
        row = {"name": name, "made": now, "changed": now, **fields}
        try:
            with self._open() as db:
                db.execute(f"insert into users ({', '.join(row)}) values ({', '.join('?' * len(row))})", tuple(row.values()))
        except sqlite3.IntegrityError:
            raise Refused("name-taken", f"there is a user {name} already", 409) from None

    def change(self, name: str, role: str | None, password: str | None, profile: Profile | None = None) -> None:
        """Changes what is given; raises Refused when there is no such user or the last admin would be lost."""
        fields = self._fields(role, password, profile or Profile())
        if password:
            fields["must_change"] = 0
        with self._open() as db:
            db.execute("begin immediate")
            self._keep_an_admin(db, name, role)
            old_role, old_unit = db.execute("select role, unit from users where name = ?", (name,)).fetchone()
            _bound_to_unit(role or old_role, fields.get("unit", old_unit))
            if fields:
                fields["changed"] = real_ms()
                pairs = ", ".join(f"{column} = ?" for column in fields)
                db.execute(f"update users set {pairs} where name = ?", (*fields.values(), name))

    def _fields(self, role: str | None, password: str | None, profile: Profile) -> dict[str, str | int]:
        """Columns to write for what is given; raises Refused for what is unfit."""
        _fit(role or PERSON_ROLES[0], password)
        found: dict[str, str | int] = {}
        if role:
            found["role"] = role
        if password:
            found["password_hash"] = self._hasher.hash(password)
        for column in ("unit", "display"):
            if (text := getattr(profile, column)) is not None:
                found[column] = _text(column, text)
        if profile.districts is not None:
            if len(profile.districts) > _MOST_DISTRICTS:
                raise Refused("bad-districts", f"at most {_MOST_DISTRICTS}", 422)
            named = [_text("districts", district) for district in profile.districts]
            found["districts"] = msgspec.json.encode(sorted({name for name in named if name})).decode()
        if profile.pin is not None:
            found["pin_hash"] = self._hasher.hash(_fit_pin(profile.pin)) if profile.pin else ""
        return found

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


def _user(row: tuple) -> User:
    name, role, made, changed, unit, districts, display, has_pin, must_change = row
    known = tuple(msgspec.json.decode(districts, type=list[str]))
    return User(name, role, made, changed, unit, known, display, bool(has_pin), bool(must_change))


def _text(field: str, text: str) -> str:
    text = text.strip()
    if len(text) > _LONGEST_TEXT or not text.isprintable():
        raise Refused("bad-field", f"{field}: at most {_LONGEST_TEXT} printable characters", 422)
    return text


def _bound_to_unit(role: str, unit: str | int) -> None:
    if role == "department" and not unit:
        raise Refused("unit-missing", "a department's seat names its unit", 422)


def _fit_pin(pin: str) -> str:
    if not _PIN.fullmatch(pin):
        raise Refused("bad-pin", "4 to 8 digits", 422)
    if len(set(pin)) == 1 or any(pin in run for run in _RUNS):
        raise Refused("weak-pin", "not one digit repeated, nor digits in a row", 422)
    return pin
