"""A running pictures room over a real bus, asked over HTTP without a port."""

from __future__ import annotations

import contextlib

import httpx
import pytest

from hall.core import secrets
from hall.core import settings as settings_module
from hall.core.config import parse
from hall.core.event import Event, encode
from hall.core.model import Channel, Observation, Sensor, subject_of
from hall.core.process import Process
from video.directory import Directory
from video.posters import Posters
from video.server import app

NOW = 1_795_217_400_000


class Room:
    """`get(path)` asks for a picture; `tell(doc)` lets a feed publish; `now` is the city's time."""

    def __init__(self, process, directory, posters, client):
        self.process, self.directory, self.posters, self.client = process, directory, posters, client
        self.now, self._told = NOW, 0
        process.clock.now = lambda: self.now

    async def get(self, path, **headers):
        return await self.client.get(path, headers={name.replace("_", "-"): value for name, value in headers.items()})

    async def tell(self, *docs, **urls):
        events = []
        for doc in docs:
            self._told += 1
            events.append(encode(Event(id=f"e{self._told}", source="t", subject=subject_of(doc), time=NOW + self._told,
                                       recordedtime=NOW, data=doc)))  # fmt: skip
        await self.process.bus.publish(events)
        for name, url in urls.items():
            await self.process.bus.hash_set({f"channel/cams/{name}": url}, "channel-url")
        self.directory.forget_addresses()
        self.directory.board.__init__(logs=())
        await self.directory.load()


def channel(name, **more):
    return Channel(feed="cams", channel_id=name, name=f"摄像机 {name}", lon=113.92, lat=35.3, state="online", **more)


def gauge(depth):
    sensor = Sensor(feed="g", sensor_id="J1", quantity="water_depth", lon=113.921, lat=35.3)
    return sensor, Observation(feed="g", sensor_id="J1", quantity="water_depth", value=depth, unit="m")


@pytest.fixture
def clips(tmp_path):
    folder = tmp_path / "clips"
    folder.mkdir()
    return folder


@pytest.fixture
async def room(bus, tmp_path, clips, monkeypatch):
    monkeypatch.setenv("HALL_REDIS_URL", bus.url)
    monkeypatch.setenv("HALL_BUS_PREFIX", bus.prefix)
    monkeypatch.setenv("HALL_DATA_DIR", str(tmp_path / "data"))
    text = (
        '[city]\nname={en="T"}\ncentre=[113.92,35.3]\n[[feeds]]\nname="cams"\nkind="channel"\nurl="test://x"\n'
        'options={video_roots=["clips"]}\n'
    )
    process = Process("video", settings_module.read(), parse(text, str(tmp_path / "hall.toml")))
    directory = Directory(process.bus, secrets.load(process.settings.data_dir))
    posters = Posters(process.config)
    transport = httpx.ASGITransport(app(process, directory, posters))
    async with contextlib.AsyncExitStack() as stack:
        client = await stack.enter_async_context(httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:1"))
        stack.push_async_callback(process.bus.close)
        stack.callback(posters.close)
        yield Room(process, directory, posters, client)
