"""Cameras that flap and viewers that come and go leave nothing behind: no task, no track, no viewer, no kept byte."""

import asyncio
import gc
import weakref

from tests.video.relay.stage import Lazy
from tests.video.relay.test_life_cycle import Sink

A, B = "channel/f/a", "channel/f/b"


async def gone(things, seconds=5):
    """Returns when none of them is alive any more."""
    async with asyncio.timeout(seconds):
        while gc.collect() >= 0 and any(thing() is not None for thing in things):
            await asyncio.sleep(0.05)


async def test_a_camera_that_flaps_for_long(stage, monkeypatch):
    monkeypatch.setattr("video.relay.producer.FIRST_PAUSE", 0.001)
    monkeypatch.setattr("video.relay.producer.LONGEST_PAUSE", 0.001)
    camera, sink = stage.camera(A), Sink()
    track = stage.hub.watch(A, "main", sink)
    tasks, objects = None, 0
    for turn in range(300):
        await camera.present.wait()
        camera.group(3, 1000)
        sink.units.clear(), sink.states.clear(), sink.infos.clear()
        camera.requests.clear()
        camera.die()
        while camera.present.is_set():
            await asyncio.sleep(0)
        if turn in (50, 299):
            gc.collect()
            now = len(asyncio.all_tasks()), len(gc.get_objects())
            if tasks is not None:
                assert now[0] <= tasks and now[1] - objects < 300, (now, tasks, objects)
            tasks, objects = now
    assert stage.hub.budget.used == track.kept_bytes == 4000 and camera.opened >= 300
    stage.hub.leave(track, sink)


async def test_viewers_that_come_and_go(stage):
    async with stage.viewer() as first:
        camera = stage.camera(A)
        asked = asyncio.create_task(first.watch(1, A))
        await camera.present.wait()
        camera.group(3)
        await asked
        kept = []
        for number in range(15):
            async with stage.viewer() as viewer:
                await viewer.watch(1, A)
                await viewer.watch(2, A)
                side = next(side for side in stage.pictures.viewers.values() if len(side.tiles) == 2)
                kept += [weakref.ref(side), weakref.ref(side.tiles[1])]
                del side
                camera.send(number % 5 == 0)
                if number % 3 == 0:
                    viewer.link.transport.abort()
        lazy = Lazy(stage)
        kept.append(weakref.ref(await lazy.come(A)))
        del lazy.side
        lazy.socket.close()
        await gone(kept)
        assert len(stage.pictures.viewers) == 1 and stage.hub.track(A, "main").audience == 1
    async with asyncio.timeout(5):
        while stage.hub.tracks:
            await asyncio.sleep(0.05)
    assert stage.hub.budget.used == 0 and not stage.pictures.fans._fans and not stage.pictures._places


async def test_tracks_end_with_their_last_viewer(stage):
    kept = []
    for number in range(30):
        subject, sink = f"channel/f/{number}", Sink()
        track = stage.hub.watch(subject, "sub", sink)
        await stage.camera(subject).present.wait()
        stage.camera(subject).group(2)
        kept.append(weakref.ref(track))
        stage.hub.leave(track, sink)
        stage.cameras.clear()
        del track, sink
    await gone(kept)
    async with asyncio.timeout(5):
        while stage.hub.tracks or stage.documents._sent:
            await asyncio.sleep(0.05)
    assert not stage.hub._producers and not stage.hub._lingering
