"""Whatever is done to the lines by hand is found, and named."""

from __future__ import annotations

import contextlib
import sqlite3

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dispatch.ledger import Ledger
from dispatch.ledger.chain import hash_of
from dispatch.ledger.schema import entries
from hall.core.command import Draft
from tests.dispatch.ledger.counters import AGGREGATES, MARY, NOW, PETER, REAL, add, tap

LINES = 13
COLUMNS = [column.name for column in entries.columns]
NUMBERS = {"seq", "revision", "time", "recorded", "real"}


def fill(ledger):
    for n in range(4):
        ledger.execute(tap("p", n), PETER, NOW + n, REAL)
    ledger.note(Draft(subject="audit/view", move="viewed"), MARY, NOW + 9, REAL)
    assert ledger.verify().ok and ledger.verify().lines == LINES


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    """The file of a ledger with 13 lines, and one to be spoilt."""
    folder = tmp_path_factory.mktemp("chain")
    ledger = Ledger(f"sqlite:///{folder}/a.db", AGGREGATES)
    fill(ledger)
    ledger.close()
    with contextlib.closing(sqlite3.connect(folder / "a.db")) as db:
        db.execute("PRAGMA journal_mode=DELETE")
    return folder / "a.db"


@contextlib.contextmanager
def spoilt(original):
    """A copy to spoil; the verdict on it stands in the list afterwards."""
    verdict, copy = [], original.with_name("b.db")
    copy.write_bytes(original.read_bytes())
    with contextlib.closing(sqlite3.connect(copy, isolation_level=None)) as db:
        yield db, verdict
    ledger = Ledger(f"sqlite:///{copy}", AGGREGATES)
    verdict.append(ledger.verify())
    ledger.close()


lines = st.integers(1, LINES)
many = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@many
@given(
    line=lines,
    column=st.sampled_from(COLUMNS),
    number=st.integers(0, 2**60),
    text=st.text(st.characters(codec="utf-8", exclude_characters="\x00")),
)
def test_any_change_of_any_field_of_any_line_is_found(original, line, column, number, text):
    with spoilt(original) as (db, verdict):
        before = db.execute(f"SELECT {column} FROM entries WHERE seq = ?", (line,)).fetchone()[0]
        new = number if column in NUMBERS else text
        changed = new != before
        if changed:
            with contextlib.suppress(sqlite3.IntegrityError):
                db.execute(f"UPDATE entries SET {column} = ? WHERE seq = ?", (new, line))
            changed = db.execute("SELECT changes()").fetchone()[0] == 1
    assert verdict[0].ok is not changed
    if changed:
        assert verdict[0].first_bad_seq <= line + 1 and verdict[0].what


@many
@given(first=lines, count=st.integers(1, LINES))
def test_any_lines_taken_out_are_missed(original, first, count):
    with spoilt(original) as (db, verdict):
        db.execute("DELETE FROM entries WHERE seq BETWEEN ? AND ?", (first, first + count - 1))
    assert not verdict[0].ok and verdict[0].first_bad_seq == first


@many
@given(one=lines, other=lines)
def test_two_lines_that_changed_places_are_found(original, one, other):
    with spoilt(original) as (db, verdict):
        db.execute("UPDATE entries SET seq = -1 WHERE seq = ?", (one,))
        db.execute("UPDATE entries SET seq = ? WHERE seq = ?", (one, other))
        db.execute("UPDATE entries SET seq = ? WHERE seq = -1", (other,))
    assert verdict[0].ok is (one == other)
    if one != other:
        assert verdict[0].first_bad_seq == min(one, other)


def forge(ledger, line, **fields):
    entry = ledger.entries(line - 1, 1)[0]
    for name, value in fields.items():
        setattr(entry, name, value)
    entry.hash = hash_of(entry)
    return entry


@many
@given(line=lines, rechained=st.booleans())
def test_a_forged_line_with_a_right_hash_of_its_own_is_found(original, line, rechained):
    """Also where every later line was pushed on to make room for it."""
    ledger = Ledger(f"sqlite:///{original}", AGGREGATES)
    forged = forge(ledger, line, who="nobody")
    ledger.close()
    with spoilt(original) as (db, verdict):
        if rechained:
            db.execute("UPDATE entries SET seq = -(seq + 1) WHERE seq >= ?", (line,))
            db.execute("UPDATE entries SET seq = -seq WHERE seq < 0")
            db.execute(
                "INSERT INTO entries SELECT ?, 'counter/forged', 1, move, time, recorded, real, 'nobody', role, kind, desk, unit, reason, data, "
                "command, correlation, causation, previous, ? FROM entries WHERE seq = ?",
                (line, forged.hash, line + 1),
            )
        else:
            db.execute("UPDATE entries SET who = 'nobody', hash = ? WHERE seq = ?", (forged.hash, line))
    assert not verdict[0].ok and verdict[0].first_bad_seq <= line + 1


@pytest.mark.parametrize("spoil", ["UPDATE head SET seq = seq - 1", "UPDATE head SET hash = 'x'", "DELETE FROM head"])
def test_a_head_that_does_not_fit_is_found(original, spoil):
    with spoilt(original) as (db, verdict):
        db.execute(spoil)
    assert not verdict[0].ok and verdict[0].first_bad_seq == LINES + 1


@pytest.mark.parametrize(
    "spoil",
    [
        "UPDATE streams SET revision = revision + 1 WHERE subject = 'counter/p1'",
        "DELETE FROM streams WHERE subject = 'counter/p1'",
    ],
)
def test_a_stream_that_does_not_stand_where_its_lines_end_is_found(original, spoil):
    with spoilt(original) as (db, verdict):
        db.execute(spoil)
    assert not verdict[0].ok and "counter/p1" in verdict[0].what


def test_a_stream_without_lines_is_found(original):
    with spoilt(original) as (db, verdict):
        db.execute(
            "INSERT INTO streams SELECT 'counter/ghost', topic, revision, ended, seq, recorded, state FROM streams LIMIT 1"
        )
    assert "counter/ghost" in verdict[0].what


def test_a_changed_line_is_found_on_both_databases(ledger):
    fill(ledger)
    with ledger.database.write() as connection:
        connection.exec_driver_sql("UPDATE entries SET who = 'nobody' WHERE seq = 7")
    verdict = ledger.verify()
    assert (verdict.ok, verdict.lines, verdict.first_bad_seq) == (False, 6, 7)


def test_a_ledger_nobody_touched_is_found_right_while_others_write(ledger):
    fill(ledger)
    for n in range(30):
        ledger.execute(add("z", f"z{n}", n), MARY, NOW, REAL)
        assert ledger.verify().ok
