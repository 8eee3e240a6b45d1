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
from hall.core.event import Event, encode, envelope
from hall.core.model import Alarm, Channel, Sensor
from hall.core.process import Process
from hall.core.secrets import Secrets
from video.catalogue.scope import Scope
from video.directory import Directory
from video.rounds.keeper import Rounds, _Part
from video.rounds.plan import RISKS
from video.rounds.risk import Ground
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


ODD = (None, True, "4", "", [], [1], {}, {"a": 1}, 1e400, -1e300, 10**400, [None], [[]], {"c0": 3}, {"c0": []}, {"c0": ["x"]})


async def test_documents_that_make_no_sense_count_for_nothing_and_stop_no_round(make):
    city = make()
    right = {"severity": 4, "lon": 113.94, "lat": 35.3, "active": True}  # beside camera 2
    sensor, place = {"quantity": "water_depth"}, {"lon": 114.0, "lat": 35.3}
    facts = [("alarm/right", right), ("sensor/g/s", sensor | place)]
    for number, odd in enumerate(ODD):
        facts += [(f"alarm/{name}{number}", right | {name: odd}) for name in ("severity", "lon", "lat")]
        facts += [(f"sensor/g/{number}", sensor | place | {"lon": odd}), (f"picture/f/{number}", {"state": odd})]
        facts += [(f"alarm/whole{number}", odd), (f"observation/g/{number}/water_depth", {"value": 1})]
        for subject in ("series/g/s/water_depth", "observation/g/s/water_depth", "observation/g/s/rain_1h"):
            facts.append((subject, {"values": odd, "value": odd}))
        facts += [
            ("series/g/s/water_level", {"values": [odd] * 11}),
            ("kpi/cells", {"rows": odd}),
            (f"picture/f/{number}/health", odd),
        ]
    board = _Part(lambda raw: None)
    for number, (subject, data) in enumerate(facts):
        try:
            raw = encode(Event(id=f"e{number:05}", source="t", subject=subject, time=NOW + number, recordedtime=NOW, data=data))
        except (ValueError, OverflowError, msgspec.MsgspecError):
            continue  # what no JSON can say
        board.apply("bulk", (number + 1, 0), raw, envelope(raw))
        levels = Ground(board).levels(city.directory.catalogue.index.columns, [], [])
        assert {name: values.tolist() for name, values in levels.items()} == dict.fromkeys(RISKS, [])
    city.rounds.board = city.rounds._field._board = board
    for number in range(12):
        city.directory.catalogue.index.put(*camera(number), NOW)
    city.rounds.turn(NOW)
    assert weight(city, 2) == 1 + 20 * 4 / 4, "an alarm whose other fields are right counts"
    assert city.rounds.rounds["all"].state.shown


async def test_within_a_scope_a_round_tells_its_cameras_only_and_whose_all_of_them_are(make):
    city = make()
    for number in range(8):
        facts = {"district": ("east", "west")[number % 2] if number < 7 else "", "owner": ("a", "b")[number // 4]}
        city.directory.catalogue.index.put(*camera(number, **facts), NOW)
    for plan in ({"name": "east", "tiles": 4, "select": {"district": ["east"]}}, {"name": "mixed", "tiles": 8},
                 {"name": "free", "select": {"channels": ["channel/f/7"]}}, {"name": "none", "select": {"text": "nothing like it"}}):  # fmt: skip
        city.rounds.save(plan)
    city.rounds.turn(NOW)
    told = {name: city.rounds.document(kept, NOW) for name, kept in city.rounds.rounds.items()}
    assert {name: (doc["district"], doc["owner"]) for name, doc in told.items()} == {
        "all": (None, None), "east": ("east", None), "mixed": (None, None), "free": ("", "b"), "none": ("", None),
    }  # fmt: skip
    scope = Scope(districts=("west",))
    listed = {row["plan"]["name"]: row["state"] for row in city.rounds.listed(NOW, scope)}
    assert set(listed) == {"all", "mixed", "free", "none"}
    mine = {f"channel/f/{n}" for n in (1, 3, 5, 7)}
    assert {pick["channel"] for pick in listed["mixed"]["shown"]} == mine and listed["mixed"]["total"] == 4
    assert city.rounds.coverage("mixed", NOW, Scope(departments=("b",)))["rows"][0]["total"] == 4
    for act in (lambda: city.rounds.do("mixed", "next", "w", NOW, scope=scope), lambda: city.rounds.drop("mixed", scope),
                lambda: city.rounds.save({"name": "mixed"}, scope), lambda: city.rounds.save({"name": "x"}, scope)):  # fmt: skip
        with pytest.raises(Refused, match="beyond"):
            act()
    with pytest.raises(Refused, match="no such round"):
        city.rounds.do("east", "hold", "w", NOW, scope=scope)
    city.rounds.do("free", "hold", "w", NOW, scope=scope)


async def test_a_round_is_dropped_also_while_the_bus_takes_nothing(make):
    city = make()
    city.rounds.save({"name": "west"})
    city.process.fast.bound = 0
    city.rounds.drop("west")
    assert "west" not in city.rounds.rounds and "west" not in make().rounds.rounds


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
