"""Which components are meant: by district, department, state, class, source, mark and words, within what the asker may see.

A question answered once is kept as rows and keys in order, so that a viewport asks it again for nothing.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import numpy as np

from feeds.components.record import MARK_BITS, STATES
from feeds.components.store import Store
from feeds.components.tables import normal

WORDS = 8  # of one question
_NUMBER = 12  # characters of a number that is no part of another
#: Arrow looks through texts without holding up Python
_threads = ThreadPoolExecutor(min(4, os.cpu_count() or 1), "component-words")


class Scope(NamedTuple):
    """What somebody may see: of these districts (and of none that is known), of this department; None: all."""

    districts: tuple[str, ...] | None = None
    department: str | None = None


class Question(NamedTuple):
    """Values of one field mean any of them, fields together all of them. `kinds`: class codes, or beginnings of them."""

    districts: tuple[str, ...] = ()
    departments: tuple[str, ...] = ()
    states: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    marks: tuple[str, ...] = ()
    text: str = ""


ALL, EVERYTHING = Scope(), Question()


class Chosen(NamedTuple):
    """`rows` of the whole version, ascending; `keys` of them."""

    rows: np.ndarray
    keys: np.ndarray


def within(store: Store, scope: Scope) -> np.ndarray:
    """Which rows a scope lets somebody know of: booleans."""
    found = np.ones(len(store), np.bool_)
    if scope.districts is not None:
        found &= _any(store.column("district"), store.tables.districts, (*scope.districts, ""))
    if scope.department is not None:
        found &= _any(store.column("department"), store.tables.departments, (scope.department,)) & (scope.department != "")
    return found


def answering(store: Store, question: Question) -> np.ndarray:
    """Which rows answer a question: booleans."""
    tables, found = store.tables, np.ones(len(store), np.bool_)
    if question.districts:
        found &= _any(store.column("district"), tables.districts, question.districts)
    if question.departments:
        found &= _any(store.column("department"), tables.departments, question.departments)
    if question.sources:
        found &= _any(store.column("source"), tables.sources, question.sources)
    if question.states:
        found &= _any(store.column("state"), STATES, question.states)
    if question.kinds:
        wanted = [kind.code != "" and kind.code.startswith(question.kinds) for kind in tables.classes]
        found &= np.array(wanted)[store.column("class")]
    if question.marks:
        found &= (store.column("marks") & sum(MARK_BITS.get(name, 0) for name in question.marks)) != 0
    for word in normal(question.text.replace("\0", " ")).split()[:WORDS]:
        found &= _worded(store, word)
    return found


def chosen(store: Store, mask: np.ndarray) -> Chosen:
    rows = np.flatnonzero(mask).astype(np.uint32)
    return Chosen(rows, store.column("key")[rows])


def _any(column: np.ndarray, table: Any, names: tuple[str, ...]) -> np.ndarray:
    """Rows whose word is one of `names`; the column is gone through once, however many there are."""
    return np.array([entry in names for entry in table], np.bool_)[column]


def _holding(chunk: Any, word: str) -> np.ndarray:
    import pyarrow.compute

    return pyarrow.compute.match_substring(chunk, word).to_numpy(zero_copy_only=False)


def _worded(store: Store, word: str) -> np.ndarray:
    """Rows with a word (any part of one) in their text, or in the name of their class, district, department. A whole number is
    that component alone."""
    if len(word) >= _NUMBER and (row := store.row_of(word)) is not None:
        found = np.zeros(len(store), np.bool_)
        found[row] = True
        return found
    chunks = store.texts().chunks
    found = np.concatenate([np.zeros(0, np.bool_), *_threads.map(_holding, chunks, [word] * len(chunks))])
    tables = store.tables
    for column, names in (
        ("class", [f"{kind.main}\n{kind.sub}" for kind in tables.classes]),
        ("district", tables.districts),
        ("department", tables.departments),
    ):
        hits = np.array([word in normal(name) for name in names], np.bool_)
        if hits.any():
            found |= hits[store.column(column)]
    return found
