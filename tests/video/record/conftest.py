"""A relay whose cameras the test moves, with its recorder, asked over HTTP without a port."""

import contextlib

import httpx
import pytest
from starlette.applications import Starlette

from hall.core.clock import real_ms
from tests.video.cameras import clip as clips
from tests.video.record.tapes import SMALL, info_of, units
from tests.video.relay.stage import make_stage
from video.record import http
from video.record.archive import Archive
from video.record.recorder import Recorder
from video.workshop import shared


class Studio:
    """`send(channel, count)` lets a camera send the next pictures of the clip; `get/post/delete` ask the recorder."""

    def __init__(self, stage, folder, days, most):
        self.stage, self.folder = stage, folder
        self.clip, self._sent, self._days, self._most = clips.make(SMALL), {}, days, most
        self.began = real_ms()

    def open(self):
        """A recorder over what lies in the folder; the routes' client."""
        self.archive = Archive(self.folder)
        self.recorder = Recorder(self.stage.hub, self.stage.process, self.archive, days=self._days, most=self._most)
        self.task = self.stage.process.spawn(self.recorder.run())
        app = Starlette(routes=http.routes(self.recorder, self.stage.hub, self.stage.keys))
        self.client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1:1")
        self.get, self.post, self.delete, self.patch = self.client.get, self.client.post, self.client.delete, self.client.patch

    async def shut(self):
        """As at the end of the process."""
        self.task.cancel()
        with contextlib.suppress(BaseException):
            await self.task
        await self.client.aclose()

    async def present(self, channel):
        """Until the channel's source runs."""
        camera = self.stage.camera(channel)
        camera.info = info_of(self.clip)
        await camera.present.wait()
        return camera

    async def send(self, channel, count):
        camera = await self.present(channel)
        first = self._sent.get(channel, 0)
        self._sent[channel] = first + count
        for unit in units(self.clip, count, first, start=self.began):
            camera.intake.picture(unit.key, unit.pts, annexb=unit.annexb, captured=unit.captured)

    async def record(self, *channels, **more):
        for channel in channels:
            self.stage.camera(channel).info = info_of(self.clip)
        answer = await self.post("/recordings", json={"channels": channels, "case": "case/f/1", "who": "li"} | more)
        assert answer.status_code == 201, answer.text
        return answer.json()["id"]


@pytest.fixture
async def studio(valkey, bus_prefix, tmp_path, monkeypatch):
    monkeypatch.setattr("video.record.still.WAIT_SECONDS", 60.0)  # two busy cores
    stage = make_stage(tmp_path, valkey, bus_prefix)
    await stage.start()
    found = Studio(stage, tmp_path / "recordings", days=30, most=10**12)
    found.open()
    yield found
    await found.shut()
    await stage.stop()
    await shared().close()
