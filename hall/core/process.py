"""What every process of the hall shares: settings, bus, city clock, heartbeat, clean end on a signal."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import logging
import os
import signal
import sys
import uuid
import zoneinfo
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import msgspec

from hall import __version__
from hall.core import settings as settings_module
from hall.core.bus import Bus
from hall.core.clock import LIVE, CityClock, ClockState, real_ms
from hall.core.config import ClockConfig, HallConfig
from hall.core.errors import BadInput, BusLost, ConfigError
from hall.core.event import Event, envelope, unpack
from hall.core.model import ProcessStatus
from hall.core.publisher import Publisher
from hall.core.settings import Settings

log = logging.getLogger("hall")


def parse_moment(text: str, timezone: str) -> int:
    """ISO 8601 date-time to ms; without an offset it is in `timezone`. Raises ValueError."""
    moment = datetime.datetime.fromisoformat(text)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=zoneinfo.ZoneInfo(timezone))
    return int(moment.timestamp() * 1000)


def first_clock(config: ClockConfig, timezone: str, real: int) -> ClockState:
    """City time at the start of a run: live, or the replayed moment that `[clock]` names."""
    if not config.start:
        return LIVE
    stop = parse_moment(config.stop, timezone) if config.stop else None
    return ClockState(real, parse_moment(config.start, timezone), config.rate, stop)


class Process:
    """One running process. `bulk` and `fast` publish events; `clock` is the shared city clock; `counters` are shown."""

    def __init__(self, name: str, settings: Settings, config: HallConfig) -> None:
        self.name, self.settings, self.config = name, settings, config
        self.bus = Bus(settings.redis_url, settings.bus_prefix)
        self.clock = CityClock()
        self.bulk = Publisher(self.bus, "bulk", settings.tick_seconds)
        self.fast = Publisher(self.bus, "fast", 0.002)
        self.counters: dict[str, float] = {}
        self.stopping = asyncio.Event()
        self.started = real_ms()
        # ids of one source sort in the order they were made, across restarts too: while city time stands still (a
        # replay that is paused or at its end) the id alone decides which of two documents is the newer one
        self._run_id = f"{self.started:011x}{uuid.uuid4().hex[:4]}"
        self._made = 0
        self._floor = 0  # no event of ours is older than this: a machine clock set back must not freeze the board
        self._tasks: set[asyncio.Task] = set()

    def event(self, subject: str, data: Any, *, time: int | None = None, type: str = "") -> Event:
        """An event of this process; `time` defaults to the city's now."""
        self._made += 1
        now = self._floor = max(self.clock.now(), self._floor)
        return Event(
            id=f"{self.name}-{self._run_id}-{self._made:08x}",
            source=self.name,
            subject=subject,
            time=now if time is None else time,
            recordedtime=now,
            type=type,
            data=data,
        )

    def spawn(self, work: Coroutine[Any, Any, Any], name: str = "") -> asyncio.Task:
        """A background task that is kept alive by reference; its failure ends the process (the supervisor restarts it)."""
        task = asyncio.create_task(work, name=name or None)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and isinstance(task.exception(), SystemExit):
            self.stopping.set()  # it said why it ends, and with which code
        elif not task.cancelled() and task.exception() is not None:
            log.error("%s: %s failed", self.name, task.get_name(), exc_info=task.exception())
            self.stopping.set()

    async def end_tasks(self) -> None:
        """Cancels every spawned task and returns when all have ended.

        Asks more than once: `asyncio.wait_for` of Python 3.11, used by the Redis client, can lose a cancellation that
        comes in the moment its work is done.
        """
        while self._tasks:
            for task in list(self._tasks):
                task.cancel()
            await asyncio.wait(list(self._tasks), timeout=2)

    async def wait_for_bus(self) -> None:
        """Returns once the bus answers; says once that it waits."""
        told = False
        while True:
            try:
                return await self.bus.ping()
            except BusLost as error:
                if not told:
                    log.warning("%s: waiting for the bus: %s", self.name, error)
                    told = True
                await asyncio.sleep(0.1)

    async def load_clock(self) -> None:
        """Takes the shared city clock; the first process of a run sets it from the configuration."""
        try:
            state = first_clock(self.config.clock, self.config.city.timezone, real_ms())
        except (ValueError, zoneinfo.ZoneInfoNotFoundError) as error:
            raise self.config.error("clock.start", str(error)) from None
        await self.bus.set(msgspec.json.encode(state), "clock", only_new=True)
        stored = await self.bus.get("clock")
        self.clock.state = msgspec.json.decode(stored, type=ClockState) if stored else state
        self._floor = await self._newest_recorded()
        self._run_id = f"{max(self.started, self._floor + 1):011x}{uuid.uuid4().hex[:4]}"

    async def _newest_recorded(self) -> int:
        """When the newest pack on the bus was recorded: the machine's clock may have been set back since."""
        reply = await self.bus.newest_pack("bulk")
        with contextlib.suppress(BadInput):  # a broken pack must not keep every process from starting
            return max((envelope(raw).recordedtime for raw in unpack(reply)), default=0) if reply else 0
        return 0

    async def _follow_clock(self) -> None:
        while True:
            await asyncio.sleep(0.5)
            with contextlib.suppress(BusLost):
                stored = await self.bus.get("clock")
                if stored:
                    self.clock.state = msgspec.json.decode(stored, type=ClockState)

    async def _beat(self) -> None:
        while True:
            if self.bulk.waiting < 1000 and not self.bulk.fault:
                status = ProcessStatus(
                    name=self.name,
                    pid=os.getpid(),
                    started=self.started,
                    beat=real_ms(),
                    build=__version__,
                    counters=self.counters,
                )
                self.bulk.put(self.event(f"process/{self.name}", status))
            await asyncio.sleep(1.0)

    async def run(self, main: Callable[[Process], Awaitable[None]]) -> None:
        """Connects, beats, runs `main` until it returns or a signal comes, then flushes and closes."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self.stopping.set)
        await self.wait_for_bus()
        await self.load_clock()
        for work in (self.bulk.run(), self.fast.run(), self._follow_clock(), self._beat()):
            self.spawn(work)
        work = self.spawn(main(self), "main")
        stop = asyncio.create_task(self.stopping.wait())
        await asyncio.wait({work, stop}, return_when=asyncio.FIRST_COMPLETED)
        failed = work.done() and not work.cancelled() and work.exception() is not None
        await self.end_tasks()
        with contextlib.suppress(BusLost, TimeoutError):
            async with asyncio.timeout(2):
                await self.bulk.flush()
                await self.fast.flush()
        await self.bus.close()
        if failed:
            raise SystemExit(1)


def main(name: str, body: Callable[[Process], Awaitable[None]]) -> None:
    """Entry point of a process: reads environment and configuration, runs `body` on uvloop."""
    logging.basicConfig(level=settings_module.variable("HALL_LOG"), format="%(name)s %(levelname)s %(message)s")
    for talkative in ("httpx", "alembic"):
        logging.getLogger(talkative).setLevel(logging.WARNING)
    try:
        settings = settings_module.read()
        config = settings_module.load_config(settings)

        async def start() -> None:
            await Process(name, settings, config).run(body)

        import uvloop

        uvloop.run(start())
    except ConfigError as error:
        print(f"hall {name}: {error}", file=sys.stderr)
        raise SystemExit(2) from None
