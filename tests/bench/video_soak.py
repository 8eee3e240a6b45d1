"""Memory of relay and video process over a long time with cameras that flap: a real `hall relay` and `hall video`, RTSP cameras
that hang up every few seconds, viewers that stay and viewers that come and go, a health lap every half minute, posters asked for.
Prints both processes' memory over time, their open files, and what viewers got.

Run: `python -m tests.bench.video_soak [minutes]` (30).
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import httpx
import websockets

from hall.core import secrets, tickets
from hall.core.bus import Bus
from hall.core.clock import monotonic, real_ms
from hall.core.embedded import server_command
from hall.core.event import Event, encode
from hall.core.model import Channel, subject_of
from tests.running import free_port_pair
from tests.video.cameras import FakeCamera, Mount, Recipe, make

CAMERAS, STAYING, PERIOD, PARTS = 12, 6, 10.0, 6
NAMES = ("relay", "video")
CONFIG = '[city]\nname = {en = "Soak"}\ncentre = [113.9, 35.3]\n[video]\nallow_loopback = true\nlinger_seconds = 2.0\n'
CONFIG += "health = {lap_seconds = 30, per_host = 12}\n"


class Counts:
    pictures = comings = cuts = posters = 0


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


async def sample(pids: list[int], port: int, seconds: float) -> list[list[float]]:
    """The processes' memory every PERIOD seconds, and how much of it the kept posters are."""
    found = []
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=20) as client:
        for _ in range(int(seconds / PERIOD)):
            await asyncio.sleep(PERIOD)
            kept = (await client.get("/healthz")).json()["cache_bytes"] / 2**20
            found.append([*map(rss, pids), kept])
    return found


async def ask_for_posters(port: int, channels: list[str], seconds: float, counts: Counts) -> None:
    """A directory that somebody leafs through: ten still pictures a second, of many sizes, so that what is kept soon reaches its
    bound and a growth behind it shows."""
    until = monotonic() + seconds
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=20) as client:
        for number in itertools.count():
            if monotonic() >= until:
                return
            counts.posters += (
                await client.get(f"/poster/{channels[number % CAMERAS]}.jpg?w={320 + number % 200}")
            ).status_code == 200
            await asyncio.sleep(0.1)


async def publish(bus: Bus, urls: dict[str, str]) -> list[str]:
    """The channels and their addresses; subjects."""
    docs = [Channel(feed="soak", channel_id=name, name=name, owner="o", state="online", has_stream=True) for name in urls]
    events = [Event(id=d.channel_id, source="soak", subject=subject_of(d), time=1, recordedtime=1, data=d) for d in docs]
    await bus.publish([encode(event) for event in events])
    await bus.hash_set({f"channel/soak/{name}": url for name, url in urls.items()}, "channel-url")
    await bus.close()
    return [event.subject for event in events]


async def soak(folder: Path, children: list[subprocess.Popen], minutes: float) -> None:
    """Runs all of it and prints what came out."""
    bus_socket, port, more = folder / "s", free_port_pair(), free_port_pair()
    children.append(subprocess.Popen(server_command(folder, bus_socket), stdout=subprocess.DEVNULL))
    while not bus_socket.exists():
        await asyncio.sleep(0.05)
    mounts = {f"c{n}": Mount(clip=make(Recipe()), dies_after=2.0 + n, phase=n / 300) for n in range(CAMERAS)}
    async with FakeCamera(mounts) as camera:
        channels = await publish(Bus(f"unix://{bus_socket}"), {name: camera.url(name) for name in mounts})
        (folder / "hall.toml").write_text(CONFIG)
        env = os.environ | {
            "HALL_CONFIG": str(folder / "hall.toml"), "HALL_DATA_DIR": str(folder), "HALL_PORT": str(port),
            "HALL_REDIS_URL": f"unix://{bus_socket}", "HALL_LOG": "ERROR", "HALL_RELAY_PORT": str(more),
            "HALL_VIDEO_PORT": str(more + 1),
        }  # fmt: skip
        own = [subprocess.Popen([sys.executable, "-m", "hall.cli", name], env=env) for name in NAMES]
        children += own
        made = tickets.Ticket(view="soak", person="p", role="wall", channels=tuple(channels), until=real_ms() + 86_400_000)
        ticket, url = tickets.issue(secrets.load(folder), made), f"ws://127.0.0.1:{port + 2}/v1/video"
        counts, seconds = Counts(), minutes * 60
        await _answers(port + 2)
        await _answers(more + 1)
        staying = [watch(url, ticket, channels, seconds, counts) for _ in range(STAYING)]
        results = await asyncio.gather(
            sample([child.pid for child in own], more + 1, seconds), come_and_go(url, ticket, channels, seconds, counts),
            ask_for_posters(more + 1, channels, seconds, counts), *staying,
        )  # fmt: skip
        files = [len(list(Path(f"/proc/{child.pid}/fd").iterdir())) for child in own]
    tell(results[0], counts, files, [child.poll() is None for child in own])


def tell(memory: list[list[float]], counts: Counts, files: list[int], alive: list[bool]) -> None:
    """The table: means of the sixths of the run, so that a slope shows."""
    part = max(1, len(memory) // PARTS)
    titles = [*(f"{name}, MiB" for name in NAMES), "of it posters, MiB"]
    print(f"| minutes | {' | '.join(titles)} |\n|---|{'---|' * len(titles)}")
    for start in range(0, part * PARTS, part):
        if rows := memory[start : start + part]:
            means = " | ".join(f"{statistics.mean(column):.1f}" for column in zip(*rows, strict=True))
            print(f"| {start * PERIOD / 60:.0f} to {(start + len(rows)) * PERIOD / 60:.0f} | {means} |")
    print(
        f"\n{counts.pictures:,} pictures to {counts.comings:,} viewers, {counts.cuts} connections lost, {counts.posters:,} posters;",
        end=" ",
    )
    print(f"{len(memory) * PERIOD / 60:.0f} minutes, {CAMERAS} cameras that hang up after 2 to {1 + CAMERAS} s;", end=" ")
    for name, opened, lives in zip(NAMES, files, alive, strict=True):
        print(f"{name} {'lives' if lives else 'has ended'}, {opened} files open at the end.", end=" ")
    print()


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
