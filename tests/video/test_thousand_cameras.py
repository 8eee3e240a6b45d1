"""One lap of the health round over a thousand cameras of which a tenth are dead, each on a real socket."""

import asyncio
import contextlib
import gc
import json
import os
import socket
from pathlib import Path

from hall.core.clock import monotonic
from hall.core.config import parse
from hall.core.event import Event, encode
from hall.core.model import Channel, subject_of
from hall.core.process import Process
from hall.core.secrets import Secrets
from tests.video.cameras import FakeCamera, Mount, Recipe, make
from tests.video.relay.stage import settings
from video.directory import Directory
from video.health.plan import health_plan
from video.health.watch import Health
from video.keypictures import KeyPictures
from video.posters import Posters
from video.rtsp import client, opening

COUNT, KINDS = 1000, ("refuses", "says nothing", "never answers")
REASONS = {"refuses": "unreachable", "says nothing": "silent", "never answers": "silent"}
CONFIG = (
    '[city]\nname={en="T"}\ncentre=[113.9,35.3]\n[video]\nallow_loopback=true\n'
    "health={lap_seconds=3600,visits=80,per_host=80}\n"
)


def resident() -> float:
    """MiB of this process."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


def kind_of(number: int) -> str:
    """Every tenth is dead, in one of three ways by turns; empty: alive."""
    return KINDS[number // 10 % 3] if number % 10 == 0 else ""


async def a_hall(bus, folder, urls: dict[str, str]):
    """A health round over these addresses, by channel id; not running yet."""
    process, secrets = Process("video", settings(folder, bus.url, bus.prefix), parse(CONFIG)), Secrets(b"k" * 32)
    docs = [Channel(feed="c", channel_id=name, name=name, owner="o", state="online", has_stream=True) for name in urls]
    events = [Event(id=doc.channel_id, source="t", subject=subject_of(doc), time=1, recordedtime=1, data=doc) for doc in docs]
    await bus.publish([encode(event) for event in events])
    sealed = {f"channel/c/{name}": secrets.seal(url, f"channel/c/{name}") for name, url in urls.items()}
    await bus.hash_set(sealed, "channel-url")
    directory, plan = Directory(process.bus, secrets), health_plan(process.config)
    await directory.load()
    keys = KeyPictures(process, secrets, plan.per_host)
    health = Health(process, directory, keys, Posters(process.config, keys).stills, plan)
    health.refresh()
    return process, keys, health


async def a_lap(health: Health) -> tuple[float, float]:
    """Seconds that it took, and by how many MiB this process grew at most meanwhile."""
    before, began, most = resident(), monotonic(), 0.0
    running = asyncio.create_task(health.run())
    async with asyncio.timeout(60):
        while health.laps.progress().done < COUNT:
            await asyncio.sleep(0.1)
            most = max(most, resident())
    took = monotonic() - began
    running.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await running
    return took, most - before


async def test_a_lap_over_a_thousand_cameras_with_a_tenth_dead_ends_soon_sees_the_living_and_names_the_dead(
    bus, tmp_path, monkeypatch
):
    for place, name in ((opening, "FIRST_PICTURE_SECONDS"), (client, "FIRST_PICTURE_SECONDS")):
        monkeypatch.setattr(place, name, 4.0)  # else 8 s
    monkeypatch.setattr(client, "_LOOK_SECONDS", 0.2)
    clip = make(Recipe(width=320, height=180, gop=2, seconds=1, kbit_s=200))
    mounts = {
        "m": Mount(clip=clip, starts_with_key=True, rtcp=None),
        "says nothing": Mount(clip=clip, silent_after=0.0),
        "never answers": Mount(clip=clip, half_open=True),
    }
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        async with FakeCamera(mounts) as camera:
            urls = {"refuses": f"rtsp://127.0.0.1:{nobody.getsockname()[1]}/x"}
            urls |= {kind: camera.url("m").replace("/m", f"/{kind.replace(' ', '%20')}") for kind in KINDS[1:]}
            camera.mounts |= {kind.replace(" ", "%20"): mounts[kind] for kind in KINDS[1:]}
            here = {str(n): urls.get(kind_of(n), camera.url("m")) for n in range(COUNT)}
            process, keys, health = await a_hall(bus, tmp_path, here)
            process.spawn(process.bulk.run())
            gc.collect()
            files = len(os.listdir("/proc/self/fd"))
            took, more = await a_lap(health)
            await keys.close()
            while camera.sessions:
                await asyncio.sleep(0.02)
    print(json.dumps({"seconds": round(took, 1), "MiB more": round(more), "camera connections": camera.connections}))
    found = {int(subject.rpartition("/")[2]): channel for subject, channel in health.channels.items()}
    assert {n for n, channel in found.items() if channel.looks} == {n for n in range(COUNT) if not kind_of(n)}
    dead = {n: channel.reason for n, channel in found.items() if not channel.looks}
    assert dead == {n: REASONS[kind_of(n)] for n in range(0, COUNT, 10)}
    assert more < 150 and keys.counters["kept_bytes"] <= 32 << 20
    await process.end_tasks()
    await process.bus.close()
    assert len(os.listdir("/proc/self/fd")) <= files
