"""Searching the casebook: how a text, filters and an order become a page within a bounded time.

Two ways exist. *Collect*: take all hits of the text index, or of the rarest filter's index, and sort them; right for
what is rare. *Walk*: go along an index and look at each case until the page is full; right for what is common. A walk
that finds little in its time is given up for collecting. Totals are counted up to a bound and for a bounded time;
`capped` says there are more. A `+` before a column keeps SQLite from using its index.
"""

from __future__ import annotations

import sqlite3
import unicodedata
from typing import Any, NamedTuple

from dispatch import casesql as sql
from dispatch.laidover import shown
from hall.core.clock import monotonic
from hall.core.wording import plain

TOTAL_BOUND = 10_000
LIMIT_BOUND = 1_000
_RARE = 10_000  # hits of the text index that are collected without trying a walk
_LEADS = 30_000  # cases that a filter may pass to lead a search instead of the text index
_TERMS_BOUND = 200
_WALK_SECONDS = 0.06
_TERMS_SECONDS = 0.03
_COUNT_SECONDS = 0.04
_OPCODES = 2_000  # of SQLite's machine between two looks at the clock


class Page(NamedTuple):
    """`rows`: cases as plain fields plus `subject` and `time`. `total`: all matches, or with `capped` at least so many."""

    rows: list[dict[str, Any]]
    total: int
    capped: bool


#: a word in every way in which it may have been written into the index: as it is compared, and in lower case only
_Word = tuple[str, ...]


class _Words(NamedTuple):
    match: str  # expression for the text index; empty: it cannot help
    tests: list[_Word]  # words a walk looks for
    unindexed: list[_Word]  # words the text index cannot answer
    impossible: bool


def search(
    db: sqlite3.Connection, text: str, filters: dict[str, Any], sort: str, offset: int, limit: int, now: int | None
) -> Page:
    """One page. `offset` >= 0, `limit` 1 to 1000. Raises ValueError for a sort or filter that does not exist."""
    order = sql.order(sort)
    wanted = sql.conditions(filters, now)
    if offset < 0 or not 1 <= limit <= LIMIT_BOUND:
        raise ValueError(f"offset must be 0 or more and limit from 1 to {LIMIT_BOUND}")
    words = _words(db, text)
    if words.impossible:
        return Page([], 0, False)
    window = (limit, offset)
    walk = _select("", wanted + [_holds(word) for word in words.tests])
    if not wanted and not words.tests:
        ids = _ids(db, walk, order, window)
        total, capped = _count(db, walk)
        return Page(_documents(db, ids), max(total, offset + len(ids)) if ids else total, capped)
    common = not words.match or _hits(db, words.match) > _RARE
    ids = _timed(db, _WALK_SECONDS, lambda: _ids(db, walk, order, window)) if common else None
    collect = _collect(db, words, wanted, common)
    if ids is None:
        ids = _ids(db, collect, order.replace("c.", "+c."), window)
    total, capped = _count(db, collect)
    return Page(_documents(db, ids), max(total, offset + len(ids)) if capped and ids else total, capped)


def first(db: sqlite3.Connection, text: str, filters: dict[str, Any], limit: int) -> list[dict[str, Any]]:
    """The first `limit` cases for who types, at once and without a total: numbers that begin so, then the newest that hold
    every word. Raises ValueError for a filter that does not exist."""
    wanted, words = sql.conditions(filters, None), _words(db, text)
    ids: list[int] = []
    if len(words.tests) == 1 or words.impossible:
        typed = text.strip()
        begun = unicodedata.normalize("NFKC", typed)
        for number in dict.fromkeys((typed, typed.upper(), begun, begun.upper())) if typed and begun else ():
            select = _select("", [("c.number >= ? AND c.number < ?", [number, _after(number)]), *wanted])
            ids += _ids(db, select, "c.number", (limit, 0))
    if not words.impossible and words.tests and len(ids) < limit:
        rest = wanted + [_holds(word) for word in words.unindexed]
        found = None
        if words.match:
            terms = " AND ".join(["cases_text MATCH ?", *(term for term, _ in rest)])
            values = [words.match, *(value for _, some in rest for value in some), limit]
            query = f"{sql.NEWEST_WITH} WHERE {terms} ORDER BY cases_text.rowid DESC LIMIT ?"
            found = _timed(db, _WALK_SECONDS, lambda: [row[0] for row in db.execute(query, values)])
        if found is None:
            walk = _select("", wanted + [_holds(word) for word in words.tests])
            found = _timed(db, _WALK_SECONDS, lambda: _ids(db, walk, "c.reported DESC", (limit, 0)))
        ids += found or []
    return _documents(db, list(dict.fromkeys(ids))[:limit])


def _holds(word: _Word) -> sql.Condition:
    return f"({' OR '.join(['instr(c.text, ?)'] * len(word))})", list(word)


def _collect(db: sqlite3.Connection, words: _Words, wanted: list[sql.Condition], common: bool) -> tuple[str, list[Any]]:
    """The search led by what is rarest: by the text index, or, where its hits are `common`, by a filter's index.

    The conditions that do not lead are so written that SQLite keeps off their indexes.
    """
    counts = [_passing(db, condition) for condition in wanted] if common else []
    if words.match and (not counts or min(counts) > _LEADS):
        return _select(words.match, wanted + [_holds(word) for word in words.unindexed])
    lead = counts.index(min(counts)) if counts else -1
    led = [(t if n == lead else t.replace("c.", "+c."), values) for n, (t, values) in enumerate(wanted)]
    return _select("", led + [_holds(word) for word in words.tests])


def _passing(db: sqlite3.Connection, condition: sql.Condition) -> int:
    """Cases that pass one condition, counted up to just above `_LEADS`; a condition no index answers counts as most."""
    if condition[0].startswith("NOT"):
        return _LEADS + 2
    query = f"SELECT count(*) FROM (SELECT 1 FROM cases c WHERE {condition[0]} LIMIT {_LEADS + 1})"
    return db.execute(query, condition[1]).fetchone()[0]


def _words(db: sqlite3.Connection, text: str) -> _Words:
    typed = text.replace("\0", " ").split()
    tests = list(dict.fromkeys(tuple(dict.fromkeys((plain(word), word.lower()))) for word in typed))[:16]
    parts, unindexed = [], []
    for word in tests:
        found = [_terms(db, written) for written in word]
        if any(terms is None for terms in found):
            unindexed.append(word)
        elif quoted := [_quoted(term) for terms in found for term in terms or ()]:
            parts.append(quoted[0] if len(quoted) == 1 else f"({' OR '.join(quoted)})")
        else:
            return _Words("", [], [], True)
    return _Words(" AND ".join(parts), tests, unindexed, False)


def _terms(db: sqlite3.Connection, written: str) -> list[str] | None:
    """What the text index is asked for to find a word, shorter than its terms or not; None where that is too much."""
    if len(written) >= 3:
        return [written]
    begun = (written, _after(written), _TERMS_BOUND + 1)
    terms = _timed(db, _TERMS_SECONDS, lambda: db.execute(sql.TERMS, begun).fetchall())
    return None if terms is None or len(terms) > _TERMS_BOUND else [term for (term,) in terms]


def _quoted(word: str) -> str:
    return '"' + word.replace('"', '""') + '"'


def _after(word: str) -> str:
    """The first text that no longer begins with `word`."""
    last = ord(word[-1]) + 1
    return word[:-1] + chr(0xE000 if 0xD800 <= last < 0xE000 else min(last, 0x10FFFF))


def _select(match: str, conditions: list[sql.Condition]) -> tuple[str, list[Any]]:
    """FROM and WHERE of a search and its parameters."""
    where = f" WHERE {' AND '.join(term for term, _ in conditions)}" if conditions else ""
    values = [value for _, some in conditions for value in some]
    if not match:
        return f"FROM cases c{where}", values
    hits = "FROM (SELECT rowid FROM cases_text WHERE cases_text MATCH ?) t CROSS JOIN cases c ON c.id=t.rowid"
    return hits + where, [match, *values]


def _ids(db: sqlite3.Connection, select: tuple[str, list[Any]], order: str, window: tuple[int, int]) -> list[int]:
    found = db.execute(f"SELECT c.id {select[0]} ORDER BY {order} LIMIT ? OFFSET ?", (*select[1], *window))
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
    query = "SELECT c.id, c.subject, c.time, h.doc, c.laid_over FROM cases c JOIN history h USING(version) WHERE c.id IN (%s)"
    found = {row[0]: row for row in db.execute(query % ",".join("?" * len(ids)), ids)}
    return [{"subject": found[i][1], "time": found[i][2], **shown(*found[i][3:])} for i in ids if i in found]
