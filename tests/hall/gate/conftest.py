"""A gate on a real Valkey and a free port, and a client that reduces what it is told in its own way."""

from __future__ import annotations

import asyncio
import contextlib
import json

import pytest
import websockets

from hall.core.config import parse
from hall.core.event import Event, encode
from hall.core.process import Process
from hall.core.settings import Settings
from hall.gate import serve
from tests.running import free_port_pair

CONFIG = '[city]\nname = {en = "Test"}\ncentre = [113.9, 35.3]\ndemo = true\n'


def free_port_below() -> int:
    """A port whose successor is free."""
    return free_port_pair()


def event(number: int, subject: str, time: int, data=..., source: str = "test") -> bytes:
    return encode(
        Event(
            id=f"e{number}",
            source=source,
            subject=subject,
            time=time,
            recordedtime=time,
            data={"n": number} if data is ... else data,
        )
    )


class RunningGate:
    """One gate in this process; `stop()` ends it, `start()` starts another on the same port and bus."""

    def __init__(self, url: str, prefix: str, tick: float = 0.01, config: str = CONFIG) -> None:
        self.port = free_port_below()
        self.settings = Settings(
            data_dir=None, host="127.0.0.1", port=self.port, video_port=0, redis_url=url, embedded=False,
            bus_prefix=prefix, tick_seconds=tick, config_path="",
        )  # fmt: skip
        self.config = parse(config)
        self.process: Process | None = None

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.port + 1}/v1/stream"

    @property
    def counters(self) -> dict:
        return self.process.counters

    async def start(self) -> None:
        self.process = Process("gate", self.settings, self.config)
        for work in (self.process.bulk.run(), self.process.fast.run()):
            self.process.spawn(work)
        body = self.process.spawn(serve(self.process), "gate")
        while True:
            assert not body.done(), body.exception()
            with contextlib.suppress(OSError):
                _, writer = await asyncio.open_connection("127.0.0.1", self.port + 1)
                writer.close()
                return
            await asyncio.sleep(0.01)

    async def stop(self) -> None:
        await self.process.end_tasks()
        await self.process.bus.close()


@pytest.fixture
async def gate(valkey, bus_prefix):
    running = RunningGate(valkey, bus_prefix)
    await running.start()
    yield running
    await running.stop()


class Screen:
    """A client written from docs/PROTOCOL.md alone: newest `(time, recordedtime, id)` per subject wins."""

    def __init__(self, url: str, topics=("case",), where=None, **options) -> None:
        self.url, self.topics, self.where, self.options = url, list(topics), where, options
        self.events: dict[str, dict] = {}
        self.history: list[dict] = []
        self.pos: str | None = None
        self.said: list[dict] = []
        self.socket = None

    async def connect(self, resume: bool = True) -> None:
        self.socket = await websockets.connect(self.url, max_size=4 * 2**20, proxy=None, **self.options)
        self.hello = json.loads(await self.socket.recv())
        since = {"from": self.pos} if resume and self.pos else {}
        await self.say(op="subscribe", topics=self.topics, where=self.where, **since)

    async def say(self, **message) -> None:
        await self.socket.send(json.dumps(message))

    async def next(self) -> dict:
        message = json.loads(await self.socket.recv())
        self.said.append(message)
        self.read(message)
        return message

    def read(self, message: dict) -> None:
        if message["op"] == "state":
            if message["reset"] and message["part"] == 1:
                self.events, self.pos = {}, None
            self._apply(message["e"])
            if message["part"] == message["parts"]:
                self.pos = message["pos"]
        elif message["op"] == "frame":
            self._apply(message["e"])
            self.pos = message["pos"]

    def _apply(self, events: list[dict]) -> None:
        for told in events:
            self.history.append(told)
            known = self.events.get(told["subject"])
            if known is None or _key(told) > _key(known):
                self.events[told["subject"]] = told

    @property
    def states(self) -> list[dict]:
        return [message for message in self.said if message["op"] == "state"]

    @property
    def picture(self) -> dict[str, object]:
        return {subject: e["data"] for subject, e in self.events.items() if e.get("data") is not None}

    async def until(self, wanted, seconds: float = 10.0) -> None:
        """Reads until `wanted(self)` is true."""
        async with asyncio.timeout(seconds):
            while not wanted(self):
                await self.next()

    async def close(self) -> None:
        await self.socket.close()

    def abort(self) -> None:
        self.socket.transport.abort()


def _key(told: dict) -> tuple:
    return told["time"], told["recordedtime"], told["id"]


@pytest.fixture
async def screen(gate):
    """Makes connected screens; closes them at the end."""
    made: list[Screen] = []

    async def make(*args, **options) -> Screen:
        found = Screen(gate.url, *args, **options)
        await found.connect()
        made.append(found)
        return found

    yield make
    for found in made:
        await found.close()
