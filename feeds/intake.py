"""The one way into the hall: check → known already? → older than known? → place → event → publisher.

Pure but for the publisher it puts events into; one per process, shared by all feeds. An event's id is made of its
content and time, so the same fact told again, also after a restart, is the same event.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from hashlib import blake2b
from typing import Any, NamedTuple, Protocol

import msgspec

from feeds.addresses import conceal
from feeds.checks import DAY_MS, DOCUMENT_BOUND, check, check_time
from feeds.devices import Devices
from feeds.known import DIGEST_CHARACTERS, Known, Subjects
from feeds.places import Places
from feeds.source import Outcome
from hall.core.errors import BadInput
from hall.core.event import Event, encode
from hall.core.model import KINDS, Case, Channel, Doc, SuppliedAlarm

#: city time may go back this much (ms) before the intake takes it for a clock that was set back
CLOCK_STEP = 2_000
#: bytes that the documents of one feed may grow by within a city day: what is current lies in the memory of the bus and of
#: every gate, and a supplier that invents subjects without end must not fill it for all
GROWTH_BYTES = 256 * 1024 * 1024
#: a known document that grows by no more is let through for as long again: what is shown must stay up to date
SMALL_GROWTH = 256
Refuse = Callable[[Any, str, str], None]


class Item(NamedTuple):
    """A document on its way in; `time` None = now. `origin` is what it was made of, for parking."""

    doc: Doc
    time: int | None
    origin: Any = None
    archive: bool = False


class Sink(Protocol):
    def put_raw(self, encoded: bytes) -> None: ...


class Clock(Protocol):
    def now(self) -> int: ...


_NAMES = {kind: (topic, field) for kind, topic, field in KINDS.values()}
_encode_doc = msgspec.json.Encoder().encode


def subject_for(doc: Doc, archive: bool = False) -> str:
    """The subject of a supplied document, as hall.core.model.subject_of; raises BadInput."""
    try:
        topic, field = _NAMES[type(doc)]
    except KeyError:
        raise BadInput("kind-unknown", type(doc).__name__) from None
    base = f"{'archive' if archive else topic}/{doc.feed}/{getattr(doc, field)}"
    return f"{base}/{doc.quantity}" if topic == "observation" else base


def _renews(doc: Doc, age: int) -> bool:
    """Whether a supplier's alarm that would end by itself is told again in time."""
    return type(doc) is SuppliedAlarm and doc.active and bool(doc.lasts_seconds) and age >= doc.lasts_seconds * 1000 / 4


class Growth:
    """How much a feed's current documents have grown by in this day (UTC) of city time."""

    def __init__(self) -> None:
        self._day, self._bytes = -1, 0

    def take(self, amount: int, now: int, new: bool = False) -> None:
        """Counts `amount` bytes of a `new` or known document, negative for what went; raises BadInput for too many."""
        if self._day != (day := now // DAY_MS):
            self._day, self._bytes = day, 0
        bound = GROWTH_BYTES * (2 if amount <= SMALL_GROWTH and not new else 1)
        if amount > 0 and self._bytes + amount > bound:
            raise BadInput("feed-grows-too-fast", f"more than {GROWTH_BYTES >> 20} MB of new documents in a day")
        self._bytes = max(0, self._bytes + amount)


class _Passed(NamedTuple):
    item: Item
    subject: str
    time: int
    known: Known
    moved: bool


class Intake:
    """Takes documents in batches; `take` returns what became of them."""

    def __init__(self, sink: Sink, clock: Clock, places: Places, subjects: Subjects, devices: Devices | None = None) -> None:
        self.sink, self.clock, self.places, self.subjects = sink, clock, places, subjects
        self.devices = devices if devices is not None else Devices()
        self.growth = Growth()
        self.lag_ms: int | None = None  # of the last published document
        self._ahead = 0  # the latest city time seen: what was right before a clock was set back is not of the future after

    def take(self, source: str, items: Sequence[Item], refuse: Refuse) -> Outcome:
        """Publishes what is new; `refuse(origin, reason, detail)` is called for what is not fit."""
        outcome, now, passed = Outcome(), self.clock.now(), []
        self._ahead = max(self._ahead, now)
        for item in items:
            try:
                found = self._admit(item, now, outcome)
            except BadInput as error:
                outcome.parked += 1
                if len(outcome.reasons) < 20:
                    outcome.reasons.append(str(error))
                refuse(item.doc if item.origin is None else item.origin, error.reason, error.detail)
                continue
            if found is not None:
                passed.append(found)
        self._place([found for found in passed if found.moved])
        for found in passed:
            self._publish(source, found)
        if any(type(found.item.doc) is SuppliedAlarm for found in passed):
            self._tidy(source, passed[-1].item.doc.feed, now)
        outcome.accepted += len(passed)
        if passed:
            self.lag_ms = now - passed[-1].time
        return outcome

    def _admit(self, item: Item, now: int, outcome: Outcome) -> _Passed | None:
        """What passes every check and is news; None when it was known or is late. Raises BadInput."""
        doc = item.doc
        check(doc)
        if item.time is not None:
            check_time(item.time, self._ahead)
        if item.archive and type(doc) is not Case:
            raise BadInput("kind-unknown", "only cases are archived")
        subject = subject_for(doc, item.archive)
        if type(doc) is Channel:
            conceal(doc)
        elif type(doc) is SuppliedAlarm:
            self.devices.place(doc, subject)
        try:
            content = _encode_doc(doc)
        except (TypeError, ValueError, OverflowError, RecursionError, msgspec.MsgspecError) as error:
            raise BadInput("document-unencodable", str(error)[:200]) from None
        if len(content) > DOCUMENT_BOUND:
            raise BadInput("document-too-large", f"{len(content)} bytes")
        digest = blake2b(content, digest_size=DIGEST_CHARACTERS // 2).hexdigest()
        known = self.subjects.get(subject)
        time = now if item.time is None else item.time
        if known is not None:
            if item.time is None and time < known.time:
                time = known.time + 1  # a machine clock that was set back must not make news look late
            # without a time of its own a document is news only when its content is
            same = known.digest == digest and (item.time is None or known.time == time)
            if same and not (item.time is None and _renews(doc, now - known.time)):
                outcome.duplicates += 1
                return None
            if time < known.time:
                if min(known.time, known.at) <= now + CLOCK_STEP or known.digest == digest:
                    outcome.late += 1
                    return None
                # what is known was told while the machine's clock ran ahead of what it shows now: it must not hold
                # up what comes since the clock was set back
                time = known.time + 1
        size = 0 if item.archive else len(content)  # an archive is a history, which is bounded
        self.growth.take(size - (known.size if known else 0), now, known is None or not known.size)
        return self._remember(item, subject, time, digest, now, known, size)

    def _remember(self, item: Item, subject: str, time: int, digest: str, now: int, known: Known | None, size: int) -> _Passed:
        lon, lat = getattr(item.doc, "lon", None), getattr(item.doc, "lat", None)
        # equal times are decided by recordedtime on the board: it must grow even within one millisecond, and never
        # go back with the machine's clock
        at = max(now, known.at + 1) if known is not None and (known.time == time or known.at > now) else now
        if known is None:
            known = Known(time, digest, at)
        moved = lon is not None and (lon != known.lon or lat != known.lat)
        known = Known(time, digest, at, lon, lat, known.district, known.cell, size)
        self.subjects.put(subject, known)
        return _Passed(item, subject, time, known, moved)

    def _place(self, movers: list[_Passed]) -> None:
        """District and cell of all that moved, in one query."""
        if not movers:
            return
        found = self.places.find([m.known.lon for m in movers], [m.known.lat for m in movers])
        for mover, (district, cell) in zip(movers, found, strict=True):
            mover.known.district, mover.known.cell = district, cell

    def _publish(self, source: str, found: _Passed) -> None:
        doc, known = found.item.doc, found.known
        if known.lon is not None:
            # the supplier's district stays where no boundary contains the position
            doc.district = known.district or doc.district
            doc.cell = known.cell or doc.cell
        event = Event(
            id=f"{known.digest}{found.time:x}",
            source=source,
            subject=found.subject,
            time=found.time,
            recordedtime=known.at,
            data=doc,
        )
        self.sink.put_raw(encode(event))
        self.devices.note(doc, found.subject, found.time)

    def _tidy(self, source: str, feed: str, now: int) -> None:
        """Takes suppliers' alarms that are long over from the board."""
        for subject in self.devices.spent(feed, now):
            known = self.subjects.get(subject)
            if known is not None:
                self.gone(source, subject, known.time)

    def gone(self, source: str, subject: str, time: int) -> Outcome:
        """Publishes that a subject no longer exists; raises BadInput for a subject no supplier has or an odd time."""
        now = self.clock.now()
        check_time(time, now)
        if subject.partition("/")[0] not in {topic for _, topic, _ in KINDS.values()} or not subject.partition("/")[2]:
            raise BadInput("subject-unknown", subject[:80])
        known = self.subjects.get(subject)
        digest = "0" * DIGEST_CHARACTERS
        if known is not None and known.digest == digest and known.time == time:
            return Outcome(duplicates=1)
        if known is not None and time < known.time:
            return Outcome(late=1)
        at = max(now, known.at + 1) if known is not None and known.time == time else now
        self.growth.take(-known.size if known else 0, now)
        self.subjects.put(subject, Known(time, digest, at))
        self.devices.forget(subject)
        self.sink.put_raw(encode(Event(id=f"{digest}{time:x}", source=source, subject=subject, time=time, recordedtime=at)))
        return Outcome(accepted=1)
