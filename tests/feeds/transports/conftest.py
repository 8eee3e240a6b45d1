"""A rim that records what a transport does with it, and a feed of one's own configuration."""

import asyncio
import contextlib
import json
import random
from pathlib import Path

import pytest

from feeds.source import Outcome
from hall.core import config as config_module
from hall.core.clock import CityClock
from hall.core.errors import ConfigError


class Recorder:
    """Keeps everything in plain lists; `until` waits for a condition without polling.

    `kept` is what a restart finds again (the cursor): hand it to the next Recorder.
    """

    def __init__(self, config, name, bus=None, kept=None):
        self.config, (self.index, self.feed), self.bus = config, config.feed(name), bus
        self.clock, self.random, self.data_dir = CityClock(), random.Random(1), Path(".")
        self.kept = {} if kept is None else kept
        self.bodies, self.taken_rows, self.parked, self.notes, self.losses = [], [], [], [], []
        self.connections = self.flushes = self.lives = 0
        self.hold = None  # an asyncio.Event: `durable` waits for it
        self._changed = asyncio.Event()

    def _tell(self):
        self._changed.set()

    async def until(self, condition, seconds=20):
        try:
            async with asyncio.timeout(seconds):
                while not condition():
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            raise AssertionError(
                f"did not come about: {len(self.bodies)} bodies, {len(self.taken_rows)} rows, {self.parked[-3:]}, {self.losses[-3:]}"
            ) from None

    async def bytes(self, body, content_type=""):
        self.bodies.append((body, content_type))
        self._tell()
        return Outcome(accepted=1)

    async def row(self, row):
        return await self.rows([row])

    async def rows(self, rows):
        rows = list(rows)
        self.taken_rows += rows
        self._tell()
        return Outcome(accepted=len(rows))

    async def park(self, raw, reason, detail="", content_type=""):
        self.parked.append((raw, reason, detail))
        self._tell()
        return Outcome(parked=1)

    def cursor(self, value):
        self.kept["cursor"] = value
        self._tell()

    async def load_cursor(self):
        return self.kept.get("cursor")

    async def durable(self):
        if self.hold is not None:
            await self.hold.wait()
        self.flushes += 1
        self._tell()

    def connected(self):
        self.connections += 1
        self._tell()

    def lost(self, reason):
        self.losses.append(reason)
        self._tell()

    def note(self, error):
        self.notes.append(error)
        self._tell()

    def seen(self):
        self.lives += 1
        self._tell()

    def wrong(self, key, problem):
        return self.config.error(f"feeds[{self.index}].{key}", problem)

    def json(self):
        return [json.loads(body) for body, _ in self.bodies]


@pytest.fixture
def rim(bus):
    """`rim(url, kind="observation", kept=None, **feed keys)` -> Recorder."""

    def make(url, kind="observation", kept=None, **keys):
        config = config_module.HallConfig(
            city=config_module.CityConfig(name={"en": "Test"}, centre=(114.0, 35.3)),
            feeds=[config_module.FeedConfig(name="f", kind=kind, url=url, **keys)],
            file=str(Path(__file__).with_name("hall.toml")),
        )
        return Recorder(config, "f", bus, kept)

    return make


@pytest.fixture
async def running():
    """`running(transport, rim)` runs it as the runner does: again after each loss, until the test ends."""
    tasks = []

    async def keep(transport, rim):
        while True:
            try:
                await transport.run(rim.feed, rim)
                return
            except ConfigError:
                raise
            except Exception as error:
                rim.lost(str(error) or type(error).__name__)
                await asyncio.sleep(0.02)

    def start(transport, rim):
        tasks.append(asyncio.create_task(keep(transport, rim)))
        return tasks[-1]

    yield start
    for task in tasks:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError, ConfigError):
            await task
