"""The health round: every channel looked at in turn, watched ones from the relay's cache, the others by a visit.

Decoding and measuring run in threads; a channel is in at most one of them at a time. What is found goes to
`picture/<feed>/<channel>/health` at edges only, the round's progress and the departments' rates to `health/video`.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import msgspec

from hall.core.clock import monotonic, real_ms
from hall.core.errors import Refused
from hall.core.process import Process
from video.decode import Decoders
from video.directory import Directory
from video.health.judge import Memory, Verdict
from video.health.lap import Laps
from video.health.looking import all_examined, cheapest
from video.health.plan import HealthPlan
from video.health.rates import Rates, Standing
from video.health.relayed import Coded, RelayAway
from video.health.telling import Telling
from video.keypictures import KeyPictures
from video.media import SourceFailed, SourceRequest
from video.stills import Stills

log = logging.getLogger("hall.video")
REFRESH_SECONDS, TELL_SECONDS = 5.0, 2.0
_PARKED_BOUND = 2_000
_BATCH = 16
_DRAWN_WIDTH = 640


class _Doc(msgspec.Struct):
    owner: str = ""
    state: str = "unknown"
    ptz: bool = False
    has_stream: bool = False


class _Event(msgspec.Struct):
    data: _Doc


_event = msgspec.json.Decoder(_Event).decode


class Watched:
    """One channel as the round knows it. `captured` of the newest picture looked at, real ms."""

    __slots__ = ("raw", "doc", "memory", "captured", "busy", "looks", "checked", "reason")

    def __init__(self) -> None:
        self.raw: bytes | None = None
        self.doc = _Doc()
        self.memory = Memory()
        self.captured = 0.0
        self.busy = False
        self.looks = 0
        self.checked: int | None = None
        self.reason = ""  # why the last look had no picture


class Health:
    """The round of one hall. `counters` are shown with the process."""

    def __init__(
        self, process: Process, directory: Directory, key_pictures: KeyPictures, stills: Stills, plan: HealthPlan
    ) -> None:
        self.process, self.directory, self.plan = process, directory, plan
        self._keys, self._stills = key_pictures, stills
        self._decoders = Decoders(plan.threads)
        self.channels: dict[str, Watched] = {}
        self.rates = Rates()
        self.laps = Laps(plan.lap_seconds, monotonic())
        self._telling = Telling(process)
        self._clocks = {clock.channel: clock.region for clock in plan.clocks}
        self._tasks: set[asyncio.Task] = set()
        self.counters: dict[str, float] = {"looks_cached": 0, "looks_visited": 0, "looks_failed": 0, "visiting": 0}

    async def run(self) -> None:
        """Looks for ever."""
        for subject, held in (await self._telling.restored()).items():
            self.channels.setdefault(subject, Watched()).memory.held = held
        try:
            async with asyncio.TaskGroup() as group:
                for work in (self._follow(), self._visit_all(), self._look_at_watched(), self._tell()):
                    group.create_task(work)
        finally:
            for task in self._tasks:
                task.cancel()
            self._decoders.close()

    # -- who there is ------------------------------------------------------------------------------------------------

    async def _follow(self) -> None:
        while True:
            self.refresh()
            await asyncio.sleep(REFRESH_SECONDS)

    def refresh(self) -> None:
        """Takes the directory as it is now: new channels, gone ones, changed states."""
        rows = self.directory.catalogue.index.rows
        for subject in [known for known in self.channels if known not in rows]:
            del self.channels[subject]
            self.rates.drop(subject)
        for subject in rows:
            channel = self.channels.get(subject)
            if channel is None:
                channel = self.channels[subject] = Watched()
            raw = self.directory.raw(subject)
            if raw is not None and raw is not channel.raw:
                channel.raw, channel.doc = raw, _event(raw).data
                self._count(subject, channel)
        self.laps.keep({subject for subject, channel in self.channels.items() if channel.doc.has_stream}, monotonic())

    def _count(self, subject: str, channel: Watched) -> None:
        held = channel.memory.held
        dead = "no-picture" in held
        faults = tuple(fault for fault in held if fault != "no-picture")
        examined = channel.looks > 0 or dead
        reported = channel.doc.state == "online"
        if examined:
            self.directory.catalogue.index.look(subject, not dead, self.process.clock.now())
        self.rates.put(subject, Standing(channel.doc.owner, examined, examined and not dead, reported, () if dead else faults))

    # -- looking -----------------------------------------------------------------------------------------------------

    async def _visit_all(self) -> None:
        while True:
            now = monotonic()
            room = self.plan.visits - len(self._tasks) + min(self._keys.parked, _PARKED_BOUND)
            while room > 0 and (subject := self.laps.take(now)) is not None:
                task = asyncio.create_task(self._visit(subject))
                self._tasks.add(task)
                task.add_done_callback(self._done)
                room -= 1
            self.counters["visiting"] = len(self._tasks)
            if room > 0:
                await asyncio.sleep(max(0.01, self.laps.wait(now)))
            else:
                await asyncio.wait(self._tasks, timeout=0.05, return_when=asyncio.FIRST_COMPLETED)

    def _done(self, task: asyncio.Task) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            log.error("health: a look failed", exc_info=task.exception())

    async def _visit(self, subject: str) -> None:
        """One turn of the lap. Whatever happens, the channel's turn ends."""
        failed, suspect = True, False
        try:
            try:
                request = await self._keys.request(subject)
            except SourceFailed as error:  # no address, or none that can be looked up now: nobody was asked
                failed, suspect = False, error.reason == "bus-lost"
                return
            verdict = await self.examine(subject, *await self._picture(subject, request))
            failed = verdict is not None and verdict.scores.get("no-picture", 0.0) > 0
            suspect = verdict is not None and verdict.suspect
        finally:
            if failed:
                self.laps.failed(subject, monotonic())
            else:
                self.laps.seen(subject, monotonic(), suspect)

    async def _picture(self, subject: str, request: SourceRequest) -> tuple[Any, str]:
        """A coded picture, or work that draws one, or None and why there is none."""
        try:
            if request.url.partition("://")[0].lower() in ("test", "file"):
                return await self._local(subject), ""
            return await self._keys.visit(subject, request), ""
        except SourceFailed as error:
            return None, error.reason

    async def _local(self, subject: str) -> Any:
        """Test cards and clips are not cameras: they are drawn as their posters are, by real time so that they move."""
        picture = await self.directory.picture(subject)
        try:
            found = self._stills.local(picture, _DRAWN_WIDTH, real_ms() // 1000) if picture else None
        except Refused as error:
            raise SourceFailed(error.reason, error.detail) from None
        if found is None or picture is None or picture.state == "offline":
            raise SourceFailed("unreachable", "the channel is offline")
        return found

    async def _look_at_watched(self) -> None:
        """What the relay has in its cache costs no visit: looked at often."""
        while True:
            started = monotonic()
            try:
                tracks = await self._keys.relayed.tracks()
                live = cheapest(tracks)
                await self.look_cached([(subject, live[subject]) for subject in live if subject in self.channels])
            except RelayAway:
                pass
            await asyncio.sleep(max(0.2, self.plan.watched_seconds - (monotonic() - started)))

    async def look_cached(self, tracks: list[tuple[str, str]]) -> None:
        """Looks at the relay's newest pictures of these (subject, quality), a batch at a time. Raises RelayAway."""
        for start in range(0, len(tracks), _BATCH):
            batch = []
            for subject, quality in tracks[start : start + _BATCH]:
                channel = self.channels.get(subject)
                if channel is None or channel.busy:
                    continue
                found = await self._keys.relayed.key_picture(subject, quality, channel.captured)
                if found is not None:
                    batch.append((subject, found, ""))
            # while the others' pictures were asked for, one may have gone or been taken by its visit
            batch = [one for one in batch if (channel := self.channels.get(one[0])) is not None and not channel.busy]
            for (subject, _, _), verdict in zip(batch, await self._examine(batch), strict=True):
                self.counters["looks_cached"] += 1
                self.laps.seen(subject, monotonic(), verdict.suspect)

    async def examine(self, subject: str, picture: Any, reason: str) -> Verdict | None:
        """Decodes, measures, judges and tells; None where the channel has gone or is just being looked at."""
        channel = self.channels.get(subject)
        if channel is None or channel.busy:
            return None
        verdict = (await self._examine([(subject, picture, reason)]))[0]
        self.counters["looks_failed" if verdict.scores.get("no-picture") else "looks_visited"] += 1
        return verdict

    async def _examine(self, batch: list[tuple[str, Any, str]]) -> list[Verdict]:
        """A batch in one go of one thread: the way there costs as much as a tenth of a look."""
        now, city, work = real_ms(), self.process.clock.now(), []
        for subject, picture, reason in batch:
            channel = self.channels[subject]
            channel.busy = True
            work.append((channel.memory, picture, now, not channel.doc.ptz, self._clocks.get(subject), city, reason))
        try:
            found = await self._decoders.run(all_examined, work)
        finally:
            for subject, _, _ in batch:
                if subject in self.channels:
                    self.channels[subject].busy = False
        for (subject, picture, _), (verdict, reason) in zip(batch, found, strict=True):
            self._take(subject, picture, verdict, now, reason)
        return [verdict for verdict, _ in found]

    def _take(self, subject: str, picture: Any, verdict: Verdict, now: int, reason: str) -> None:
        channel = self.channels.get(subject)
        if channel is None:
            return  # it went while it was looked at
        failed = bool(verdict.scores.get("no-picture"))
        first = not channel.looks and not failed
        channel.looks += not failed
        channel.reason, channel.checked = reason, now
        if isinstance(picture, Coded):
            channel.captured = picture.captured
        if verdict.changed or first:
            self._count(subject, channel)
            self._telling.picture(subject, verdict, now, reason)

    # -- telling -----------------------------------------------------------------------------------------------------

    async def _tell(self) -> None:
        while True:
            await asyncio.sleep(TELL_SECONDS)
            found = self.counters | self._keys.counters
            self.process.counters |= {f"health_{name}": value for name, value in found.items()}
            self._telling.health(self.rates, self.laps.progress(), monotonic(), self.counters, self._keys.parked)
