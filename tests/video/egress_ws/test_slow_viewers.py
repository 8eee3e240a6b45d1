"""A viewer that reads too slowly costs itself pictures and nobody else anything."""

import asyncio
import struct

import pytest
from websockets.protocol import State

from hall.core.clock import monotonic
from tests.video.relay.stage import Lazy, Viewer, bodies

A = "channel/f/a"
SIZE = 40_000


async def lazy_beside_a_good_one(stage, viewer):
    camera = stage.camera(A)
    asked = asyncio.create_task(viewer.watch(1, A))
    await camera.present.wait()
    camera.group(1, SIZE)
    await asked
    lazy = Lazy(stage)
    return camera, lazy, await lazy.come(A)


async def send_groups(camera, viewer: Viewer, count: int) -> list[bytes]:
    """Groups of ten pictures, each read by the good viewer as it comes."""
    sent = []
    for _ in range(count):
        for number in range(10):
            sent.append(camera.send(number == 0, SIZE))
            await viewer.show(1)
    return sent


async def test_it_is_skipped_to_a_key_picture_while_the_others_miss_nothing(stage):
    async with stage.viewer() as viewer:
        camera, lazy, side = await lazy_beside_a_good_one(stage, viewer)
        await viewer.quiet()
        seen = len(viewer.pictures)
        sent = await send_groups(camera, viewer, 3)
        assert bodies(viewer.pictures[seen:]) == sent
        tile = side.tiles[1]
        assert tile.skipped >= 1 and side.transport.get_write_buffer_size() <= 256 * 1024 + 4 * SIZE
        before = tile.pictures
        await lazy.read_all()
        camera.send(False, SIZE)
        assert tile.pictures == before, "not before a key picture"
        camera.send(True, SIZE)
        camera.send(False, SIZE)
        assert tile.pictures == before + 2


async def test_three_times_within_half_a_minute_it_gets_key_pictures_then_the_sub_stream_then_its_keys(stage):
    stage.subs.add(A)
    async with stage.viewer() as viewer:
        camera, lazy, side = await lazy_beside_a_good_one(stage, viewer)
        for times in range(1, 4):
            while side.slow_times < times:
                await send_groups(camera, viewer, 1)
            await lazy.read_all()
            side.watch_over(monotonic())
            camera.send(True, SIZE)
            await viewer.show(1)
        await asyncio.sleep(0)
        assert side.level == 1
        tile, before = side.tiles[1], side.tiles[1].pictures
        await send_groups(camera, viewer, 1)
        assert tile.pictures == before + 1, "one key picture of ten"
        side._go_to(2, monotonic())
        sub = stage.camera(A, "sub")
        await sub.present.wait()
        sub.group(2, 500)
        assert tile.quality == "sub" and stage.hub.track(A, "main").audience == 1
        side._go_to(3, monotonic())
        before = tile.pictures
        sub.group(4, 500)
        assert tile.pictures == before + 1


async def test_it_is_told_and_after_a_quiet_while_given_more_again(stage):
    async with stage.viewer() as viewer:
        camera = stage.camera(A)
        asked = asyncio.create_task(viewer.watch(1, A))
        await camera.present.wait()
        camera.group(2)
        await asked
        side = next(iter(stage.pictures.viewers.values()))
        now = monotonic()
        side._go_to(1, now)
        told = await viewer.until("budget")
        assert (told["n"], told["level"], told["why"]) == (1, "keys", "slow")
        assert side.watch_over(now + 29) and side.level == 1
        assert side.watch_over(now + 31) and side.level == 0
        assert (await viewer.until("budget"))["level"] == "all"
        before = len(viewer.pictures)
        camera.send()
        sent = camera.group(1)
        await viewer.show(2)
        assert bodies(viewer.pictures[before:])[-2:] == sent, "from the next key picture on"


async def test_one_that_never_reads_is_bounded_and_sent_away(stage, monkeypatch):
    monkeypatch.setattr("video.egress.websocket_viewer.STUCK_SECONDS", 0.5)
    async with stage.viewer() as viewer:
        camera, lazy, side = await lazy_beside_a_good_one(stage, viewer)
        most = 0
        async with asyncio.timeout(15):
            while len(stage.pictures.viewers) > 1:
                await send_groups(camera, viewer, 1)
                most = max(most, side.transport.get_write_buffer_size())
                await asyncio.sleep(0.01)
        assert most <= 256 * 1024 + 4 * SIZE
        assert stage.pictures.counters["too_slow"] == 1
        assert stage.hub.track(A, "main").audience == 1


async def test_one_that_reads_slowly_is_not_sent_away_until_it_stops_reading(stage):
    async with stage.viewer() as viewer:
        camera, lazy, side = await lazy_beside_a_good_one(stage, viewer)
        now = monotonic()
        for _ in range(4):  # it takes something within each half minute
            while side.transport.get_write_buffer_size() < 100_000:
                await send_groups(camera, viewer, 1)
            assert await lazy.read_all() > 0
            now += 29
            assert side.watch_over(now)
        while side.transport.get_write_buffer_size() < 100_000:
            await send_groups(camera, viewer, 1)
        assert side.watch_over(now + 1) and side.watch_over(now + 30)
        assert not side.watch_over(now + 32)


@pytest.mark.parametrize("deltas", [60])
async def test_a_large_kept_group_at_the_start_does_not_count_as_slowness(stage, deltas):
    async with stage.viewer() as viewer, stage.viewer() as late:
        camera = stage.camera(A)
        asked = asyncio.create_task(viewer.watch(1, A))
        await camera.present.wait()
        sent = camera.group(deltas, SIZE)  # 2.4 MB
        await asked
        task = asyncio.create_task(late.watch(1, A))
        while stage.hub.track(A, "main").audience < 2:
            await asyncio.sleep(0)
        sent += [camera.send(False, SIZE) for _ in range(3)]
        await task
        await late.show(deltas + 4 - len(late.pictures))
        assert bodies(late.pictures) == sent


async def test_one_that_said_goodbye_and_hangs_on_is_cut_and_ends_nothing(stage):
    stage.subs.add(A)
    async with stage.viewer() as viewer:
        camera, lazy, side = await lazy_beside_a_good_one(stage, viewer)
        await lazy.read_all()
        side._go_to(2, monotonic())  # to the sub-stream: coming back to the main one begins with what is kept of it
        goodbye = struct.pack("!BB4sH", 0x88, 0x82, b"\0\0\0\0", 1001)
        await asyncio.get_running_loop().sock_sendall(lazy.socket, goodbye)
        connection = next(c for c, one in stage.pictures.viewers.items() if one is side)
        async with asyncio.timeout(5):
            while connection.state is State.OPEN:
                await asyncio.sleep(0.01)
        side._go_to(1, monotonic())
        async with asyncio.timeout(10):
            while side in stage.pictures.viewers.values():
                await asyncio.sleep(0.05)
        assert stage.hub.track(A, "main").audience == 1 and not stage.process.stopping.is_set()
    lazy.socket.close()
