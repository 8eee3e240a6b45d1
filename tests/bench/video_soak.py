"""Memory of the relay over a long time with cameras that flap: a real `hall relay`, RTSP cameras that hang up every few seconds,
viewers that stay and viewers that come and go. Prints the relay's memory over time, its open files, and what viewers got.

Run: `python -m tests.bench.video_soak [minutes]` (30).
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import websockets

from hall.core import secrets, tickets
from hall.core.bus import Bus
from hall.core.clock import monotonic, real_ms
from hall.core.embedded import server_command
from tests.running import free_port_pair
from tests.video.cameras import FakeCamera, Mount, Recipe, make

CAMERAS, STAYING, PERIOD = 12, 6, 10.0
CONFIG = '[city]\nname = {en = "Soak"}\ncentre = [113.9, 35.3]\n[video]\nallow_loopback = true\nlinger_seconds = 2.0\n'


class Counts:
    pictures = comings = cuts = 0


def rss(pid: int) -> float:
    """MiB."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


async def watch(url: str, ticket: str, channels: list[str], seconds: float, counts: Counts) -> None:
    """One viewer for so long; whoever loses the connection comes again."""
    until = monotonic() + seconds
    while monotonic() < until:
        try:
            async with websockets.connect(url, compression=None, max_size=None) as link:
                counts.comings += 1
                for n, channel in enumerate(channels):
                    await link.send(json.dumps({"op": "watch", "n": n, "ticket": ticket, "channel": channel}))
                async with asyncio.timeout(max(0.1, until - monotonic())):
                    async for message in link:
                        counts.pictures += isinstance(message, bytes)
        except TimeoutError:
            return
        except (OSError, websockets.ConnectionClosed):
            counts.cuts += 1
            await asyncio.sleep(0.2)


async def _answers(port: int) -> None:
    """Returns once something listens there."""
    async with asyncio.timeout(60):
        while True:
            with contextlib.suppress(OSError):
                _, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.close()
                return
            await asyncio.sleep(0.1)


async def come_and_go(url: str, ticket: str, channels: list[str], seconds: float, counts: Counts) -> None:
    """A new viewer every second, each for three."""
    async with asyncio.TaskGroup() as group:
        for number in range(int(seconds)):
            group.create_task(watch(url, ticket, channels[number % CAMERAS :][:3], 3.0, counts))
            await asyncio.sleep(1.0)


async def sample(pid: int, seconds: float) -> list[float]:
    """The relay's memory every PERIOD seconds."""
    found = []
    for _ in range(int(seconds / PERIOD)):
        await asyncio.sleep(PERIOD)
        found.append(rss(pid))
    return found


async def soak(folder: Path, children: list[subprocess.Popen], minutes: float) -> None:
    """Runs all of it and prints what came out."""
    bus_socket, port = folder / "s", free_port_pair()
    children.append(subprocess.Popen(server_command(folder, bus_socket), stdout=subprocess.DEVNULL))
    while not bus_socket.exists():
        await asyncio.sleep(0.05)
    mounts = {f"c{n}": Mount(clip=make(Recipe()), dies_after=2.0 + n, phase=n / 300) for n in range(CAMERAS)}
    channels = [f"channel/soak/{name}" for name in mounts]
    async with FakeCamera(mounts) as camera:
        bus = Bus(f"unix://{bus_socket}")
        await bus.hash_set({f"channel/soak/{name}": camera.url(name) for name in mounts}, "channel-url")
        await bus.close()
        (folder / "hall.toml").write_text(CONFIG)
        env = os.environ | {
            "HALL_CONFIG": str(folder / "hall.toml"), "HALL_DATA_DIR": str(folder), "HALL_PORT": str(port),
            "HALL_REDIS_URL": f"unix://{bus_socket}", "HALL_LOG": "ERROR",
        }  # fmt: skip
        relay = subprocess.Popen([sys.executable, "-m", "hall.cli", "relay"], env=env)
        children.append(relay)
        made = tickets.Ticket(view="soak", person="p", role="wall", channels=tuple(channels), until=real_ms() + 86_400_000)
        ticket, url = tickets.issue(secrets.load(folder), made), f"ws://127.0.0.1:{port + 2}/v1/video"
        counts, seconds = Counts(), minutes * 60
        await _answers(port + 2)
        staying = [watch(url, ticket, channels, seconds, counts) for _ in range(STAYING)]
        results = await asyncio.gather(
            sample(relay.pid, seconds), come_and_go(url, ticket, channels, seconds, counts), *staying
        )
        files = len(list(Path(f"/proc/{relay.pid}/fd").iterdir()))
    tell(results[0], counts, files, relay.poll() is None)


def tell(memory: list[float], counts: Counts, files: int, alive: bool) -> None:
    quarter = max(1, len(memory) // 4)
    parts = [statistics.mean(memory[start : start + quarter]) for start in range(0, quarter * 4, quarter) if memory[start:]]
    print("| quarter of the run | relay, MiB |\n|---|---|")
    for number, mean in enumerate(parts, 1):
        print(f"| {number} | {mean:.1f} |")
    print(
        f"\n{counts.pictures:,} pictures to {counts.comings:,} viewers, {counts.cuts} connections lost; {files} files open at the "
        f"end; {len(memory) * PERIOD / 60:.0f} minutes, {CAMERAS} cameras that hang up after 2 to {1 + CAMERAS} s; "
        f"the relay {'lives' if alive else 'has ended'}."
    )


def main(minutes: float = 30) -> None:
    """Prints the table."""
    children: list[subprocess.Popen] = []
    with tempfile.TemporaryDirectory() as folder:
        try:
            asyncio.run(soak(Path(folder), children, minutes))
        finally:
            for child in reversed(children):
                child.kill()
                child.wait()


if __name__ == "__main__":
    main(*map(float, sys.argv[1:]))
