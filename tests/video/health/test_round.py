"""The health round over a real bus and fake cameras: everybody is looked at, findings are told once, the dead cost little."""

import asyncio
import contextlib

import cv2
import msgspec
import numpy as np
import pytest

from hall.core import settings as settings_module
from hall.core.clock import monotonic
from hall.core.config import parse
from hall.core.errors import BusLost
from hall.core.event import Event, encode
from hall.core.model import Channel, subject_of
from hall.core.process import Process
from hall.core.secrets import Secrets
from tests.video.cameras import FakeCamera, Mount, Recipe, make
from video.catalogue.index import Query
from video.catalogue.scope import ALL
from video.directory import Directory
from video.health.judge import Memory, Verdict
from video.health.looking import cheapest, examined
from video.health.plan import health_plan
from video.health.relayed import Coded, RelayAway, Relayed
from video.health.watch import Health
from video.keypictures import KeyPictures
from video.media import SourceFailed
from video.posters import Posters

NOW = 1_795_217_400_000
CONFIG = (
    '[city]\nname={en="T"}\ncentre=[113.92,35.3]\n[video]\nallow_loopback=true\nhealth={lap_seconds=%s,visits=20,per_host=%s}\n'
)


class Place:
    """A video process's health round; `published` are the events it told, by subject, oldest first."""

    def __init__(self, process, directory, keys, health):
        self.process, self.directory, self.keys, self.health = process, directory, keys, health
        self.published: dict[str, list[dict]] = {}
        self.news = asyncio.Event()
        process.bulk.put = self._take

    def _take(self, event):
        self.published.setdefault(event.subject, []).append(msgspec.to_builtins(event.data))
        self.news.set()

    async def until(self, condition, seconds=20.0):
        """Waits for what is told until `condition()` holds."""
        async with asyncio.timeout(seconds):
            while not condition():
                self.news.clear()
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self.news.wait(), 0.2)

    def told(self, name):
        return self.published.get(f"picture/cams/{name}/health", [])


@pytest.fixture
async def place(bus, tmp_path, monkeypatch):
    monkeypatch.setenv("HALL_REDIS_URL", bus.url)
    monkeypatch.setenv("HALL_BUS_PREFIX", bus.prefix)
    monkeypatch.setenv("HALL_RELAY_PORT", "1")  # no relay: everything is visited
    monkeypatch.setattr("video.health.watch.TELL_SECONDS", 0.2)
    monkeypatch.setattr("video.health.lap.SUSPECT_SECONDS", 0.3)
    async with contextlib.AsyncExitStack() as stack:

        async def begin(urls, lap_seconds=60, per_host=4, owner=lambda name: "交警", state=lambda name: "online"):
            events = []
            for number, name in enumerate(urls):
                doc = Channel(feed="cams", channel_id=name, name=name, owner=owner(name), state=state(name), has_stream=True)
                events.append(
                    encode(Event(id=f"e{number:03}", source="t", subject=subject_of(doc), time=NOW, recordedtime=NOW, data=doc))
                )
            await bus.publish(events)
            await bus.hash_set({f"channel/cams/{name}": url for name, url in urls.items()}, "channel-url")
            config = parse(CONFIG % (lap_seconds, per_host), str(tmp_path / "hall.toml"))
            process = Process("video", settings_module.read(), config)
            stack.push_async_callback(process.bus.close)
            secrets = Secrets(b"k" * 32)
            directory = Directory(process.bus, secrets)
            await directory.load()
            plan = health_plan(config)
            keys = KeyPictures(process, secrets, plan.per_host)
            stack.push_async_callback(keys.close)
            posters = Posters(config, keys)
            stack.callback(posters.close)
            made = Place(process, directory, keys, Health(process, directory, keys, posters.stills, plan))
            task = asyncio.create_task(made.health.run())

            async def end():
                task.cancel()
                await asyncio.wait({task})
                if not task.cancelled() and task.exception():
                    raise task.exception()

            stack.push_async_callback(end)
            return made

        yield begin


@contextlib.asynccontextmanager
async def camera(**mounts):
    found = await FakeCamera(mounts).start()
    try:
        yield found
    finally:
        await found.stop()


CLIP = Recipe(gop=5, seconds=1, width=320, height=180)


def _rows(place):
    return place.published["health/video"][-1]


async def test_every_channel_is_looked_at_and_the_rates_name_their_denominators(place):
    async with camera(a=Mount(clip=make(CLIP)), b=Mount(clip=make(CLIP)), c=Mount(clip=make(CLIP))) as cam:
        urls = {name: cam.url(name) for name in "abc"} | {"dead": "rtsp://127.0.0.1:9/x"}
        told = {"a": "unknown", "dead": "unknown"}
        here = await place(
            urls, owner=lambda name: "水务" if name == "c" else "交警", state=lambda name: told.get(name, "online")
        )
        await here.until(lambda: "health/video" in here.published and _rows(here)["total"]["examined"] == 4)
    whole, rows = _rows(here)["total"], {row["name"]: row for row in _rows(here)["departments"]}
    assert (whole["total"], whole["online"], whole["sound"], whole["reported_online"]) == (4, 3, 3, 2)
    assert rows["交警"]["online_rate"] == pytest.approx(2 / 3, abs=1e-3) and rows["交警"]["sound_rate"] == 1.0
    assert rows["水务"]["online_rate"] == 1.0
    assert here.told("dead")[-1]["health"] == ["no-picture"] and here.told("dead")[-1]["reason"] == "unreachable"
    assert [doc.get("health", []) for doc in here.told("a")] == [[]], "a sound channel is told once, when it was first seen"
    assert _rows(here)["lap"]["done"] == _rows(here)["lap"]["total"] == 4
    listed = {row["channel_id"]: row for row in here.directory.catalogue.search(Query(), ALL, "", 10)["rows"]}
    assert {name: row["state"] for name, row in listed.items()} == {
        "a": "online",
        "b": "online",
        "c": "online",
        "dead": "offline",
    }
    assert {name for name, row in listed.items() if row.get("state_by") == "look"} == {"a", "dead"}


async def test_a_departments_failure_becomes_a_reading_that_thresholds_can_judge(place):
    async with camera(a=Mount(clip=make(CLIP))) as cam:
        here = await place({"a": cam.url("a"), "dead": "rtsp://127.0.0.1:9/x"})
        await here.until(lambda: "observation/video-health/交警/channels_offline" in here.published)
        await here.until(lambda: here.published["observation/video-health/交警/channels_offline"][-1]["value"] == 50.0)
    assert here.published["sensor/video-health/交警"][0]["name"] == "交警"
    assert here.published["observation/video-health/交警/channels_unsound"][-1]["value"] == 0.0


async def test_a_recorder_is_never_asked_for_more_pictures_at_once_than_allowed(place):
    mounts = {f"m{n}": Mount(clip=make(CLIP)) for n in range(12)}
    async with camera(**mounts) as cam:
        most = 0
        here = await place({name: cam.url(name) for name in mounts}, per_host=2)

        def done():
            nonlocal most
            most = max(most, len(cam.sessions))
            return "health/video" in here.published and _rows(here)["total"]["examined"] == 12

        while not done():
            await asyncio.sleep(0.005)
    assert most <= 2 + 1, "one may be hanging up while the next connects"


async def test_silent_cameras_do_not_hold_up_the_living(place, monkeypatch):
    monkeypatch.setattr("video.keypictures.LONGEST_SECONDS", 3.0)
    async with camera(a=Mount(clip=make(CLIP)), mute=Mount(clip=make(CLIP), half_open=True)) as cam:
        urls = {"a": cam.url("a")} | {f"mute{n}": cam.url("mute") for n in range(4)}
        here = await place(urls, per_host=8)
        started = monotonic()
        await here.until(lambda: bool(here.told("a")))
        assert monotonic() - started < 2.5
        await here.until(lambda: all(here.told(f"mute{n}") for n in range(4)), 25)
    assert here.told("mute0")[-1]["health"] == ["no-picture"]


async def test_findings_of_an_earlier_run_are_kept_until_a_look_clears_them(place, bus):
    from hall.core.model import Picture

    doc = Picture(feed="cams", channel_id="a", health=["blurred"], checked=NOW)
    await bus.publish(
        [encode(Event(id="p1", source="video", subject="picture/cams/a/health", time=NOW, recordedtime=NOW, data=doc))]
    )
    async with camera(a=Mount(clip=make(CLIP))) as cam:
        here = await place({"a": cam.url("a")}, lap_seconds=5)
        await here.until(lambda: bool(here.told("a")))
        assert here.told("a")[0]["health"] == ["blurred"]
        await here.until(lambda: here.told("a")[-1].get("health", []) == [], 30)


async def test_posters_show_the_camera_itself_and_ask_it_once(place, tmp_path):
    async with camera(a=Mount(clip=make(CLIP))) as cam:
        here = await place({"a": cam.url("a")})
        await here.until(lambda: bool(here.told("a")))
        asked = cam.connections
        picture = await here.directory.picture("channel/cams/a")
        first = await here.health._stills.image(picture, 160, 0, 300_000)
        again = await here.health._stills.image(picture, 160, 5, 300_000)
        assert first.shape == (90, 160, 3) and (first == again).all() and first.std() > 10
        assert cam.connections == asked, "the health round's look is the poster's picture"


async def test_the_relay_is_asked_over_one_connection_that_is_opened_again_when_it_breaks():
    connections, asked = 0, []

    async def answer(reader, writer):
        nonlocal connections
        connections += 1
        with contextlib.suppress(EOFError, ConnectionError):
            while True:
                line = (await reader.readuntil(b"\r\n\r\n")).split(b" ")[1].decode()
                asked.append(line)
                if line == "/tracks":
                    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]")
                elif "gone" in line:
                    writer.write(b"HTTP/1.1 404 Not Found\r\ncontent-length: 2\r\n\r\n{}")
                elif "old" in line:
                    writer.write(b"HTTP/1.1 304 Not Modified\r\nx-captured: 5\r\n\r\n")
                elif "hangup" in line:
                    writer.close()
                    return
                else:
                    writer.write(b"HTTP/1.1 200 OK\r\nx-family: h265\r\nx-captured: 77\r\ncontent-length: 3\r\n\r\nabc")
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    relayed = Relayed(server.sockets[0].getsockname()[1])
    try:
        assert await relayed.tracks() == []
        assert await relayed.key_picture("channel/f/路口 1", newer=12.7) == (b"abc", "h265", 77.0)
        assert await relayed.key_picture("gone") is None and await relayed.key_picture("old") is None
        assert connections == 1 and asked[1].startswith("/keyframe/channel/f/%E8%B7%AF") and asked[1].endswith("newer=12")
        with pytest.raises(RelayAway):
            await relayed.key_picture("hangup")
        assert await relayed.tracks() == []
    finally:
        await relayed.close()
        server.close()


async def test_a_relay_that_is_not_there_is_said_to_be_away():
    with pytest.raises(RelayAway):
        await Relayed(1).tracks()


async def test_a_channel_without_an_address_is_not_examined_and_not_called_dead(place, bus):
    async with camera(a=Mount(clip=make(CLIP))) as cam:
        here = await place({"a": cam.url("a"), "none": ""})
        await here.until(lambda: bool(here.told("a")) and "health/video" in here.published and _rows(here)["lap"]["done"] == 2)
    assert (_rows(here)["total"]["examined"], _rows(here)["total"]["total"]) == (1, 2) and not here.told("none")


async def test_while_the_bus_is_away_no_camera_is_called_dead(place, monkeypatch):
    async with camera(a=Mount(clip=make(CLIP))) as cam:
        here = await place({"a": cam.url("a")}, lap_seconds=5)
        await here.until(lambda: bool(here.told("a")))
        asked = 0

        async def lost(*_):
            nonlocal asked
            asked += 1
            here.news.set()
            raise SourceFailed("bus-lost", "the bus is away")

        monkeypatch.setattr(here.keys, "request", lost)
        here.health.laps.seen("channel/cams/a", monotonic() - 5)  # its turn is now, not in a lap's time
        await here.until(lambda: asked >= 4)
        assert _rows(here)["total"]["online"] == 1 and here.told("a")[-1].get("health", []) == []


@pytest.mark.parametrize("shape", [(1, 1), (1, 4000), (16, 4000)])
def test_a_picture_that_cannot_be_measured_is_no_picture_and_ends_nothing(shape):
    good, body = cv2.imencode(".jpg", np.zeros((*shape, 3), np.uint8))
    assert good
    verdict, reason = examined(Memory(), Coded(body.tobytes(), "jpeg", 1.0), NOW, True, None, NOW, "")
    assert verdict.scores["no-picture"] == 1.0 and reason == "garbled"


async def test_a_watched_channel_that_goes_while_others_are_asked_for_ends_nothing(place, monkeypatch):
    async with camera(a=Mount(clip=make(CLIP)), b=Mount(clip=make(CLIP))) as cam:
        here = await place({"a": cam.url("a"), "b": cam.url("b")})
        await here.until(lambda: bool(here.told("a")) and bool(here.told("b")))
        jpeg = cv2.imencode(".jpg", np.full((90, 160, 3), 128, np.uint8))[1].tobytes()

        async def newest(subject, quality, newer):
            if subject.endswith("/b"):
                here.health.channels.pop("channel/cams/a")
            return Coded(jpeg, "jpeg", newer + 1)

        monkeypatch.setattr(here.keys.relayed, "key_picture", newest)
        before = here.health.counters["looks_cached"]
        await here.health.look_cached([("channel/cams/a", "sub"), ("channel/cams/b", "sub")])
        assert here.health.counters["looks_cached"] == before + 1


async def test_what_a_lost_bus_did_not_take_is_told_when_it_is_back_the_newest_of_each(place):
    place = await place({"y": "rtsp://127.0.0.1:9/x"})
    telling, put = place.health._telling, place.process.bulk.put

    def lost(event):
        raise BusLost("away")

    place.process.bulk.put = lost
    for step in (1, 2):
        telling.picture("channel/cams/x", Verdict({}, ("black",), True, False, 0.5), step, "frozen")
    place.process.bulk.put = put
    telling.health(place.health.rates, place.health.laps.progress(), 1.0, place.health.counters, 0)
    assert [row["checked"] for row in place.told("x")] == [2] and place.published["health/video"]


@pytest.mark.parametrize("order", [1, -1])
def test_where_both_streams_run_the_small_one_is_looked_at(order):
    tracks = [
        {"subject": "channel/c/a", "quality": "main", "state": "live"},
        {"subject": "channel/c/a", "quality": "sub", "state": "live"},
        {"subject": "channel/c/b", "quality": "main", "state": "live"},
        {"subject": "channel/c/b", "quality": "sub", "state": "stalled"},
    ]
    assert cheapest(tracks[::order]) == {"channel/c/a": "sub", "channel/c/b": "main"}
