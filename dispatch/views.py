"""Who watched which channel, when and why: kept in the ledger's database, durable before a picture may flow.

`ViewBook` is the table; `follow_watches` fills in, from what the relay says on the bus, when pictures flowed and how many.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any

import msgspec
import sqlalchemy as sa

from dispatch.ledger import schema
from dispatch.ledger.database import Database
from dispatch.together import Together
from hall.core.board import START, EntryId
from hall.core.bus import entry_id
from hall.core.clock import real_ms
from hall.core.errors import BadInput, BusLost, LedgerFault
from hall.core.event import envelope, unpack
from hall.core.process import Process

log = logging.getLogger("hall")
#: what is older than this is deleted, once an hour, and the deletion counted: longer than the half year that China's
#: Cybersecurity Law (article 21) asks of logs
KEPT_DAYS = 200
_DAY_MS = 86_400_000
_TIDY_MS, _MOVE_MS = 3_600_000, 10_000
_SUBJECT = "audit/view/"
_CURSOR = "views-followed"


class View(msgspec.Struct, frozen=True, kw_only=True):
    """One channel of one view. `opened` city ms; `real` and `until` the machine's; `reason` is the sort of `why`: case | alarm
    | patrol | wall | text | none; `person` the kind of who asks; `kind` what it is for: live, playback ..."""

    view: str
    channel: str
    opened: int
    real: int
    until: int
    who: str
    role: str
    person: str = "person"
    desk: str = ""
    unit: str = ""
    reason: str = "none"
    why: str = ""
    kind: str = "live"
    name: str = ""
    district: str = ""
    owner: str = ""
    renews: str = ""


class Watch(msgspec.Struct, frozen=True, kw_only=True):
    """One time that pictures of a view's channel flowed: real ms, pictures and bytes sent."""

    id: str
    view: str
    channel: str
    kind: str = ""
    started: int = 0
    ended: int = 0
    shown: int = 0
    bytes: int = 0


class Filter(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked of the record; empty means any. `since`/`until`: opened, city ms; `districts`: None for the whole city."""

    view: str = ""
    channel: str = ""
    who: str = ""
    role: str = ""
    reason: str = ""
    why: str = ""
    since: int | None = None
    until: int | None = None
    districts: tuple[str, ...] | None = None


#: a row's place in the list: opened, view, channel
Cursor = tuple[int, str, str]


class ViewBook:
    """Blocking and thread-safe, as the ledger whose database it shares. Raises LedgerFault."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def add(self, views: Sequence[View]) -> None:
        """Returns when they are durable. A view's channel that is known already stays as it was."""
        if views:
            self._insert(schema.views, views)

    def watched(self, watches: Sequence[Watch]) -> None:
        """Keeps what the relay said; the same told again counts once."""
        if watches:
            self._insert(schema.watches, watches)

    def _insert(self, table: sa.Table, rows: Sequence[msgspec.Struct]) -> None:
        with self.database.write() as connection:
            statement = schema.inserting(connection.dialect.name, table).on_conflict_do_nothing()
            connection.execute(statement, [msgspec.structs.asdict(row) for row in rows])

    def listed(self, wanted: Filter, after: Cursor | None, limit: int) -> list[dict[str, Any]]:
        """Newest first, after a row's `(opened, view, channel)`: the fields of `View`, and `started ended watched_ms shown
        bytes watches` as far as pictures flowed (null and 0 before)."""
        v = schema.views
        query = sa.select(v).where(*_conditions(wanted)).order_by(v.c.opened.desc(), v.c.view.desc(), v.c.channel.desc())
        if after is not None:
            query = query.where(sa.tuple_(v.c.opened, v.c.view, v.c.channel) < sa.tuple_(*map(sa.literal, after)))
        with self.database.read() as connection:
            rows = [dict(row) for row in connection.execute(query.limit(limit)).mappings()]
            flowed = self._flowed(connection, {row["view"] for row in rows})
        return [row | flowed.get((row["view"], row["channel"]), _NOTHING) for row in rows]

    @staticmethod
    def _flowed(connection: sa.Connection, views: Iterable[str]) -> dict[tuple[str, str], dict[str, Any]]:
        w = schema.watches
        query = sa.select(
            w.c.view, w.c.channel, sa.func.min(w.c.started).label("started"), sa.func.max(w.c.ended).label("ended"),
            sa.func.sum(w.c.ended - w.c.started).label("watched_ms"), sa.func.sum(w.c.shown).label("shown"),
            sa.func.sum(w.c.bytes).label("bytes"), sa.func.count().label("watches"),
        ).group_by(w.c.view, w.c.channel)  # fmt: skip
        found, names = {}, sorted(views)
        for start in range(0, len(names), 500):
            for row in connection.execute(query.where(w.c.view.in_(names[start : start + 500]))).mappings():
                told = {name: int(row[name]) for name in _NOTHING}
                found[row["view"], row["channel"]] = told
        return found

    def tidy(self, before: int) -> int:
        """Deletes what was opened, or ended, before a real moment (ms); returns how many views' channels."""
        with self.database.write() as connection:
            gone = connection.execute(sa.delete(schema.views).where(schema.views.c.real < before)).rowcount
            connection.execute(sa.delete(schema.watches).where(schema.watches.c.ended < before))
        return gone


_NOTHING: dict[str, Any] = {"started": None, "ended": None, "watched_ms": 0, "shown": 0, "bytes": 0, "watches": 0}


def _conditions(wanted: Filter) -> list[sa.ColumnElement[bool]]:
    v = schema.views.c
    found = [
        getattr(v, name) == value for name in ("view", "channel", "who", "role", "reason") if (value := getattr(wanted, name))
    ]
    if wanted.why:
        found.append(v.why.contains(wanted.why, autoescape=True))
    if wanted.since is not None:
        found.append(v.opened >= wanted.since)
    if wanted.until is not None:
        found.append(v.opened < wanted.until)
    if wanted.districts is not None:
        found.append(v.district.in_(("", *wanted.districts)))
    return found


class ViewDesk:
    """The same for handlers of requests: `run` calls blocking work in a thread. Views opened at the same time share one
    transaction."""

    def __init__(self, run: Callable[[Callable[[], Any]], Awaitable[Any]], database: Database) -> None:
        self._run, self._book = run, ViewBook(database)
        self._adding = Together(self._add_all)

    async def add(self, views: Sequence[dict[str, Any]]) -> None:
        """Returns when the views (fields of `View`) are durable; raises LedgerFault."""
        await self._adding.ask([View(**view) for view in views])

    async def _add_all(self, asked: Sequence[list[View]]) -> list[None]:
        views = [view for one in asked for view in one]
        await self._run(lambda: self._book.add(views))
        return [None] * len(asked)

    async def listed(self, wanted: dict[str, Any], after: Cursor | None, limit: int) -> list[dict[str, Any]]:
        """See `ViewBook.listed`; `wanted` are fields of `Filter`."""
        return await self._run(lambda: self._book.listed(Filter(**wanted), after, limit))


# -- what the relay says ------------------------------------------------------------------------------------------------------


def watch_of(raw: bytes) -> Watch | None:
    """The watch an event of subject `audit/view/<view>` tells of; None for every other event, and for a malformed one."""
    try:
        head = envelope(raw)
        if not head.subject.startswith(_SUBJECT):
            return None
        return msgspec.convert({**msgspec.json.decode(head.data, type=dict[str, Any]), "id": head.id}, Watch, strict=False)
    except (BadInput, msgspec.MsgspecError):
        return None


async def follow_watches(process: Process, database: Database) -> None:
    """Keeps every watch the relay ends, each once, from where the last process came to; never ends.

    The cursor moves after the rows are durable: what is read twice is known by its id.
    """
    book = ViewBook(database)
    process.counters |= {"watches": 0}
    tidied = moved = 0
    async for entries in process.bus.follow("fast", await _begin(process)):
        watches = [watch for _, payload in entries if b'"audit/view/' in payload for watch in _watches(payload)]
        if watches:
            await _keep(book, watches)
            process.counters["watches"] += len(watches)
        if entries and (watches or real_ms() - moved > _MOVE_MS):
            moved = await _move(process, entries[-1][0])
        if real_ms() - tidied > _TIDY_MS:
            tidied = real_ms()
            await _tidy(book)


async def _move(process: Process, at: EntryId) -> int:
    """Notes how far the bus was read; where that fails, watches are read again after a restart, and known."""
    with contextlib.suppress(BusLost):
        await process.bus.set(f"{at[0]}-{at[1]}", _CURSOR)
    return real_ms()


def _watches(payload: bytes) -> list[Watch]:
    try:
        return [watch for raw in unpack(payload) if (watch := watch_of(bytes(raw)))]
    except BadInput:
        return []


async def _begin(process: Process) -> EntryId:
    while True:
        try:
            kept = await process.bus.get(_CURSOR)
            return entry_id(kept) if kept else START
        except BusLost:
            await asyncio.sleep(0.2)


async def _keep(book: ViewBook, watches: Sequence[Watch]) -> None:
    """Waits for a database that is away: the bus keeps the rest meanwhile."""
    told = False
    while True:
        try:
            return await asyncio.to_thread(book.watched, watches)
        except LedgerFault as error:
            if not told:
                log.error("views: what was watched cannot be written, it waits: %s", error)
            told = True
            await asyncio.sleep(1.0)


async def _tidy(book: ViewBook) -> None:
    try:
        gone = await asyncio.to_thread(book.tidy, real_ms() - KEPT_DAYS * _DAY_MS)
    except LedgerFault as error:
        log.warning("views: not tidied: %s", error)
        return
    if gone:
        log.info("views: %d lines older than %d days deleted", gone, KEPT_DAYS)
