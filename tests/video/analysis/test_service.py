"""Analysers at work behind a real relay: readings come with confidence and a picture, doubtful ones without a value."""

import asyncio
import contextlib
import json

import cv2
import httpx
import msgspec
import numpy as np
import pytest
from starlette.applications import Starlette

from hall.core.config import parse
from hall.core.event import Event, encode
from hall.core.model import Channel, subject_of
from tests.video.analysis.test_analysers import _shore
from tests.video.health import scenes
from tests.video.relay.stage import make_stage
from video.analysis.service import FEED, Analysis
from video.directory import Directory

NOW = 1_795_217_400_000
TASK = """[city]
name={en="T"}
centre=[113.92,35.3]
[[video.analysis]]
channel="channel/cams/a"
analyser="water-level"
name="人民路下穿"
every_seconds=1
options={marks=[[0.0,2.0],[1.0,0.0]]}
"""


@pytest.fixture
async def place(valkey, bus, bus_prefix, tmp_path):
    stage = make_stage(tmp_path, valkey, bus_prefix)
    await stage.start()
    doc = Channel(feed="cams", channel_id="a", name="a", owner="水务", state="online", lon=113.9, lat=35.3, district="红旗区")
    await bus.publish([encode(Event(id="e1", source="t", subject=subject_of(doc), time=NOW, recordedtime=NOW, data=doc))])
    process = stage.process
    process.config = parse(TASK, str(tmp_path / "hall.toml"))
    process.settings = msgspec.structs.replace(process.settings, port=stage.port - 2)
    directory = Directory(process.bus, stage.keys)
    await directory.load()
    analysis = Analysis(process, directory, stage.keys)
    told: asyncio.Queue = asyncio.Queue()
    put = process.bulk.put
    process.bulk.put = lambda event: (told.put_nowait(event) if FEED in event.subject else None, put(event))
    task = asyncio.create_task(analysis.run())
    yield stage, analysis, told
    task.cancel()
    await asyncio.wait({task})
    await stage.stop()


async def _send(stage, image, pts):
    camera = stage.camera("channel/cams/a")
    async with asyncio.timeout(10):
        await camera.present.wait()
    camera.intake.picture(True, pts, annexb=scenes.coded([image])[0])


async def _next(told, quantity="water_level"):
    async with asyncio.timeout(10):
        while True:
            event = await told.get()
            if event.subject.startswith("observation/"):
                return event.data


async def test_a_reading_becomes_an_observation_with_confidence_and_its_picture(place):
    stage, analysis, told = place
    await _send(stage, _shore(0.5), 90_000)
    sensor = (await asyncio.wait_for(told.get(), 10)).data
    assert sensor.name == "人民路下穿 (≥60%)" and (sensor.quantity, sensor.district) == ("water_level", "红旗区")
    reading = await _next(told)
    assert reading.value == pytest.approx(1.0, abs=0.03) and reading.unit == "m" and reading.quality == "estimated"
    assert reading.extra["confidence"] >= 0.6 and (reading.lon, reading.lat) == (113.9, 35.3)
    address = reading.extra["picture"].removeprefix("/video")
    site = httpx.ASGITransport(Starlette(routes=analysis.routes()))
    async with httpx.AsyncClient(transport=site, base_url="http://127.0.0.1") as client:
        answer = await client.get(address)
        picture = cv2.imdecode(np.frombuffer(answer.content, np.uint8), cv2.IMREAD_COLOR)
        assert answer.status_code == 200 and np.abs(picture.astype(int) - _shore(0.5)).mean() < 8
        other = await client.get(address, headers={"x-hall-scope": json.dumps({"districts": ["凤泉区"]})})
        assert other.status_code == 403
        assert (await client.get("/poster/analysis/1/channel/cams/a.jpg")).status_code == 404


async def test_a_doubtful_reading_has_no_value_that_a_threshold_could_take(place):
    stage, _, told = place
    await _send(stage, np.full((360, 640, 3), 120, np.uint8), 90_000)
    reading = await _next(told)
    assert reading.value is None and reading.quality == "uncertain" and reading.extra["confidence"] < 0.6


async def test_the_relay_may_come_and_go(place):
    stage, analysis, told = place
    await _send(stage, _shore(0.5), 90_000)
    await _next(told)
    for viewer in list(stage.pictures.viewers):
        with contextlib.suppress(Exception):
            viewer.transport.abort()
    stage.camera("channel/cams/a").present.clear()
    async with asyncio.timeout(10):
        while True:  # the source lingers; the analyser comes back by itself
            await asyncio.sleep(0.05)
            intake = stage.camera("channel/cams/a").intake
            if analysis._watching.connected and intake is not None:
                break
    await asyncio.sleep(0.2)
    stage.camera("channel/cams/a").intake.picture(True, 900_000, annexb=scenes.coded([_shore(0.5, 1)])[0], captured=4e12)
    assert (await _next(told)).value == pytest.approx(1.0, abs=0.03)


async def test_a_fault_with_one_picture_ends_nothing(place, monkeypatch):
    stage, analysis, told = place
    kind, failed = analysis._kinds["water-level"], asyncio.Event()

    def look(state, picture, at):
        failed.set()
        raise cv2.error("a size nobody thought of")

    with monkeypatch.context() as patch:
        patch.setattr(type(kind), "look", lambda self, *about: look(*about))
        await _send(stage, _shore(0.5), 90_000)
        async with asyncio.timeout(20):
            while not analysis.counters["undecodable"]:
                await asyncio.sleep(0.01)
    analysis._looked.clear()
    await _send(stage, _shore(0.5), 180_000)
    assert failed.is_set() and (await _next(told)).value == pytest.approx(1.0, abs=0.03)
