"""Viewers per core of the video socket: one channel 720p25 at 2 Mbps (GOP 2 s) from a camera over RTSP through a real `hall
relay`, viewers in another process that read and count. CPU is the relay's on-CPU time (schedstat), marginal between few and
many viewers, in interleaved rounds; memory per viewer likewise.

Run: `python -m tests.bench.video_ws [few] [many]`; beside other work with `chrt -r 10` before it.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import statistics
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from hall.core import secrets, tickets
from hall.core.bus import Bus
from hall.core.clock import real_ms
from hall.core.embedded import server_command
from tests.running import free_port_pair

ROUNDS, SECONDS, SETTLE = 3, 8.0, 4.0
CHANNEL = "channel/bench/c0"
CONFIG = """
[city]
name = {en = "Bench"}
centre = [113.9, 35.3]
[video]
allow_loopback = true
[[feeds]]
name = "bench"
kind = "channel"
url = "push://"
"""


def cpu(pid: int) -> float:
    """Seconds that all threads of a process were on a CPU."""
    return sum(int(p.read_text().split()[0]) for p in Path(f"/proc/{pid}/task").glob("*/schedstat")) / 1e9


def rss(pid: int) -> float:
    """MiB."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


# -- the viewers' process --------------------------------------------------------------------------------------------


class Client(asyncio.BufferedProtocol):
    """One viewer: asks, then reads and counts."""

    buffer = memoryview(bytearray(1 << 18))
    bytes = 0

    def __init__(self, ticket: str) -> None:
        self.ticket = ticket

    def connection_made(self, transport: asyncio.Transport) -> None:
        key = base64.b64encode(os.urandom(16)).decode()
        head = f"GET /v1/video HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: {key}\r\n"
        transport.write(f"{head}Sec-WebSocket-Version: 13\r\n\r\n".encode())
        body = json.dumps({"op": "watch", "n": 1, "ticket": self.ticket, "channel": CHANNEL, "quality": "main"}).encode()
        # a mask of zeros leaves the text as it is
        transport.write(struct.pack("!BBH", 0x81, 0x80 | 126, len(body)) + b"\0\0\0\0" + body)
        self.transport = transport

    def get_buffer(self, hint: int) -> memoryview:
        return self.buffer

    def buffer_updated(self, count: int) -> None:
        Client.bytes += count


async def viewers(port: int, ticket: str) -> None:
    """Reads numbers from standard input: so many viewers from now on; answers each with a line when they are there."""
    loop, inside = asyncio.get_running_loop(), []
    while line := (await asyncio.to_thread(sys.stdin.readline)).strip():
        if line == "bytes":
            print(Client.bytes, flush=True)
            continue
        while len(inside) < int(line):
            inside.append((await loop.create_connection(lambda: Client(ticket), "127.0.0.1", port))[0])
            await asyncio.sleep(0.002)
        while len(inside) > int(line):
            inside.pop().abort()
        print("ok", flush=True)


# -- the measurement -------------------------------------------------------------------------------------------------


class Bench:
    """Server, camera, relay and viewers as processes."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.port, self.children = folder, free_port_pair(), []

    def run(self, *command: str, **more) -> subprocess.Popen:
        child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, **more)
        self.children.append(child)
        return child

    async def start(self) -> None:
        socket = self.folder / "s"
        server = self.run(*server_command(self.folder, socket))
        while not socket.exists():
            assert server.poll() is None
            await asyncio.sleep(0.05)
        camera = self.run(
            *_python("tests.video.cameras", "--width", "1280", "--height", "720", "--kbit", "2000", "--gop", "50")
        )
        url = json.loads(camera.stdout.readline())["urls"][0]
        bus = Bus(f"unix://{socket}")
        await bus.hash_set({CHANNEL: url}, "channel-url")
        await bus.close()
        (self.folder / "hall.toml").write_text(CONFIG)
        env = os.environ | {
            "HALL_CONFIG": str(self.folder / "hall.toml"), "HALL_DATA_DIR": str(self.folder), "HALL_PORT": str(self.port),
            "HALL_REDIS_URL": f"unix://{socket}", "HALL_LOG": "WARNING",
        }  # fmt: skip
        self.relay = self.run(*_python("hall.cli", "relay"), env=env)
        ticket = tickets.Ticket(view="", person="bench", role="wall", channels=(CHANNEL,), until=real_ms() + 3_600_000)
        signed = tickets.issue(secrets.load(self.folder), ticket)
        await self._answers()
        self.watchers = self.run(*_python("tests.bench.video_ws", "viewers", str(self.port + 2), signed))

    async def _answers(self) -> None:
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", self.port + 2)
                writer.close()
                return
            except OSError:
                assert self.relay.poll() is None
                await asyncio.sleep(0.1)

    def ask(self, line: str) -> str:
        self.watchers.stdin.write(line + "\n")
        self.watchers.stdin.flush()
        return self.watchers.stdout.readline().strip()

    def look(self, count: int) -> tuple[float, float, float]:
        """Relay's share of a core, its MiB, and Mbit/s that each viewer read, with `count` viewers."""
        self.ask(str(count))
        time.sleep(SETTLE)
        used, got, began = cpu(self.relay.pid), int(self.ask("bytes")), time.perf_counter()
        time.sleep(SECONDS)
        elapsed = time.perf_counter() - began
        share, read = (cpu(self.relay.pid) - used) / elapsed, (int(self.ask("bytes")) - got) / elapsed
        return share, rss(self.relay.pid), read * 8e-6 / count

    def end(self) -> None:
        for child in reversed(self.children):
            child.kill()
            child.wait()


def _python(*arguments: str) -> list[str]:
    return [sys.executable, "-m", *arguments]


def main(few: int = 50, many: int = 400) -> None:
    """Prints the table."""
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder))
        try:
            asyncio.run(bench.start())
            rows = [(bench.look(few), bench.look(many)) for _ in range(ROUNDS)]
        finally:
            bench.end()
    each = [(high[0] - low[0]) / (many - few) for low, high in rows]
    memory = max(high[1] for _, high in rows) - min(low[1] for low, _ in rows[:1])
    print(f"| round | relay at {few} | relay at {many} | core per viewer | viewers per core | Mbit/s read by each |")
    print("|---|---|---|---|---|---|")
    for number, ((low, high), one) in enumerate(zip(rows, each, strict=True), 1):
        print(f"| {number} | {low[0]:.1%} | {high[0]:.1%} | {one:.4%} | {1 / one:,.0f} | {low[2]:.2f} / {high[2]:.2f} |")
    print(f"\nMedian {1 / statistics.median(each):,.0f} viewers per core; {memory / (many - few):.2f} MiB per viewer")


if __name__ == "__main__":
    import uvloop

    if sys.argv[1:2] == ["viewers"]:
        uvloop.run(viewers(int(sys.argv[2]), sys.argv[3]))
    else:
        main(*map(int, sys.argv[1:]))
