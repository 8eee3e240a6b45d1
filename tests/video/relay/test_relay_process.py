"""The real process over a real bus and a real RTSP camera: addresses, sealed or not; killed, it is back within seconds."""

import asyncio
import json
import os
import signal
import subprocess
import sys

import httpx
import pytest
import websockets

from hall.core import secrets, tickets
from hall.core.bus import Bus
from hall.core.clock import monotonic, real_ms
from tests.running import ROOT, free_port_pair
from tests.video.cameras import Mount, Recipe, make, running
from tests.video.relay.stage import Shown, Viewer

A, B = "channel/cams/a", "channel/cams/b"
CONFIG = '[city]\nname = {en = "T"}\ncentre = [1.0, 2.0]\n[video]\nallow_loopback = true\n'


class Relay:
    """`hall relay` as a child; `start` again after a kill takes the same port."""

    def __init__(self, folder, url, prefix):
        (folder / "hall.toml").write_text(CONFIG)
        self.folder, self.port, self.process = folder, free_port_pair(), None
        self.env = os.environ | {
            "HALL_CONFIG": str(folder / "hall.toml"), "HALL_DATA_DIR": str(folder), "HALL_PORT": str(self.port),
            "HALL_REDIS_URL": url, "HALL_BUS_PREFIX": prefix, "HALL_RELAY_PORT": str(self.port + 3),
        }  # fmt: skip
        self.url = f"ws://127.0.0.1:{self.port + 2}/v1/video"
        self.keys = secrets.load(folder)

    def ticket(self, *channels):
        made = tickets.Ticket(view="v", person="p", role="wall", channels=channels, until=real_ms() + 60_000)
        return tickets.issue(self.keys, made)

    async def start(self):
        began = monotonic()
        self.process = subprocess.Popen([sys.executable, "-m", "hall.cli", "relay"], cwd=ROOT, env=self.env)
        await (await self.connect(30)).close()
        self.start_seconds = monotonic() - began

    async def connect(self, seconds):
        async with asyncio.timeout(seconds):
            while True:
                try:
                    return await websockets.connect(self.url, compression=None, max_size=None, ping_interval=None)
                except OSError:
                    assert self.process.poll() is None
                    await asyncio.sleep(0.02)

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()


@pytest.fixture
async def relay(valkey, bus_prefix, tmp_path):
    found = Relay(tmp_path, valkey, bus_prefix)
    with running({"a": Mount(), "b": Mount(), "sub": Mount(clip=make(Recipe(width=320, height=192)))}) as camera:
        bus = Bus(valkey, bus_prefix)
        sealed = found.keys.seal(camera.camera.url("b"), B)
        sub = found.keys.seal(camera.camera.url("sub"), f"{B}#sub")
        await bus.hash_set({A: camera.camera.url("a"), B: sealed, f"{B}#sub": sub}, "channel-url")
        await bus.close()
        await found.start()
        found.camera = camera
        yield found
        found.process.terminate()
        assert found.process.wait(10) == 0


async def watch(relay, link, channel):
    viewer = Viewer(link, relay)
    told = await viewer.watch(1, channel)
    return viewer, told


@pytest.mark.parametrize("channel", [A, B])
async def test_a_camera_is_watched_through_the_process(relay, channel):
    viewer, told = await watch(relay, await relay.connect(5), channel)
    assert told["family"] == "h264" and (told["width"], told["height"]) == (640, 360)
    got = await viewer.show(30)
    assert got[0].flags & 1 and [b.pts - a.pts for a, b in zip(got, got[1:], strict=False)] == [3600] * 29
    async with httpx.AsyncClient() as client:
        rows = (await client.get(f"http://127.0.0.1:{relay.port + 3}/tracks")).json()
    assert [row["subject"] for row in rows] == [channel] and "rtsp" not in json.dumps(rows)
    await viewer.link.close()


async def test_a_sub_stream_of_its_own_is_taken_where_there_is_one_and_the_main_one_elsewhere(relay):
    async with await relay.connect(5) as link:
        viewer = Viewer(link, relay)
        own, shared = await viewer.watch(1, B, quality="sub"), await viewer.watch(2, A, quality="sub")
        assert (own["width"], own["quality"]) == (320, "sub") and (shared["width"], shared["quality"]) == (640, "sub")


async def test_a_camera_that_dies_and_returns_is_back_on_the_same_connection(relay):
    viewer, _ = await watch(relay, await relay.connect(5), A)
    await viewer.show(5)
    relay.camera.do(relay.camera.camera.stop())
    for _ in range(4):  # until the relay asks at its slowest
        await viewer.until("state", state="waiting")
    had = len(viewer.pictures)
    relay.camera.do(relay.camera.camera.start())
    began = monotonic()
    while len(viewer.pictures) == had:
        await viewer.next()
    took, back = monotonic() - began, await viewer.show(10)
    print(f"back after {took:.2f} s, key pictures every second")
    first = viewer.pictures[had]
    assert first.flags & 1 and first.flags & 2, "a key picture, marked as the first after a gap"
    assert [b.pts - a.pts for a, b in zip(back, back[1:], strict=False)] == [3600] * 9
    assert took <= 1.0 + 1.0 + 1.0, "a second, a group of pictures, and one more for a machine that does other things"
    await viewer.link.close()


async def test_after_a_kill_pictures_are_back_within_five_seconds(relay):
    viewer, _ = await watch(relay, await relay.connect(5), A)
    await viewer.show(5)
    relay.kill()
    began = monotonic()
    with pytest.raises(websockets.ConnectionClosed):
        await viewer.show(1000)
    first = relay.start_seconds  # on a machine that is busy with other tests a process needs longer to start
    await relay.start()
    viewer, _ = await watch(relay, await relay.connect(5), A)
    assert isinstance((await viewer.show(1))[0], Shown)
    print(f"back after {monotonic() - began:.2f} s; the first start took {first:.2f} s")
    assert monotonic() - began <= max(5.0, 3.0 + 1.5 * first)
    await viewer.link.close()
