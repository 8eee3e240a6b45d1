"""Cameras of every kind, played: the pictures are those that the camera had, in order, with their time."""

from __future__ import annotations

import asyncio
import gc

import pytest

from tests.video.bitstream.taking import same
from tests.video.cameras import FakeCamera, Mount, Recipe, make, packets
from tests.video.rtsp.playing import consecutive, numbers, playing
from video.rtsp import client
from video.rtsp.connection import Connection

CLIPS = {
    "H.264 baseline": make(Recipe()),
    "H.264 high": make(Recipe(profile="high")),
    "H.264 with B frames": make(Recipe(profile="high", bframes=2)),
    "H.264 in slices": make(Recipe(slices=4)),
    "H.265": make(Recipe(family="h265")),
    "720p at 2 Mbit/s": make(Recipe(width=1280, height=720, gop=50, kbit_s=2000, noise=30)),
}
ODD = {
    "sets only in the description": {"inline_sets": False},
    "sets only in the pictures": {"sdp_sets": False},
    "no marker": {"marker": False},
    "sets in one packet": {"aggregate": True},
    "header extensions": {"extension": True},
    "long packets": {"longest": 60_000},
    "absolute addresses": {"control": "absolute"},
    "no address of the stream": {"control": "none"},
    "no base": {"content_base": False},
    "line feeds only": {"eol": "\n"},
    "lower case headers": {"lower_case": True},
    "sound first": {"audio": True},
    "sound first, absolute": {"audio": True, "control": "absolute"},
    "no timeout": {"timeout": None},
    "pictures before the answer to PLAY": {"early": 3},
    "Basic": {"auth": "basic"},
    "Digest": {"auth": "digest"},
    "Digest SHA-256": {"auth": "digest-sha256"},
    "Basic or Digest": {"auth": "both"},
    "nonces that grow stale": {"auth": "digest", "stale_every": 2},
    "slow answers": {"slow": 0.1},
    "no reports": {"rtcp": None},
}


async def plays(mount: Mount, count: int = 12):
    async with FakeCamera({"a": mount}) as camera, playing(camera.url("a")) as player:
        units = (await player.pictures(count))[:]
    return player, units


@pytest.mark.parametrize("clip", CLIPS.values(), ids=CLIPS)
async def test_pictures_of_every_coding_arrive_whole_and_in_order(clip):
    player, units = await plays(Mount(clip=clip, starts_with_key=True))
    shown = numbers(units)
    assert consecutive(shown[: len(shown) - clip.delay], len(clip.pictures))  # the last ones lack what is shown between them
    assert units[0].key and len(player.infos) == 1 and player.damages == []
    info = player.infos[0]
    assert (info.family, info.width, info.height, info.parameter_sets) == (clip.family, clip.width, clip.height, clip.sets)
    assert info.reorders is (clip.delay > 0)


@pytest.mark.parametrize("more", ODD.values(), ids=ODD)
async def test_odd_cameras_are_played_like_others(more):
    player, units = await plays(Mount(starts_with_key="early" not in more, **more))
    assert consecutive(numbers(units), 100)
    assert player.damages == []


async def test_the_payloads_are_the_cameras_own():
    clip = make(Recipe())
    _, units = await plays(Mount(clip=clip, starts_with_key=True))
    shown = numbers(units)
    assert [u.payloads for u in units] == [tuple(packets.payloads(clip, number)) for number in shown]


async def test_a_key_picture_without_sets_of_its_own_gets_them_from_the_description():
    clip = make(Recipe())
    _, units = await plays(Mount(clip=clip, starts_with_key=True, inline_sets=False))
    assert units[0].payloads[0] == packets.together(clip.sets, "h264")
    assert same(units[0], clip, numbers(units)[0])


async def test_a_picture_was_captured_when_it_was_due_at_a_camera_that_knows_the_time():
    clip = make(Recipe())
    _, units = await plays(Mount(clip=clip, starts_with_key=True, rtcp=0.1))
    for unit, number in list(zip(units, numbers(units), strict=True))[1:]:
        off = (unit.captured / 1000 - number / clip.fps) % clip.seconds
        assert min(off, clip.seconds - off) < 0.002


async def test_a_picture_was_captured_when_it_arrived_where_the_camera_has_another_time():
    before = packets.now() * 1000
    _, units = await plays(Mount(starts_with_key=True, rtcp=0.1, clock_off=-3600))
    assert all(before - 1 <= unit.captured <= packets.now() * 1000 for unit in units)


async def test_presentation_times_run_in_the_cameras_clock():
    _, units = await plays(Mount(starts_with_key=True))
    assert {b.pts - a.pts for a, b in zip(units, units[1:], strict=False)} == {3600}


async def test_losses_are_told_and_no_broken_picture_gets_through():
    clip = make(Recipe(slices=4))
    async with FakeCamera({"a": Mount(clip=clip, drop=0.01, longest=500)}) as camera, playing(camera.url("a")) as player:
        await player.until(lambda: len(player.damages) > 3 and len(player.units) > 40)
        units = player.units[:]
    decoded = numbers(units[:1])
    assert decoded[0] is not None and units[0].key
    own = {tuple(packets.payloads(clip, place, longest=500)) for place in range(100)}
    assert all(unit.payloads in own for unit in units)


@pytest.mark.parametrize(("knows", "asked"), [("GET_PARAMETER", "GET_PARAMETER"), ("OPTIONS", "OPTIONS")])
async def test_a_session_is_kept_alive_in_the_way_the_camera_knows(knows, asked, monkeypatch):
    monkeypatch.setattr(client, "_LOOK_SECONDS", 0.05)
    async with FakeCamera({"a": Mount(timeout=2, keepalive=knows)}) as camera, playing(camera.url("a")) as player:
        await player.until(lambda: camera.asked.count(asked) >= 2 + (asked == "OPTIONS"))
        assert not player.task.done()


async def test_reports_are_sent_to_the_camera(monkeypatch):
    monkeypatch.setattr(client, "_LOOK_SECONDS", 0.05)
    monkeypatch.setattr(client, "REPORT_SECONDS", 0.1)
    async with FakeCamera({"a": Mount(starts_with_key=True)}) as camera, playing(camera.url("a")) as player:
        await player.until(lambda: camera.reports >= 3)


async def test_whoever_leaves_says_so_and_leaves_nothing_behind():
    before = asyncio.all_tasks()
    async with FakeCamera({"a": Mount(frozen=True)}) as camera:
        serving = asyncio.all_tasks()
        for _ in range(3):
            async with playing(camera.url("a")) as player:
                await player.pictures(1)
        while camera.sessions:
            await asyncio.sleep(0.01)
        assert camera.asked.count("TEARDOWN") == 3
        assert asyncio.all_tasks() <= serving | before
    assert camera.connections == 3


async def test_twenty_channels_of_one_recorder_play_side_by_side():
    mounts = {f"c{i}": Mount(phase=i / 1000, starts_with_key=True) for i in range(20)}
    async with FakeCamera(mounts) as camera:
        async with asyncio.TaskGroup() as group:
            found = [group.create_task(_first(camera.url(name), 5)) for name in mounts]
    assert all(consecutive(numbers(task.result()), 100) for task in found)


async def _first(url: str, count: int):
    async with playing(url) as player:
        return (await player.pictures(count))[:count]


async def test_nothing_is_kept_of_cameras_that_came_and_went():
    mounts = {
        "dies": Mount(dies_after=0.05),
        "no": Mount(status=404),
        "wrong": Mount(auth="digest"),
        "good": Mount(frozen=True),
    }  # each picture a key picture: none is waited for
    async with FakeCamera(mounts) as camera:
        for _ in range(5):
            for name in mounts:
                async with playing(camera.url(name, login=False)) as player:
                    if name == "good":
                        await player.pictures(1)
                    else:
                        await player.failure()
        del player
        while camera.sessions:
            await asyncio.sleep(0.01)
        gc.collect()
        assert [o for o in gc.get_objects() if isinstance(o, Connection)] == []
