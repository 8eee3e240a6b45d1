"""The newest key picture of any channel: the relay's, where somebody watches; else a visit, whose result is kept a while."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from typing import Any

from hall.core.clock import real_ms
from hall.core.process import Process
from hall.core.secrets import Secrets
from video import guard
from video.health.relayed import Coded, RelayAway, Relayed
from video.health.visits import LONGEST_SECONDS, Politeness, first_key, host_of
from video.media import SourceFailed, SourceRequest
from video.relay.addresses import Addresses
from video.relay.opening import Opener

_KEPT_BYTES = 32 * 1024 * 1024
_RTSP = ("rtsp", "rtsps")


class KeyPictures:
    """Finds key pictures. `counters`: relayed, visited, failed, kept_bytes."""

    def __init__(self, process: Process, secrets: Secrets, per_host: int = 4) -> None:
        self._opener = Opener()
        checked = guard.of(process.config, process.settings)
        self._addresses = Addresses(process.bus, secrets, process.config, checked, self._opener.scaling)
        self.relayed = Relayed(process.settings.relay_port)
        self._polite = Politeness(per_host)
        self._kept: OrderedDict[str, Coded] = OrderedDict()
        self._visiting: dict[str, asyncio.Task[Coded]] = {}
        self.counters: dict[str, float] = {"relayed": 0, "visited": 0, "failed": 0, "kept_bytes": 0}

    async def close(self) -> None:
        for task in self._visiting.values():
            task.cancel()
        await self.relayed.close()

    @property
    def parked(self) -> int:
        """Visits that wait because their host has enough visitors."""
        return self._polite.parked

    async def request(self, subject: str) -> SourceRequest:
        """Where a channel's sub-stream is, or its only one. Raises SourceFailed."""
        return await self._addresses.request(subject, "sub")

    async def newest(self, subject: str, age_ms: int) -> Coded:
        """A key picture of at most `age_ms`, or the newest a visit brings. Raises SourceFailed."""
        since = real_ms() - age_ms
        try:
            if found := await self.relayed.key_picture(subject, newer=since):
                self.counters["relayed"] += 1
                return found
        except RelayAway:
            pass  # a visit needs no relay
        kept = self._kept.get(subject)
        if kept is not None and kept.captured >= since:
            return kept
        return await self.visit(subject)

    async def visit(self, subject: str, request: SourceRequest | None = None) -> Coded:
        """One look at the camera itself; several who ask share it. `request`: where it is, if known. Raises SourceFailed."""
        task = self._visiting.get(subject)
        if task is None:
            task = self._visiting[subject] = asyncio.create_task(self._visit(subject, request))
            task.add_done_callback(lambda done: self._visited(subject, done))
        return await asyncio.shield(task)

    async def _visit(self, subject: str, request: SourceRequest | None) -> Coded:
        request = request or await self.request(subject)
        host = host_of(request.url)
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if not self._polite.enter(host, turn):
            try:
                await turn
            except asyncio.CancelledError:
                if turn.done() and not turn.cancelled():
                    self._leave(host)  # its turn had just come
                raise
        try:
            return await self._first_key(request)
        finally:
            self._leave(host)

    def _leave(self, host: str) -> None:
        following = self._polite.leave(host)
        while following is not None and following.done():  # who waited has gone
            following = self._polite.leave(host)
        if following is not None:
            following.set_result(None)

    async def _first_key(self, request: SourceRequest) -> Coded:
        if request.url.partition("://")[0].lower() in _RTSP:
            from video.rtsp.client import visit

            try:
                async with asyncio.timeout(LONGEST_SECONDS):
                    unit = await visit(request)
            except TimeoutError:
                raise SourceFailed("silent", f"no key picture within {LONGEST_SECONDS:.0f} s") from None
            return Coded(unit.annexb, unit.info.family, unit.captured or float(real_ms()))
        return await first_key(self._opener, request)

    def _visited(self, subject: str, task: asyncio.Task[Any]) -> None:
        self._visiting.pop(subject, None)
        if task.cancelled() or task.exception() is not None:
            self.counters["failed"] += 1
            return
        self.counters["visited"] += 1
        self._keep(subject, task.result())

    def _keep(self, subject: str, found: Coded) -> None:
        before = self._kept.pop(subject, None)
        self._kept[subject] = found
        self.counters["kept_bytes"] += len(found.body) - (len(before.body) if before else 0)
        while self.counters["kept_bytes"] > _KEPT_BYTES:
            self.counters["kept_bytes"] -= len(self._kept.popitem(last=False)[1].body)
