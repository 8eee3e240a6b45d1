"""Clips and segments that were damaged at random: the hall plays what can be played, says what cannot, and goes on."""

import asyncio
import random

import pytest

from tests.video.sources.intake import Collected, running
from tests.video.sources.test_file import source, written
from video.media import SourceFailed
from video.workshop.deliver import ToIntake

KINDS = [("a.mp4", "libx264"), ("a.ts", "libx264"), ("a.avi", "mpeg4"), ("a.mkv", "libx265"), ("a.gif", "gif")]


def damaged(body, chance):
    found = bytearray(body)
    for _ in range(chance.choice((1, 5, 50))):
        match chance.randrange(4):
            case 0:
                found[chance.randrange(len(found))] = chance.randrange(256)
            case 1:
                at = chance.randrange(len(found))
                found[at : at + chance.randrange(64)] = chance.randbytes(chance.randrange(64))
            case 2:
                del found[chance.randrange(max(1, len(found) - 1)) :][: chance.randrange(200)]
            case _:
                at = chance.randrange(max(1, len(found) - 4))
                found[at : at + 4] = chance.choice((b"\xff\xff\xff\xff", b"\0\0\0\0", b"\x7f\xff\xff\xff"))
        if len(found) < 8:
            break
    return bytes(found[: chance.choice((len(found), len(found), len(found) // 2))])


async def some(opened):
    """Pictures, or the reason why there are none; within what a source promises."""
    found = Collected()
    task = asyncio.create_task(opened.run(found))
    async with asyncio.timeout(120):
        while not task.done() and len(found.pictures) < 3:
            await asyncio.sleep(0.02)
    if not task.done():
        task.cancel()
    results = await asyncio.gather(task, return_exceptions=True)
    if isinstance(results[0], SourceFailed):
        return results[0].reason
    assert found.pictures or results[0] is None, results
    return "played"


@pytest.mark.parametrize(("name", "codec"), KINDS)
async def test_damaged_clips_play_or_are_refused_and_others_go_on(tmp_path, monkeypatch, name, codec):
    chance, good = random.Random(name), written(tmp_path / name, codec, count=8, fps=20)
    paths = []
    for number in range(12):
        paths.append(tmp_path / f"{number}{good.suffix}")
        paths[-1].write_bytes(damaged(good.read_bytes(), chance))
    monkeypatch.setattr("video.workshop.deliver.FIRST_PICTURE", 60.0)
    async with running(source(good)) as healthy:
        await healthy.wait(2)
        monkeypatch.setattr("video.workshop.deliver.FIRST_PICTURE", 10.0)
        results = await asyncio.gather(*(some(source(path)) for path in paths))
        await healthy.wait(len(healthy.pictures) + 3)  # the same child serves it: nothing took it along
    assert set(results) <= {"played", "garbled", "no-such-stream", "codec", "silent"}, results


async def test_damaged_segments_end_their_own_stream_only(tmp_path, shop):
    good = written(tmp_path / "a.ts", "libx264", count=8, fps=20).read_bytes()
    chance = random.Random(9)

    async def one(body):
        found = Collected()
        job = await shop.open("demux", {}, ToIntake(found))
        job.feed(body, pts=1)
        job.feed(good, key=True, pts=2)
        async with asyncio.timeout(120):
            while not job.ended.done() and len(found.pictures) < 9 and not found.faults:
                await asyncio.sleep(0.02)
        job.close()
        return len(found.pictures)

    counts = await asyncio.gather(*(one(damaged(good, chance)) for _ in range(20)), one(good))
    assert counts[-1] >= 9 and shop.counters["workshop_started"] == 1
