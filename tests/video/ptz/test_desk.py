"""Steering through the desk: leases are told, the newest movement wins, a camera that fails says so."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
from urllib.parse import quote

import httpx
import pytest
from starlette.applications import Starlette

from hall.core import settings as settings_module
from hall.core.board import Board
from hall.core.config import parse
from hall.core.event import Event, encode
from hall.core.model import Channel
from hall.core.process import Process
from hall.core.secrets import Secrets
from video.guard import Guard
from video.ptz.desk import EVERY_SECONDS, PtzDesk
from video.ptz.lease import IDLE_MS
from video.ptz.routes import lookup, routes

from .camera import DEGREES, OnvifCamera, schemas

SUBJECT = "channel/f/1"
LI = {"person": "li", "name": "李", "role": "operator", "desk": "d1"}
CHEN = {"person": "chen", "name": "陈", "role": "supervisor", "desk": "d3"}


@pytest.fixture(scope="module")
def elements():
    return schemas()


class Stage:
    """`post(asker, body)`, `lease()` as screens know it, `camera`."""

    async def post(self, asker, subject=SUBJECT, **body):
        return await self.client.post(f"/ptz/{subject}", json=body, headers={"x-hall-asker": quote(json.dumps(asker))})

    async def refusal(self, subject=SUBJECT, **body):
        """The first answer that refuses: a camera's own comes with the next wish when it takes longer than a moment."""
        async with asyncio.timeout(20):
            while (answer := await self.post(LI, subject, **body)).status_code == 200:
                await asyncio.sleep(0.05)
        return answer

    async def lease(self):
        await self.process.fast.flush()
        board = Board()
        await self.process.bus.load_board(board)
        entry = board.get("ptz/f/1")
        return json.loads(entry.raw)["data"] if entry else None

    async def until(self, *moves):
        """Returns once the camera's last movements are these."""
        async with asyncio.timeout(20):
            while self.moves()[-len(moves) :] != list(moves):
                await asyncio.sleep(0.01)

    def moves(self):
        found = [(name, values) for name, values in self.camera.done if name in ("ContinuousMove", "Stop")]
        return [name if name == "Stop" else values.Velocity.PanTilt.x for name, values in found]


@pytest.fixture
async def stage(bus, tmp_path, monkeypatch, elements):
    monkeypatch.setenv("HALL_REDIS_URL", bus.url)
    monkeypatch.setenv("HALL_BUS_PREFIX", bus.prefix)
    found = Stage()
    config = parse('[city]\nname={en="T"}\ncentre=[113.92,35.3]\n', str(tmp_path / "hall.toml"))
    found.process, found.camera = Process("video", settings_module.read(), config), OnvifCamera(elements)
    secrets = Secrets(bytes(32))
    async with contextlib.AsyncExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        url = f"onvif://admin:{quote(found.camera.password)}@127.0.0.1:{listener.getsockname()[1]}"
        await bus.hash_set({f"{SUBJECT}#ptz": secrets.seal(url, f"{SUBJECT}#ptz")}, "channel-url")
        channels = {
            subject: encode(Event(id="e", source="t", subject=subject, time=1, recordedtime=1, data=Channel(feed="f", channel_id=subject[-1], ptz=turns, district="红旗区", owner="排水处", **facts)))
            for subject, turns, facts in (
                (SUBJECT, True, {"lon": 113.9, "lat": 35.3, "bearing_deg": 30.0}), ("channel/f/2", False, {}), ("channel/f/3", True, {}),
                ("channel/f/4", True, {"lon": 113.9, "lat": 35.3}), ("channel/f/5", True, {"lon": 113.9, "lat": 35.3, "bearing_deg": 0.0}),
            )
        }  # fmt: skip
        found.desk = PtzDesk(found.process, lookup(found.process.bus, secrets, channels.get), Guard(allow_loopback=True))
        transport = httpx.ASGITransport(Starlette(routes=routes(found.desk)))
        found.client = await stack.enter_async_context(httpx.AsyncClient(transport=transport, base_url="http://x"))
        work = asyncio.create_task(found.camera.serve(listener))
        yield found
        for camera in found.desk._cameras.values():
            if camera.pump:
                camera.pump.cancel()
            if camera.driver:
                await camera.driver.close()
        found.camera.server.should_exit = found.camera.server.force_exit = True
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)
        await found.process.bus.close()


async def test_who_moves_a_camera_has_it_and_every_screen_knows(stage):
    answer = await stage.post(LI, do="move", pan=0.5)
    assert answer.status_code == 200 and answer.json()["lease"]["name"] == "李"
    assert (await stage.lease())["person"] == "li"
    await stage.until(0.5)
    assert len(stage.moves()) == 1
    assert (await stage.post(LI, do="release")).json()["lease"] == {}
    assert not (await stage.lease()).get("person")


async def test_another_one_is_refused_a_higher_one_takes_over(stage):
    await stage.post(LI, do="move", pan=0.5)
    wang = await stage.post({**LI, "person": "wang", "name": "王"}, do="move", pan=-0.5)
    assert wang.status_code == 409 and wang.json()["reason"] == "camera-taken" and "李" in wang.json()["detail"]
    chen = await stage.post(CHEN, do="move", pan=-0.9)
    assert chen.json()["lease"]["taken_from"] == "李"
    assert (await stage.lease())["taken_from_person"] == "li"
    await stage.until(-0.9)
    assert -0.5 not in stage.moves()


async def test_while_a_camera_is_slow_only_the_newest_wish_waits_and_a_stop_gets_through(stage):
    await stage.post(LI, do="move", pan=0.1)
    await stage.until(0.1)
    stage.camera.delay = 0.3
    for step in range(2, 10):
        await stage.post(LI, do="move", pan=step / 10)
    await stage.post(LI, do="stop")
    stage.camera.delay = 0
    await stage.until("Stop")
    assert len(stage.moves()) < 8, "eight wishes in the time of two: the older ones are gone"


@pytest.mark.parametrize("late", [0.0, 2 * EVERY_SECONDS])
async def test_letting_go_stops_the_camera_whether_or_not_it_has_said_that_it_turns(stage, late):
    stage.camera.late = late
    await stage.post(LI, do="move", pan=0.1)
    await stage.until(0.1)
    await stage.post(LI, do="release")
    await stage.until("Stop")


async def test_a_forgotten_lease_ends_and_screens_know(stage):
    lease = (await stage.post(LI, do="move", pan=0.1)).json()["lease"]
    stage.desk.expire(lease["until"] - 1)
    assert (await stage.lease())["person"] == "li"
    stage.desk.expire(lease["since"] + IDLE_MS)
    assert not (await stage.lease()).get("person")


async def test_presets_are_seen_by_all_and_recalled_by_who_steers(stage):
    found = (await stage.client.get(f"/ptz/{SUBJECT}")).json()
    assert found["presets"] == [{"token": "1", "name": "大门"}, {"token": "2", "name": "low spot <A&B>"}]
    assert found["position"]["pan"] == -0.25 and not found["lease"].get("person")
    assert (await stage.post(LI, do="recall", token="2")).status_code == 200
    assert (await stage.post(LI, do="store", name="入口")).json() == {"token": "7"}


async def test_what_cannot_be_done_says_why(stage):
    for subject, body, status, reason in (
        ("channel/f/2", {"do": "move", "pan": 1}, 409, "no-ptz"), ("channel/f/3", {"do": "move", "pan": 1}, 409, "no-driver"),
        ("channel/f/9", {"do": "move", "pan": 1}, 404, "unknown-channel"), (SUBJECT, {"do": "move", "pan": 2}, 422, "malformed"),
        (SUBJECT, {"do": "spin"}, 422, "malformed"), (SUBJECT, {"do": "recall"}, 422, "malformed"), (SUBJECT, {"go": 1}, 422, "malformed"),
    ):  # fmt: skip
        answer = await stage.refusal(subject, **body)
        assert (answer.status_code, answer.json()["reason"]) == (status, reason), body
    assert (await stage.client.post(f"/ptz/{SUBJECT}", json={"do": "stop"})).status_code == 403


async def test_a_camera_that_does_not_take_the_password_says_so_and_is_not_called_steered(stage):
    stage.camera.password = "changed"
    answer = await stage.refusal(do="move", pan=1)
    assert (answer.status_code, answer.json()["reason"]) == (502, "camera-unauthorised")
    assert "口令" not in answer.text


async def test_the_document_says_whose_camera_it_is_taken_or_free(stage):
    await stage.post(LI, do="move", pan=0.5)
    taken = await stage.lease()
    await stage.post(LI, do="release")
    for lease in (taken, await stage.lease()):
        assert (lease["district"], lease["owner"]) == ("红旗区", "排水处")


async def test_what_a_slow_camera_refuses_is_told_to_the_stop_that_ends_the_movement_and_not_to_the_next_one(stage):
    await stage.post(LI, do="move", pan=0.1)
    await stage.until(0.1)
    await stage.post(LI, do="stop")
    release, known = asyncio.Event(), stage.desk._cameras[SUBJECT].driver._post

    async def late(*about):
        await release.wait()
        return await known(*about)

    stage.camera.password, stage.desk._cameras[SUBJECT].driver._post = "changed", late
    moved = await stage.post(LI, do="move", pan=0.2)
    assert moved.status_code == 200, "under way: the camera has not said anything yet"
    stop = asyncio.create_task(stage.post(LI, do="stop"))
    while stage.desk.counters["ptz_asked"] < 4:
        await asyncio.sleep(0)
    release.set()
    answer = await stop
    assert (answer.status_code, answer.json()["reason"]) == (502, "camera-unauthorised")


async def test_cameras_are_turned_to_a_place_and_back_and_the_others_say_why_not(stage):
    stage.camera.spaces, stage.camera.at, stage.camera.space = {DEGREES: (-180, 180)}, (5.0, -10.0, 0.2), DEGREES
    body = {"lon": 113.92, "lat": 35.3, "channels": [SUBJECT, *(f"channel/f/{n}" for n in (2, 3, 4, 5, 9))]}  # due east of them
    headers = {"x-hall-asker": quote(json.dumps(LI))}
    found = (await stage.client.post("/ptz/point", json=body, headers=headers)).json()
    reasons = {row["channel"][-1]: row["reason"] for row in found["refused"]}
    assert reasons == {"2": "no-ptz", "3": "no-place", "4": "no-bearing", "5": "no-driver", "9": "unknown-channel"}
    (turned,) = found["turned"]
    assert turned["channel"] == SUBJECT and stage.camera.at[0] == pytest.approx(60, abs=0.01), "90 from north, mounted at 30"
    assert turned["lease"]["person"] == "li" and (await stage.lease())["person"] == "li"
    taken = (
        await stage.client.post("/ptz/point", json=body, headers={"x-hall-asker": quote(json.dumps({**LI, "person": "wang"}))})
    ).json()
    assert {row["channel"]: row["reason"] for row in taken["refused"]}[SUBJECT] == "camera-taken" and taken["turned"] == []
    assert (await stage.post(LI, do="recall", before=turned["before"])).status_code == 200
    assert stage.camera.at == pytest.approx((5.0, -10.0, 0.2)) and not stage.camera.invalid
    assert (await stage.client.post("/ptz/point", json={**body, "lat": 91}, headers=headers)).status_code == 422


async def test_a_driver_that_fails_at_closing_ends_nobody(stage, monkeypatch):
    class Broken:
        async def close(self):
            raise OSError("gone")

    monkeypatch.setattr("video.ptz.desk.KEPT", 1)
    await stage.client.get("/ptz/channel/f/2")
    stage.desk._cameras["channel/f/2"].driver = Broken()
    await stage.client.get("/ptz/channel/f/3")
    assert "channel/f/2" not in stage.desk._cameras
    await asyncio.gather(*stage.process._tasks)
    assert not stage.process.stopping.is_set()
