"""The health round: CPU of a look at a cached key picture and of a visit, a lap over many channels with some dead, and how well
faults are found on the real clips (HALL_REAL_DATA). Cameras, relay and bus are other processes.

`chrt -r 10 python -m tests.bench video_health`; `python -m tests.bench.video_health --channels 20000 --only lap` is a whole lap.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import uvloop

HOSTS, PER_HOST, VISITS = 60, 4, 200
DEAD_SHARE = 0.10  # half of them refuse, half never answer
CACHED_CHANNELS, CACHED_ROUNDS = 300, 4
ROOT = Path(__file__).parents[2]


def cpu() -> float:
    """Seconds that this process has been on a CPU, all its threads."""
    return sum(int(p.read_text().split()[0]) for p in Path("/proc/self/task").glob("*/schedstat")) / 1e9


# -- the other processes -------------------------------------------------------------------------------------------------


async def serve_cameras() -> None:
    """Eight streams of 640x360 with a key picture each second, and one that never answers, on every loopback address."""
    from tests.video.cameras import FakeCamera, Mount, Recipe, make

    clip = make(Recipe(kbit_s=500, gop=25, seconds=2))
    mounts = {f"m{n}": Mount(clip=clip, phase=n / 8) for n in range(8)} | {"mute": Mount(clip=clip, half_open=True)}
    camera = await FakeCamera(mounts, host="0.0.0.0").start()
    print(json.dumps(camera.port), flush=True)
    await asyncio.to_thread(sys.stdin.read)
    await camera.stop()


async def serve_pictures() -> None:
    """What the relay's loopback HTTP answers: running tracks and a key picture of a real clip for each, ever newer."""
    from tests.video.health import scenes

    folder = Path(os.environ["HALL_REAL_DATA"]) / "video"
    units = {name: _sized(folder, scenes, *size) for name, size in (("sub", (640, 360, 500)), ("main", (1280, 720, 2000)))}
    units["drawn"] = _drawn()
    started = time.time()

    async def answer(reader, writer):
        with contextlib.suppress(EOFError, ConnectionError):
            while True:
                path = (await reader.readuntil(b"\r\n\r\n")).split(b" ")[1].decode()
                name = path.rpartition("quality=")[2].partition("&")[0]
                number = int(path.partition("?")[0].rpartition("/")[2])
                body = units[name][(number + int(time.time() - started)) % len(units[name])]
                head = f"HTTP/1.1 200 OK\r\nx-family: h264\r\nx-captured: {time.time() * 1000:.0f}\r\ncontent-length: {len(body)}\r\n\r\n"
                writer.write(head.encode() + body)
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    print(
        json.dumps([server.sockets[0].getsockname()[1], *(sum(map(len, found)) // len(found) for found in units.values())]),
        flush=True,
    )
    await asyncio.to_thread(sys.stdin.read)


def _drawn() -> list[bytes]:
    """720p at 2 Mbit/s as the trial before the build drew it: smooth, so cheap to decode."""
    from tests.video.cameras import Recipe, make

    clip = make(Recipe(width=1280, height=720, kbit_s=2000, gop=50, seconds=4))
    return [clip.annexb(place) for place, picture in enumerate(clip.pictures) if picture.key]


def _sized(folder: Path, scenes, width: int, height: int, kbit: int) -> list[bytes]:
    import cv2

    found = []
    for scene in ("campus", "parking", "gate"):
        images = [cv2.resize(image, (width, height)) for image in scenes.every_frame(folder, scene)[:150]]
        found += scenes.stream(images, kbit, 50)[1:]
    return found


@contextlib.contextmanager
def other(role: str) -> Iterator[object]:
    """One of the processes above; gives what it said first."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.bench.video_health", "--serve", role],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=ROOT,
        text=True,
    )
    try:
        yield json.loads(process.stdout.readline())
    finally:
        process.stdin.close()
        process.wait(10)


@contextlib.contextmanager
def valkey() -> Iterator[str]:
    from hall.core.embedded import server_command

    with tempfile.TemporaryDirectory() as folder:
        socket = Path(folder) / "s"
        process = subprocess.Popen(server_command(Path(folder), socket), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            while not socket.exists():
                time.sleep(0.02)
            yield f"unix://{socket}"
        finally:
            process.terminate()
            process.wait(10)


# -- what is measured ----------------------------------------------------------------------------------------------------


async def hall(url: str, urls: dict[str, str], relay_port: int, lap_seconds: float):
    """A video process's health round over these channels, not running yet."""
    os.environ |= {"HALL_REDIS_URL": url, "HALL_BUS_PREFIX": "{bench}", "HALL_RELAY_PORT": str(relay_port)}
    from hall.core import settings as settings_module
    from hall.core.config import parse
    from hall.core.event import Event, encode
    from hall.core.model import Channel, subject_of
    from hall.core.process import Process
    from hall.core.secrets import Secrets
    from video.directory import Directory
    from video.health.plan import health_plan
    from video.health.watch import Health
    from video.keypictures import KeyPictures
    from video.posters import Posters

    config = parse(
        '[city]\nname={en="T"}\ncentre=[113.92,35.3]\n[video]\nallow_loopback=true\n'
        f"health={{lap_seconds={lap_seconds},visits={VISITS},per_host={PER_HOST}}}\n",
        "hall.toml",
    )
    process, secrets = Process("video", settings_module.read(), config), Secrets(b"k" * 32)
    names = list(urls)
    for start in range(0, len(names), 500):
        events = []
        for name in names[start : start + 500]:
            doc = Channel(feed="c", channel_id=name, name=name, owner=f"部门{int(name) % 20}", state="online", has_stream=True)
            events.append(encode(Event(id=f"e{name}", source="t", subject=subject_of(doc), time=1, recordedtime=1, data=doc)))
        await process.bus.publish(events)
        sealed = {f"channel/c/{name}": secrets.seal(urls[name], f"channel/c/{name}") for name in names[start : start + 500]}
        await process.bus.hash_set(sealed, "channel-url")
    directory, plan = Directory(process.bus, secrets), health_plan(config)
    await directory.load()
    keys = KeyPictures(process, secrets, plan.per_host)
    health = Health(process, directory, keys, Posters(config, keys).stills, plan)
    health.refresh()
    return process, keys, health


async def cached(url: str, port: int, quality: str) -> float:
    """CPU ms per look at a cached key picture: fetched from another process, decoded, measured, judged, told."""
    _, keys, health = await hall(url, {str(n): "rtsp://127.0.0.1:9/x" for n in range(CACHED_CHANNELS)}, port, 3600)
    used = 0.0
    for number in range(CACHED_ROUNDS + 1):
        used = cpu() if number == 1 else used  # the first round warms caches and decoders
        await health.look_cached([(f"channel/c/{name}", quality) for name in range(CACHED_CHANNELS)])
    spent = cpu() - used
    await keys.close()
    return spent / (CACHED_ROUNDS * CACHED_CHANNELS) * 1000


async def lap(url: str, port: int, count: int) -> dict[str, float]:
    """One lap by visits over `count` channels of which a tenth are dead."""
    urls = {}
    for n in range(count):
        place = (n // 20 if n % 20 < 2 else n) % HOSTS + 1
        host = f"127.0.1.{place}"
        dead = n % 20 if n % 20 in (0, 1) else 2
        urls[str(n)] = (f"rtsp://{host}:9/x", f"rtsp://127.0.2.{place}:{port}/mute", f"rtsp://{host}:{port}/m{n % 8}")[dead]
    process, keys, health = await hall(url, urls, 1, 3600)
    process.spawn(process.bulk.run())
    used, began = cpu(), time.monotonic()
    running = asyncio.create_task(health.run())
    while health.laps.progress().done < count:
        await asyncio.sleep(0.2)
        if running.done():
            running.result()
    seconds, spent = time.monotonic() - began, cpu() - used
    running.cancel()
    await asyncio.wait({running})
    whole = health.rates.whole
    found = {
        "seconds": seconds,
        "cpu": spent,
        "looks": keys.counters["visited"],
        "online": whole.online,
        "failed": keys.counters["failed"],
    }
    await keys.close()
    await process.end_tasks()
    await process.bus.close()
    return found


def accuracy(folder: Path) -> list[str]:
    """The table of docs/VIDEO-HEALTH.md: scenes on which limits were chosen | others."""
    from tests.video.health import accuracy as a
    from tests.video.health import scenes
    from video.health.limits import TABLE

    lines = [
        "| fault | strength | channels found (chosen on / others) | area under ROC, single looks (others) |",
        "|---|---|---|---|",
    ]
    sound = {scene: a.trial(folder, scene, "sound", 0.0) for scene in scenes.SCENES}
    for fault in a.faults():
        name = fault.partition("-re")[0]
        for strength in a.STRENGTHS:
            cells, scores = [], []
            for group in (scenes.CHOSEN_ON, scenes.REPORTED_ON):
                tried = [a.trial(folder, s, fault, strength) for s in group if not (fault == "moved" and s in a.UNSTEADY)]
                cells.append(f"{sum(name in t.raised for t in tried)}/{len(tried)}")
                scores = [look.get(name, 0.0) for t in tried for look in t.scores]
            good = [look[name] for s in scenes.REPORTED_ON for look in sound[s].scores if name in look]
            lines.append(f"| {fault} | {strength:g} | {cells[0]} / {cells[1]} | {a.area_under(good, scores):.3f} |")
    wrong = {scene: trial.raised for scene, trial in sound.items() if trial.raised}
    looks = sum(len(trial.scores) for trial in sound.values())
    over = sum(
        look.get(name, 0.0) >= limit.raise_at for t in sound.values() for look in t.scores for name, limit in TABLE.items()
    )
    lines.append(
        f"\nSound scenes: {len(wrong)} of {len(sound)} got a finding {wrong or ''}; {over} of {looks} single looks were over a limit."
    )
    for scene in ("campus", "parking", "road", "crossing"):
        still, live = (max(a.frozen_scores(folder, scene, 256, frozen)) for frozen in (True, False))
        lines.append(
            f"- frozen, {scene}, 256 kbit/s: {still:.0f} s counted of 2,200 s frozen; the live scene {live:.0f} s (limit 600 s)"
        )
    for name, (right, wrong, count) in a.clocks(folder).items():
        lines.append(f"- burnt-in clock, {name}, 14-32 px: {right} of {count} read right, {wrong} wrong, the others not read")
    return lines


def analysers(folder: Path) -> list[str]:
    """The analysers against labels made by eye."""
    from statistics import median

    from tests.video.analysis import accuracy as a
    from tests.video.analysis import flooding

    lines = ["| motion, labelled frames | said rightly | missed | false alarms | rightly quiet |", "|---|---|---|---|---|"]
    for scene in a.LABELS["motion"]:
        c = a.moving(folder, scene)
        lines.append(f"| {scene} | {c.hits} | {c.misses} | {c.false_alarms} | {c.rejections} |")
    lines += [
        "",
        "| waterline, single pictures | confident (>= 0.6) | error of those, px: median, worst | of all, worst |",
        "|---|---|---|---|",
    ]
    for name, found in (("real wall and pier", a.lines(folder)), ("gauge board drawn on it", a.boards(folder))):
        sure = [abs(off) for off, confidence in found if confidence >= 0.6]
        lines.append(
            f"| {name} | {len(sure)}/{len(found)} | {median(sure):.1f}, {max(sure):.1f} | {max(abs(off) for off, _ in found):.1f} |"
        )
    for kind, what in (("dry", "wall or railings without water"), ("wet", "water without a shore")):
        wrong = [confidence for confidence in a.no_lines(folder, kind) if confidence >= 0.6]
        lines.append(f"| {what} | {len(wrong)}/{len(a.LABELS['water'][kind])} read although there is no line | | |")
    return [*lines, "", *flooding.table(folder)]


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--serve", choices=["cameras", "pictures"])
    options.add_argument("--channels", type=int, default=3_000)
    options.add_argument("--only", choices=["cached", "lap", "accuracy"])
    asked = options.parse_args()
    if asked.serve:
        return uvloop.run(serve_cameras() if asked.serve == "cameras" else serve_pictures())
    real = os.environ.get("HALL_REAL_DATA")
    with valkey() as url:
        if real and asked.only in (None, "cached"):
            with other("pictures") as (port, small, large, drawn):
                print(
                    "| key pictures from the relay's cache | KB each | CPU ms per look | channels per core at one look per 10 s |"
                )
                print("|---|---|---|---|")
                sorts = (
                    ("sub", small, "real clips, 640x360, 500 kbit/s"),
                    ("main", large, "real clips, 1280x720, 2 Mbit/s"),
                    ("drawn", drawn, "drawn pictures, 1280x720, 2 Mbit/s"),
                )
                for quality, size, what in sorts:
                    ms = uvloop.run(cached(url, port, quality))
                    print(f"| {what}, GOP 2 s | {size / 1000:.0f} | {ms:.2f} | **{10_000 / ms:,.0f}** |")
        if asked.only in (None, "lap"):
            with other("cameras") as port:
                found = uvloop.run(lap(url, port, asked.channels))
            each = found["cpu"] / (found["looks"] + found["failed"]) * 1000
            print(f"\n| a lap of {asked.channels:,} channels by visits, a tenth of them dead | |\n|---|---|")
            print(
                f"| seconds | {found['seconds']:.0f} |\n| channels per second | **{asked.channels / found['seconds']:.0f}** |"
            )
            print(f"| CPU ms per channel | {each:.2f} (**{1000 / each:.0f}** per core and second) |")
            print(f"| pictures, failures | {found['looks']:.0f}, {found['failed']:.0f} |")
            print(f"| 20,000 channels at this pace | {20_000 / asked.channels * found['seconds']:.0f} s |")
    if real and asked.only in (None, "accuracy"):
        print("\n" + "\n".join([*accuracy(Path(real) / "video"), "", *analysers(Path(real) / "video")]))


if __name__ == "__main__":
    main()
