"""Cameras that are away, lie, fall silent or send rubbish: each ends within its time, with the reason that people need."""

from __future__ import annotations

import asyncio
import random
import socket

import pytest

from tests.video.cameras import FakeCamera, Mount, Recipe, make
from tests.video.rtsp.playing import consecutive, numbers, playing
from video.guard import Guard
from video.media import SourceFailed
from video.rtsp import client, opening

RUBBISH = b"\1$\xff" * 50_000
OTHER = make(Recipe(width=320, height=180))


@pytest.fixture
def hurried(monkeypatch):
    """The same waiting, shorter."""
    for place, name, value in ((client, "_LOOK_SECONDS", 0.05), (client, "SILENCE_SECONDS", 1.0), (client, "FIRST_KEY_SECONDS", 2.5),
                               (client, "FIRST_PICTURE_SECONDS", 1.5), (opening, "FIRST_PICTURE_SECONDS", 1.5)):  # fmt: skip
        monkeypatch.setattr(place, name, value)


async def failure(mount: Mount, **more):
    async with FakeCamera({"a": mount}) as camera, playing(camera.url("a"), **more) as player:
        error = await player.failure()
    assert "p@ss" not in str(error) and "p%40ss" not in str(error)
    return error, player


@pytest.mark.parametrize(("mount", "reason", "lasting"), [
    (Mount(half_open=True), "silent", False),
    (Mount(slow=4.0), "silent", False),
    (Mount(silent_after=0.0), "silent", False),
    (Mount(silent_after=0.3, starts_with_key=True), "silent", False),
    (Mount(garbage_after=0.0, garbage=RUBBISH), "garbled", False),
    (Mount(garbage_after=0.3, garbage=RUBBISH), "garbled", False),
    (Mount(dies_after=0.3), "gone", False),
    (Mount(status=404), "no-such-stream", True),
    (Mount(status=403), "unauthorised", True),
    (Mount(status=453), "unreachable", False),
    (Mount(status=500), "unreachable", False),
    (Mount(status=418), "garbled", False),
    (Mount(sdp_sets=False, inline_sets=False), "codec", False),
    (Mount(lie=make(Recipe(family="h265"))), "codec", True),
], ids=lambda value: str(value)[:60] if isinstance(value, str | bool) else None)  # fmt: skip
async def test_each_fault_has_its_reason(mount, reason, lasting, hurried):
    error, _ = await failure(mount)
    assert (error.reason, error.lasting) == (reason, lasting), error


async def test_noise_among_the_packets_ends_a_source_sooner_or_later(hurried):
    error, _ = await failure(Mount(garbage_after=0.2))
    assert error.reason in ("garbled", "silent", "gone", "codec")  # noise may look like anything


@pytest.mark.parametrize("auth", ["basic", "digest", "digest-sha256", "both"])
@pytest.mark.parametrize("login", ["wrong", "none"])
async def test_a_wrong_password_is_tried_once_only(auth, login, hurried):
    mount = Mount(auth=auth)
    async with FakeCamera({"a": mount}) as camera:
        url = camera.url("a", login=False)
        if login == "wrong":
            url = url.replace("//", "//admin:guess@")
        async with playing(url) as player:
            error = await player.failure()
        assert (error.reason, error.lasting) == ("unauthorised", True)
        assert "guess" not in str(error)
        assert camera.asked.count("DESCRIBE") == (2 if login == "wrong" else 1)


async def test_nobody_at_home_is_told_at_once():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        async with playing(f"rtsp://127.0.0.1:{taken.getsockname()[1]}/a") as player:
            assert (await player.failure(3)).reason == "unreachable"


@pytest.mark.parametrize(
    "url",
    [
        "rtsp://",
        "rtsp:///a",
        "rtsp://[::1/a",
        "rtsp://h:99999/a",
        "http://h/a",
        "",
        "rtsp://secret:word@:1/",
        "rtsp://a..b/",
        "rtsp://h/\ud800",
        "rtsp://" + "h" * 300 + "/",
    ],
)
async def test_addresses_that_are_none_are_refused_for_good(url):
    with pytest.raises(SourceFailed) as failed:
        opening.Opening(url, None, None)
    assert failed.value.lasting and "secret" not in str(failed.value)


async def test_a_camera_that_dies_is_gone_at_once_and_plays_again_when_it_is_back():
    async with FakeCamera({"a": Mount(starts_with_key=True)}) as camera:
        async with playing(camera.url("a")) as player:
            await player.pictures(3)
            await camera.stop()
            assert (await player.failure(2)).reason in ("gone", "unreachable")
        await camera.start()
        async with playing(camera.url("a")) as player:
            assert consecutive(numbers((await player.pictures(5))[:]), 100)


async def test_a_description_that_lies_about_the_size_is_overruled_by_the_pictures():
    async with FakeCamera({"a": Mount(lie=OTHER, starts_with_key=True)}) as camera, playing(camera.url("a")) as player:
        units = (await player.pictures(5))[:]
    assert consecutive(numbers(units), 100)
    assert [(i.width, i.height) for i in player.infos] == [(640, 360)]


async def test_a_stream_that_changes_its_size_plays_on():
    mount = Mount(starts_with_key=True)
    async with FakeCamera({"a": mount}) as camera, playing(camera.url("a")) as player:
        await player.pictures(2)
        mount.clip = OTHER
        await player.until(lambda: len(player.infos) == 2)
        await player.until(lambda: player.units[-1].info.width == 320)
    first = next(u for u in player.units if u.info.width == 320)
    assert first.key


# -- redirections ------------------------------------------------------------------------------------------------


async def test_a_redirection_is_followed_with_the_login_on_the_same_machine():
    async with FakeCamera({"a": Mount(starts_with_key=True, auth="digest")}) as there:
        mount = Mount(redirect=there.url("a", login=False), auth="digest")
        async with FakeCamera({"b": mount}) as here, playing(here.url("b")) as player:
            await player.pictures(1)
            assert "SETUP" not in here.asked


async def test_the_login_does_not_go_along_to_another_machine():
    async with FakeCamera({"a": Mount(auth="basic")}, host="localhost") as there:
        mount = Mount(redirect=there.url("a", login=False))
        async with FakeCamera({"b": mount}) as here:
            url = here.url("b").replace("//", "//admin:p%40ss%3Aw%2Frd@")
            async with playing(url) as player:
                assert (await player.failure()).reason == "unauthorised"


async def test_a_circle_of_redirections_ends():
    async with FakeCamera({"a": Mount()}) as camera:
        camera.mounts["a"].redirect = camera.url("a")
        async with playing(camera.url("a")) as player:
            error = await player.failure()
        assert (error.reason, error.lasting, camera.asked.count("DESCRIBE")) == ("no-such-stream", True, 4)


async def test_a_redirection_does_not_get_past_the_guard():
    async with FakeCamera({"a": Mount()}) as there:
        guard = Guard(allow_loopback=True, own=[there.port])
        async with FakeCamera({"b": Mount(redirect=there.url("a"))}) as here, playing(here.url("b"), guard=guard) as player:
            error = await player.failure()
        assert (error.reason, there.connections) == ("refused-address", 0)


async def test_a_redirection_from_an_encrypted_to_an_open_connection_is_refused():
    before = opening.parse("rtsps://u:p@h/a")
    with pytest.raises(SourceFailed) as failed:
        opening.redirected(before, "rtsp://h/a")
    assert failed.value.reason == "refused-address"


# -- conversations with flipped bytes ----------------------------------------------------------------------------


async def spoiled(seed: int) -> SourceFailed | None:
    """Plays through a proxy that flips bytes of what the camera says; None when it played all the same."""
    luck = random.Random(seed)
    async with FakeCamera({"a": Mount(starts_with_key=True, auth="digest")}) as camera:

        async def proxy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            back_reader, back_writer = await asyncio.open_connection("127.0.0.1", camera.port)
            await asyncio.wait({asyncio.ensure_future(pump(reader, back_writer, 0)), asyncio.ensure_future(pump(back_reader, writer, 0.01))},
                               return_when=asyncio.FIRST_COMPLETED)  # fmt: skip
            back_writer.transport.abort()
            writer.transport.abort()

        async def pump(source: asyncio.StreamReader, to: asyncio.StreamWriter, share: float) -> None:
            while data := await source.read(65_536):
                changed = bytearray(data)
                for _ in range(int(len(data) * share) + 1 if share else 0):
                    changed[luck.randrange(len(changed))] ^= luck.randrange(1, 256)
                to.write(bytes(changed))

        server = await asyncio.start_server(proxy, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        async with playing(camera.url("a").replace(str(camera.port), str(port))) as player:
            done, _ = await asyncio.wait({player.task}, timeout=1.5)
            found = player.task.exception() if done else None
        server.close()
    return found


async def test_a_spoiled_conversation_ends_in_a_reason_or_plays_and_never_crashes(hurried, caplog):
    found = await asyncio.gather(*(spoiled(seed) for seed in range(40)))
    assert all(error is None or isinstance(error, SourceFailed) for error in found), found
    assert "taken wrongly" not in caplog.text
    assert {error.reason for error in found if error} <= {"garbled", "gone", "silent", "unauthorised", "codec", "no-such-stream", "unreachable", "refused-address"}  # fmt: skip
