"""Searching the casebook: how a text, filters and an order become a page within a bounded time.

Two ways exist. *Collect*: take all hits of the text index and sort them; right for rare words. *Walk*: go along the
index of the order and look at each case until the page is full; right for common words. A walk that finds little in its
time is given up for collecting. Totals are counted up to a bound and for a bounded time; `capped` says there are more.
"""

from __future__ import annotations

import sqlite3
from typing import Any, NamedTuple

import msgspec

from dispatch import casesql as sql
from hall.core.clock import monotonic

TOTAL_BOUND = 10_000
LIMIT_BOUND = 1_000
_RARE = 10_000  # hits of the text index that are collected without trying a walk
_TERMS_BOUND = 200
_WALK_SECONDS = 0.06
_COUNT_SECONDS = 0.04
_OPCODES = 2_000  # of SQLite's machine between two looks at the clock


class Page(NamedTuple):
    """`rows`: cases as plain fields plus `subject` and `time`. `total`: all matches, or with `capped` at least so many."""

    rows: list[dict[str, Any]]
    total: int
    capped: bool


class _Words(NamedTuple):
    match: str  # expression for the text index; empty: it cannot help
    tests: list[str]  # words a walk looks for
    unindexed: list[str]  # words the text index cannot answer
    impossible: bool


def search(
    db: sqlite3.Connection, text: str, filters: dict[str, Any], sort: str, offset: int, limit: int, now: int | None
) -> Page:
    """One page. `offset` >= 0, `limit` 1 to 1000. Raises ValueError for a sort or filter that does not exist."""
    order = sql.order(sort)
    terms, values = sql.conditions(filters, now)
    if offset < 0 or not 1 <= limit <= LIMIT_BOUND:
        raise ValueError(f"offset must be 0 or more and limit from 1 to {LIMIT_BOUND}")
    words = _words(db, text)
    if words.impossible:
        return Page([], 0, False)
    walk = _select(None, terms + ["instr(c.text, ?)"] * len(words.tests), values + words.tests)
    collect = None
    if words.match:
        rest = words.unindexed
        collect = _select(words.match, terms + ["instr(c.text, ?)"] * len(rest), values + rest)
    window = (limit, offset)
    ids = None
    if collect is None:
        ids = _ids(db, walk, order, window)
    elif _hits(db, words.match) > _RARE:
        ids = _timed(db, _WALK_SECONDS, lambda: _ids(db, walk, order, window))
    if ids is None:
        ids = _ids(db, collect, order, window)
    total, capped = _count(db, collect or walk)
    if capped and ids:
        total = max(total, offset + len(ids))
    return Page(_documents(db, ids), total, capped)


def _words(db: sqlite3.Connection, text: str) -> _Words:
    tests = [word for word in dict.fromkeys(text.lower().split()) if word][:16]
    parts, unindexed = [], []
    for word in tests:
        if len(word) >= 3:
            parts.append(_quoted(word))
            continue
        terms = [] if len(word) < 2 else db.execute(sql.TERMS, (word, _after(word), _TERMS_BOUND + 1)).fetchall()
        if len(word) == 2 and not terms:
            return _Words("", [], [], True)
        if len(word) == 2 and len(terms) <= _TERMS_BOUND:
            parts.append("(" + " OR ".join(_quoted(term) for (term,) in terms) + ")")
        else:
            unindexed.append(word)
    return _Words(" AND ".join(parts), tests, unindexed, False)


def _quoted(word: str) -> str:
    return '"' + word.replace('"', '""') + '"'


def _after(word: str) -> str:
    """The first text that no longer begins with `word`."""
    return word[:-1] + chr(min(ord(word[-1]) + 1, 0x10FFFF))


def _select(match: str | None, terms: list[str], values: list[Any]) -> tuple[str, list[Any]]:
    """FROM and WHERE of a search and its parameters."""
    where = f" WHERE {' AND '.join(terms)}" if terms else ""
    if match is None:
        return f"FROM cases c{where}", values
    return f"FROM (SELECT rowid FROM cases_text WHERE cases_text MATCH ?) t CROSS JOIN cases c ON c.id=t.rowid{where}", [
        match,
        *values,
    ]


def _ids(db: sqlite3.Connection, select: tuple[str, list[Any]], order: str, window: tuple[int, int]) -> list[int]:
    columns = ", ".join(f"c.{part}" for part in order.split(", "))
    found = db.execute(f"SELECT c.id {select[0]} ORDER BY {columns} LIMIT ? OFFSET ?", (*select[1], *window))
    return [row[0] for row in found]


def _hits(db: sqlite3.Connection, match: str) -> int:
    """Hits of the text index, counted up to just above `_RARE`."""
    query = "SELECT count(*) FROM (SELECT rowid FROM cases_text WHERE cases_text MATCH ? LIMIT ?)"
    return db.execute(query, (match, _RARE + 1)).fetchone()[0]


def _count(db: sqlite3.Connection, select: tuple[str, list[Any]]) -> tuple[int, bool]:
    """Matches, counted up to the bound and for a bounded time."""
    counted = 0

    def count() -> bool:
        nonlocal counted
        for _ in db.execute(f"SELECT 1 {select[0]} LIMIT {TOTAL_BOUND + 1}", select[1]):
            counted += 1
        return True

    finished = _timed(db, _COUNT_SECONDS, count)
    return min(counted, TOTAL_BOUND), finished is None or counted > TOTAL_BOUND


def _timed(db: sqlite3.Connection, seconds: float, work: Any) -> Any:
    """`work()`, or None when SQLite was still busy with it after `seconds`."""
    end = monotonic() + seconds
    db.set_progress_handler(lambda: monotonic() > end, _OPCODES)
    try:
        return work()
    except sqlite3.OperationalError as error:
        if "interrupt" not in str(error):
            raise
        return None
    finally:
        db.set_progress_handler(None, 0)


def _documents(db: sqlite3.Connection, ids: list[int]) -> list[dict[str, Any]]:
    if not ids:
        return []
    query = "SELECT c.id, c.subject, c.time, h.doc FROM cases c JOIN history h USING(version) WHERE c.id IN (%s)"
    found = {row[0]: row for row in db.execute(query % ",".join("?" * len(ids)), ids)}
    return [{"subject": found[i][1], "time": found[i][2], **msgspec.json.decode(found[i][3])} for i in ids if i in found]
