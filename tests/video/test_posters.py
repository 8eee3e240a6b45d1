"""Posters over HTTP: right picture, right refusal, bounded work."""

import asyncio
import os
import threading

import cv2
import numpy as np
import pytest

from hall.core import settings as settings_module
from hall.core.config import parse
from hall.core.errors import ConfigError
from hall.core.process import Process
from tests.video.conftest import NOW, channel, gauge
from video.posters import _CACHE_BYTES, Posters
from video.server import serve


def _image(answer):
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "image/jpeg"
    return cv2.imdecode(np.frombuffer(answer.content, np.uint8), cv2.IMREAD_COLOR)


def _clip(path, shades):
    """An mjpeg clip, one second per shade of grey at 5 fps."""
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"MJPG"), 5, (160, 90))
    for shade in shades:
        for _ in range(5):
            writer.write(np.full((90, 160, 3), shade, np.uint8))
    writer.release()


async def test_a_test_channel_gives_a_jpeg_of_the_width_asked_for(room):
    await room.tell(channel("a"), a="test://a")
    assert _image(await room.get("/poster/channel/cams/a.jpg?w=480")).shape == (270, 480, 3)
    assert _image(await room.get("/poster/channel/cams/a.jpg?w=3")).shape[1] == 64
    assert _image(await room.get("/poster/channel/cams/a.jpg?w=9999")).shape[1] == 1280
    assert (await room.get("/poster/channel/cams/a.jpg?w=-1")).status_code == 400


async def test_the_picture_moves_with_the_city_clock_and_is_the_same_for_the_same_moment(room):
    await room.tell(channel("a"), a="test://a")
    first = await room.get("/poster/channel/cams/a.jpg")
    again = await room.get("/poster/channel/cams/a.jpg")
    assert again.content == first.content and again.headers["etag"] == first.headers["etag"]
    room.now += 5000
    assert (await room.get("/poster/channel/cams/a.jpg")).headers["etag"] != first.headers["etag"]
    room.now = NOW
    room.posters._kept.clear()
    assert (await room.get("/poster/channel/cams/a.jpg")).content == first.content


async def test_a_known_etag_is_answered_without_a_body(room):
    await room.tell(channel("a"), a="test://a")
    first = await room.get("/poster/channel/cams/a.jpg")
    second = await room.get("/poster/channel/cams/a.jpg", if_none_match=first.headers["etag"])
    assert second.status_code == 304 and not second.content
    assert "max-age=5" in second.headers["cache-control"]


async def test_the_street_is_wet_when_the_gauge_beside_it_is(room):
    await room.tell(channel("a"), *gauge(0.0), a="test://a")
    dry = _image(await room.get("/poster/channel/cams/a.jpg"))
    await room.tell(gauge(0.4)[1])
    wet = _image(await room.get("/poster/channel/cams/a.jpg"))
    road = slice(200, 255)
    assert np.abs(wet[road].astype(int) - dry[road].astype(int)).mean() > 8


@pytest.mark.parametrize(
    ("doc", "url", "status", "reason"),
    [
        (channel("b"), "rtsp://10.0.0.1/1", 404, "no-picture-yet"),
        (channel("b"), "", 404, "no-picture-yet"),
        (channel("c"), "test://c", 404, "channel-unknown"),
        (channel("b"), "file:///etc/passwd", 403, "clip-not-allowed"),
        (channel("b"), "file:///nowhere/x.avi", 404, "clip-missing"),
    ],
)
async def test_what_has_no_picture_says_why(room, doc, url, status, reason):
    await room.tell(doc, b=url)
    answer = await room.get("/poster/channel/cams/b.jpg")
    assert (answer.status_code, answer.json()["reason"]) == (status, reason)
    assert answer.headers["cache-control"] == "no-store"


async def test_an_offline_channel_has_no_picture(room):
    doc = channel("b")
    doc.state = "offline"
    await room.tell(doc, b="test://b")
    assert (await room.get("/poster/channel/cams/b.jpg")).json()["reason"] == "channel-offline"


async def test_a_clip_below_a_root_plays_on_with_time_and_loops(room, clips):
    _clip(clips / "c.avi", [20, 120, 220] + [60] * 7)
    await room.tell(channel("a"), a="file://c.avi")  # below any of the roots
    seen = []
    for seconds in range(0, 60, 5):
        room.now = 1_795_217_400_000 + seconds * 1000
        seen.append(round(_image(await room.get("/poster/channel/cams/a.jpg?w=160")).mean() / 20))
    ten_seconds = seen[:2]
    assert seen == ten_seconds * 6 and ten_seconds[0] != ten_seconds[1]


async def test_a_link_out_of_the_root_and_a_pipe_inside_it_are_refused(room, clips, tmp_path):
    outside = tmp_path / "secret.avi"
    _clip(outside, [10])
    (clips / "link.avi").symlink_to(outside)
    os.mkfifo(clips / "pipe.avi")
    (clips / "text.avi").write_text("no video")
    await room.tell(
        *map(channel, "abcde"),
        a=f"file://{clips}/link.avi", b=f"file://{clips}/pipe.avi", c=f"file://{clips}/text.avi",
        d=f"file://{clips}/../secret.avi", e="file://../secret.avi",
    )  # fmt: skip
    reasons = [(await room.get(f"/poster/channel/cams/{name}.jpg")).json()["reason"] for name in "abcde"]
    assert reasons == ["clip-not-allowed", "clip-missing", "clip-unreadable", "clip-not-allowed", "clip-not-allowed"]


async def test_a_hundred_askers_of_one_picture_cost_one(room):
    await room.tell(channel("a"), a="test://a")
    answers = await asyncio.gather(*(room.get("/poster/channel/cams/a.jpg") for _ in range(100)))
    assert len({answer.content for answer in answers}) == 1
    assert room.posters.counters["made"] == 1


async def test_the_cache_is_bounded_in_bytes_and_counts_them_exactly(room, monkeypatch):
    monkeypatch.setattr("video.posters._CACHE_BYTES", 90_000)
    assert _CACHE_BYTES > 90_000
    await room.tell(channel("a"), a="test://a")
    for _ in range(12):
        room.now += 5000
        await room.get("/poster/channel/cams/a.jpg")
    held = sum(len(poster.body) for poster in room.posters._kept.values())
    assert held == room.posters.counters["cache_bytes"] <= 90_000
    assert room.posters.counters["made"] == 12


async def test_when_too_many_are_being_made_the_next_is_told_to_come_back(room, monkeypatch):
    monkeypatch.setattr("video.posters._WAITING", 2)
    gate = threading.Event()
    monkeypatch.setattr("video.stills._test_card", lambda *_: gate.wait(30) and np.zeros((90, 160, 3), np.uint8))
    await room.tell(*(channel(name) for name in "abc"), a="test://a", b="test://b", c="test://c")
    waiting = [asyncio.create_task(room.get(f"/poster/channel/cams/{name}.jpg")) for name in "ab"]
    while len(room.posters._making) < 2:
        await asyncio.sleep(0)
    refused = await room.get("/poster/channel/cams/c.jpg")
    assert (refused.status_code, refused.json()["reason"], refused.headers["retry-after"]) == (503, "busy", "1")
    gate.set()
    assert [answer.status_code for answer in await asyncio.gather(*waiting)] == [200, 200]


async def test_a_picture_that_hangs_is_answered_in_bounded_time(room, monkeypatch):
    monkeypatch.setattr("video.posters._TIMEOUT", 0.05)
    gate = threading.Event()
    monkeypatch.setattr("video.stills._test_card", lambda *_: gate.wait(30) and np.zeros((90, 160, 3), np.uint8))
    await room.tell(channel("a"), a="test://a")
    assert (await room.get("/poster/channel/cams/a.jpg")).json()["reason"] == "slow"
    gate.set()


async def test_health_says_how_many_channels_are_known(room):
    await room.tell(channel("a"), channel("b"))
    answer = await room.get("/healthz")
    assert answer.status_code == 200 and answer.json()["channels"] == 2


def test_roots_must_be_a_list_of_folders():
    text = (
        '[city]\nname={en="T"}\ncentre=[1,2]\n[[feeds]]\nname="c"\nkind="channel"\nurl="x://"\noptions={video_roots="clips"}\n'
    )
    with pytest.raises(ConfigError, match="video_roots"):
        Posters(parse(text))


@pytest.mark.parametrize("host", ["evil.example", "10.0.0.1:8052", "localhost.evil.example", "[::1].evil.example", ""])
async def test_a_foreign_name_that_leads_to_this_machine_sees_no_picture(room, host):
    await room.tell(channel("1", has_stream=True), **{"1": "test://1"})
    assert (await room.get("/poster/channel/cams/1.jpg", host=host)).status_code == 400
    assert (await room.get("/poster/channel/cams/1.jpg", host="localhost:8052")).status_code == 200


async def test_the_pictures_listen_on_loopback_whatever_address_the_hall_is_shown_on(bus, monkeypatch):
    heard: list[str] = []

    async def answer(app, listener, at_once):
        with listener:
            heard.append(listener.getsockname()[0])
        raise ConfigError("heard enough")

    monkeypatch.setattr("video.loopback.serve", answer)
    for name, value in {"HALL_HOST": "0.0.0.0", "HALL_REDIS_URL": bus.url, "HALL_BUS_PREFIX": bus.prefix}.items():
        monkeypatch.setenv(name, value)
    process = Process("video", settings_module.read(), parse('[city]\nname={en="T"}\ncentre=[1,2]\n'))
    with pytest.raises(ConfigError, match="heard"):
        await serve(process)
    await process.end_tasks()
    await process.bus.close()
    assert heard == ["127.0.0.1"]
