"""Connections with the same subscription share everything: the frame of a tick and the snapshot of a reconnect storm."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import msgspec

from hall.core.board import Board, Entry, Position
from hall.gate.filters import Filter, tombstone
from hall.gate.frames import FRAME_BYTES, Message, chunks, frame, joined_frame, state
from hall.gate.pending import Batch

#: a snapshot of at least so many parts is shared for a while; who gets an older one is caught up from its position
SHARED_PARTS = 4
SHARED_SECONDS = 1.0
_MAX_ANSWERS, _ANSWER_BYTES = 64, 64 * 1024 * 1024
#: subscriptions with a filter of their own: each costs a look at every change
MAX_FILTERED = 128
#: a topic that was left out comes back when it fits again with some room: a count that wavers must not send it again and again
BACK_SHARE = 0.9


def stamp(epoch: str, topics: Iterable[str], where: Filter) -> str:
    """What makes a position valid: the bus it was told from and the subscription it was told to."""
    return f"{epoch}.{zlib.crc32(' '.join(sorted(set(topics))).encode() + where.key):08x}"


class Answer(NamedTuple):
    """A state in parts and the position it is true at."""

    parts: list[Message]
    position: Position
    made: float
    size: int  # bytes of the parts


class Group:
    """One subscription: topics and filter. `live` are its members that get frames. `bounds`: topic -> most documents of it that
    a stream carries; of a larger one its members are told nothing but that (`left_out`), and ask for what they need."""

    def __init__(
        self, topics: tuple[str, ...], where: Filter, board: Board, epoch: str, bounds: Mapping[str, int] | None = None
    ) -> None:
        self.topics, self.where = topics, where
        self.live: dict[Any, None] = {}
        self.members = 0
        self.left_out: dict[str, int] = {}  # topic -> its bound
        self._asked, self._board, self._epoch = topics, board, epoch
        self._bounds = {topic: most for topic, most in (bounds or {}).items() if topic in topics}
        self._filtered = where.topics & set(topics)
        self._shown: dict[str, set[str]] = {topic: set(self._matching(topic)) for topic in self._filtered}
        self._answers: dict[Position | None, Answer] = {}
        self.stamp = stamp(epoch, topics, where)
        self.weigh()

    def weigh(self) -> bool:
        """Leaves out what has become too much and takes in what fits again; true: members have to be told everything anew."""
        found = {topic: most for topic, most in self._bounds.items() if self._count(topic) > self._room(topic, most)}
        if found == self.left_out:
            return False
        self.left_out = found
        self.topics = tuple(topic for topic in self._asked if topic not in found)
        self.stamp = stamp(self._epoch, self.topics, self.where)  # a position told with the topic does not hold without it
        self._answers.clear()
        return True

    def _count(self, topic: str) -> int:
        return len(self._shown[topic]) if topic in self._filtered else self._board.count(topic)

    def _room(self, topic: str, most: int) -> float:
        return most * BACK_SHARE if topic in self.left_out else most

    def write(self, position: Position) -> str:
        """A position as members see it: it holds for this subscription on this bus only."""
        return f"{self.stamp}@{position}"

    def _matching(self, topic: str) -> Iterator[str]:
        for entry in self._board.current([topic]):
            if self.where.matches(topic, msgspec.json.decode(entry.raw).get("data")):
                yield entry.subject

    # -- frames --------------------------------------------------------------------------------------------------

    def frames(self, batch: Batch, told: Position, now: Position) -> list[Message]:
        """The messages of one flush; only the last carries the new position, so a cut between them loses nothing."""
        for topic in self._filtered.intersection(self.left_out, batch.topics):
            list(self._sift(topic, batch))  # told to nobody, yet counted
        topics = [topic for topic in self.topics if topic in batch.topics]
        plain = [topic for topic in topics if topic not in self._filtered]
        sifted = [event for topic in topics if topic in self._filtered for event in self._sift(topic, batch)]
        count = sum(len(batch.topics[topic]) for topic in plain) + len(sifted)
        if not count:
            return []
        if sum(batch.size(topic) for topic in plain) + sum(map(len, sifted)) <= FRAME_BYTES:
            joined = [batch.joined(topic) for topic in plain]
            return [joined_frame(self.write(now), [*joined, *sifted], count)]
        everything = [event for topic in plain for event in batch.topics[topic].values()]
        parts = list(chunks([*everything, *sifted], FRAME_BYTES))
        last = len(parts) - 1
        return [frame(self.write(now if n == last else told), part) for n, part in enumerate(parts)]

    def _sift(self, topic: str, batch: Batch) -> Iterator[bytes]:
        shown = self._shown[topic]
        for key, raw in batch.topics[topic].items():
            event = batch.event(topic, key)
            subject = event["subject"]
            if self.where.matches(topic, event.get("data")):
                shown.add(subject)
                yield raw
            elif subject in shown:
                shown.discard(subject)
                yield tombstone(event)

    # -- states --------------------------------------------------------------------------------------------------

    def answer(self, since: Position | None, now: float) -> Answer:
        """What somebody at `since` has to be told: what changed, or everything. Call right after a whole flush."""
        if since is not None and not self._board.resumable(since, self.topics):
            since = None
        known = self._answers.get(since)
        if known and self._still_good(known, since, now):
            return known
        if len(self._answers) >= _MAX_ANSWERS or sum(kept.size for kept in self._answers.values()) > _ANSWER_BYTES:
            self._answers.clear()
        events = self._everything() if since is None else self._missed(since)
        parts = state(since is None, self.write(self._board.position), events)
        size = sum(len(part.plain) for part in parts)
        made = self._answers[since] = Answer(parts, self._board.position, now, size)
        return made

    def _still_good(self, known: Answer, since: Position | None, now: float) -> bool:
        if known.position == self._board.position:
            return True
        large = since is None and len(known.parts) >= SHARED_PARTS
        return large and now - known.made < SHARED_SECONDS and self._board.resumable(known.position, self.topics)

    def forget_answers(self, now: float) -> None:
        """Lets go of states that nobody will ask for again."""
        self._answers = {since: a for since, a in self._answers.items() if now - a.made < SHARED_SECONDS}

    def _everything(self) -> Iterator[bytes]:
        for topic in self.topics:
            if topic not in self._filtered:
                yield from (entry.raw for entry in self._board.current([topic]))
            else:
                found = (self._board.get(subject) for subject in self._shown[topic])
                yield from (entry.raw for entry in found if entry is not None)

    def _missed(self, since: Position) -> Iterator[bytes]:
        for entry in self._board.since(since, self.topics):
            yield self._as_told(entry)

    def _as_told(self, entry: Entry) -> bytes:
        topic = entry.subject.partition("/")[0]
        if topic not in self._filtered or entry.gone or entry.subject in self._shown[topic]:
            return entry.raw
        return tombstone(msgspec.json.decode(entry.raw))


class Groups:
    """All subscriptions that somebody has."""

    def __init__(self, board: Board, epoch: str, bounds: Mapping[str, int] | None = None) -> None:
        self._board, self._epoch, self._bounds = board, epoch, bounds
        self._groups: dict[tuple[tuple[str, ...], bytes], Group] = {}

    def __iter__(self) -> Iterator[Group]:
        return iter(self._groups.values())

    @staticmethod
    def _key(topics: Iterable[str], where: Filter) -> tuple[tuple[str, ...], bytes]:
        return tuple(sorted(set(topics))), where.key

    def is_new(self, topics: Iterable[str], where: Filter) -> bool:
        """Whether nobody has this subscription yet: making it costs a look at the whole picture."""
        return self._key(topics, where) not in self._groups

    @property
    def filtered(self) -> int:
        return sum(bool(group.where.topics) for group in self)

    def join(self, topics: Iterable[str], where: Filter) -> Group:
        key = self._key(topics, where)
        group = self._groups.get(key)
        if group is None:
            group = self._groups[key] = Group(key[0], where, self._board, self._epoch, self._bounds)
        group.members += 1
        return group

    def leave(self, group: Group, member: Any) -> None:
        group.live.pop(member, None)
        group.members -= 1
        if not group.members:
            self._groups = {key: kept for key, kept in self._groups.items() if kept is not group}
