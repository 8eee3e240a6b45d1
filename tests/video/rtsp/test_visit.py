"""One look at a camera: a key picture and away, in bounded time."""

from __future__ import annotations

import asyncio

import pytest

from tests.video.cameras import FakeCamera, Mount, Recipe, make
from tests.video.rtsp.playing import numbers, request
from video.media import SourceFailed
from video.rtsp import client, opening, visit


@pytest.mark.parametrize("family", ["h264", "h265"])
async def test_a_look_brings_one_key_picture_and_hangs_up(family):
    async with FakeCamera({"a": Mount(clip=make(Recipe(family=family)))}) as camera:
        unit = await visit(request(camera.url("a")))
        assert unit.key and unit.info.width == 640
        assert numbers([unit])[0] % 25 == 0
        while camera.sessions:
            await asyncio.sleep(0.01)
        assert camera.asked == ["DESCRIBE", "SETUP", "PLAY", "TEARDOWN"]


async def test_a_look_without_a_key_picture_takes_the_first_that_comes():
    mount = Mount(clip=make(Recipe(gop=100)))
    async with FakeCamera({"a": mount}) as camera:
        found = [await visit(request(camera.url("a")), want_key=False) for _ in range(4)]
    assert not all(unit.key for unit in found)
    assert all(unit.info.width == 640 for unit in found)


@pytest.mark.parametrize(
    ("mount", "reason"),
    [(Mount(half_open=True), "silent"), (Mount(silent_after=0.0), "silent"), (Mount(status=404), "no-such-stream")],
)
async def test_a_look_that_finds_nothing_says_why_and_leaves_nothing_open(mount, reason, monkeypatch):
    monkeypatch.setattr(client, "_LOOK_SECONDS", 0.05)
    for place in (client, opening):
        monkeypatch.setattr(place, "FIRST_PICTURE_SECONDS", 0.5)
    async with FakeCamera({"a": mount}) as camera:
        with pytest.raises(SourceFailed) as failed:
            await visit(request(camera.url("a")))
        assert failed.value.reason == reason
        while camera.sessions:
            await asyncio.sleep(0.01)


async def test_a_look_that_is_called_off_hangs_up():
    async with FakeCamera({"a": Mount(silent_after=0.0)}) as camera:
        look = asyncio.create_task(visit(request(camera.url("a"))))
        while "PLAY" not in camera.asked:
            await asyncio.sleep(0.01)
        look.cancel()
        await asyncio.gather(look, return_exceptions=True)
        while camera.sessions:
            await asyncio.sleep(0.01)
