"""The current picture: one document per subject, one reducer, and what changed since any position.

Pure: no clock, no I/O. Events arrive in bus order, lane by lane; a *position* is the last bus entry seen on each lane, so
any gate, also one started later, can answer "everything after this position".

The reducer keeps the event with the greatest key `(time, recordedtime, id)`. That order is total, so any delivery order,
repetition or restart ends in the same picture.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import msgspec

from hall.core.event import Envelope, topic_of
from hall.core.model import LOG_TOPICS

LANES = ("bulk", "fast")
EntryId = tuple[int, int]
START: EntryId = (0, 0)


class Position(NamedTuple):
    """The last entry seen on each lane; text form `bulk_ms-seq/fast_ms-seq`."""

    bulk: EntryId = START
    fast: EntryId = START

    def __str__(self) -> str:
        return "/".join(f"{ms}-{seq}" for ms, seq in self)

    @classmethod
    def parse(cls, text: str) -> Position:
        """Reads the text form; raises ValueError naming the text when it is no position."""
        try:
            lanes = [tuple(int(part) for part in lane.split("-")) for lane in text.split("/")]
            (bulk_ms, bulk_seq), (fast_ms, fast_seq) = lanes
        except ValueError:
            raise ValueError(f"not a position: {text[:80]!r}") from None
        return cls((bulk_ms, bulk_seq), (fast_ms, fast_seq))

    def advanced(self, lane: str, entry: EntryId) -> Position:
        return self._replace(**{lane: max(entry, getattr(self, lane))})


def _later(a: Position, b: Position) -> Position:
    return Position(max(a.bulk, b.bulk), max(a.fast, b.fast))


class Entry(NamedTuple):
    """One kept event: its bytes as received, its reducer key, where on the bus it came from and what it is about."""

    raw: bytes
    key: tuple[int, int, str]
    lane: str
    at: EntryId
    gone: bool
    subject: str = ""


class Board:
    """Current documents by topic and subject, plus bounded rings of append-only events.

    `log_bound` events are kept per log topic, `tombstone_bound` removed subjects overall; a resume from before what was
    forgotten is answered with `resumable() == False`, and the client takes a snapshot.
    """

    def __init__(self, log_bound: int = 5_000, tombstone_bound: int = 50_000, logs: Iterable[str] = LOG_TOPICS) -> None:
        self.position = Position()
        self.late = 0  # events that an earlier one already outdated
        self._subjects: dict[str, dict[str, Entry]] = {}
        self._present: dict[str, int] = {}  # topic -> documents that are there
        self._recent: dict[str, OrderedDict[str, None]] = {lane: OrderedDict() for lane in LANES}
        self._logs: dict[str, deque[Entry]] = {topic: deque(maxlen=log_bound) for topic in logs}
        self._log_ids: dict[str, OrderedDict[str, None]] = {topic: OrderedDict() for topic in logs}
        self._log_bound = log_bound
        self._tombstones: OrderedDict[str, None] = OrderedDict()
        self._tombstone_bound = tombstone_bound
        self._forgotten: deque[str] = deque(maxlen=max(1000, tombstone_bound))  # a checkpoint may still hold these
        self._horizons: dict[str, Position] = {}  # per topic: removals and log events up to here are forgotten
        self._floor = Position()  # the same for every topic

    def apply(self, lane: str, at: EntryId, raw: bytes, head: Envelope) -> bool:
        """Takes one event in; True when the picture changed. Call `advance` once the whole entry is in."""
        topic = topic_of(head.subject)
        key = (head.time, head.recordedtime, head.id)
        log = self._logs.get(topic)
        if log is not None:
            return self._append(topic, log, Entry(raw, key, lane, at, False, head.subject), head.id)
        docs = self._subjects.setdefault(topic, {})
        known = docs.get(head.subject)
        if known is not None:
            if key <= known.key:
                self.late += key < known.key
                return False
            if known.lane != lane:
                self._recent[known.lane].pop(head.subject, None)
        gone = bytes(head.data) == b"null"
        was = known is not None and not known.gone
        self._present[topic] = self._present.get(topic, 0) + (not gone) - was
        docs[head.subject] = Entry(raw, key, lane, at, gone, head.subject)
        recent = self._recent[lane]
        recent[head.subject] = None
        recent.move_to_end(head.subject)
        if gone:
            self._bury(head.subject)
        elif head.subject in self._tombstones:
            del self._tombstones[head.subject]
        return True

    def advance(self, lane: str, at: EntryId) -> None:
        """Marks an entry as wholly applied."""
        self.position = self.position.advanced(lane, at)

    def start_at(self, position: Position, horizon: Position) -> None:
        """Says that what was applied so far came from a checkpoint true at `position`.

        A checkpoint keeps no history, and no subjects whose removal was forgotten up to `horizon`: who stands before
        those cannot be told everything.
        """
        for lane, at in zip(LANES, position, strict=True):
            self.advance(lane, at)
        self._floor = _later(self._floor, horizon)
        for topic in self._logs:
            self._horizons[topic] = _later(self._horizons.get(topic, Position()), position)

    def _append(self, topic: str, log: deque[Entry], entry: Entry, event_id: str) -> bool:
        seen = self._log_ids[topic]
        if event_id in seen:
            return False
        seen[event_id] = None
        if len(seen) > 2 * self._log_bound:
            seen.popitem(last=False)
        if len(log) == log.maxlen and log:
            self._forget(topic, log[0])
        log.append(entry)
        return True

    def _bury(self, subject: str) -> None:
        self._tombstones[subject] = None
        self._tombstones.move_to_end(subject)
        while len(self._tombstones) > self._tombstone_bound:
            oldest, _ = self._tombstones.popitem(last=False)
            entry = self._subjects[topic_of(oldest)].pop(oldest)
            self._recent[entry.lane].pop(oldest, None)
            self._forget(topic_of(oldest), entry)
            self._forgotten.append(oldest)

    def _forget(self, topic: str, entry: Entry) -> None:
        """An event left the board: whoever stands before it cannot be told all of `topic`."""
        self._horizons[topic] = self._horizons.get(topic, Position()).advanced(entry.lane, entry.at)

    # -- reading -------------------------------------------------------------------------------------------------

    def resumable(self, position: Position, topics: Iterable[str]) -> bool:
        """Whether all of `topics` after `position` is still known and `position` is not from a future or another bus."""
        if any(getattr(position, lane) > getattr(self.position, lane) for lane in LANES):
            return False
        horizons = [self._floor, *(self._horizons[topic] for topic in topics if topic in self._horizons)]
        return all(getattr(position, lane) >= getattr(h, lane) for h in horizons for lane in LANES)

    def current(self, topics: Iterable[str]) -> Iterator[Entry]:
        """Every present document of `topics`, in no particular order; log topics give their rings, oldest first."""
        for topic in topics:
            if topic in self._logs:
                yield from self._logs[topic]
            else:
                yield from (entry for entry in self._subjects.get(topic, {}).values() if not entry.gone)

    def since(self, position: Position, topics: Iterable[str]) -> list[Entry]:
        """What `topics` hold that is newer than `position`, removals included; oldest first per lane."""
        wanted, found = set(topics), []
        for lane in LANES:
            bound = getattr(position, lane)
            for subject in reversed(self._recent[lane]):
                topic = topic_of(subject)
                entry = self._subjects[topic][subject]
                if entry.at <= bound:
                    break
                if topic in wanted:
                    found.append(entry)
        found.reverse()
        for topic in wanted & self._logs.keys():
            found.extend(entry for entry in self._logs[topic] if entry.at > getattr(position, entry.lane))
        return found

    def get(self, subject: str) -> Entry | None:
        entry = self._subjects.get(topic_of(subject), {}).get(subject)
        return None if entry is None or entry.gone else entry

    def decode(self, subject: str) -> dict | None:
        """The current event of a subject as plain data (a dict with the envelope's names), or None."""
        entry = self.get(subject)
        return None if entry is None else msgspec.json.decode(entry.raw)

    @property
    def state_topics(self) -> tuple[str, ...]:
        """Every topic that has, or had, a document."""
        return tuple(self._subjects)

    def count(self, topic: str) -> int:
        return self._present.get(topic, 0)

    @property
    def horizon(self) -> Position:
        """Removals up to here may be forgotten, whatever the topic; histories aside."""
        found = self._floor
        for topic, horizon in self._horizons.items():
            found = found if topic in self._logs else _later(found, horizon)
        return found

    def take_forgotten(self) -> list[str]:
        """Subjects whose removal was forgotten since the last call; a checkpoint drops them."""
        taken = [subject for subject in self._forgotten if subject not in self._subjects.get(topic_of(subject), {})]
        self._forgotten.clear()
        return taken

    def entries(self) -> Iterator[tuple[str, Entry]]:
        """Every kept state entry with its subject, removals included: what a checkpoint stores."""
        for docs in self._subjects.values():
            yield from docs.items()
