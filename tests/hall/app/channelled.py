"""A hall with a web and a video process, and channels of several districts and departments on its bus."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator
from pathlib import Path

from hall.core import secrets
from hall.core.clock import real_ms
from hall.core.event import Event, encode
from hall.core.model import Channel, subject_of
from tests.hall.app.conftest import Hall
from tests.running import free_port_pair

DISTRICTS, OWNERS = ("红旗区", "卫滨区", ""), ("排水处", "公安局", "")
#: parts of stream addresses that nobody may ever see
HIDDEN = ("open-sesame", "192.0.2.77", "hush", "test://")


def address(name: str) -> str:
    return f"test://operator:open-sesame@192.0.2.77:554/{name}?token=hush"


def cameras() -> list[Channel]:
    """One of each district and owner, twice."""
    chance = random.Random(4)
    return [
        Channel(
            feed="cams", channel_id=f"4107020008132{number:07d}", name=f"平原路{number}号", owner=owner, district=district,
            state="online" if number % 3 else "offline", has_stream=True, civil_code="410702", ptz=bool(number % 2),
            lon=113.9 + chance.uniform(-0.1, 0.1), lat=35.3 + chance.uniform(-0.1, 0.1), bearing_deg=90.0,
        )
        for number, (district, owner) in enumerate([(d, o) for d in DISTRICTS for o in OWNERS] * 2)
    ]  # fmt: skip


async def tell(hall: Hall, channels: list[Channel]) -> None:
    """The bus hears of channels, and the hall's own processes of their addresses."""
    bus, now, key = hall.bus(), real_ms(), secrets.load(hall.home / "var")
    named = {subject_of(channel): channel for channel in channels}
    events = [
        encode(Event(id=f"{subject}@{now}", source="t", subject=subject, time=now, recordedtime=now, data=channel))
        for subject, channel in named.items()
    ]
    await bus.publish(events)
    await bus.hash_set({subject: key.seal(address(subject), subject) for subject in named}, "channel-url")
    await bus.close()


def running(home: Path, valkey: str) -> Iterator[Hall]:
    """A configured city's hall with its video process; `cameras()` are known to it."""
    hall = Hall(home, valkey, demo=False, video_port=free_port_pair())
    video = hall.spawn("video", "video.server")
    hall.children = {"video": video}
    hall._wait(video, int(hall.env["HALL_VIDEO_PORT"]))
    hall.start()
    asyncio.run(_known(hall))
    yield hall
    hall.stop()


async def _known(hall: Hall) -> None:
    await tell(hall, cameras())
    async with await hall.client("admin") as client, asyncio.timeout(30):
        while (await client.get("/api/v1/channels")).json().get("total") != len(cameras()):
            await asyncio.sleep(0.05)


def mine(role: str, districts: tuple[str, ...], unit: str) -> set[str]:
    """The rule in words: of the districts one answers for, or of none that is known; a department its own ones only."""
    found = set()
    for channel in cameras():
        if districts and channel.district != "" and channel.district not in districts:
            continue
        if role == "department" and (unit == "" or channel.owner != unit):
            continue
        found.add(subject_of(channel))
    return found
