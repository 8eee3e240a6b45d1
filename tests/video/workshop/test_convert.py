"""Conversion: what goes in by its burnt-in number comes out by the same number, as plain H.264, in order."""

import asyncio

import msgspec
import pytest

from tests.video.cameras import clip as clips
from tests.video.sources.intake import Collected, decoded
from video.media import CLOCK_RATE, SourceFailed
from video.workshop.deliver import ToIntake

SMALL = clips.Recipe(width=320, height=180, fps=10, seconds=3, gop=10, noise=0, kbit_s=200)
KINDS = {
    "h265": msgspec.structs.replace(SMALL, family="h265"),
    "b-frames": msgspec.structs.replace(SMALL, profile="main", bframes=2),
    "high": msgspec.structs.replace(SMALL, profile="high"),
}
START = 1_795_217_400_000.0


async def begun(shop, clip, why="test"):
    found = Collected()
    job = await shop.open("convert", {"family": clip.family, "fps": clip.fps, "why": why}, ToIntake(found))
    return found, job


def feed(job, clip, place, number=None):
    picture, number = clip.pictures[place], place if number is None else number
    shows = number - place + picture.shows + clip.delay
    return job.feed(
        clip.annexb(place), key=picture.key, pts=round(shows * CLOCK_RATE / clip.fps), captured=START + number * 1000 / clip.fps
    )


@pytest.mark.parametrize("kind", KINDS)
async def test_pictures_come_out_in_order_as_plain_h264(shop, kind):
    clip = clips.make(KINDS[kind])
    found, job = await begun(shop, clip, why=kind)
    for place in range(len(clip.pictures)):
        feed(job, clip, place)
    pictures = list(await found.wait(len(clip.pictures) - clip.delay - 3))
    job.close()
    assert found.info.converted == kind and found.info.codec.startswith("avc1.42") and not found.info.reorders
    assert [clips.read_number(image) for image in decoded([p[2] for p in pictures])] == list(range(len(pictures)))
    times = [p[1] for p in pictures]
    assert {b - a for a, b in zip(times, times[1:], strict=False)} == {CLOCK_RATE // 10}
    # shown when it was shown before: the moment of taking goes with the picture
    assert all(abs(p[3] - (START + k * 100)) <= clip.delay * 100 + 1 for k, p in enumerate(pictures))


async def test_what_comes_faster_than_it_is_coded_is_dropped_to_a_key_picture_and_counted(shop):
    clip = clips.make(msgspec.structs.replace(SMALL, width=1280, height=720, kbit_s=2000))
    told = {}

    class Listener(ToIntake):
        def told(self, about):
            told.update(about)

    found = Collected()
    job = await shop.open("convert", {"family": "h264", "fps": 10, "why": "test"}, Listener(found))
    for number in range(400):
        feed(job, clip, number % 30, number)
    async with asyncio.timeout(90):
        while told.get("dropped", 0) <= 100:
            await asyncio.sleep(0.02)
    count = len(found.pictures)
    for number in range(400, 430):
        feed(job, clip, number % 30, number)
    pictures = list(await found.wait(count + 5))
    job.close()
    assert told["dropped"] > 100 and len(decoded([p[2] for p in pictures])) == len(pictures)


async def test_damaged_pictures_do_not_end_it_garbage_does(shop):
    clip = clips.make(SMALL)
    found, job = await begun(shop, clip)
    job.feed(clip.annexb(0), key=True, pts=0)
    job.feed(clip.annexb(1)[:40], pts=9000)
    job.feed(b"\0\0\0\1\x65garbage", key=True, pts=18000)
    for place in range(10, 16):
        feed(job, clip, place)
    await found.wait(5)
    job.close()
    found, job = await begun(shop, clip)
    number = 0
    async with asyncio.timeout(90):
        while not job.ended.done():
            number += 1
            job.feed(b"\0\0\0\1\x65" + bytes([number % 251]) * 20, key=True, pts=number * 9000)
            await asyncio.sleep(0.005)
    with pytest.raises(SourceFailed, match="garbled"):
        job.ended.result()


async def test_another_size_begins_anew(shop):
    one, two = clips.make(SMALL), clips.make(msgspec.structs.replace(SMALL, width=480, height=270))
    found, job = await begun(shop, one)
    for place in range(5):
        feed(job, one, place)
    for place in range(5):
        feed(job, two, place, 10 + place)
    await found.wait(9)
    job.close()
    assert [(i.width, i.height) for i in found.infos] == [(320, 180), (480, 270)]
