"""A feeds process without a supervisor: real bus, a city clock that the test sets, feeds of a configuration text."""

from __future__ import annotations

import asyncio
import contextlib

import pytest

from feeds.decoding import Decoding
from feeds.intake import Intake
from feeds.known import load_subjects
from feeds.places import Places
from feeds.rim import FeedRim
from hall.core import config as configuration
from hall.core.board import Board
from hall.core.clock import ClockState, real_ms
from hall.core.event import decode, unpack
from hall.core.process import Process, parse_moment
from hall.core.settings import Settings
from tests.tasks import ended

CITY = """
[city]
name = {en = "Test"}
centre = [0, 0]
timezone = "UTC"
"""


class Bench:
    """One feeds process under test; `rim(name)` is the rim of a feed, `documents(topic)` what the board shows."""

    def __init__(self, url: str, prefix: str, folder) -> None:
        self.url, self.prefix, self.folder = url, prefix, folder
        self.process: Process | None = None

    def configure(self, text: str, file: str = "hall.toml") -> None:
        path = self.folder / file
        path.write_text(text if "[city]" in text else CITY + text)
        self.start(configuration.load(path))

    def start(self, config) -> None:
        settings = Settings(
            data_dir=self.folder, host="127.0.0.1", port=1, video_port=0, redis_url=self.url, embedded=False,
            bus_prefix=self.prefix, tick_seconds=0.01, config_path=config.file,
        )  # fmt: skip
        self.process = Process("feeds", settings, config)

    def set_clock(self, moment: str | int, rate: float = 0.0, zone: str = "UTC") -> None:
        """The city clock shows `moment`, running at `rate` (0: it stands)."""
        now = parse_moment(moment, zone) if isinstance(moment, str) else moment
        self.process.clock.state = ClockState(real_ms(), now, rate)

    async def rim(self, name: str) -> FeedRim:
        process = self.process
        subjects, _ = await load_subjects(process.bus)
        feed = process.config.feed(name)[1]
        intake = Intake(process.bulk, process.clock, Places(process.config), subjects)
        return FeedRim(process, feed, Decoding(feed, process.config), intake, process.config)

    async def play(self, rim: FeedRim) -> None:
        """Runs a feed's transport until it ends, then everything is on the bus."""
        await rim.decoding.transport.run(rim.feed, rim)
        await rim.durable()

    async def board(self) -> Board:
        found = Board(log_bound=200_000)
        await self.process.bus.load_board(found)
        return found

    async def documents(self, topic: str) -> dict[str, dict]:
        board = await self.board()
        return {(e := decode(entry.raw)).subject: e.data for entry in board.current([topic])}

    async def events(self) -> list:
        """Every event on the bulk stream, in order."""
        reply = await self.process.bus.redis.xrange(self.process.bus.key("bulk"))
        return [decode(bytes(raw)) for _, fields in reply for raw in unpack(fields[b"p"])]

    async def parked(self, name: str) -> list[dict[str, str]]:
        entries = await self.process.bus.queue_read("parked", name, count=10_000)
        return [{k: v.decode("utf-8", "replace") for k, v in fields.items()} for _, fields in entries]


@pytest.fixture
async def bench(valkey, bus_prefix, tmp_path):
    made = Bench(valkey, bus_prefix, tmp_path)
    yield made
    if made.process is not None:
        await made.process.bus.close()


@contextlib.asynccontextmanager
async def running(work):
    """Runs a coroutine beside the test and ends it with it."""
    task = asyncio.create_task(work)
    try:
        yield task
    finally:
        await ended(task)
