"""Sources start with the first viewer, come back when they fail, end when nobody watches: told at each edge."""

import asyncio

import pytest

from hall.core.clock import real_ms
from hall.core.errors import Refused
from tests.video.relay.stage import STEP
from video.relay.hub import WATCH_OVER_SECONDS

A = "channel/f/a"


class Sink:
    """Keeps what it is told; `state(name)` waits for a state."""

    def __init__(self):
        self.units, self.infos, self.states, self.pauses = [], [], [], []
        self._news = asyncio.Event()

    def begin(self, info):
        self.infos.append(info)

    def take(self, unit):
        self.units.append(unit)
        self._news.set()

    def tell(self, state):
        self.states.append(state)
        if state.again_at is not None:
            self.pauses.append(state.again_at - real_ms())
        self._news.set()

    async def state(self, name, seconds=5):
        async with asyncio.timeout(seconds):
            while not self.states or self.states[-1].state != name:
                self._news.clear()
                await self._news.wait()
        return self.states[-1]


async def test_one_source_serves_all_and_ends_a_while_after_the_last_viewer(stage):
    camera, first, second = stage.camera(A), Sink(), Sink()
    track = stage.hub.watch(A, "main", first)
    assert stage.hub.watch(A, "main", second) is track
    await camera.present.wait()
    camera.group(2)
    stage.hub.leave(track, first)
    assert camera.running == 1
    stage.hub.leave(track, second)
    assert camera.running == 1, "it lingers"
    assert stage.hub.watch(A, "main", first) is track, "who comes back in time finds it running"
    stage.hub.leave(track, first)
    async with asyncio.timeout(5):
        while camera.running:
            await asyncio.sleep(0.01)
    assert camera.opened == 1 and stage.hub.tracks == {} and stage.hub.budget.used == 0


async def test_a_camera_that_returns_is_back_within_a_second_and_its_time_runs_on(stage):
    camera, sink = stage.camera(A), Sink()
    stage.hub.watch(A, "main", sink)
    await camera.present.wait()
    camera.group(4)
    camera.up = False
    camera.die("unreachable")
    waiting = await sink.state("waiting")
    assert waiting.reason == "unreachable" and 0 < waiting.again_at - waiting.since <= 1000
    while camera.opened < 5:  # long enough for the pauses to be at their longest
        await asyncio.sleep(0.05)
    assert all(pause <= 1000 for pause in sink.pauses), "asked again within a second, however long it is away"
    camera.up, camera.origin = True, 77
    async with asyncio.timeout(10):
        await camera.present.wait()
    camera.send()
    before = len(sink.units)
    camera.group(3)
    assert [unit.key for unit in sink.units[before:]] == [True, False, False, False], "nothing before its first key picture"
    assert sink.states[-1].state == "live" and sink.units[before].flags & 2
    times = [unit.pts for unit in sink.units]
    assert times == sorted(times) and [unit.number for unit in sink.units] == list(range(len(sink.units)))
    assert [b - a for a, b in zip(times[before:], times[before + 1 :], strict=False)] == [STEP] * 3


async def test_silence_is_told_within_two_seconds_and_so_is_its_end(stage):
    camera, sink = stage.camera(A), Sink()
    track = stage.hub.watch(A, "main", sink)
    await camera.present.wait()
    camera.group(3)
    track.watch_over(track.last_at + 1.4)
    assert sink.states[-1].state == "live"
    track.watch_over(track.last_at + 2.0 - WATCH_OVER_SECONDS)  # the latest moment at which it is looked at within two seconds
    assert (sink.states[-1].state, sink.states[-1].reason) == ("stalled", "silent")
    camera.send()
    assert sink.states[-1].state == "live" and camera.opened == 1
    await sink.state("stalled")  # by itself


async def test_a_camera_that_sends_seldom_by_nature_is_not_called_silent(stage):
    camera, sink = stage.camera(A), Sink()
    track = stage.hub.watch(A, "main", sink)
    await camera.present.wait()
    camera.send(True)
    track.interval = 4.0  # seconds between its pictures
    track.watch_over(track.last_at + 9.0)
    assert sink.states[-1].state == "live"
    track.watch_over(track.last_at + 10.1)
    assert sink.states[-1].state == "stalled"


async def test_a_flapping_camera_is_asked_with_growing_pauses(stage):
    camera, sink = stage.camera(A), Sink()
    stage.hub.watch(A, "main", sink)
    for _ in range(5):
        await camera.present.wait()
        camera.group(1)
        camera.die()
        await sink.state("waiting")
    pauses = sink.pauses
    assert pauses[0] <= 250 and all(pause <= 1000 for pause in pauses) and min(pauses[3:]) >= 600, pauses


async def test_a_lasting_failure_is_asked_seldom_but_at_once_for_somebody_new(stage):
    camera, sink = stage.camera(A), Sink()
    camera.up, camera.lasting = False, True
    stage.hub.watch(A, "main", sink)
    failed = await sink.state("failed")
    assert 10_000 <= failed.again_at - failed.since <= 30_000
    camera.up = True
    stage.hub.watch(A, "main", Sink())
    async with asyncio.timeout(2):
        await camera.present.wait()


async def test_without_a_sub_stream_the_main_one_serves_and_the_camera_is_asked_once(stage):
    camera, main, sub = stage.camera(A), Sink(), Sink()
    stage.hub.watch(A, "main", main)
    await camera.present.wait()
    camera.group(2)
    track = stage.hub.watch(A, "sub", sub)
    async with asyncio.timeout(2):
        while len(track.gop) < 3:
            await asyncio.sleep(0.01)
    camera.send()
    assert [unit.annexb for unit in track.gop] == [unit.annexb for unit in main.units]
    assert camera.opened == 1 and sub.states[-1].state == "live"
    camera.up = False
    camera.die("gone")
    assert (await sub.state("waiting")).reason == (await main.state("waiting")).reason
    assert stage.documents.document(A).viewers == 2


async def test_a_channel_with_a_sub_stream_has_two_sources(stage):
    stage.subs.add(A)
    stage.hub.watch(A, "sub", Sink())
    async with asyncio.timeout(2):
        await stage.camera(A, "sub").present.wait()
    assert stage.camera(A).opened == 0


async def test_what_follows_damage_is_suspect_until_the_next_key_picture(stage):
    camera, sink = stage.camera(A), Sink()
    stage.hub.watch(A, "main", sink)
    await camera.present.wait()
    camera.group(1)
    camera.intake.damaged("two packets lost")
    camera.send(), camera.send(), camera.send(True), camera.send()
    assert [bool(unit.flags & 4) for unit in sink.units] == [False, False, True, True, False, False]


async def test_a_viewer_that_fails_is_taken_off_and_the_others_go_on(stage):
    class Bad(Sink):
        def take(self, unit):
            raise RuntimeError("its own fault")

    camera, good = stage.camera(A), Sink()
    stage.hub.watch(A, "main", Bad())
    track = stage.hub.watch(A, "main", good)
    await camera.present.wait()
    camera.group(3)
    assert len(good.units) == 4 and track.viewers == 1


async def test_an_unknown_quality_is_refused(stage):
    with pytest.raises(Refused) as refusal:
        stage.hub.watch(A, "huge", Sink())
    assert refusal.value.reason == "quality-unknown"


async def test_a_source_that_never_ends_its_silence_is_ended(stage, monkeypatch):
    monkeypatch.setattr("video.relay.producer.FIRST_PICTURE_SECONDS", 0.3)
    camera, sink = stage.camera(A), Sink()
    stage.hub.watch(A, "main", sink)
    assert (await sink.state("waiting")).reason == "silent"
    assert camera.running == 0
