"""What the rest of the hall hears of the relay: documents at edges, the record of views, tracks and key pictures over HTTP."""

import asyncio

import httpx
import msgspec
import pytest

from hall.core.board import START
from hall.core.event import unpack
from hall.core.model import Picture
from tests.video.relay.stage import bodies
from tests.video.relay.test_life_cycle import Sink
from video.relay import http

A = "channel/f/a"


async def told(bus, lane, prefix, enough, seconds=5):
    """Every event of a lane whose subject begins so, once there are enough."""
    async with asyncio.timeout(seconds):
        while True:
            entries = await bus.queue_read(lane, after=START, count=1000)
            found = [msgspec.json.decode(raw) for _, fields in entries for raw in unpack(fields["p"])]
            found = [event for event in found if event["subject"].startswith(prefix)]
            if enough(found):
                return found
            await asyncio.sleep(0.02)


async def test_a_watched_channel_has_a_document_at_each_edge(stage):
    camera, sink, bus = stage.camera(A), Sink(), stage.process.bus
    track = stage.hub.watch(A, "main", sink)
    await camera.present.wait()
    camera.group(2)
    await told(bus, "bulk", "picture/f/a", lambda e: e and e[-1]["data"]["state"] == "live")
    camera.up, camera.refusal = False, "unauthorised"
    camera.die("unauthorised")
    await told(bus, "bulk", "picture/f/a", lambda e: e[-1]["data"]["state"] == "waiting")
    seen = camera.opened
    async with asyncio.timeout(10):
        while camera.opened < seen + 2:
            await asyncio.sleep(0.05)
    stage.hub.leave(track, sink)
    events = await told(bus, "bulk", "picture/f/a", lambda e: e[-1].get("data") is None)
    documents = [msgspec.convert(event["data"], Picture) for event in events[:-1]]
    live = next(d for d in documents if d.state == "live")
    assert (live.feed, live.channel_id, live.viewers, live.codec, live.width, live.reason) == (
        "f",
        "a",
        1,
        "avc1.42c01f",
        640,
        "",
    )
    [waiting] = [d for d in documents if d.state == "waiting" and d.viewers]  # further attempts are no edges
    assert waiting.reason == "unauthorised" and waiting.attempts >= 1 and waiting.again_at > waiting.since
    assert "hand://" not in str(events)


async def test_a_flapping_camera_does_not_fill_the_bus(stage):
    camera, sink, bus = stage.camera(A), Sink(), stage.process.bus
    track = stage.hub.watch(A, "main", sink)
    await camera.present.wait()
    for _ in range(200):
        track.tell("stalled")
        track.tell("live")
    await asyncio.sleep(0.6)
    events = await told(bus, "bulk", "picture/f/a", lambda e: e)
    assert len(events) <= 3 and events[-1]["data"]["state"] == "live"


async def test_the_end_of_a_view_goes_on_record(stage):
    async with stage.viewer() as viewer:
        camera = stage.camera(A)
        asked = asyncio.create_task(viewer.watch(1, A, ticket=stage.ticket(A, view="v-77")))
        await camera.present.wait()
        camera.group(3)
        await asked
        await viewer.show(4 - len(viewer.pictures))
        await viewer.ask("report", n=1, shown=3, dropped=1, latency_ms=9)
        await viewer.ask("report", n=1, shown=1)
        await viewer.ask("leave", n=1)
        events = await told(stage.process.bus, "fast", "audit/view/v-77", lambda e: e)
    data = events[0]["data"]
    assert len(events) == 1 and (data["view"], data["channel"], data["kind"], data["shown"]) == ("v-77", A, "websocket", 4)
    assert data["pictures"] == 4 and data["bytes"] >= sum(map(len, bodies(viewer.pictures)))
    assert 0 <= data["ended"] - data["started"] < 10_000


async def test_a_viewer_that_just_goes_is_on_record_too(stage):
    async with stage.viewer() as viewer:
        camera = stage.camera(A)
        asked = asyncio.create_task(viewer.watch(1, A))
        await camera.present.wait()
        camera.group(1)
        await asked
        viewer.link.transport.abort()
    assert await told(stage.process.bus, "fast", "audit/view/v1", lambda e: e)


@pytest.fixture
async def client(stage):
    transport = httpx.ASGITransport(app=http.app(stage.process, stage.hub))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as found:
        yield found


async def test_the_newest_key_picture_is_had_without_starting_anything(stage, client):
    assert (await client.get(f"/keyframe/{A}")).json()["reason"] == "not-running" and stage.hub.tracks == {}
    camera = stage.camera(A)
    stage.hub.watch(A, "main", Sink())
    await camera.present.wait()
    assert (await client.get(f"/keyframe/{A}")).status_code == 404, "no picture yet"
    camera.group(2)
    newest = camera.group(2)[0]
    got = await client.get(f"/keyframe/{A}?quality=main")
    assert got.content == newest and got.headers["x-codec"] == "avc1.42c01f" and got.headers["x-state"] == "live"
    assert (got.headers["x-width"], got.headers["x-height"], got.headers["x-family"]) == ("640", "360", "h264")
    assert (await client.get(f"/keyframe/{A}?quality=sub")).content == newest, "the other quality is better than none"
    assert (await client.get(f"/keyframe/{A}?newer={got.headers['x-captured']}")).status_code == 304
    assert (await client.get(f"/keyframe/{A}?newer=1")).content == newest


async def test_tracks_are_listed_with_how_they_do(stage, client):
    camera = stage.camera(A)
    stage.hub.watch(A, "main", Sink())
    await camera.present.wait()
    camera.group(3)
    row = (await client.get("/tracks")).json()[0]
    assert (row["subject"], row["quality"], row["state"]["state"], row["viewers"], row["gop"]) == (A, "main", "live", 1, 4)
    assert row["info"]["codec"] == "avc1.42c01f" and row["bytes"] == 400
    assert (await client.get("/healthz")).status_code == 200


async def test_a_foreign_name_that_leads_here_is_refused(stage, client):
    assert (await client.get("/tracks", headers={"host": "evil.example"})).status_code == 400
