"""What is known of each subject: when it last changed, what it said, and where it was placed. Bounded, newest kept."""

from __future__ import annotations

import itertools
from collections.abc import Iterable

import msgspec

from feeds.devices import Devices
from hall.core.board import Board
from hall.core.bus import Bus
from hall.core.event import decode
from hall.core.model import KINDS

#: subjects remembered; beyond it the longest unchanged tenth is forgotten (a late repeat of one would pass again)
SUBJECT_BOUND = 600_000
SUBJECT_TOPICS = tuple(topic for _, topic, _ in KINDS.values())
DIGEST_CHARACTERS = 16


class Known(msgspec.Struct, gc=False):
    """Newest of one subject. `digest` is of the content, `at` the recordedtime, `size` the bytes it takes; district and
    cell are those of lon/lat."""

    time: int
    digest: str
    at: int
    lon: float | None = None
    lat: float | None = None
    district: str = ""
    cell: str = ""
    size: int = 0


class Subjects:
    """Known subjects of all feeds of the process."""

    def __init__(self, bound: int = SUBJECT_BOUND) -> None:
        self._bound = bound
        self._known: dict[str, Known] = {}
        self.forgotten = 0

    def __len__(self) -> int:
        return len(self._known)

    def get(self, subject: str) -> Known | None:
        return self._known.get(subject)

    def put(self, subject: str, known: Known) -> None:
        """Remembers; the subject becomes the most recently changed one."""
        self._known.pop(subject, None)
        self._known[subject] = known
        if len(self._known) > self._bound:
            oldest = list(itertools.islice(self._known, self._bound // 10))
            for name in oldest:
                del self._known[name]
            self.forgotten += len(oldest)

    def fill(self, board: Board) -> None:
        """Takes over what the board knows, oldest first; an event's id begins with the digest of its content."""
        entries = [
            (entry.key, subject, 0 if entry.gone else len(entry.raw))
            for subject, entry in board.entries()
            if subject.startswith(_PREFIXES)
        ]
        for (time, at, identity), subject, size in sorted(entries):
            self.put(subject, Known(time, identity[:DIGEST_CHARACTERS], at, size=size))
        for entry in board.current(["archive"]):
            event = decode(entry.raw)
            self.put(event.subject, Known(event.time, event.id[:DIGEST_CHARACTERS], event.recordedtime))


_PREFIXES = tuple(f"{topic}/" for topic in SUBJECT_TOPICS)


async def load_subjects(
    bus: Bus, devices: Devices | None = None, logs: Iterable[str] = ("archive",)
) -> tuple[Subjects, dict[str, dict]]:
    """Everything known from the bus, and the feeds' last status documents by name. Raises BusLost."""
    board = Board(log_bound=50_000, logs=tuple(logs))
    await bus.load_board(board)
    subjects = Subjects()
    subjects.fill(board)
    if devices is not None:
        devices.fill(board)
    statuses = {}
    for subject, entry in board.entries():
        if subject.startswith("feed/") and not entry.gone:
            statuses[subject.removeprefix("feed/")] = decode(entry.raw).data
    return subjects, statuses
