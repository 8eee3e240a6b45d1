"""The keeper of rounds over a real bus: risks are read from documents, what was seen is kept, plans are kept."""

from __future__ import annotations

import asyncio

import httpx
import msgspec
import pytest
from starlette.applications import Starlette

from hall.core import settings as settings_module
from hall.core.config import parse
from hall.core.errors import ConfigError, Refused
from hall.core.event import Event, encode
from hall.core.model import Alarm, Channel, Sensor
from hall.core.process import Process
from hall.core.secrets import Secrets
from video.directory import Directory
from video.rounds.keeper import Rounds
from video.rounds.routes import routes

NOW = 1_795_217_400_000
HEAD = '[city]\nname={en="T"}\ncentre=[113.92,35.3]\n'


class City:
    """`rounds` over a bus; `tell(subject, data)` publishes."""

    def __init__(self, bus, tmp_path, text=HEAD):
        self.config = parse(text, str(tmp_path / "hall.toml"))
        self.process = Process("video", settings_module.read(), self.config)
        self.directory = Directory(self.process.bus, Secrets(bytes(32)))
        self.rounds = Rounds(self.process, self.directory.catalogue, self.directory.raw)
        self._told = 0

    async def publish(self, *pairs):
        events = []
        for subject, data in pairs:
            self._told += 1
            events.append(encode(Event(id=f"e{self._told}", source="t", subject=subject, time=NOW + self._told, recordedtime=NOW, data=data)))  # fmt: skip
        await self.process.bus.publish(events)

    async def load(self):
        self.directory.board.__init__(logs=())
        await self.directory.load()
        await self.process.bus.load_board(self.rounds.board)
        await self.rounds.seen.load()


@pytest.fixture
def make(bus, tmp_path, monkeypatch):
    monkeypatch.setenv("HALL_REDIS_URL", bus.url)
    monkeypatch.setenv("HALL_BUS_PREFIX", bus.prefix)
    monkeypatch.setenv("HALL_DATA_DIR", str(tmp_path))
    return lambda text=HEAD: City(bus, tmp_path, text)


def camera(number, **more):
    facts = {
        "lon": 113.9 + number * 0.02,
        "lat": 35.3,
        "state": "online",
        "has_stream": True,
        "owner": f"dept {number % 2}",
    } | more
    doc = Channel(feed="f", channel_id=str(number), name=f"cam {number}", **facts)
    return f"channel/f/{number}", doc


def weight(city, number, name="all"):
    cameras = city.rounds.rounds[name].cameras
    return float(cameras.weight[cameras.index[f"channel/f/{number}"]])


async def test_alarms_rising_water_rain_and_cases_make_the_cameras_near_them_urgent(make):
    city = make()
    values = [0.10] * 170 + [0.10 + 0.02 * step for step in range(10)]  # 18 cm in the last nine minutes
    await city.publish(
        *(camera(number, cell=f"c{number}") for number in range(10)),
        ("alarm/a", Alarm(alarm_id="a", rule="r", cause="x", severity=4, lon=113.94, lat=35.3)),
        ("alarm/old", Alarm(alarm_id="old", rule="r", cause="x", severity=4, active=False, lon=114.08, lat=35.3)),
        ("sensor/g/s", Sensor(feed="g", sensor_id="s", quantity="water_depth", lon=114.0, lat=35.301)),
        ("series/g/s/water_depth", {"start": 0, "step": 60000, "values": values}),
        ("observation/g/s/water_depth", {"value": 0.28}),
        ("sensor/g/dry", Sensor(feed="g", sensor_id="dry", quantity="water_depth", lon=114.08, lat=35.3)),
        ("series/g/dry/water_depth", {"start": 0, "step": 60000, "values": [0.0] * 178 + [0.004, 0.004]}),
        ("observation/g/dry/water_depth", {"value": 0.04}),
        ("kpi/cells", {"rows": {"c7": [6, 3], "c8": [1, 4]}}),
    )  # fmt: skip
    await city.load()
    city.rounds.turn(NOW)
    assert weight(city, 2) == 1 + 20
    assert weight(city, 5) == pytest.approx(1 + 15 + 10 * 28 / 50)
    assert weight(city, 7) == 1 + 5
    assert [weight(city, number) for number in (0, 1, 3, 4, 6, 8, 9)] == [1] * 7
    told = city.rounds.document(city.rounds.rounds["all"], NOW)
    risks = {pick["channel"]: pick["risks"] for pick in told["shown"] + told["next"]}
    assert risks["channel/f/5"] == [{"risk": "rise", "value": 18.0}, {"risk": "depth", "value": 28.0}]
    assert {pick["channel"] for pick in told["shown"]} >= {"channel/f/2", "channel/f/5", "channel/f/7"}


async def test_dead_and_streamless_cameras_do_not_take_part_until_they_live(make):
    city = make()
    await city.publish(
        camera(0), camera(1, state="offline"), camera(2, has_stream=False), camera(3),
        ("picture/f/3", {"feed": "f", "channel_id": "3", "state": "waiting"}),
    )  # fmt: skip
    await city.load()
    city.rounds.turn(NOW)
    told = city.rounds.document(city.rounds.rounds["all"], NOW)
    assert (told["total"], told["living"], told["skipped"]) == (4, 1, 3)
    assert [pick["channel"] for pick in told["shown"]] == ["channel/f/0"]


async def test_a_camera_that_comes_between_two_looks_at_the_surroundings_takes_part_calmly(make):
    city = make()
    await city.load()
    city.rounds.turn(NOW)  # nothing is known yet
    city.directory.catalogue.index.put(*camera(0), NOW)
    city.rounds.save({"name": "new"})
    city.rounds.turn(NOW + 250)
    assert weight(city, 0, "new") == 1
    city.directory.catalogue.index.put(*camera(1), NOW)
    city.rounds.save({"name": "newer"})
    city.rounds.turn(NOW + 500)
    assert weight(city, 0, "newer") == weight(city, 1, "newer") == 1


async def test_only_what_was_on_a_screen_counts_as_seen_and_it_is_kept_over_a_restart(make):
    city = make()
    await city.publish(
        camera(0), camera(1), camera(2),
        ("audit/view/v", {"view": "v", "channel": "channel/f/0", "started": NOW, "ended": NOW + 9, "shown": 12}),
        ("audit/view/v", {"view": "v", "channel": "channel/f/1", "started": NOW, "ended": NOW + 9, "shown": 0}),
        ("audit/other", {"anything": 1}),
    )  # fmt: skip
    await city.load()
    await city.rounds.seen.keep()
    city.rounds.turn(NOW + 10)
    again = make()
    await again.rounds.seen.load()
    assert again.rounds.seen.at == {"channel/f/0": NOW + 9}
    rows = city.rounds.coverage("all", NOW + 10)["rows"]
    assert [(row["owner"], row["living"], row["seen"], row["never"]) for row in rows] == [
        ("dept 1", 1, 0, 1),
        ("dept 0", 2, 1, 1),
    ]
    assert city.rounds.coverage("all", NOW + 10)["unseen"][-1] == {"channel": "channel/f/0", "owner": "dept 0", "seen": NOW + 9}


async def test_a_process_follows_the_bus_and_turns_the_round(make):
    city = make()
    await city.publish(camera(0), camera(1))
    await city.directory.load()
    work = asyncio.create_task(city.rounds.run())
    try:
        async with asyncio.timeout(10):
            while not city.rounds.rounds["all"].state.shown:
                await asyncio.sleep(0.02)
            await city.process.bus.publish([encode(Event(id="v", source="t", subject="audit/view/w", time=NOW, recordedtime=NOW,
                data={"view": "w", "channel": "channel/f/1", "shown": 3, "ended": NOW}))], "fast")  # fmt: skip
            while (await city.process.bus.hash_all("seen")) != {"channel/f/1": str(NOW).encode()}:
                await asyncio.sleep(0.02)
    finally:
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)


async def test_rounds_are_made_changed_and_dropped_and_survive_a_restart(make):
    city = make()
    app = Starlette(routes=routes(city.rounds))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://x") as client:
        plan = {"name": "west", "tiles": 2, "select": {"owner": ["dept 1"]}}
        assert (await client.post("/rounds", json=plan)).status_code == 200
        assert (await client.post("/rounds", json={"name": "bad name"})).json()["reason"] == "round-bad"
        assert (await client.post("/rounds", content=b"{")).status_code == 422
        await city.publish(*(camera(number) for number in range(6)))
        await city.load()
        city.rounds.turn(NOW)
        names = [found["plan"]["name"] for found in (await client.get("/rounds")).json()["rounds"]]
        assert names == ["all", "west"]
        held = await client.post("/rounds/west/do", json={"do": "hold"}, headers={"x-hall-person": "%E6%9D%8E"})
        assert held.json()["held_by"] == "李"
        shown = await client.post("/rounds/west/do", json={"do": "show", "channel": "channel/f/5"})
        assert shown.json()["next"][0] == {"channel": "channel/f/5", "why": "asked", "risks": []}
        assert (await client.post("/rounds/west/do", json={"do": "show", "channel": "channel/f/0"})).status_code == 404
        assert (await client.post("/rounds/west/do", json={"do": "jump"})).status_code == 422
        assert [row["owner"] for row in (await client.get("/rounds/west/coverage")).json()["rows"]] == ["dept 1"]
        assert list(make().rounds.rounds) == ["west"]
        assert (await client.delete("/rounds/west")).status_code == 200
        assert (await client.delete("/rounds/west")).status_code == 404
        assert (await client.delete("/rounds/all")).json()["reason"] == "round-written"
        assert list(make().rounds.rounds) == ["all"]


async def test_rounds_of_the_city_stand_in_its_file_and_are_not_changed_from_outside(make):
    city = make(HEAD + '[[video.rounds]]\nname="flood"\ntiles=9\nselect={text="桥"}\n')
    assert list(city.rounds.rounds) == ["flood"]
    with pytest.raises(Refused, match="hall.toml"):
        city.rounds.save({"name": "flood"})
    with pytest.raises(ConfigError, match=r"hall.toml:5: video.rounds\[0\]: tiles"):
        make(HEAD + '\n[[video.rounds]]\nname="flood"\ntiles=900\n')


async def test_a_broken_file_of_rounds_is_named(make, tmp_path):
    (tmp_path / "rounds.json").write_text("[")
    with pytest.raises(ConfigError, match="rounds.json"):
        make()


async def test_twenty_thousand_cameras_make_no_longer_document(make):
    city = make()
    for number in range(20_000):
        city.directory.catalogue.index.put(*camera(number, lon=113.5 + number / 40_000), NOW)
    city.rounds.turn(NOW)
    told = msgspec.json.encode(city.rounds.document(city.rounds.rounds["all"], NOW))
    assert len(told) < 4_000 and msgspec.json.decode(told)["living"] == 20_000
