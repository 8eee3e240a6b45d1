"""Whose turn it is to write to a SQLite ledger, over all threads and processes of a hall, each after the other.

SQLite alone lets writers poll with growing pauses: a process that writes without a break would keep the others out for
seconds. Here who waits holds the queue while the turn is taken, so who has just written cannot be first again.
"""

from __future__ import annotations

import contextlib
import fcntl
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from hall.core.clock import monotonic
from hall.core.errors import LedgerFault

_FIRST_PAUSE, _LONGEST_PAUSE = 0.000_1, 0.002


class Turn:
    """Two locked files beside the database; the system lets go of them when a process dies."""

    def __init__(self, database: Path, seconds: float) -> None:
        self._database, self._seconds = database, seconds
        self._files: list[BinaryIO] = []
        self._mine = threading.Lock()  # a process has one place in the queue

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Inside it nobody else writes. Raises LedgerFault when the turn does not come in time."""
        until = monotonic() + self._seconds
        if not self._mine.acquire(timeout=self._seconds):
            raise self._fault()
        try:
            if not self._files:
                self._files = [Path(f"{self._database}-{name}").open("ab") for name in ("queue", "turn")]
            queue, turn = self._files
            self._lock(queue, until)
            try:
                self._lock(turn, until)
            finally:
                fcntl.flock(queue, fcntl.LOCK_UN)
            try:
                yield
            finally:
                fcntl.flock(turn, fcntl.LOCK_UN)
        finally:
            self._mine.release()

    def _lock(self, file: BinaryIO, until: float) -> None:
        pause = _FIRST_PAUSE
        while True:
            with contextlib.suppress(BlockingIOError):
                return fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if monotonic() > until:
                raise self._fault()
            time.sleep(pause)
            pause = min(pause * 1.5, _LONGEST_PAUSE)

    def _fault(self) -> LedgerFault:
        return LedgerFault(f"the ledger ({self._database}) is held by another process for more than {self._seconds:.0f} s")

    def close(self) -> None:
        for file in self._files:
            file.close()
        self._files = []
