"""20 screens, 2 of them slow; the gate killed three times, Valkey once, the supplier once: the same picture everywhere."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest
import websockets

from hall.core.board import Board
from hall.core.bus import Bus
from hall.core.embedded import server_command
from hall.core.errors import BusLost
from tests.hall.gate.chaos_producer import expected
from tests.hall.gate.conftest import CONFIG, Screen, _key, free_port_below

TOTAL = 5000
ROOT = Path(__file__).parents[3]
PREFIX = "{chaos}"
GATE = "from hall.core.process import main; from hall.gate import serve; main('gate', serve)"
#: share of all events after which who is killed
FAULTS = [(0.15, "gate"), (0.3, "gate"), (0.45, "bus"), (0.6, "supplier"), (0.75, "gate")]


class Hall:
    """The processes, each started again at once when it was killed."""

    def __init__(self, home: Path) -> None:
        self.port = free_port_below()
        self.socket = home / "s"
        (home / "hall.toml").write_text(CONFIG, encoding="utf-8")
        self.environment = {
            **os.environ, "HALL_REDIS_URL": self.url, "HALL_BUS_PREFIX": PREFIX, "HALL_PORT": str(self.port), "HALL_TICK_MS": "40",
            "HALL_CONFIG": str(home / "hall.toml"), "HALL_DATA_DIR": str(home), "PYTHONPATH": str(ROOT), "HALL_LOG": "ERROR",
        }  # fmt: skip
        self.commands = {
            "bus": server_command(home, self.socket),
            "gate": [sys.executable, "-c", GATE],
            "supplier": [sys.executable, str(Path(__file__).with_name("chaos_producer.py")), self.url, PREFIX, str(TOTAL)],
        }
        self.running: dict[str, subprocess.Popen] = {}

    @property
    def url(self) -> str:
        return f"unix://{self.socket}"

    @property
    def stream(self) -> str:
        return f"ws://127.0.0.1:{self.port + 1}/v1/stream"

    def start(self, name: str) -> None:
        self.running[name] = subprocess.Popen(
            self.commands[name], env=self.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )

    def kill(self, name: str) -> None:
        self.running[name].kill()
        self.running[name].wait()

    def end(self) -> None:
        for process in self.running.values():
            process.kill()
            process.wait()


class Endless(Screen):
    """Reconnects for ever and resumes; counts what it was told although it had it."""

    repeats = 0
    resets = 0
    slow = False

    async def follow(self, chance: random.Random) -> None:
        while True:
            with contextlib.suppress(OSError, websockets.WebSocketException, TimeoutError):
                await self.connect()
                while True:
                    await self.next()
                    self.said.clear()
                    self.history.clear()
                    if self.slow and chance.random() < 0.1:
                        await asyncio.sleep(chance.random() * 3)
            await asyncio.sleep(chance.random() * 0.3)

    def read(self, message: dict) -> None:
        self.resets += message["op"] == "state" and message["reset"] and message["part"] == 1
        super().read(message)

    def _apply(self, events: list[dict]) -> None:
        for told in events:
            known = self.events.get(told["subject"])
            self.repeats += known is not None and _key(told) <= _key(known)
        super()._apply(events)

    @property
    def numbers(self) -> dict[str, object]:
        return {subject: data["n"] for subject, data in self.picture.items()}


async def _progress(bus: Bus) -> float:
    try:
        return int(await bus.get("cursor", "bulk") or 0) / TOTAL
    except BusLost:
        return -1.0


@pytest.mark.chaos
async def test_everybody_ends_with_the_same_picture_whatever_dies(tmp_path_factory):
    hall = Hall(tmp_path_factory.mktemp("c"))
    seed = int(os.environ.get("CHAOS_SEED", "1"))
    bus = Bus(hall.url, PREFIX)
    tasks: list[asyncio.Task] = []
    try:
        hall.start("bus")
        while await _progress(bus) < 0:
            await asyncio.sleep(0.02)
        for name in ("gate", "supplier"):
            hall.start(name)
        screens = [Endless(hall.stream, max_queue=2 if n < 2 else 16) for n in range(20)]
        screens[0].slow = screens[1].slow = True
        tasks = [asyncio.create_task(s.follow(random.Random(seed + n))) for n, s in enumerate(screens)]
        async with asyncio.timeout(60):
            for share, name in FAULTS:
                while await _progress(bus) < share:
                    await asyncio.sleep(0.02)
                hall.kill(name)
                hall.start(name)
            while hall.running["supplier"].poll() is None:
                await asyncio.sleep(0.05)
        screens[0].slow = screens[1].slow = False
        wanted = expected(TOTAL)
        newcomer = Endless(hall.stream)
        tasks.append(asyncio.create_task(newcomer.follow(random.Random(0))))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(20):
                while any(s.numbers != wanted for s in (*screens, newcomer)):
                    await asyncio.sleep(0.05)
        differing = [n for n, s in enumerate((*screens, newcomer)) if s.numbers != wanted]
        assert differing == [], f"screens {differing} differ from what was supplied"
        assert [s.repeats for s in screens] == [0] * 20, "something was told twice"
        board = Board()
        await bus.load_board(board)
        assert {s for s in wanted} == {e.subject for e in board.current(["case"])}
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        hall.end()
        await bus.close()
