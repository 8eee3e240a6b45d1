"""Viewers per core of the video socket: one channel 720p25 at 2 Mbps (GOP 2 s) from a camera over RTSP through a real `hall
relay`, viewers in another process that read and count. In the same rounds: a server that sends the same pictures with the
library's own `send`. CPU is on-CPU time (schedstat), marginal between few and many viewers; memory per viewer likewise.

On loopback the waking of a reader, and the receiving half of TCP, are charged to the sender, which on a network they are not.
So viewers look at their sockets every 10 ms instead of being woken; a row with viewers that are woken by each picture is there
to compare.

Run: `python -m tests.bench.video_ws [few] [many]`; beside other work with `chrt -r 10` before it.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import itertools
import json
import os
import select
import socket
import statistics
import struct
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import NamedTuple

import websockets

from hall.core import secrets, tickets
from hall.core.bus import Bus
from hall.core.clock import real_ms
from hall.core.embedded import server_command
from tests.running import free_port_pair
from tests.video.cameras import Recipe, make

ROUNDS, SECONDS, SETTLE = 3, 8.0, 4.0
CHANNEL = "channel/bench/c0"
RECIPE = Recipe(width=1280, height=720, kbit_s=2000, gop=50)
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


class Row(NamedTuple):
    """A server in one round; `low`, `high`: what `look` found with few and many viewers."""

    name: str
    low: tuple[float, float, float]
    high: tuple[float, float, float]
    each: float  # share of a core
    memory: float  # MiB


def cpu(pid: int) -> float:
    """Seconds that all threads of a process were on a CPU."""
    return sum(int(p.read_text().split()[0]) for p in Path(f"/proc/{pid}/task").glob("*/schedstat")) / 1e9


def rss(pid: int) -> float:
    """MiB."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


# -- the viewers' process --------------------------------------------------------------------------------------------


def come(port: int, ticket: str) -> socket.socket:
    """A viewer's connection that has asked for the channel."""
    link = socket.create_connection(("127.0.0.1", port))
    key = base64.b64encode(os.urandom(16)).decode()
    head = f"GET /v1/video HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: {key}\r\n"
    link.sendall(f"{head}Sec-WebSocket-Version: 13\r\n\r\n".encode())
    body = json.dumps({"op": "watch", "n": 1, "ticket": ticket, "channel": CHANNEL, "quality": "main"}).encode()
    # a mask of zeros leaves the text as it is
    link.sendall(struct.pack("!BBH", 0x81, 0x80 | 126, len(body)) + b"\0\0\0\0" + body)
    link.setblocking(False)
    return link


class Viewers:
    """Connections of one server, read by a thread: every 10 ms, or (`woken`) at each arrival."""

    def __init__(self, woken: bool) -> None:
        self.links: list[socket.socket] = []
        self.bytes = 0
        self._buffer = memoryview(bytearray(1 << 20))
        threading.Thread(target=self._wait if woken else self._look, daemon=True).start()

    def _look(self) -> None:
        while True:
            time.sleep(0.01)
            for link in list(self.links):
                self._read(link)

    def _wait(self) -> None:
        poll, known = select.epoll(), {}
        while True:
            for link in [link for link in list(self.links) if link.fileno() not in known and link.fileno() >= 0]:
                known[link.fileno()] = link
                poll.register(link, select.EPOLLIN)
            if not self.links:
                known.clear()
            for number, _ in poll.poll(0.5):
                self._read(known[number])

    def _read(self, link: socket.socket) -> None:
        with contextlib.suppress(BlockingIOError, OSError):
            self.bytes += link.recv_into(self._buffer)


def viewers(port: int, ticket: str, woken: bool) -> None:
    """Reads orders from standard input: a number (so many viewers from now on), `bytes` (what all have read so far)."""
    all_of_them = Viewers(woken)
    for line in sys.stdin:
        if line.strip() == "bytes":
            print(all_of_them.bytes, flush=True)
            continue
        while len(all_of_them.links) < int(line):
            all_of_them.links.append(come(port, ticket))
            time.sleep(0.003)
        while len(all_of_them.links) > int(line):
            all_of_them.links.pop().close()
        print("ok", flush=True)


# -- the peer --------------------------------------------------------------------------------------------------------


async def library(port: int) -> None:
    """The same pictures by `send` of the WebSocket library, to everybody in turn."""
    clip = make(RECIPE)
    pictures = [bytes(24) + clip.annexb(place) for place in range(len(clip.pictures))]
    inside: set[websockets.ServerConnection] = set()

    async def one(link: websockets.ServerConnection) -> None:
        inside.add(link)
        try:
            await link.wait_closed()
        finally:
            inside.discard(link)

    async with websockets.serve(one, "127.0.0.1", port, compression=None, ping_interval=None):
        loop = asyncio.get_running_loop()
        began = loop.time()
        for number in itertools.count():
            await asyncio.sleep(max(0.0, began + number / clip.fps - loop.time()))
            for link in list(inside):
                with contextlib.suppress(websockets.ConnectionClosed):
                    await link.send(pictures[number % len(pictures)])


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
        bus_socket = self.folder / "s"
        server = self.run(*server_command(self.folder, bus_socket))
        while not bus_socket.exists():
            assert server.poll() is None
            await asyncio.sleep(0.05)
        camera = self.run(
            *_python("tests.video.cameras", "--width", "1280", "--height", "720", "--kbit", "2000", "--gop", "50")
        )
        url = json.loads(camera.stdout.readline())["urls"][0]
        bus = Bus(f"unix://{bus_socket}")
        await bus.hash_set({CHANNEL: url}, "channel-url")
        await bus.close()
        (self.folder / "hall.toml").write_text(CONFIG)
        env = os.environ | {
            "HALL_CONFIG": str(self.folder / "hall.toml"), "HALL_DATA_DIR": str(self.folder), "HALL_PORT": str(self.port),
            "HALL_REDIS_URL": f"unix://{bus_socket}", "HALL_LOG": "WARNING",
        }  # fmt: skip
        self.relay = self.run(*_python("hall.cli", "relay"), env=env)
        ticket = tickets.Ticket(view="", person="bench", role="wall", channels=(CHANNEL,), until=real_ms() + 3_600_000)
        signed = tickets.issue(secrets.load(self.folder), ticket)
        self.peer = self.run(*_python("tests.bench.video_ws", "library", str(self.port + 1)))
        for port in (self.port + 1, self.port + 2):
            await _answers(port)
        theirs, ours = str(self.port + 1), str(self.port + 2)
        self.watchers = {
            "hall relay": (self.relay, self.run(*_viewers(ours, signed, "looking"))),
            "library's send": (self.peer, self.run(*_viewers(theirs, signed, "looking"))),
            "hall relay, viewers woken": (self.relay, self.run(*_viewers(ours, signed, "woken"))),
        }

    def ask(self, name: str, line: str) -> str:
        watchers = self.watchers[name][1]
        watchers.stdin.write(line + "\n")
        watchers.stdin.flush()
        return watchers.stdout.readline().strip()

    def look(self, name: str, count: int) -> tuple[float, float, float]:
        """The server's share of a core, its MiB, and Mbit/s that each viewer read, with `count` viewers."""
        server = self.watchers[name][0]
        self.ask(name, str(count))
        time.sleep(SETTLE)
        used, got, began = cpu(server.pid), int(self.ask(name, "bytes")), time.perf_counter()
        time.sleep(SECONDS)
        elapsed = time.perf_counter() - began
        share, read = (cpu(server.pid) - used) / elapsed, (int(self.ask(name, "bytes")) - got) / elapsed
        return share, rss(server.pid), read * 8e-6 / count

    def round(self, few: int, many: int) -> list[Row]:
        """Both servers, few and many viewers each; the one that does not count has none."""
        rows = []
        for name in self.watchers:
            low, high = self.look(name, few), self.look(name, many)
            self.ask(name, "0")
            rows.append(Row(name, low, high, (high[0] - low[0]) / (many - few), (high[1] - low[1]) / (many - few)))
        return rows

    def end(self) -> None:
        for child in reversed(self.children):
            child.kill()
            child.wait()


def _viewers(port: str, ticket: str, how: str) -> list[str]:
    return _python("tests.bench.video_ws", "viewers", port, ticket, how)


def _python(*arguments: str) -> list[str]:
    return [sys.executable, "-m", *arguments]


async def _answers(port: int) -> None:
    """Returns once something listens there."""
    async with asyncio.timeout(60):
        while True:
            with contextlib.suppress(OSError):
                _, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.close()
                return
            await asyncio.sleep(0.1)


def main(few: int = 50, many: int = 400) -> None:
    """Prints the table."""
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder))
        try:
            asyncio.run(bench.start())
            rows = [row for _ in range(ROUNDS) for row in bench.round(few, many)]
        finally:
            bench.end()
    print(
        f"| server | core at {few} | core at {many} | core per viewer | viewers per core | Mbit/s read by each | MiB per viewer |"
    )
    print("|---|---|---|---|---|---|---|")
    for row in rows:
        shares = f"{row.low[0]:.1%} | {row.high[0]:.1%} | {row.each:.4%} | {1 / row.each:,.0f}"
        print(f"| {row.name} | {shares} | {row.low[2]:.2f}, {row.high[2]:.2f} | {row.memory:.2f} |")
    ours, theirs = (statistics.median(row.each for row in rows if row.name == row_of.name) for row_of in rows[:2])
    print(f"\nMedians: {1 / ours:,.0f} viewers per core, {theirs / ours:.1f} times the library's send ({1 / theirs:,.0f}).")


if __name__ == "__main__":
    import uvloop

    if sys.argv[1:2] == ["viewers"]:
        viewers(int(sys.argv[2]), sys.argv[3], sys.argv[4] == "woken")
    elif sys.argv[1:2] == ["library"]:
        uvloop.run(library(int(sys.argv[2])))
    else:
        main(*map(int, sys.argv[1:]))
