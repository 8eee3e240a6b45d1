"""Analysers at work behind a real relay: readings come with confidence and a picture, doubtful ones without a value."""

import asyncio
import contextlib
import json
from types import SimpleNamespace

import cv2
import httpx
import msgspec
import numpy as np
import pytest
from starlette.applications import Starlette

from hall.core.config import parse
from hall.core.errors import Refused
from hall.core.event import Event, encode
from hall.core.model import Channel, subject_of
from tests.video.analysis.test_analysers import _shore
from tests.video.health import scenes
from tests.video.relay.stage import make_stage
from video.analysis.drawings import Drawings
from video.analysis.plan import analysers, begun, tasks
from video.analysis.routes import routes
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


async def _send(stage, image, pts, captured=None):
    camera = stage.camera("channel/cams/a")
    async with asyncio.timeout(10):
        await camera.present.wait()
    camera.intake.picture(True, pts, annexb=scenes.coded([image])[0], captured=captured)


async def _next(told, quantity="water_level"):
    async with asyncio.timeout(10):
        while True:
            event = await told.get()
            if event.subject.startswith("observation/") and event.data is not None and event.data.quantity == quantity:
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
    site = httpx.ASGITransport(Starlette(routes=routes(analysis, analysis._directory)))
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


async def _asked(analysis, method, path, body=None, **headers):
    site = httpx.ASGITransport(Starlette(routes=routes(analysis, analysis._directory)))
    async with httpx.AsyncClient(transport=site, base_url="http://127.0.0.1") as client:
        return await client.request(
            method, path, json=body, headers={"x-hall-person": "li", "x-hall-person-name": "Li", **headers}
        )


ROAD = {"channel": "channel/cams/a", "analyser": "road-water", "region": [[0.1, 0.2], [0.9, 0.2], [0.9, 0.9], [0.1, 0.9]],
        "name": "桥下", "min_confidence": 0.5, "every_seconds": 0.5, "options": {}}  # fmt: skip


async def test_a_region_drawn_while_the_hall_runs_is_read_shown_dry_changed_and_undone(place):
    stage, analysis, told = place
    made = (await _asked(analysis, "POST", "/analysis", {"region": ROAD})).json()
    key = made["id"]
    await _send(stage, _paved(0), 90_000, NOW)
    first = await _next(told, "water_cover")
    assert first.value is None and first.extra["doubt"] == "no-reference" and first.extra["region"] == key
    dry = (await _asked(analysis, "POST", f"/analysis/{key}/do", {"channel": ROAD["channel"], "do": "reference"})).json()
    row = next(row for row in dry["regions"] if row["id"] == key)
    assert (row["references"], row["undo"], row["by_name"]) == (1, 2, "Li")
    values = []
    for look in range(1, 5):
        await _send(stage, _paved(look), 90_000 * (1 + look), NOW + look * 10_000)
        values.append((await _next(told, "water_cover")).value)
    assert values[-1] is not None and values[-1] < 10
    restarted = Analysis(stage.process, analysis._directory, stage.keys)
    assert restarted.drawings.current() == analysis.drawings.current(), "a restart forgets nothing"
    for act, references, gone in (("undo", 0, False), ("remove", 0, True), ("undo", 0, False)):
        found = (await _asked(analysis, "POST", f"/analysis/{key}/do", {"channel": ROAD["channel"], "do": act})).json()
        row = next(row for row in found["regions"] if row["id"] == key)
        assert (row["references"], row["gone"]) == (references, gone)


@pytest.mark.parametrize(
    ("body", "status", "reason"),
    [
        ({"region": ROAD | {"region": [[0, 0], [1, 1]]}}, 422, "region-bad"),
        ({"region": ROAD | {"analyser": "tea-leaves"}}, 422, "region-bad"),
        ({"region": ROAD | {"options": {"marks": 1}}}, 422, "region-bad"),
        ({"region": ROAD, "id": "nobody"}, 404, "region-unknown"),
        ({"region": ROAD | {"surprise": 1}}, 422, "region-bad"),
        (["no"], 422, "malformed"),
    ],
)
async def test_a_region_that_cannot_work_is_refused_with_what_is_wrong(tmp_path, body, status, reason):
    analysis = SimpleNamespace(drawings=_drawings(tmp_path), _directory=None)
    answer = await _asked(analysis, "POST", "/analysis", body)
    assert (answer.status_code, answer.json()["reason"]) == (status, reason) and answer.json()["detail"]


def _drawings(folder):
    kinds = analysers()
    written = tasks(parse(TASK, "hall.toml"), kinds)
    return Drawings(folder / "regions.json", lambda task: begun(task, kinds), written, 2)


def test_a_region_of_hall_toml_is_changed_there_and_a_step_names_the_channel_it_belongs_to(tmp_path):
    drawings = _drawings(tmp_path)
    (written,) = drawings.written
    with pytest.raises(Refused, match="hall.toml"):
        drawings.remove(written, ROAD["channel"])
    with pytest.raises(Refused, match="no such region"):
        drawings.undo(written, "channel/cams/b")
    key = drawings.save("", ROAD, "li", "Li", NOW)
    with pytest.raises(Refused, match="at most 2"):
        drawings.save("", ROAD, "li", "Li", NOW)
    for number in range(30):
        drawings.save(key, ROAD | {"name": str(number)}, "li", "Li", NOW)
    assert drawings.undoable(key) == 20, "what is kept has a bound"
    for _ in range(20):
        drawings.undo(key, ROAD["channel"])
    assert set(drawings.current()) == {written} and _drawings(tmp_path).current() == drawings.current()


def _paved(seed):
    """A road with marks everywhere, BGR."""
    image = np.full((360, 640, 3), 110, np.float32)
    for n in range(12):
        image[20 + 28 * n : 30 + 28 * n, 40 + 20 * (n % 3) : 600] += 70
        image[:, 50 * n : 50 * n + 8] -= 50
    return np.clip(image + np.random.default_rng(seed).normal(0, 3, image.shape), 0, 255).astype(np.uint8)


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
    kind, failed = analysis.kinds["water-level"], asyncio.Event()

    def look(state, picture, at):
        failed.set()
        raise cv2.error("a size nobody thought of")

    with monkeypatch.context() as patch:
        patch.setattr(type(kind), "look", lambda self, *about: look(*about))
        await _send(stage, _shore(0.5), 90_000)
        async with asyncio.timeout(20):
            while not analysis.counters["undecodable"]:
                await asyncio.sleep(0.01)
    for job in analysis.jobs["channel/cams/a"]:
        job.looked = 0  # the next picture is its turn
    await _send(stage, _shore(0.5), 180_000)
    assert failed.is_set() and (await _next(told)).value == pytest.approx(1.0, abs=0.03)
