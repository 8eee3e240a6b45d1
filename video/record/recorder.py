"""Recordings of the relay: begun and ended by people or by time, gone on with after a restart, told on the bus."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import msgspec

from hall.core.clock import monotonic, real_ms
from hall.core.errors import BusLost, Refused
from hall.core.process import Process
from video.record.archive import Archive
from video.record.deck import Writer
from video.record.model import LONGEST_MS, Document, Gap, Ordered, Recording, Taping, checked, document_of
from video.record.running import Running
from video.record.tape import read_gaps

log = logging.getLogger("hall.record")

MOST_DECKS = 96  # of this relay
MOST_FOUND = 500
MOST_EXPORTS = 4  # at once: each reads and hashes as fast as the disk gives
TIDY_SECONDS, TELL_SECONDS, LOOK_SECONDS = 60.0, 10.0, 0.5
FREE_BYTES = 1024**3  # what recordings leave of the disk


class Recorder:
    """All recordings of one relay. `days`, `most` (bytes): how long and how much is kept."""

    def __init__(self, hub: Any, process: Process, archive: Archive, *, days: float, most: int) -> None:
        self.archive, self._hub, self._process = archive, hub, process
        self.days, self._most = days, most
        self._known: dict[str, Recording] = {}
        self._running: dict[str, Running] = {}
        self._held: dict[str, list[Taping]] = {}  # what the channels of ended recordings hold
        self._unsaved: set[str] = set()
        self._exporting: Counter[str] = Counter()
        self._loop = asyncio.get_running_loop()
        self._full = asyncio.Event()
        self._ready = asyncio.Event()
        self._writer = Writer(lambda: self._loop.call_soon_threadsafe(self._full.set))

    # -- asked for by people -------------------------------------------------------------------------------------

    async def start(self, order: Ordered) -> Document:
        """Begins a recording; raises Refused."""
        await self._ready.wait()
        now = real_ms()
        order = checked(order, now)
        if sum(len(one.decks) for one in self._running.values()) + len(order.channels) > MOST_DECKS:
            raise Refused("too-many-recordings", f"this relay records {MOST_DECKS} channels at once", 503)
        recording = await asyncio.to_thread(self.archive.create, order, now)
        self._known[recording.id] = recording
        self._tape(recording, pre_roll=order.pre_roll_s > 0)
        log.info("recording %s of %s channels for %s begins", recording.id, len(order.channels), order.case or "nobody")
        return self._tell(recording.id)

    async def stop(self, name: str, reason: str = "stopped") -> Document:
        """Ends a recording and returns when its last segments are on disk; one that has ended stays as it is."""
        recording = self.one(name)
        if running := self._running.pop(name, None):
            await self._ended(running)
            recording.ended, recording.reason = real_ms(), reason
            self._held[name] = held = await asyncio.to_thread(self.archive.held, recording)
            for taping, deck in zip(held, running.decks, strict=True):
                taping.state, taping.dropped, taping.converted = deck.taping.state, deck.taping.dropped, deck.taping.converted
            await self._save(recording)
        return self._tell(name)

    async def extend(self, name: str, until: int) -> Document:
        """Moves the end of a running recording; raises Refused."""
        recording = self.one(name)
        if name not in self._running:
            raise Refused("ended", "this recording has ended", 409)
        until = min(max(until, real_ms()), recording.started + LONGEST_MS)
        recording.order = msgspec.structs.replace(recording.order, until=until)
        await self._save(recording)
        return self._tell(name)

    async def lock(self, name: str, locked: bool, who: str) -> Document:
        """Makes a recording evidence, or no longer; raises Refused."""
        recording = self.one(name)
        recording.locked, recording.locked_by = locked, who
        await self._save(recording)
        return self._tell(name)

    async def remove(self, name: str, why: str) -> Document:
        """Removes a recording before its time; returns what it was. Raises Refused `locked`, `running` (409), `not-stored`."""
        found = await self.document(name)
        if self.one(name).locked:
            raise Refused("locked", "evidence is not removed: unlock it first", 409)
        if name in self._running or self.one(name).ended is None:
            raise Refused("running", "end the recording first", 409)
        if self._exporting[name]:
            raise Refused("exporting", "it is being handed over: wait for its end", 409)
        recording = self._known.pop(name)
        try:
            await asyncio.to_thread(self.archive.remove, recording, real_ms(), why)
        except OSError as error:
            self._known[name] = recording
            raise Refused("not-stored", f"the recording cannot be removed: {error.strerror}", 507) from None
        self._forget(name)
        return found

    def one(self, name: str) -> Recording:
        """Raises Refused `unknown-recording`."""
        if name not in self._known:
            raise Refused("unknown-recording", "there is no such recording, or it is no longer kept", 404)
        return self._known[name]

    async def document(self, name: str) -> Document:
        """As published; of an ended one with what its channels hold."""
        recording = self.one(name)
        if running := self._running.get(name):
            return document_of(recording, [deck.taping for deck in running.decks])
        if name not in self._held:  # an ended recording does not change any more
            self._held[name] = await asyncio.to_thread(self.archive.held, recording)
        return document_of(recording, self._held[name])

    def gaps(self, name: str, index: int) -> list[Gap]:
        """Times without pictures of a channel; the last may still last. Blocking."""
        running = self._running.get(name)
        lasting = running.decks[index].gap if running else None
        return read_gaps(self.archive.channel(self.one(name), index)) + ([lasting] if lasting else [])

    def exportable(self, name: str) -> Recording:
        """Raises Refused `busy` where too many are handed over at once."""
        recording = self.one(name)
        if self._exporting.total() >= MOST_EXPORTS:
            raise Refused("busy", f"{MOST_EXPORTS} recordings are being handed over; wait for one to end", 503)
        return recording

    @contextlib.contextmanager
    def exporting(self, name: str) -> Iterator[None]:
        """The recording is kept meanwhile."""
        self._exporting[name] += 1
        try:
            yield
        finally:
            self._exporting[name] -= 1

    async def found(self, case: str = "", channel: str = "", since: int = 0, until: int = 0) -> list[Document]:
        """Recordings newest first, at most MOST_FOUND, that have to do with a case, a channel, a time (real ms)."""
        rows = []
        for recording in sorted(self._known.values(), key=lambda one: -one.started):
            order = recording.order
            if (not case or order.case == case) and (not channel or channel in order.channels):
                ends = recording.ended if recording.ended is not None else real_ms()
                if ends >= since and (not until or recording.started <= until):
                    rows.append(await self.document(recording.id))
            if len(rows) >= MOST_FOUND:
                break
        return rows

    # -- over time -----------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Goes on with what was being recorded, ends what is over, keeps within bounds; until cancelled."""
        try:
            await self._resume()
            tidied = monotonic()
            while True:
                now = real_ms()
                for name, running in list(self._running.items()):
                    if now >= running.recording.order.until:
                        await self._patiently(self.stop(name, "until"), f"recording {name}")
                        continue
                    running.ask_again()
                    if monotonic() - running.told_at > TELL_SECONDS:
                        self._tell(name)
                if self._full.is_set() or monotonic() - tidied > TIDY_SECONDS:
                    self._full.clear()
                    tidied = monotonic()
                    await self._patiently(self._tidy(), "recordings")
                await asyncio.sleep(LOOK_SECONDS)
        finally:
            for running in list(self._running.values()):
                running.leave()
                for deck in running.decks:
                    deck.end(lambda: None)
            await asyncio.to_thread(self._writer.close)

    async def _patiently(self, work: Awaitable[Any], about: str) -> None:
        """A disk that is full or fails costs recordings, not the relay's pictures."""
        try:
            await work
        except (OSError, Refused) as error:
            log.error("%s: %s", about, error)

    async def _resume(self) -> None:
        for recording in await asyncio.to_thread(self.archive.load):
            self._known[recording.id] = recording
            await self._patiently(self._taken_up(recording), f"recording {recording.id}")
        self._ready.set()

    async def _taken_up(self, recording: Recording) -> None:
        if recording.ended is None:
            if real_ms() < recording.order.until:
                await self._patiently(self._recovered(recording), f"recording {recording.id}")
                self._tape(recording, pre_roll=False, resumed=True)
            else:
                recording.ended, recording.reason = recording.order.until, "until"
                await self._recovered(recording)
                await self._save(recording)
        await self.document(recording.id)
        self._tell(recording.id)

    async def _recovered(self, recording: Recording) -> None:
        if found := await asyncio.to_thread(self.archive.recover, recording):
            log.warning("recording %s: %s segments of a relay that died were taken in", recording.id, found)

    async def _tidy(self) -> None:
        bounds = real_ms(), self.days, self._most, FREE_BYTES
        for gone in await asyncio.to_thread(self.archive.retain, *bounds, self._is_kept):
            log.info("recording %s is no longer kept", gone.id)
            self._forget(gone.id)
        self._process.counters["recordings_removed"] = self.archive.removed["recordings"]
        for name in list(self._unsaved):  # room was made first
            await self._save(self._known[name])

    def _forget(self, name: str) -> None:
        self._known.pop(name, None)
        self._held.pop(name, None)
        self._unsaved.discard(name)
        self._publish(name, None)

    def _is_kept(self, name: str) -> bool:
        """Asked in the last moment, by another thread: one may have been locked since the files were read."""
        return self._exporting[name] > 0 or name in self._known and self._known[name].locked

    def _tape(self, recording: Recording, pre_roll: bool, resumed: bool = False) -> None:
        running = self._running[recording.id] = Running(self._hub, recording, self.archive, self._writer)
        running.begin(pre_roll, resumed)

    async def _ended(self, running: Running) -> None:
        running.leave()
        done = [self._loop.create_future() for _ in running.decks]
        for deck, future in zip(running.decks, done, strict=True):
            deck.end(_from_thread(self._loop, future))
        if done:
            await asyncio.wait(done, timeout=10)

    async def _save(self, recording: Recording) -> None:
        try:
            await asyncio.to_thread(self.archive.save, recording)
            self._unsaved.discard(recording.id)
        except OSError as error:
            self._unsaved.add(recording.id)  # tried again while it is tidied up
            raise Refused("not-stored", f"the recording's file cannot be written: {error.strerror}", 507) from None

    # -- telling -------------------------------------------------------------------------------------------------

    def _tell(self, name: str) -> Document:
        recording, running = self._known[name], self._running.get(name)
        found = document_of(recording, [deck.taping for deck in running.decks] if running else self._held.get(name, []))
        if running:
            running.told_at = monotonic()
        self._publish(name, found)
        self._process.counters["recording"] = sum(len(one.decks) for one in self._running.values())
        return found

    def _publish(self, name: str, found: Document | None) -> None:
        try:
            self._process.bulk.put(self._process.event(f"recording/{name}", found))
        except BusLost as error:
            log.warning("recording %s: screens were not told: %s", name, error)


def _from_thread(loop: asyncio.AbstractEventLoop, future: asyncio.Future[None]) -> Callable[[], None]:
    return lambda: loop.call_soon_threadsafe(lambda: future.done() or future.set_result(None))
