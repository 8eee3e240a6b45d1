"""The rim of one feed: takes what its transport brings through format, mapping and intake, and keeps the feed's counts."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from feeds.addresses import Addresses
from feeds.decoding import Decoding
from feeds.disk import Disk
from feeds.intake import Intake, Item, subject_for
from feeds.life import Life
from feeds.mapping import View
from feeds.parking import WAITING_BOUND, Parking, raw_of
from feeds.rasters.ring import Rings
from feeds.source import Gone, Outcome, Pixels, Ready, Row, Unread, gathered
from hall.core import secrets
from hall.core.clock import monotonic
from hall.core.config import FeedConfig, HallConfig
from hall.core.errors import BadInput, BusLost, ConfigError
from hall.core.model import KINDS, Case, Doc
from hall.core.process import Process

CHUNK = 500  # documents handled before the event loop gets a turn
PUBLISHER_ROOM = 20_000  # events that may wait for the bus before sources stop reading
_KIND_OF = {kind: name for name, (kind, _, _) in KINDS.items()}


class FeedRim:
    """Implements feeds.source.Rim for one feed of one process."""

    def __init__(self, process: Process, feed: FeedConfig, decoding: Decoding, intake: Intake, config: HallConfig) -> None:
        self.config, self.feed, self.index = config, feed, config.feed(feed.name)[0]
        self.bus, self.clock, self.data_dir = process.bus, process.clock, process.settings.data_dir
        self.random = random.Random()
        self.decoding, self.mapping = decoding, decoding.mapping
        self.parking = Parking(process.bus, feed.name)
        self.life = Life()
        self.total = Outcome()
        self.received = 0
        self._process, self._intake, self._disk = process, intake, Disk(process.settings, feed.name, self.note)
        self._addresses = Addresses(process.bus, secrets.load(process.settings.data_dir))
        self._rings = Rings(process, feed, config)

    # -- taking input ------------------------------------------------------------------------------------------------

    async def bytes(self, body: bytes, content_type: str = "") -> Outcome:
        form = f"body:{content_type}"
        try:
            form_of = self.decoding.format_for(content_type)
            found = form_of.rows(body, self.feed, self.config)
            if form_of.apart:
                found = await asyncio.to_thread(gathered, found)
        except BadInput as error:
            return await self.park(body, error.reason, error.detail, content_type)
        return await self._run(self._decoded(found, body, form))

    async def row(self, row: dict[str, Any]) -> Outcome:
        return await self.rows((row,))

    async def rows(self, rows: Iterable[Row]) -> Outcome:
        return await self._run(part for row in rows for part in self._items(row))

    async def views(self, views: Iterable[View | Ready | Gone]) -> Outcome:
        """Rows that were already filtered and unfolded (a replay keeps them so)."""
        return await self._run(self._viewed(view) for view in views)

    async def doc(self, doc: Doc, time: int) -> Outcome:
        return await self._run((Item(doc, time),))

    async def docs(self, docs: Iterable[Ready]) -> Outcome:
        return await self._run(Item(ready.doc, ready.time) for ready in docs)

    async def archive(self, case: Case, time: int) -> Outcome:
        return await self._run((Item(case, time, archive=True),))

    async def archives(self, cases: Iterable[Ready]) -> Outcome:
        return await self._run(Item(ready.doc, ready.time, archive=True) for ready in cases)

    async def gone(self, subject: str, time: int) -> Outcome:
        return await self._run((Gone(subject, time),))

    async def park(self, raw: bytes, reason: str, detail: str = "", content_type: str = "") -> Outcome:
        return await self._run((Unread(raw, reason, detail),), form=f"body:{content_type}")

    async def again(self, form: str, raw: bytes) -> bool:
        """Takes parked input once more by its `form`; False when it cannot be replayed (cut, or no form of input)."""
        kind, _, rest = form.partition(":")
        try:
            if kind == "body":
                await self.bytes(raw, rest)
            elif kind == "row":
                await self.row(msgspec.json.decode(raw, type=dict[str, Any]))
            elif kind == "view":
                await self.views([(int(rest) if rest else None, msgspec.json.decode(raw, type=dict[str, Any]))])
            else:
                return False
        except (msgspec.MsgspecError, ValueError):
            return False
        return True

    async def park_row(self, raw: bytes, reason: str, detail: str) -> Outcome:
        """Parks a row of a recording; `raw` is its JSON."""
        return await self._run((_Refused(raw, reason, detail, "row"),))

    def subject(self, item: View | Ready | Gone) -> str | None:
        """The subject an item will be told under, None when it cannot be understood."""
        if isinstance(item, Gone):
            return item.subject
        try:
            return subject_for(self.mapping.document(item).doc if isinstance(item, tuple) else item.doc)
        except Exception:  # it is told later and parked then, with its reason
            return None

    def _decoded(self, rows: Iterable[Row], body: bytes, form: str) -> Iterator[Item | Gone | _Refused]:
        """The items of a body; where decoding breaks off, the body itself is refused."""
        try:
            for row in rows:
                yield from self._items(row)
        except BadInput as error:
            yield _Refused(body, error.reason, error.detail, form)
        except Exception as error:  # a decoder's own fault must not stop the feed
            yield _Refused(body, "decoder-failed", f"{type(error).__name__}: {error}", form)

    def _items(self, row: Row) -> Iterator[Item | Gone | Unread | _Refused]:
        if not isinstance(row, dict):
            yield Item(row.doc, row.time) if isinstance(row, Ready) else row
            return
        try:
            for view in self.mapping.views(row):
                yield _FILTERED if view is None else self._mapped(view, row)
        except BadInput as error:
            yield _Refused(row, error.reason, error.detail, "row")
        except Exception as error:  # what no check foresaw: one row, not the feed
            yield _Refused(row, "mapping-failed", f"{type(error).__name__}: {error}", "row")

    def _viewed(self, view: View | Ready | Gone) -> Item | Gone | _Refused:
        if isinstance(view, tuple):
            return self._mapped(view)
        return Item(view.doc, view.time) if isinstance(view, Ready) else view

    def _mapped(self, view: View, row: dict[str, Any] | None = None) -> Item | _Refused:
        origin, form = (view[1], f"view:{'' if view[0] is None else view[0]}") if row is not view[1] else (row, "row")
        try:
            doc, time, *addresses = self.mapping.document(view)
        except BadInput as error:
            return _Refused(origin, error.reason, error.detail, form)
        except Exception as error:
            return _Refused(origin, "mapping-failed", f"{type(error).__name__}: {error}", form)
        if addresses[0]:
            self._addresses.remember(subject_for(doc), *addresses)
        return Item(doc, time, (origin, form))

    async def _run(self, items: Iterable[Any], form: str = "row") -> Outcome:
        """Takes items in chunks, waiting for room on the bus and letting other tasks run between them."""
        outcome, batch = Outcome(), []
        await self._room()
        for item in items:
            if type(item) is Item:
                batch.append(item)
                if len(batch) >= CHUNK:
                    self._take(batch, outcome)
                    batch = []
                    await asyncio.sleep(0)
                    await self._room()
                continue
            if item is _FILTERED:
                outcome.filtered += 1
                if outcome.filtered % CHUNK == 0:
                    await asyncio.sleep(0)
                continue
            if type(item) is Gone:
                self._take(batch, outcome)
                batch = []
                self._vanish(item, outcome)
                continue
            if type(item) is Pixels:
                item = await self._pixels(item, outcome)
                if item is None:
                    continue
            self._refused(item, outcome, form)
            if self.parking.waiting >= WAITING_BOUND:
                await self._room()
        self._take(batch, outcome)
        await self._rings.tell()
        self._count(outcome)
        await self._addresses.send()
        return outcome

    async def _pixels(self, item: Pixels, outcome: Outcome) -> Unread | None:
        """Takes a frame; what cannot be is given back for parking."""
        try:
            await self._rings.take(item, outcome)
        except BadInput as error:
            return Unread(b"", error.reason, error.detail)
        return None

    def _take(self, batch: list[Item], outcome: Outcome) -> None:
        if batch:
            outcome.add(self._intake.take(self.feed.name, batch, self._refuse))

    def _vanish(self, item: Gone, outcome: Outcome) -> None:
        try:
            outcome.add(self._intake.gone(self.feed.name, item.subject, item.time))
        except BadInput as error:
            self._refused(_Refused(item.subject.encode(), error.reason, error.detail, "subject:"), outcome, "")

    def _refuse(self, origin: Any, reason: str, detail: str) -> None:
        """Called by the intake, which counts."""
        source, form = origin if isinstance(origin, tuple) else (origin, f"document:{_KIND_OF.get(type(origin), '')}")
        self.parking.add(raw_of(source), reason, detail, form, self.clock.now())

    def _refused(self, item: Unread | _Refused, outcome: Outcome, form: str) -> None:
        form = item.form if isinstance(item, _Refused) else form
        self.parking.add(raw_of(item.raw), item.reason, item.detail, form, self.clock.now())
        outcome.add(Outcome(parked=1, reasons=[f"{item.reason}: {item.detail}" if item.detail else item.reason]))

    def _count(self, outcome: Outcome) -> None:
        understood = outcome.accepted + outcome.duplicates + outcome.late
        self.received += understood + outcome.parked + outcome.filtered
        self.total.add(outcome)
        self.total.reasons.clear()
        if understood or outcome.filtered:
            self.seen()
            self.life.seen_city = self.clock.now()

    async def _room(self) -> None:
        """Returns when disk, publisher and parking have room; the only place where a source waits for the bus."""
        await self._disk.room()
        while self._process.bulk.waiting >= PUBLISHER_ROOM:
            await asyncio.sleep(0.02)
        while self.parking.waiting >= WAITING_BOUND:
            with contextlib.suppress(BusLost):
                await self.parking.flush()
                break
            await asyncio.sleep(0.2)

    # -- stream addresses ----------------------------------------------------------------------------------------------

    async def stream_url(self, subject: str, url: str, sub: str = "") -> None:
        self._addresses.remember(subject, url, sub)
        await self._addresses.send()

    # -- cursors -------------------------------------------------------------------------------------------------------

    def cursor(self, value: bytes) -> None:
        self._process.bulk.cursor(f"cursor:{self.feed.name}", value)

    async def load_cursor(self) -> bytes | None:
        while True:
            with contextlib.suppress(BusLost):
                return await self.bus.get("cursor", self.feed.name)
            await asyncio.sleep(0.2)

    async def durable(self) -> None:
        while True:
            try:
                await self.parking.flush()
                await self._process.bulk.flush()
                return
            except BusLost:
                await asyncio.sleep(0.2)

    # -- what the transport says about the source ------------------------------------------------------------------------

    def connected(self) -> None:
        self.life.reachable, self.life.lost, self.life.over = True, "", False

    def lost(self, reason: str) -> None:
        self.life.reachable, self.life.lost = False, reason[:300] or "lost"

    def note(self, error: str) -> None:
        self.life.note = error[:300]

    def ended(self) -> None:
        self.life.over, self.life.lost = True, ""

    def seen(self) -> None:
        self.life.seen_real, self.life.seen_at = self.clock.real(), monotonic()

    def wrong(self, key: str, problem: str) -> ConfigError:
        return self.config.error(f"feeds[{self.index}].{key}", problem)


class _Refused(msgspec.Struct):
    """Input that could not be understood, with the form it would be replayed in."""

    raw: Any
    reason: str
    detail: str
    form: str


_FILTERED = object()  # a row that the mapping's filter does not want
