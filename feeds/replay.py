"""Plays a recording into the hall at its original spacing.

With `[clock]` in the configuration a row is told when city time reaches its time (moved by `shift_to`/`shift_seconds`);
otherwise the feed drives itself: from `from` on, at `speed`, all times moved to now. What lies before the start is
history: finished cases go to the archive, what is still true then is told at once.
"""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import parse_qs

import msgspec

from feeds.recording import Recording, record
from feeds.rim import FeedRim
from feeds.source import Gone, Ready
from hall.core.clock import real_wait_seconds
from hall.core.config import FeedConfig
from hall.core.errors import BadInput
from hall.core.model import CASE_ENDED, Case
from hall.core.process import parse_moment

DAY_MS = 86_400_000
BATCH = 2_000  # views told in one go
#: how many days of history are told at the start, by kind, unless options.preload_days says otherwise
PRELOAD_DAYS = {"case": 8.0, "observation": 1.0, "position": 1 / 24}
PRELOAD_ALL = 36_500.0
OPTIONS = ("shift_to", "shift_from", "shift_seconds", "preload_days", "speed", "from", "loop")


class Cursor(msgspec.Struct):
    """How far a replay got: `told` views in time order, in lap `lap`; the anchor of a self-driven one."""

    told: int = 0
    lap: int = 0
    ready: bool = False  # history has been told
    origin: int = 0
    target: int = 0
    size: int = 0  # views of the recording: another file starts anew


class Settings(msgspec.Struct):
    """What the url's query and the options say; times in ms of the source."""

    path: str
    speed: float = 1.0
    since: int | None = None
    loop: bool = False
    shift: int | None = None
    shift_to: int | None = None
    preload_ms: int = 0


def settings_of(feed: FeedConfig, rim: FeedRim) -> Settings:
    """Reads url and options; raises ConfigError."""
    path, _, query = feed.url.partition("://")[2].partition("?")
    given: dict[str, Any] = {**feed.options, **{name: values[-1] for name, values in parse_qs(query).items()}}
    zone = feed.timezone or rim.config.city.timezone

    def read(name: str, convert: Any, default: Any) -> Any:
        try:
            return convert(given[name]) if given.get(name) not in (None, "") else default
        except (ValueError, TypeError, KeyError) as error:
            raise rim.wrong(f"options.{name}" if name in feed.options else "url", f"{name}: {error}") from None

    def moment(text: Any) -> int:
        return parse_moment(str(text), zone)

    found = Settings(
        path=path,
        speed=read("speed", float, 1.0),
        since=read("from", moment, None),
        loop=read("loop", lambda text: str(text).lower() in ("1", "true", "yes"), False),
        shift=read("shift_seconds", lambda text: round(float(text) * 1000), None),
        shift_to=read("shift_to", moment, None),
        preload_ms=round(read("preload_days", float, PRELOAD_DAYS.get(feed.kind, PRELOAD_ALL)) * DAY_MS),
    )
    if not 0 < found.speed <= 100_000:
        raise rim.wrong("url", f"speed {found.speed}: give a number above 0 and up to 100000")
    shift_from = read("shift_from", moment, None)
    if found.shift_to is not None and shift_from is not None:
        found.shift, found.shift_to = found.shift_to - shift_from, None
    return found


class Player:
    """One run of one replay."""

    def __init__(self, feed: FeedConfig, rim: FeedRim) -> None:
        self.feed, self.rim, self.settings = feed, rim, settings_of(feed, rim)
        self.by_clock = bool(rim.config.clock.start)
        self.cursor = Cursor()
        self.recording = Recording()

    async def run(self) -> None:
        """Plays to the end; raises ConfigError, BadInput."""
        self.recording.close()
        path = self.rim.config.path(self.settings.path)
        self.recording = await asyncio.to_thread(record, path, self.rim.decoding)
        try:
            await self._load_cursor()
            if not self.cursor.ready:
                await self._park_refused()
            self.rim.connected()
            if self.recording.untimed:
                await self._tell_directory()
            else:
                await self._play()
        finally:
            self.recording.close()

    async def _load_cursor(self) -> None:
        stored = await self.rim.load_cursor()
        if stored:
            try:
                found = msgspec.json.decode(stored, type=Cursor)
                if found.size == len(self.recording):
                    self.cursor = found
                    return
            except msgspec.MsgspecError:
                self.rim.note("the stored position is not readable: the replay starts anew")
        self.cursor = Cursor(size=len(self.recording))

    async def _park_refused(self) -> None:
        for refused in self.recording.refused:
            await self.rim.park_row(refused.raw, refused.reason, refused.detail)
        self.rim.total.filtered += self.recording.filtered
        self.rim.parking.dropped += self.recording.refused_count - len(self.recording.refused)

    async def _tell_directory(self) -> None:
        """A directory belongs to no moment: it is told at once, unchanged entries are known already."""
        for start in range(0, len(self.recording), BATCH):
            await self._tell(range(start, min(start + BATCH, len(self.recording))))
        self.cursor.ready = True
        self._save()
        await self.rim.durable()

    # -- time ----------------------------------------------------------------------------------------------------------

    def _anchor(self) -> None:
        """How source time becomes city time, for this lap."""
        recording, settings, cursor, warp = self.recording, self.settings, self.cursor, self.rim.mapping.warp
        first = recording.time(0)
        if self.by_clock:
            shift = settings.shift if settings.shift is not None else 0
            if settings.shift_to is not None:
                shift = settings.shift_to - first
            warp.set(0, shift)
            return
        if not cursor.target:
            cursor.origin = settings.since if settings.since is not None else first
            cursor.target = self.rim.clock.now()
        warp.set(cursor.origin, cursor.target, settings.speed)

    def _due(self, index: int) -> int:
        """City time at which a view is told."""
        return self.rim.mapping.warp(self.recording.time(index))

    async def _play(self) -> None:
        while len(self.recording):
            self._anchor()
            if not self.cursor.ready:
                await self._tell_history()
            await self._tell_as_due()
            if not self.settings.loop or self.by_clock:
                return
            self.cursor = Cursor(lap=self.cursor.lap + 1, size=len(self.recording), ready=True)
            self.cursor.origin, self.cursor.target = self.recording.time(0), self.rim.clock.now()

    async def _tell_as_due(self) -> None:
        total, clock = len(self.recording), self.rim.clock
        while self.cursor.told < total:
            begin, end, now = self.cursor.told, self.cursor.told, clock.now()
            while end < total and end - begin < BATCH and self._due(end) <= now:
                end += 1
            if end > begin:
                await self._tell(range(begin, end))
                self.cursor.told = end
                self._save()
                continue
            self.rim.seen()  # the recording is there and says that nothing happened
            wait = real_wait_seconds(clock.state, clock.steady(), self._due(begin))
            # short sleeps: the clock may be moved, and silence must not look like a lost source
            await asyncio.sleep(min(1.0, 1.0 if wait is None else max(wait, 0.005)))

    async def _tell(self, indices: range) -> None:
        await self.rim.views(self._moved(self.recording.item(index)) for index in indices)

    def _moved(self, item: Any) -> Any:
        """Ready documents carry times that the mapping has not moved."""
        if isinstance(item, (Ready, Gone)):
            item.time = self.rim.mapping.warp(item.time)
        return item

    def _save(self) -> None:
        self.rim.cursor(msgspec.json.encode(self.cursor))

    # -- history ---------------------------------------------------------------------------------------------------------

    async def _tell_history(self) -> None:
        """What was before the start: the newest of each subject, finished cases to the archive."""
        start, end = self._start(), 0
        while end < len(self.recording) and self._due(end) <= start:
            end += 1
        # an open case may be old; of anything else only the recent past is still true
        oldest = 0 if self.feed.kind == "case" else self._first_since(start - self.settings.preload_ms, end)
        newest: dict[str, int] = {}
        for index in range(oldest, end):
            if (subject := self._subject(index)) is not None:
                newest[subject] = index
            if index % 500 == 0:
                await asyncio.sleep(0)
        kept = sorted(newest.values())
        for begin in range(0, len(kept), BATCH):
            await self._tell_past(kept[begin : begin + BATCH], start)
        self.cursor.told, self.cursor.ready = end, True
        self._save()

    def _start(self) -> int:
        """The first city moment of the replay: what follows is told in full, however late this process came up."""
        if not self.by_clock:
            return self.cursor.target
        config = self.rim.config
        return parse_moment(config.clock.start, config.city.timezone)

    def _first_since(self, moment: int, end: int) -> int:
        low, high = 0, end
        while low < high:
            middle = (low + high) // 2
            if self._due(middle) < moment:
                low = middle + 1
            else:
                high = middle
        return low

    def _subject(self, index: int) -> str | None:
        return self.rim.subject(self.recording.item(index))

    async def _tell_past(self, indices: list[int], start: int) -> None:
        """Live where it is still true, archived where it ended more than a day before, nothing before the window."""
        live: list[Any] = []
        for index in indices:
            item, due = self._moved(self.recording.item(index)), self._due(index)
            try:
                doc = item.doc if isinstance(item, Ready) else None
                doc = self.rim.mapping.document(item).doc if isinstance(item, tuple) else doc
            except BadInput:
                doc = None  # told like the rest, so that it is parked
            if not isinstance(doc, Case) or doc.state not in CASE_ENDED or due >= start - DAY_MS:
                live.append(item)
            elif due >= start - self.settings.preload_ms:
                await self.rim.archive(doc, due)
                await asyncio.sleep(0)
        await self.rim.views(live)
