"""A relay and three viewers in a network namespace of their own (`unshare -n`): one over WebRTC and one on the video socket come
over a way that loses, delays and shakes packets, one on the video socket comes over a good one. Prints what they saw as JSON.

The way is a TUN device and not `tc netem`: that kernel module is not everywhere. Its packets are the kernel's own, TCP and UDP.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import json
import os
import random
import re
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

import httpx
import msgspec
import websockets

from hall.core.clock import monotonic, real_ms
from tests.video.cameras import Recipe, make
from tests.video.webrtc.player import Player
from tests.video.webrtc.stage import SUBJECT, Stage, process_at
from video.egress.websocket import Pictures

HERE, THERE = "10.77.0.1", "10.77.0.2"
WARM, BAD, BACK = 1.0, 7.0, 6.0  # seconds: before, while it is bad, at most until all is well again
_TUNSETIFF, _TUN_WITHOUT_HEADER = 0x400454CA, 0x1001


class Way:
    """Whoever connects to THERE reaches this machine: source and destination of each packet change places, so that checksums
    hold. `loss`: share; `jitter`: ms, evenly from 0, each way; packets do not overtake each other."""

    def __init__(self) -> None:
        self.loss = self.jitter = 0.0
        self.packets = self.lost = 0
        self._luck, self._loop = random.Random(5), asyncio.get_running_loop()
        self._last: dict[bytes, float] = {}
        self._file = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
        fcntl.ioctl(self._file, _TUNSETIFF, struct.pack("16sH", b"shaken", _TUN_WITHOUT_HEADER))
        for line in ("link set lo up", f"addr add {HERE} peer {THERE} dev shaken", "link set shaken up"):
            subprocess.run(["ip", *line.split()], check=True)
        self._loop.add_reader(self._file, self._read)

    def _read(self) -> None:
        with contextlib.suppress(BlockingIOError):
            while True:
                packet = os.read(self._file, 4096)
                if packet[0] >> 4 == 4:
                    self._take(packet[:12] + packet[16:20] + packet[12:16] + packet[20:])

    def _take(self, packet: bytes) -> None:
        self.packets += 1
        if self._luck.random() < self.loss:
            self.lost += 1
            return
        way = packet[20:24]  # ports
        due = max(self._loop.time() + self._luck.random() * self.jitter / 1000, self._last.get(way, 0.0) + 1e-6)
        self._last[way] = due
        self._loop.call_at(due, self._pass, packet)

    def _pass(self, packet: bytes) -> None:
        with contextlib.suppress(OSError):
            os.write(self._file, packet)


class Watcher:
    """A viewer on the video socket. `ages`: ms from capture to arrival, `broken`: pictures that lack what they build on."""

    def __init__(self, clip) -> None:
        self._places = {clip.annexb(place): place for place in range(len(clip.pictures))}
        self._count, self._place = len(clip.pictures), None
        self.ages: list[float] = []
        self.broken = self.keys = self.missing = 0
        self.gap, self._at = 0.0, 0.0
        self.told: list[str] = []

    async def run(self, url: str, ticket: str) -> None:
        """Until cancelled."""
        async with websockets.connect(url, compression=None, max_size=None, ping_interval=None) as link:
            await link.send(json.dumps({"op": "watch", "n": 1, "ticket": ticket, "channel": SUBJECT}))
            async for message in link:
                if isinstance(message, str):
                    said = json.loads(message)
                    self.told += [said["level"]] if said["op"] == "budget" else []
                else:
                    self._take(message)

    def _take(self, message: bytes) -> None:
        flags, captured, place = message[4], struct.unpack_from("!d", message, 16)[0], self._places.get(message[24:])
        follows = self._place is not None and place == (self._place + 1) % self._count
        self.broken += place is None or not (flags & 1 or follows)
        self.missing += self._place is not None and not follows
        self._place, self.keys = place, self.keys + (flags & 1)
        if not flags & 8:  # not from what was kept
            self.ages.append(real_ms() - captured)
            self.gap, self._at = max(self.gap, monotonic() - (self._at or monotonic())), monotonic()

    def seen(self) -> dict:
        ages = sorted(self.ages)
        return {"pictures": len(ages), "keys": self.keys, "broken": self.broken, "missing": self.missing, "told": self.told,
                "p50": ages[len(ages) // 2] if ages else None, "most": ages[-1] if ages else None, "gap": self.gap}  # fmt: skip


async def play(stage: Stage, client: httpx.AsyncClient, way: str) -> Player:
    """A WebRTC player that reaches the relay at `way`."""
    player = await Player(host=HERE).open()
    headers = {"content-type": "application/sdp", "x-hall-ticket": stage.ticket()}
    answer = await client.post(f"{stage.url}/whep/{SUBJECT}", content=player.offer(), headers=headers)
    player.place = answer.headers["location"]
    player.accept(re.sub(rf"typ host|{re.escape(HERE)}", lambda found: way if found[0] == HERE else found[0], answer.text))
    return player


async def most_unsent(pictures: Pictures) -> int:
    """Bytes that the relay held for any one viewer within the next BAD seconds."""
    most, began = 0, monotonic()
    while monotonic() - began < BAD:
        await asyncio.sleep(0.05)
        most = max([most, *(viewer.transport.get_write_buffer_size() for viewer in pictures.viewers.values())])
    return most


async def scene(folder: Path) -> dict:
    """What is seen while the way is bad, and how long it takes afterwards until all is well."""
    way, clip = Way(), make(Recipe(gop=25))
    process = process_at(folder)
    process.settings = msgspec.structs.replace(process.settings, host=HERE)
    stage = Stage(process, clip)
    async with stage.running(HERE), httpx.AsyncClient(trust_env=False) as client:
        pictures = Pictures(process, stage.hub, stage.keys)
        door = await pictures.open(0)
        watching, port = asyncio.create_task(pictures.watch_over()), door.sockets[0].getsockname()[1]
        bad, good = Watcher(clip), Watcher(clip)
        players = [await play(stage, client, THERE)]
        tasks = [
            asyncio.create_task(watcher.run(f"ws://{host}:{port}/v1/video", stage.ticket()))
            for watcher, host in ((bad, THERE), (good, HERE))
        ]
        await players[0].until(lambda player: player.connected.is_set() and len(player.stamps) > 20)
        await asyncio.sleep(WARM)
        way.loss, way.jitter = 0.05, 200.0
        unsent = await most_unsent(pictures)
        session = (await client.get(stage.url + players[0].place)).json()
        found = {"bad": bad.seen(), "good": good.seen(), "unsent": unsent, "packets": way.packets, "lost": way.lost,
                 "alive": [not task.done() for task in tasks]}  # fmt: skip
        way.loss = way.jitter = 0.0
        count, began = len(bad.ages), monotonic()
        while monotonic() - began < BACK and not any(age < 100 for age in bad.ages[count:]):
            await asyncio.sleep(0.02)
        found["back"] = monotonic() - began
        with contextlib.suppress(TimeoutError):
            await players[0].until(lambda player: not player.missing, 3)
        player = players[0]
        found["webrtc"] = {"sent": session["pictures"], "whole": len(player.pictures()), "gaps": player.counters["gaps"],
                           "repaired": player.counters["repaired"], "level": session["level"], "resent": session["resent"],
                           "delay_ms": session["delay_ms"]}  # fmt: skip
        for task in (*tasks, watching):
            task.cancel()
        await player.close()
        await pictures.close(door)
    return found


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as place:
        print(json.dumps(asyncio.run(scene(Path(place)))))
    sys.stdout.flush()
