"""The contract between the feeds core and its plug-ins: what a transport may do, what a format gives.

A transport is one file in `feeds/transports/` with `TRANSPORT = Transport(...)`; a format is one file in
`feeds/formats/` with `FORMAT = Format(...)`. Neither talks to the bus about documents: they hand bytes, rows or ready
documents to the `Rim`, which decodes, maps, validates, de-duplicates, places and publishes them, and parks what it
cannot understand.
"""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import msgspec

from hall.core.bus import Bus
from hall.core.clock import CityClock
from hall.core.config import FeedConfig, HallConfig
from hall.core.errors import ConfigError
from hall.core.model import Case, Doc
from hall.core.raster import Grid


class Outcome(msgspec.Struct):
    """What became of what was handed in, counted per document; `reasons` are the first 20 refusals."""

    accepted: int = 0  # published
    duplicates: int = 0  # the same subject, time and content was known
    late: int = 0  # older than what is known of its subject: counted, never published
    parked: int = 0  # refused with a reason, kept
    filtered: int = 0  # not wanted by the mapping's filter
    reasons: list[str] = []

    def add(self, other: Outcome) -> None:
        self.accepted += other.accepted
        self.duplicates += other.duplicates
        self.late += other.late
        self.parked += other.parked
        self.filtered += other.filtered
        self.reasons.extend(other.reasons[: 20 - len(self.reasons)])


class Ready(msgspec.Struct):
    """A finished document from a format that needs no mapping; `time` is when it happened (ms)."""

    doc: Doc
    time: int


class Gone(msgspec.Struct):
    """A subject that no longer exists (a cancelled warning): published as an event without data."""

    subject: str
    time: int


class Unread(msgspec.Struct):
    """One item of a body that could not be read while the others could: it is parked."""

    raw: bytes
    reason: str  # short stable code
    detail: str = ""


class Pixels(msgspec.Struct):
    """One frame of a field over the city (hall.core.raster): `codes` are its grid's rows of 8-bit codes, times are ms."""

    product: str
    time: int
    start: int
    run: int
    version: str
    grid: Grid
    codes: bytes
    most: float  # mm/h
    covered: float  # 0..1
    source: str = ""
    estimated: str = ""


#: what a format yields: a row for the mapping (plain dicts, lists, str, numbers, None; XML attributes as `@name`, an
#: element's text beside attributes as `#text`), or something already finished
Row = dict[str, Any] | Ready | Gone | Unread | Pixels


class Rim(Protocol):
    """What a transport may do. One per feed; every method is called from the feed's own task.

    Methods that take input never raise for bad input (it is parked) and wait while the bus is away or full, so a
    transport simply stops reading meanwhile.
    """

    config: HallConfig
    feed: FeedConfig
    index: int  # the feed's place in the file: error keys are `feeds[index].options.every_seconds`
    bus: Bus
    clock: CityClock  # now() = city ms, real() = real ms
    data_dir: Path  # HALL_DATA_DIR
    random: random.Random  # for jitter

    async def bytes(self, body: bytes, content_type: str = "") -> Outcome:
        """Decodes a body by the feed's format (else content type, else the url's suffix, else JSON) and takes its rows."""

    async def row(self, row: dict[str, Any]) -> Outcome:
        """Takes one row through the mapping."""

    async def rows(self, rows: Iterable[Row]) -> Outcome:
        """Takes many rows; lets the event loop breathe every few hundred."""

    async def doc(self, doc: Doc, time: int) -> Outcome:
        """Takes a ready document (any kind of hall.core.model.KINDS) through validation, dedup, order and placing."""

    async def docs(self, docs: Iterable[Ready]) -> Outcome:
        """Many ready documents at once: movers are placed in one query."""

    async def archive(self, case: Case, time: int) -> Outcome:
        """A case that ended long ago: topic `archive`, known to the casebook's history, not on the board."""

    async def archives(self, cases: Iterable[Ready]) -> Outcome:
        """Many of them at once."""

    async def gone(self, subject: str, time: int) -> Outcome:
        """The subject no longer exists."""

    async def park(self, raw: bytes, reason: str, detail: str = "", content_type: str = "") -> Outcome:
        """Keeps refused input with its reason (raw is cut at 16 kB)."""

    async def stream_url(self, subject: str, url: str, sub: str = "") -> None:
        """Remembers where a channel's pictures come from, `sub` those of its smaller stream; they go sealed to the bus hash
        `channel-url`, never to a browser."""

    def cursor(self, value: bytes) -> None:
        """Where the source got to; stored in one transaction with everything taken before this call."""

    async def load_cursor(self) -> bytes | None:
        """The stored cursor of this feed, None at a first start."""

    async def durable(self) -> None:
        """Returns once everything taken so far, and the cursor, is on the bus: then a transport may acknowledge."""

    def connected(self) -> None:
        """The supplier can be reached (the feed's state becomes waiting until the first item, then live)."""

    def lost(self, reason: str) -> None:
        """The supplier cannot be reached; shown in the feed's status until `connected()`."""

    def note(self, error: str) -> None:
        """A fault worth showing that does not lose the source (an error reply, one refused page); '' clears it."""

    def ended(self) -> None:
        """The source has given all it will ever give; the feed's state becomes ended."""

    def seen(self) -> None:
        """The source lives though it had nothing new (304 Not Modified, a keep-alive): resets the staleness."""

    def wrong(self, key: str, problem: str) -> ConfigError:
        """A ConfigError that points at `key` of this feed (`options.topics`); raise it."""


def gathered(rows: Iterable[Row]) -> Iterator[Row]:
    """Makes all rows now; the iterator gives them, and raises at its end what stopped the making."""
    made: list[Row] = []
    fault: Exception | None = None
    try:
        made.extend(rows)
    except Exception as error:  # told where the rows are taken
        fault = error

    def given() -> Iterator[Row]:
        yield from made
        if fault is not None:
            raise fault

    return given()


@dataclass(frozen=True)
class Transport:
    """How bytes arrive. `run` goes on until cancelled, or returns when the source has ended.

    `run` raises on loss (any exception but ConfigError): the runner marks the feed lost with its text and calls `run`
    again after a jittered, bounded back-off. A transport with its own cheaper reconnect calls `rim.lost(reason)` and
    `rim.connected()` itself. ConfigError stops this feed only and is shown in its status.
    """

    name: str
    schemes: tuple[str, ...]  # of the feed's url: ("ws", "wss")
    run: Callable[[FeedConfig, Rim], Awaitable[None]]
    format: str = ""  # format used when the feed names none
    mapping: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)  # default mapping by feed kind
    demo: bool = False  # shown as demo data
    options: tuple[str, ...] | None = None  # the feed options it reads; unknown ones are refused. None: not checked


@dataclass(frozen=True)
class Format:
    """How bytes become rows. `rows(body, feed, config)` may be a generator; it raises BadInput(reason, detail) when the
    rest of the body cannot be read: that body is parked, rows before it are kept.

    `mapping` holds default mappings by feed kind; a feed's own mapping entries win, key by key.
    """

    name: str
    rows: Callable[[bytes, FeedConfig, HallConfig], Iterable[Row]]
    types: tuple[str, ...] = ()  # content types, without parameters
    suffixes: tuple[str, ...] = ()  # of a path, lower case, with the dot
    mapping: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    options: tuple[str, ...] = ()  # the feed options it reads
    apart: bool = False  # takes long: its rows are made in a thread, all at once
