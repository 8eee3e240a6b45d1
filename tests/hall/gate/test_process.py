"""The gate as a process of its own: the bus dies under it, and it is told to stop while somebody does not read."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
import subprocess
from pathlib import Path

import pytest
import websockets

from hall.core.bus import Bus
from hall.core.embedded import server_command
from tests.hall.gate.conftest import CONFIG, Screen, event, free_port_below
from tests.prefork import prefork

ROOT = Path(__file__).parents[3]
GATE = "from hall.core.process import main; from hall.gate import serve; main('gate', serve)"


class OwnHall:
    """A Valkey and a gate of this test's own."""

    def __init__(self, home: Path) -> None:
        self.home, self.socket, self.port = home, home / "s", free_port_below()
        (home / "hall.toml").write_text(CONFIG, encoding="utf-8")
        self.url = f"ws://127.0.0.1:{self.port + 1}/v1/stream"
        self.start_bus()
        self.gate = prefork().start(
            GATE, after=("hall.gate", "uvloop"),
            env={
                **os.environ, "HALL_REDIS_URL": f"unix://{self.socket}", "HALL_PORT": str(self.port), "HALL_DATA_DIR": str(home),
                "HALL_CONFIG": str(home / "hall.toml"), "PYTHONPATH": str(ROOT),
            },
        )  # fmt: skip

    def start_bus(self) -> None:
        self.bus = subprocess.Popen(
            server_command(self.home, self.socket), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )

    async def listening(self) -> None:
        async with asyncio.timeout(20):
            while True:
                with contextlib.suppress(OSError):
                    _, writer = await asyncio.open_connection("127.0.0.1", self.port + 1)
                    writer.close()
                    return
                await asyncio.sleep(0.02)

    def end(self) -> None:
        for process in (self.gate, self.bus):
            process.kill()
            process.wait()


@pytest.fixture
async def own_hall(tmp_path_factory):
    found = OwnHall(tmp_path_factory.mktemp("g"))
    try:
        await found.listening()
        yield found
    finally:
        found.end()


@pytest.mark.chaos
async def test_screens_stay_connected_and_see_the_bus_grow_old_while_it_is_dead_and_go_on_after(own_hall):
    bus = Bus(f"unix://{own_hall.socket}")
    await bus.publish([event(1, "case/x/1", 1)])
    screen = Screen(own_hall.url)
    await screen.connect()
    await screen.until(lambda s: s.picture)
    own_hall.bus.kill()
    own_hall.bus.wait()
    await screen.until(lambda s: s.said[-1]["op"] == "beat" and s.said[-1]["bus_age"] > 1500)
    with pytest.raises(websockets.ConnectionClosed) as closed:
        async with websockets.connect(own_hall.url, proxy=None, additional_headers={"Cookie": "hall_session=abc"}) as link:
            assert json.loads(await link.recv())["reason"] == "bus-lost"
            await link.recv()
    assert closed.value.rcvd.code == 1013
    own_hall.start_bus()
    async with asyncio.timeout(20):
        while True:
            with contextlib.suppress(Exception):
                await bus.publish([event(2, "case/x/2", 2)])
                break
            await asyncio.sleep(0.05)
    await screen.until(lambda s: "case/x/2" in s.picture)
    await screen.until(lambda s: s.said[-1]["op"] == "beat" and s.said[-1]["bus_age"] < 1500)
    assert set(screen.picture) == {"case/x/1", "case/x/2"}
    await screen.close()
    await bus.close()


@pytest.mark.chaos
async def test_a_gate_told_to_stop_says_so_and_ends_at_once_although_somebody_does_not_read(own_hall):
    screen = Screen(own_hall.url)
    await screen.connect()
    await screen.until(lambda s: s.pos)
    with socket.socket() as deaf:
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        deaf.connect(("127.0.0.1", own_hall.port + 1))
        deaf.sendall(
            b"GET /v1/stream HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n"
        )
        say = b'{"op":"subscribe","topics":["case"]}'
        deaf.sendall(bytes((0x81, 0x80 | len(say))) + b"\0\0\0\0" + say)
        bus = Bus(f"unix://{own_hall.socket}")
        for n in range(40):
            await bus.publish([event(n, "case/x/1", n, {"n": n, "pad": "x" * 300_000})])
            await screen.until(lambda s, n=n: s.picture.get("case/x/1", {}).get("n") == n)
        await bus.close()
        own_hall.gate.send_signal(signal.SIGTERM)
        with pytest.raises(websockets.ConnectionClosed) as closed:
            while True:
                await screen.next()
        assert closed.value.rcvd.code == 1012
        assert await asyncio.to_thread(own_hall.gate.wait, 8) == 0
