"""What changed since the last frame: the newest event per subject, joined once per topic for every subscription."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from hall.core.board import LANES, Board, EntryId
from hall.core.errors import BadInput
from hall.core.event import envelope, topic_of, unpack
from hall.core.model import LOG_TOPICS


class Batch:
    """The changes of one flush. Bytes are as they came from the bus."""

    def __init__(self, topics: dict[str, dict[str, bytes]]) -> None:
        self.topics = topics
        self._joined: dict[str, bytes] = {}
        self._sizes: dict[str, int] = {}
        self._decoded: dict[tuple[str, str], dict[str, Any]] = {}

    def size(self, topic: str) -> int:
        """Bytes of a topic's events with their commas."""
        found = self._sizes.get(topic)
        if found is None:
            found = self._sizes[topic] = sum(map(len, self.topics[topic].values())) + len(self.topics[topic])
        return found

    def joined(self, topic: str) -> bytes:
        found = self._joined.get(topic)
        if found is None:
            found = self._joined[topic] = b",".join(self.topics[topic].values())
        return found

    def event(self, topic: str, key: str) -> dict[str, Any]:
        """One event decoded; several filters share the work."""
        found = self._decoded.get((topic, key))
        if found is None:
            found = self._decoded[topic, key] = msgspec.json.decode(self.topics[topic][key])
        return found


class Pending:
    """Changes that no frame has carried yet, lane by lane."""

    def __init__(self) -> None:
        self._lanes: dict[str, dict[str, dict[str, bytes]]] = {lane: {} for lane in LANES}

    def __bool__(self) -> bool:
        return any(self._lanes.values())

    def add(self, lane: str, topic: str, key: str, raw: bytes) -> None:
        self._lanes[lane].setdefault(topic, {})[key] = raw
        for other in LANES:
            # The board took this event, so it is newer than one of the same subject that waits on the other lane.
            if other != lane and (waiting := self._lanes[other].get(topic)):
                waiting.pop(key, None)

    def take(self, lanes: Iterable[str]) -> Batch:
        """Everything that waits on `lanes`, which then wait for nothing."""
        topics: dict[str, dict[str, bytes]] = {}
        for lane in lanes:
            for topic, events in self._lanes[lane].items():
                if events:
                    topics.setdefault(topic, {}).update(events)
            self._lanes[lane] = {}
        return Batch(topics)


def reduce(board: Board, pending: Pending, lane: str, at: EntryId, payload: bytes) -> int:
    """Takes one bus entry into board and pending changes; returns how many broken events were passed over."""
    broken = 0
    try:
        events = unpack(payload)
    except BadInput:
        events, broken = [], 1
    for event in events:
        try:
            head = envelope(event)
        except BadInput:
            broken += 1
            continue
        raw = bytes(event)
        if board.apply(lane, at, raw, head):
            topic = topic_of(head.subject)
            pending.add(lane, topic, f"{head.subject} {head.id}" if topic in LOG_TOPICS else head.subject, raw)
    board.advance(lane, at)
    return broken
