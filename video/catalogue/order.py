"""Rows in the order people read them: by name, then by subject, so that a page goes on where the last one ended. Pure."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort

import numpy as np

Key = tuple[str, str]
#: so many changes are worked in one by one; beyond them all is sorted anew
_FEW = 300


class Order:
    """Rows by `(name, subject)`. Changes are worked in when somebody looks."""

    def __init__(self) -> None:
        self._keys: list[tuple[str, str, int]] = []
        self._changes: dict[tuple[str, str, int], bool] = {}
        self._rows: np.ndarray | None = None

    def add(self, key: Key, row: int) -> None:
        self._changes[(*key, row)] = True

    def drop(self, key: Key, row: int) -> None:
        self._changes[(*key, row)] = False

    @property
    def rows(self) -> np.ndarray:
        """Every row, in order."""
        self._settle()
        if self._rows is None:
            self._rows = np.fromiter((key[2] for key in self._keys), np.int64, len(self._keys))
        return self._rows

    def place_after(self, key: Key) -> int:
        """Where in `rows` what comes after `key` begins; the key itself need not be there (any more)."""
        self._settle()
        return bisect_right(self._keys, (*key, 1 << 62))

    def _settle(self) -> None:
        if not self._changes:
            return
        changes, self._changes, self._rows = self._changes, {}, None
        if len(changes) > _FEW:
            kept = [key for key in self._keys if changes.get(key, True)]
            known = set(kept) if kept else set()
            self._keys = sorted(kept + [key for key, there in changes.items() if there and key not in known])
            return
        for key, there in changes.items():
            at = bisect_left(self._keys, key)
            present = at < len(self._keys) and self._keys[at] == key
            if there and not present:
                insort(self._keys, key)
            elif present and not there:
                del self._keys[at]
