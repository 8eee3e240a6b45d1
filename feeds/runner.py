"""Runs every feed of the configuration: one task each, restarted with back-off, its state published every second."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import Any

import msgspec

from feeds.decoding import Decoding
from feeds.devices import Devices
from feeds.intake import Intake
from feeds.known import load_subjects
from feeds.places import Places
from feeds.rim import FeedRim
from feeds.status import status_of
from hall.core import config as configuration
from hall.core.board import START
from hall.core.clock import monotonic
from hall.core.config import FeedConfig, HallConfig
from hall.core.errors import BusLost, ConfigError
from hall.core.model import FeedStatus
from hall.core.process import Process

log = logging.getLogger("hall.feeds")
LEAST_PAUSE, MOST_PAUSE = 0.5, 30.0  # seconds between two attempts
STEADY_SECONDS = 60.0  # a source that held this long starts again at the least pause


class Running:
    """One feed that runs: its rim, its own intake (for its lag), its task."""

    def __init__(self, rim: FeedRim, intake: Intake, task: asyncio.Task) -> None:
        self.rim, self.intake, self.task = rim, intake, task


class Runner:
    """All feeds of one process."""

    def __init__(self, process: Process) -> None:
        self.process, self.config = process, process.config
        self.running: dict[str, Running] = {}
        self.faults: dict[str, tuple[FeedConfig, str]] = {}  # feeds that the configuration does not let run
        self._before: dict[str, dict[str, Any]] = {}  # counters of earlier runs

    async def start(self) -> None:
        """Loads what is known, then starts every feed. Raises ConfigError for boundaries that cannot be read."""
        self.places = Places(self.config)
        while True:
            try:
                devices = Devices()
                self.subjects, self._before = await load_subjects(self.process.bus, devices)
                self.devices = devices
                break
            except BusLost:
                await asyncio.sleep(0.2)
        for feed in self.config.feeds:
            self._start_feed(feed, self.config)

    def _start_feed(self, feed: FeedConfig, config: HallConfig) -> None:
        self.faults.pop(feed.name, None)
        if not feed.enabled:
            return
        try:
            decoding = Decoding(feed, config)
        except ConfigError as error:
            log.error("%s", error)
            self.faults[feed.name] = (feed, str(error))
            return
        intake = Intake(self.process.bulk, self.process.clock, self.places, self.subjects, self.devices)
        rim = FeedRim(self.process, feed, decoding, intake, config)
        task = self.process.spawn(self._keep(rim), f"feed {feed.name}")
        self.running[feed.name] = Running(rim, intake, task)

    async def _keep(self, rim: FeedRim) -> None:
        """Runs one feed's transport for ever; a loss is a state of the feed, never the end of the process."""
        attempt = 0
        while True:
            begun = monotonic()
            try:
                await rim.decoding.transport.run(rim.feed, rim)
                rim.ended()
                return
            except ConfigError as error:
                log.error("%s", error)
                rim.life.error = str(error)
                return
            except Exception as error:  # whatever a supplier's side brings about
                attempt = 0 if monotonic() - begun > STEADY_SECONDS else attempt + 1
                if not rim.life.lost:
                    log.warning("feed %s lost: %s: %s", rim.feed.name, type(error).__name__, error)
                    log.debug("feed %s", rim.feed.name, exc_info=error)
                rim.lost(str(error) or type(error).__name__)
            pause = min(LEAST_PAUSE * 2 ** min(attempt, 10), MOST_PAUSE)
            await asyncio.sleep(pause * rim.random.uniform(0.5, 1.0))

    # -- telling the screens -------------------------------------------------------------------------------------------

    def publish(self) -> None:
        """One status document per feed of the configuration."""
        for feed in self.config.feeds:
            found = self.running.get(feed.name)
            if found is not None:
                status = status_of(found.rim, found.intake.lag_ms, self._before.get(feed.name, {}))
            else:
                _, error = self.faults.get(feed.name, (feed, ""))
                status = FeedStatus(name=feed.name, label=feed.label, kind=feed.kind, expected_seconds=feed.expected_seconds)
                status.state, status.error = ("lost", error) if error else ("off", "")
            self.process.bulk.put(self.process.event(f"feed/{feed.name}", status))
        totals = [found.rim for found in self.running.values()]
        self.process.counters.update(
            received=sum(rim.received for rim in totals),
            accepted=sum(rim.total.accepted for rim in totals),
            parked=sum(rim.total.parked for rim in totals),
            subjects=len(self.subjects),
        )

    async def tell(self) -> None:
        """Publishes every second and brings refused input to the bus; ends never."""
        while True:
            for found in list(self.running.values()):
                with contextlib.suppress(BusLost):
                    await found.rim.parking.flush()
            if not self.process.bulk.fault:
                self.publish()
            await asyncio.sleep(1.0)

    # -- commands --------------------------------------------------------------------------------------------------------

    async def obey(self) -> None:
        """Follows the queue `commands:feeds`; a command is removed once it was carried out."""
        while True:
            try:
                for at, fields in await self.process.bus.queue_read("commands", "feeds", after=START, count=10, block_ms=1000):
                    await self._command(fields.get("command", b""))
                    await self.process.bus.queue_remove([at], "commands", "feeds")
            except BusLost:
                await asyncio.sleep(0.5)

    async def _command(self, raw: bytes) -> None:
        try:
            command = msgspec.json.decode(raw, type=dict[str, Any])
        except msgspec.MsgspecError as error:
            log.warning("command refused: %s", error)
            return
        if command.get("do") == "reload":
            await self.reload()
        elif command.get("do") == "replay-parked" and command.get("feed") in self.running:
            await self.replay_parked(str(command["feed"]))
        else:
            log.warning("command refused: %s", command)

    async def reload(self) -> None:
        """Reads the configuration again; feeds that changed start anew, the others are not disturbed.

        A file that cannot be used, or would break a feed that runs, leaves everything as it is and is shown in every
        feed's note. The city's boundary and clock are read at the start only.
        """
        try:
            config = await asyncio.to_thread(configuration.load, self.config.file)
            for feed in config.feeds:
                if feed.name in self.running and feed.enabled:
                    Decoding(feed, config)
        except ConfigError as error:
            log.error("reload refused: %s", error)
            for found in self.running.values():
                found.rim.note(f"reload refused: {error}")
            return
        old = {feed.name: feed for feed in self.config.feeds}
        self.config = config
        for name in old:
            if name not in {feed.name for feed in config.feeds}:
                await self._stop_feed(name)
        for feed in config.feeds:
            found = self.running.get(feed.name)
            if found is None or old.get(feed.name) != feed:
                await self._stop_feed(feed.name)
                self._start_feed(feed, config)
            else:
                found.rim.config, found.rim.index = config, config.feed(feed.name)[0]
                found.rim.note("")

    async def _stop_feed(self, name: str) -> None:
        found = self.running.pop(name, None)
        if found is not None:
            found.task.cancel()
            await asyncio.gather(found.task, return_exceptions=True)
            counts = status_of(found.rim, None, self._before.get(name, {}))
            self._before[name] = msgspec.to_builtins(counts)

    async def replay_parked(self, name: str) -> None:
        """Takes refused input through the present mapping; what is refused again is parked anew, what was cut stays."""
        rim, after = self.running[name].rim, START
        await rim.durable()
        bound = await rim.bus.queue_length("parked", name)
        while bound > 0 and (entries := await rim.parking.read(after)):
            for at, fields in entries[:bound]:
                after = at
                form = fields.get("form", b"").decode()
                if await rim.again(form, fields.get("raw", b"")):
                    await rim.durable()
                    await rim.parking.remove(at, fields.get("reason", b""))
            bound -= len(entries)
