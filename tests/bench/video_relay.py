"""Channels that a whole `hall relay` takes in per core, each watched by one viewer: marginal CPU of the process, from RTSP packets
to the video socket, with every picture sent and with key pictures only; and what a thousand channels take in memory.

720p25, 2 Mbit/s, GOP 2 s. Cameras, bus and viewers are other processes; viewers look at their sockets every 10 ms (see video_ws).
For memory the same bytes come in fewer pictures (5 a second), because the cameras of a thousand channels need a core for themselves.

Run: `chrt -r 10 python -m tests.bench video_relay`.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import os
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx

from hall.core import secrets, tickets
from hall.core.bus import Bus
from hall.core.clock import real_ms
from hall.core.embedded import server_command
from tests.bench.video_ws import cpu, rss
from tests.running import free_port_pair

STEPS, SETTLE, MEASURE = (40, 140, 240), 8.0, 10.0  # channels, seconds
PER_LINK = 16  # tiles of one connection, a wall's
LARGE = ("--width", "1280", "--height", "720", "--kbit", "2000", "--noise", "30", "--scatter")
FPS = 25
MEMORY_STEPS = (100, 1000)
CONFIG = (
    '[city]\nname = {en = "Bench"}\ncentre = [113.9, 35.3]\n[video]\nallow_loopback = true\ngop_total_mib = 4096\n'
    "linger_seconds = 0.5\n"
)


# -- the viewers' process --------------------------------------------------------------------------------------------


def come(port: int) -> socket.socket:
    """A viewer's connection."""
    link = socket.create_connection(("127.0.0.1", port))
    key = base64.b64encode(os.urandom(16)).decode()
    head = f"GET /v1/video HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: {key}\r\n"
    link.sendall(f"{head}Sec-WebSocket-Version: 13\r\n\r\n".encode())
    return link


def ask(link: socket.socket, **message: object) -> None:
    body = json.dumps(message).encode()
    link.sendall(
        struct.pack("!BBH", 0x81, 0x80 | 126, len(body)) + b"\0\0\0\0" + body
    )  # a mask of zeros leaves the text as it is


def viewers(port: int, only: str) -> None:
    """Reads lines from standard input: `bytes` (what was read so far) or a list of [channel, ticket] to watch as well."""
    links: list[socket.socket] = []
    count = read = 0

    def look() -> None:
        nonlocal read
        buffer = memoryview(bytearray(1 << 20))
        while True:
            time.sleep(0.01)
            for link in list(links):
                with contextlib.suppress(BlockingIOError):
                    read += link.recv_into(buffer, flags=socket.MSG_DONTWAIT)

    threading.Thread(target=look, daemon=True).start()
    for line in sys.stdin:
        if line.strip() != "bytes":
            for channel, ticket in json.loads(line):
                if count % PER_LINK == 0:
                    links.append(come(port))
                ask(links[-1], op="watch", n=count % PER_LINK, ticket=ticket, channel=channel, only=only)
                count += 1
                time.sleep(0.01)
        print(read, flush=True)


# -- the measurement -------------------------------------------------------------------------------------------------


class Bench:
    """Bus, cameras, relay, viewers. `watch(count)`: so many channels from now on."""

    def __init__(self, folder: Path, only: str, cameras: tuple[str, ...], most: int) -> None:
        self.folder, self.port, self.relay_port = folder, free_port_pair(), free_port_pair()
        self.children: list[subprocess.Popen] = []
        self.watched = 0
        bus_socket = folder / "s"
        self._run(*server_command(folder, bus_socket))
        camera = self._run(*_python("tests.video.cameras", "--mounts", str(most), *cameras))
        urls = json.loads(camera.stdout.readline())["urls"]
        self.channels = [f"channel/bench/c{n}" for n in range(most)]
        while not bus_socket.exists():
            time.sleep(0.02)
        asyncio.run(_addresses(f"unix://{bus_socket}", dict(zip(self.channels, urls, strict=True))))
        (folder / "hall.toml").write_text(CONFIG)
        env = os.environ | {
            "HALL_CONFIG": str(folder / "hall.toml"), "HALL_DATA_DIR": str(folder), "HALL_PORT": str(self.port),
            "HALL_REDIS_URL": f"unix://{bus_socket}", "HALL_LOG": "WARNING", "HALL_RELAY_PORT": str(self.relay_port),
        }  # fmt: skip
        self.relay = self._run(*_python("hall.cli", "relay"), env=env)
        while True:
            with contextlib.suppress(OSError):
                socket.create_connection(("127.0.0.1", self.port + 2)).close()
                break
            assert self.relay.poll() is None
            time.sleep(0.05)
        self.keys = secrets.load(folder)
        self.viewers = self._run(*_python("tests.bench.video_relay", "viewers", str(self.port + 2), only))

    def _run(self, *command: str, **more) -> subprocess.Popen:
        child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, **more)
        self.children.append(child)
        return child

    def end(self) -> None:
        for child in reversed(self.children):
            child.kill()
            child.wait()

    def say(self, line: str) -> int:
        self.viewers.stdin.write(line + "\n")
        self.viewers.stdin.flush()
        return int(self.viewers.stdout.readline())

    def watch(self, count: int) -> None:
        wanted = self.channels[self.watched : count]
        until = real_ms() + 3_600_000
        signed = [
            tickets.issue(self.keys, tickets.Ticket(view="", person="b", role="wall", channels=(name,), until=until))
            for name in wanted
        ]
        self.say(json.dumps(list(zip(wanted, signed, strict=True))))
        self.watched = count
        while sum(row["state"]["state"] == "live" for row in self.tracks()) < count:
            time.sleep(0.2)

    def tracks(self) -> list[dict]:
        return httpx.get(f"http://127.0.0.1:{self.relay_port}/tracks").json()

    def look(self) -> tuple[float, float, float]:
        """Cores, pictures taken in a second, Mbit/s sent."""
        time.sleep(SETTLE)
        pictures, read = sum(row["counters"]["pictures"] for row in self.tracks()), self.say("bytes")
        used, began = cpu(self.relay.pid), time.monotonic()
        time.sleep(MEASURE)
        share, seconds = cpu(self.relay.pid) - used, time.monotonic() - began
        sent = (self.say("bytes") - read) * 8e-6 / seconds
        pictures = sum(row["counters"]["pictures"] for row in self.tracks()) - pictures
        return share / seconds, pictures / seconds, sent


@contextlib.contextmanager
def bench(only: str, most: int, *cameras: str) -> Iterator[Bench]:
    with tempfile.TemporaryDirectory() as folder:
        made = None
        try:
            made = Bench(Path(folder), only, cameras, most)
            yield made
        finally:
            if made is not None:
                made.end()


async def _addresses(url: str, urls: dict[str, str]) -> None:
    bus = Bus(url)
    await bus.hash_set(urls, "channel-url")
    await bus.close()


def _python(*arguments: str) -> list[str]:
    return [sys.executable, "-m", *arguments]


def ingest(only: str) -> float:
    """Prints a row per step; channels per core, from the first to the last step, by the pictures that came: cameras that fell
    behind send more of them for a while."""
    found = []
    with bench(only, STEPS[-1], *LARGE, "--gop", "50") as run:
        for step in STEPS:
            run.watch(step)
            cores, pictures, sent = run.look()
            damaged = sum(row["counters"]["damaged"] for row in run.tracks())
            found.append((pictures / FPS, cores))
            print(f"| {only} | {step} | {cores:.3f} | {pictures:,.0f} | {sent:,.0f} | {damaged} |", flush=True)
    return (found[-1][0] - found[0][0]) / (found[-1][1] - found[0][1])


def memory() -> None:
    """Prints what `MEMORY_STEPS` channels take."""
    with bench("keys", MEMORY_STEPS[-1], *LARGE, "--fps", "5", "--gop", "10") as run:
        empty = rss(run.relay.pid)
        print(f"\n| channels | relay, MiB | of that kept groups, MiB |\n|---|---|---|\n| 0 | {empty:.0f} | 0 |")
        for step in MEMORY_STEPS:
            run.watch(step)
            time.sleep(8)
            looks = []
            for _ in range(8):
                looks.append((rss(run.relay.pid), sum(row["bytes"] for row in run.tracks()) / 2**20))
                time.sleep(0.5)
            whole, kept = (sum(column) / len(looks) for column in zip(*looks, strict=True))
            print(f"| {step:,} | {whole:,.0f} | {kept:,.0f} |", flush=True)


def main() -> None:
    print("| viewers get | channels | cores | pictures in/s | Mbit/s out | damages |\n|---|---|---|---|---|---|")
    rates = {only: ingest(only) for only in ("keys", "all")}
    memory()
    print(
        f"\nThrough the whole relay, by marginal CPU: {rates['keys']:,.0f} channels per core with key pictures sent on,",
        end=" ",
    )
    print(f"**{rates['all']:,.0f}** with every picture sent on. Goal 500: {'met' if rates['all'] >= 500 else 'NOT met'}.")


if __name__ == "__main__":
    if sys.argv[1:2] == ["viewers"]:
        viewers(int(sys.argv[2]), sys.argv[3])
    else:
        main()
