"""What suppliers' alarms need: where the devices are that they name, and which of their lines stand. Bounded.

A line whose device nobody told of, and that has no place of its own, is parked: nobody could be sent there. It can be taken
again once the list of devices has come.
"""

from __future__ import annotations

import heapq
from collections import deque

import msgspec

from hall.core.board import Board
from hall.core.errors import BadInput
from hall.core.model import Channel, Doc, Sensor, SuppliedAlarm

#: lines of one feed that stand at once; beyond it a new one is parked
STANDING = 20_000
#: cleared lines of one feed that the board keeps
CLEARED = 1_000
#: a line that was to last so long is told as over so much later, when every rule has seen it end by itself
AFTER_MS = 60_000


class Device(msgspec.Struct, gc=False):
    """A sensor or channel, as its supplier told of it."""

    lon: float | None = None
    lat: float | None = None
    district: str = ""
    name: str = ""


class _Head(msgspec.Struct):
    subject: str
    time: int = 0
    data: msgspec.Raw = msgspec.Raw(b"null")


class _Line(msgspec.Struct):
    feed: str
    active: bool = True
    lasts_seconds: float | None = None


_decode_head = msgspec.json.Decoder(_Head).decode
_decode_device = msgspec.json.Decoder(Device).decode
_decode_line = msgspec.json.Decoder(_Line).decode


class Devices:
    """Devices and lines of all feeds of the process, by subject."""

    def __init__(self) -> None:
        self._known: dict[str, Device] = {}
        self._standing: dict[str, dict[str, int]] = {}  # feed -> subject -> when it ends by itself (city ms), 0: when cleared
        self._cleared: dict[str, deque[str]] = {}
        self._lasting: list[tuple[int, str, str]] = []

    def fill(self, board: Board) -> None:
        """Takes over what the board knows."""
        for entry in board.current(["sensor", "channel"]):
            self._known[entry.subject] = _decode_device(_decode_head(entry.raw).data)
        for entry in sorted(board.current(["supplied"]), key=lambda entry: entry.key):
            head = _decode_head(entry.raw)
            line = _decode_line(head.data)
            self._note(line.feed, head.subject, line.active, line.lasts_seconds, head.time)

    def place(self, doc: SuppliedAlarm, subject: str) -> None:
        """Gives a line the place and name of its device where it has none. Raises BadInput: nobody knows where it is, or too
        many lines stand."""
        found = None
        if doc.device:
            found = self._known.get(f"sensor/{doc.feed}/{doc.device}") or self._known.get(f"channel/{doc.feed}/{doc.device}")
        if found is not None:
            doc.name = doc.name or found.name
            if doc.lon is None:
                doc.lon, doc.lat, doc.district = found.lon, found.lat, doc.district or found.district
        standing = self._standing.get(doc.feed, {})
        if not doc.active or subject in standing:
            return  # what stands must be able to end
        if found is None and doc.lon is None and not doc.site:
            raise BadInput("device-unknown", f"{doc.device[:80]!r} is no sensor or channel of {doc.feed}; no coordinates")
        if len(standing) >= STANDING:
            raise BadInput("alarms-standing", f"{STANDING} alarms of {doc.feed} stand already")

    def note(self, doc: Doc, subject: str, time: int) -> None:
        """A document that was published."""
        if isinstance(doc, (Sensor, Channel)):
            self._known[subject] = Device(doc.lon, doc.lat, doc.district, doc.name)
        elif isinstance(doc, SuppliedAlarm):
            self._note(doc.feed, subject, doc.active, doc.lasts_seconds, time)

    def forget(self, subject: str) -> None:
        self._known.pop(subject, None)
        if subject.startswith("supplied/"):
            self._standing.get(subject.split("/", 2)[1], {}).pop(subject, None)

    def spent(self, feed: str, now: int) -> list[str]:
        """Subjects of lines that may leave the board: over by themselves, or cleared and no longer among the newest."""
        found = []
        standing, cleared = self._standing.get(feed, {}), self._cleared.get(feed, deque())
        while self._lasting and self._lasting[0][0] + AFTER_MS < now:
            until, other, subject = heapq.heappop(self._lasting)
            if self._standing.get(other, {}).get(subject) == until:
                del self._standing[other][subject]
                self._cleared.setdefault(other, deque()).append(subject)
        while len(cleared) > CLEARED:
            subject = cleared.popleft()
            if subject not in standing:
                found.append(subject)
        return found

    def _note(self, feed: str, subject: str, active: bool, lasts: float | None, time: int) -> None:
        standing = self._standing.setdefault(feed, {})
        if not active:
            standing.pop(subject, None)
            self._cleared.setdefault(feed, deque()).append(subject)
            return
        until = time + int(lasts * 1000) if lasts else 0
        if until and standing.get(subject) != until:
            heapq.heappush(self._lasting, (until, feed, subject))
        standing[subject] = until
