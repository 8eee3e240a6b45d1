"""The cameras of the tests themselves, judged by FFmpeg's RTSP client: what they send is what the clip holds."""

from __future__ import annotations

import av
import pytest

from tests.video.cameras import FakeCamera, Mount, Recipe, make, read_number, running
from tests.video.rtsp.playing import numbers as read
from tests.video.rtsp.playing import playing

RECIPES = {
    "plain": Recipe(),
    "720p at 2 Mbit/s": Recipe(width=1280, height=720, gop=50, kbit_s=2000, noise=30),
    "B frames": Recipe(profile="high", bframes=2),
    "H.265": Recipe(family="h265"),
    "slices": Recipe(slices=4),
}


def numbers(url: str, count: int) -> list[int | None]:
    found = []
    with av.open(url, options={"rtsp_transport": "tcp", "analyzeduration": "200000"}, timeout=(10, 10)) as container:
        for frame in container.decode(video=0):
            found.append(read_number(frame.to_ndarray(format="bgr24")))
            if len(found) == count:
                return found
    return found


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=RECIPES)
def test_ffmpeg_reads_consecutive_numbers_off_the_pictures(recipe):
    clip = make(recipe)
    with running({"a": Mount(clip=clip, starts_with_key=True)}) as threaded:
        found = numbers(threaded.camera.url("a"), 20)
    count = len(clip.pictures)
    assert None not in found
    assert [(b - a) % count for a, b in zip(found, found[1:], strict=False)] == [1] * 19


@pytest.mark.parametrize("auth", ["basic", "digest"])
def test_ffmpeg_gets_in_with_the_password_only(auth):
    with running({"a": Mount(auth=auth, starts_with_key=True)}) as threaded:
        camera = threaded.camera
        assert None not in numbers(camera.url("a"), 2)
        with pytest.raises(av.error.HTTPUnauthorizedError):
            numbers(camera.url("a", login=False), 1)


async def test_a_frozen_camera_goes_on_sending_the_same_picture_and_thaws():
    mount = Mount(starts_with_key=True)
    async with FakeCamera({"a": mount}) as camera, playing(camera.url("a")) as player:
        await player.pictures(3)
        mount.frozen = True
        await player.until(lambda: len(player.units) >= 15)
        frozen = player.units[8:15]
        assert set(read(frozen)) == {0} and all(unit.key for unit in frozen)
        mount.frozen = False
        await player.until(lambda: player.units[-1].key and read(player.units[-1:]) != [0])
        assert player.damages == []
