"""The video socket, seen by a client of another library: what docs/VIDEO.md promises."""

import asyncio
import itertools
import json

import msgspec
import pytest
import websockets

from hall.core.clock import real_ms
from tests.video.cameras import Recipe, make
from tests.video.relay.stage import bodies
from video.media import StreamInfo

A, B = "channel/f/a", "channel/f/b"


async def watching(stage, viewer, channel=A, n=1, group=0, **more):
    """Asks, and lets the camera send once it is there; what it sent."""
    camera = stage.camera(channel)
    asked = asyncio.create_task(viewer.watch(n, channel, **more))
    await camera.present.wait()
    sent = camera.group(group) if group else []
    return camera, sent, await asked


async def test_a_viewer_sees_what_the_camera_sends_in_order_and_whole(stage):
    async with stage.viewer() as viewer:
        _, sent, told = await watching(stage, viewer, group=3)
        await viewer.show(4 - len(viewer.pictures))
        got = viewer.pictures
        assert (told["codec"], told["width"], told["family"], told["quality"]) == ("avc1.42c01f", 640, "h264", "main")
        assert bodies(got) == sent and {p.handle for p in got} == {told["handle"]}
        assert [p.flags & 1 for p in got] == [1, 0, 0, 0] and {p.version for p in got} == {1}
        assert [b.pts - a.pts for a, b in zip(got, got[1:], strict=False)] == [3600] * 3
        assert all(abs(real_ms() - p.captured) < 5_000 for p in got)


@pytest.mark.parametrize("size", [9, 60, 200, 70_000])
async def test_pictures_of_every_length_of_frame_arrive_whole(stage, size):
    async with stage.viewer() as viewer:
        camera, _, _ = await watching(stage, viewer, group=1)
        await viewer.show(2 - len(viewer.pictures))
        sent = camera.send(size=size)
        assert bodies(await viewer.show(1)) == [sent]


async def test_a_later_viewer_gets_the_kept_group_at_once_and_then_what_comes(stage):
    async with stage.viewer() as first, stage.viewer() as second:
        camera, _, _ = await watching(stage, first, group=2)
        kept = camera.group(3)
        await second.watch(1, A)
        got = await second.show(4)
        assert bodies(got) == kept and all(p.flags & 8 for p in got) and got[0].flags & 1
        later = camera.send()
        assert bodies(await second.show(1)) == [later] and not second.pictures[-1].flags & 8
        assert camera.opened == 1, "one source serves both"


async def test_many_tiles_share_one_socket_and_each_has_its_own_handle(stage):
    async with stage.viewer() as viewer:
        camera, _, one = await watching(stage, viewer, group=1)
        two = await viewer.watch(2, A)
        _, _, three = await watching(stage, viewer, channel=B, n=3)
        await viewer.quiet()
        sent = camera.send()
        other = stage.camera(B).send(True)
        got = await viewer.show(3)
        assert len({one["handle"], two["handle"], three["handle"]}) == 3
        assert sorted((p.handle, p.body) for p in got) == sorted(
            [(one["handle"], sent), (two["handle"], sent), (three["handle"], other)]
        )


async def test_key_pictures_only(stage):
    async with stage.viewer() as viewer:
        camera, _, _ = await watching(stage, viewer, group=2, only="keys")
        keys = [camera.group(3)[0] for _ in range(3)]
        assert bodies(await viewer.quiet())[-3:] == keys
        assert all(p.flags & 1 for p in viewer.pictures)


async def test_a_tile_that_leaves_or_shows_something_else_gets_nothing_more_of_the_old(stage):
    async with stage.viewer() as viewer:
        camera, _, _ = await watching(stage, viewer, group=1)
        _, _, told = await watching(stage, viewer, channel=B, n=1, group=1)
        await viewer.quiet()
        camera.send()
        assert await viewer.quiet() == []
        await viewer.ask("leave", n=1)
        await viewer.quiet()
        stage.camera(B).group(2)
        assert await viewer.quiet() == []


async def test_a_ticket_opens_what_it_names_for_as_long_as_it_says(stage):
    old, other = stage.ticket(A, until=real_ms() - 1), stage.ticket(B)
    async with stage.viewer() as viewer:
        for ticket, reason in ((old, "ticket-expired"), (other, "not-on-ticket"), ("x.y", "ticket-bad"), ("", "ticket-bad")):
            told = await viewer.watch(1, A, ticket=ticket)
            assert (told["op"], told["reason"]) == ("refused", reason)
        forged = stage.ticket(A)
        told = await viewer.watch(1, A, ticket=forged[:-2] + ("AA" if forged[-2:] != "AA" else "BB"))
        assert told["reason"] == "ticket-bad"
        assert stage.hub.tracks == {}, "nothing was started for them"
        _, _, told = await watching(stage, viewer, group=1)
        assert told["op"] == "watching", "the connection goes on"


async def test_a_connection_shows_a_bounded_number_of_channels(stage, monkeypatch):
    monkeypatch.setattr("video.egress.websocket_viewer.MAX_TILES", 3)
    async with stage.viewer() as viewer:
        for n in range(3):
            await viewer.ask("watch", n=n, ticket=stage.ticket(A), channel=A)
        assert (await viewer.watch(9, A))["reason"] == "too-many-watches"
        await viewer.ask("watch", n=2, ticket=stage.ticket(B), channel=B)  # in place of another
        await viewer.until("state", n=2)


async def refused(link):
    """The last words of a connection that is sent away, and its code."""
    texts = []
    with pytest.raises(websockets.ConnectionClosed) as closed:
        while True:
            texts.append(json.loads(await asyncio.wait_for(link.recv(), 5)))
    return texts[-1], closed.value.rcvd.code


async def test_pages_of_other_sites_are_refused_and_those_of_this_host_are_not(stage):
    async with websockets.connect(stage.url, origin="http://evil.example") as link:
        told, code = await refused(link)
        assert (told["op"], told["reason"], code) == ("refused", "origin", 4403)
    async with stage.viewer(origin="http://127.0.0.1:1"):
        pass


@pytest.mark.parametrize(
    "said",
    ["{", "[]", '{"op":"dance"}', '{"op":"watch"}', '{"op":"watch","n":-1,"ticket":"","channel":""}', '{"op":"leave","n":"x"}',
     "\u0000", '{"op":"watch","n":1,"ticket":"t","channel":"c","quality":"huge"}', b"\xff\xfe", "[" * 5000],
)  # fmt: skip
async def test_nonsense_is_refused_with_a_reason_and_the_connection_ends(stage, said):
    async with websockets.connect(stage.url) as link:
        await link.send(said)
        told, code = await refused(link)
        assert (told["reason"], code) == ("malformed", 4400) and told["detail"]


async def test_somebody_who_talks_without_end_is_sent_away(stage, monkeypatch):
    monkeypatch.setattr("video.egress.websocket_requests.Allowance.__init__.__defaults__", (1.0, 20.0))
    async with websockets.connect(stage.url) as link:
        for n in range(40):
            await link.send(json.dumps({"op": "ping", "n": n}))
        told, code = await refused(link)
        assert (told["reason"], code) == ("too-many-messages", 4429)


async def test_another_stream_is_told_before_its_first_picture(stage):
    async with stage.viewer() as viewer:
        camera, _, first = await watching(stage, viewer, group=1)
        camera.info = msgspec.structs.replace(camera.info, width=1920, height=1080, codec="avc1.640028")
        camera.die()
        again = await viewer.until("watching", n=1)
        sent = camera.group(1)
        assert (again["width"], again["codec"], again["handle"]) == (1920, "avc1.640028", first["handle"])
        got = await viewer.show(2)
        assert bodies(got) == sent and got[0].flags & 3 == 3 and not got[0].flags & 8


async def test_a_camera_that_dies_and_returns_is_shown_on_the_same_connection(stage):
    async with stage.viewer() as viewer:
        camera, _, told = await watching(stage, viewer, group=2)
        camera.up = False
        camera.die("unreachable")
        waiting = await viewer.until("state", state="waiting")
        assert waiting["reason"] == "unreachable" and waiting["n"] == 1 and waiting["again_at"] > waiting["since"]
        camera.up = True
        await camera.present.wait()
        seen = len(viewer.pictures)
        sent = camera.group(2)
        assert (await viewer.until("state", state="live"))["handle"] == told["handle"]
        got = await viewer.show(3 - (len(viewer.pictures) - seen))
        assert bodies(viewer.pictures[-3:]) == sent and got[-1].pts > viewer.pictures[0].pts


async def test_a_frozen_picture_is_told(stage):
    async with stage.viewer() as viewer:
        await watching(stage, viewer, group=2)
        stalled = await viewer.until("state", state="stalled")
        assert stalled["reason"] == "silent" and stalled["n"] == 1


async def test_who_signs_out_sees_nothing_more(stage):
    bus = stage.process.bus
    await bus.set(b'{"name":"p","role":"operator","generation":0,"made":1}', "session", "abc")
    async with stage.viewer() as staying, stage.viewer() as leaving:
        await watching(stage, staying, group=1, ticket=stage.ticket(A, session="wall-token:w"))
        await bus.set(b"{}", "wall-token", "w")
        told = await leaving.watch(1, A, ticket=stage.ticket(A, session="session:abc"))
        assert told["op"] == "watching"
        await stage.pictures.send_away_signed_out()
        assert len(stage.pictures.viewers) == 2
        await bus.delete("session", "abc")
        await stage.pictures.send_away_signed_out()
        assert (await leaving.until("ended"))["reason"] == "signed-out"
        with pytest.raises(websockets.ConnectionClosed) as closed:
            while True:
                await leaving.next()
        assert closed.value.rcvd.code == 4401
        assert len(stage.pictures.viewers) == 1 and await staying.quiet() is not None


async def test_a_person_who_was_changed_or_removed_counts_as_signed_out(stage):
    import hashlib

    from video.relay.sessions import ended

    bus = stage.process.bus
    await bus.set(b'{"name":"p","role":"operator","generation":0,"made":1}', "session", "abc")
    assert await ended(bus, ["session:abc", f"{bus.prefix}:session:abc", "session:none"]) == {"session:none"}
    await bus.call("INCR", bus.key("generation", hashlib.sha256(b"p").hexdigest()))
    assert await ended(bus, ["session:abc"]) == {"session:abc"}
    assert await ended(bus, []) == set()


async def test_a_locked_or_abandoned_console_counts_as_signed_out_until_it_is_opened(stage):
    from hall import access
    from video.relay.sessions import ended

    bus = stage.process.bus
    secrets = [await access.open_session(bus, name, "operator") for name in ("li", "wang")]
    keys = [f"session:{access.digest(secret)}" for secret in secrets]
    assert await ended(bus, keys) == set()
    await access.lock_session(bus, secrets[0])
    assert await ended(bus, keys) == {keys[0]}
    await access.session_active(bus, secrets[0], 60_000, unlock=True)
    assert await ended(bus, keys) == set()
    await access.session_active(bus, secrets[1], -1)  # its page died: silent for longer than it may be
    assert await ended(bus, keys) == {keys[1]}


async def test_the_relay_says_goodbye_when_it_stops(stage):
    async with stage.viewer() as viewer:
        await watching(stage, viewer, group=1)
        closing = asyncio.create_task(stage.pictures.close(stage.door))
        with pytest.raises(websockets.ConnectionClosed) as closed:
            while True:
                await viewer.next()
        assert closed.value.rcvd.code == 1012
        await closing


async def test_health_is_public_and_says_nothing_of_channels(stage):
    reader, writer = await asyncio.open_connection("127.0.0.1", stage.port)
    writer.write(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
    answer = await asyncio.wait_for(reader.read(), 5)
    writer.close()
    assert answer.startswith(b"HTTP/1.1 200") and set(json.loads(answer.partition(b"\r\n\r\n")[2])) == {
        "ok",
        "build",
        "viewers",
    }


async def test_a_browser_that_cannot_show_what_the_camera_sends_gets_it_converted_and_others_do_not(stage):
    clip = make(Recipe(family="h265"))
    camera = stage.camera(A)
    camera.info = StreamInfo(family="h265", codec="hvc1.1.6.L93.B0", width=640, height=360, fps=25.0)

    async def send():
        for n in itertools.count():
            picture = clip.pictures[n % len(clip.pictures)]
            camera.intake.picture(picture.key, n * 3600, annexb=clip.annexb(n % len(clip.pictures)))
            await asyncio.sleep(0.02)

    async with stage.viewer() as old, stage.viewer() as modern:
        asked = asyncio.create_task(old.watch(1, A, takes=["h264", "jpeg"]))
        await camera.present.wait()
        sending = asyncio.create_task(send())
        try:
            told, native = await asyncio.wait_for(asked, 20), await modern.watch(1, A, takes=["h264", "h265"])
            first = (await old.show(1))[0]
        finally:
            sending.cancel()
    assert (told["family"], told["converted"]) == ("h264", "h265") and first.flags & 1
    assert (native["family"], native["converted"]) == ("h265", "") and camera.opened == 1
