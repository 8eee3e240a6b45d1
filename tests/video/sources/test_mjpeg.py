"""MJPEG and JPEG over HTTP: good cameras, odd ones, and servers that lie, drip or never end."""

import asyncio
import base64
import hashlib
import random
import re

import cv2
import httpx
import pytest

from tests.video.cameras import clip as clips
from tests.video.sources.intake import Collected, running
from tests.video.sources.webserver import WebServer, reply
from video.fetch import _SignedIn
from video.media import SourceFailed, SourceRequest
from video.rtsp.auth import Login
from video.sources import mjpeg
from video.sources.http import SOURCE
from video.sources.mjpeg import Parts, size


class _Guard:
    """Passes what a test names; notes what was asked."""

    def __init__(self, *allowed):
        self.allowed, self.asked = allowed, []

    async def addresses(self, host, port):
        self.asked.append((host, port))
        if self.allowed and port not in self.allowed:
            raise SourceFailed("refused-address", "the hall itself", lasting=True)
        return ["127.0.0.1"]


def jpeg(number, width=320):
    return cv2.imencode(".jpg", clips.draw(number, width, width * 9 // 16, noise=0))[1].tobytes()


PICTURES = [jpeg(k) for k in range(6)]


@pytest.fixture
async def web():
    found = WebServer()
    await found.start()
    yield found
    await found.stop()


def source(url, guard=None):
    return SOURCE.open(SourceRequest(subject="channel/f/c", url=url, guard=guard or _Guard()))


def streaming(kind, pieces, then=None):
    """A handler that sends a head of that type, then the pieces, then stays (or ends)."""

    async def handler(asked, writer):
        writer.write(f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nConnection: close\r\n\r\n".encode())
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0)
        if then != "end":
            await asyncio.Event().wait()
        return False

    return handler


def part(data, boundary="--b", length=True, end="\r\n"):
    told = f"Content-Length: {len(data)}{end}" if length else ""
    return f"{boundary}{end}Content-Type: image/jpeg{end}{told}{end}".encode() + data + end.encode()


FORMS = {
    "as the standard says": ("multipart/x-mixed-replace; boundary=b", dict()),
    "dashes in the boundary's name": ("multipart/x-mixed-replace;boundary=--b", dict()),
    "quoted": ('multipart/x-mixed-replace; boundary="b"; x=y', dict()),
    "four dashes": ("multipart/x-mixed-replace; boundary=--b", dict(boundary="----b")),
    "no length": ("multipart/x-mixed-replace; boundary=b", dict(length=False)),
    "lines end with LF": ("multipart/x-mixed-replace; boundary=b", dict(end="\n")),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("cut", [1, 7, 1000, 10**9])
def test_parts_are_whole_however_they_are_cut(form, cut):
    kind, options = FORMS[form]
    body = b"".join(part(p, **options) for p in PICTURES) + b"--b\r\n"
    parts = Parts(re.search('boundary="?([^";]+)', kind)[1])
    assert [found for i in range(0, len(body), cut) for found in parts.feed(body[i : i + cut])] == PICTURES


@pytest.mark.parametrize("form", FORMS)
async def test_every_picture_of_a_stream_arrives(web, form):
    kind, options = FORMS[form]
    body = b"".join(part(p, **options) for p in PICTURES) + b"--b\r\n"
    web.routes["/v"] = streaming(kind, [body[i : i + 1000] for i in range(0, len(body), 1000)])
    async with running(source(web.url("/v"))) as found:
        pictures = await found.wait(len(PICTURES))
    assert [p[2] for p in pictures] == PICTURES and all(p[0] for p in pictures)
    assert (found.info.family, found.info.codec, found.info.width, found.info.height) == ("jpeg", "jpeg", 320, 180)
    assert [p[1] for p in pictures] == sorted(p[1] for p in pictures)


async def test_another_size_begins_the_stream_anew(web):
    web.routes["/v"] = streaming("multipart/x-mixed-replace; boundary=b", [part(jpeg(1)), part(jpeg(2, 640)), b"--b"])
    async with running(source(web.url("/v"))) as found:
        await found.wait(2)
    assert [i.width for i in found.infos] == [320, 640]


async def test_the_end_of_the_stream_is_the_end_of_the_attempt(web):
    web.routes["/v"] = streaming("multipart/x-mixed-replace; boundary=b", [part(PICTURES[0]), b"--b--\r\n"], "end")
    async with running(source(web.url("/v"))) as found:
        await asyncio.wait_for(found.task, 60)
    assert len(found.pictures) == 1


async def test_a_single_picture_is_fetched_again_and_again(web, monkeypatch):
    monkeypatch.setattr(mjpeg, "POLL_SECONDS", 0.05)
    shown = iter([0, 1, 1, 1, 2, 3] + [3] * 1000)

    async def handler(asked, writer):
        return await reply(writer, 200, PICTURES[next(shown)], "image/jpeg")

    web.routes["/now.jpg"] = handler
    async with running(source(web.url("/now.jpg"))) as found:
        pictures = await found.wait(4)
    assert [p[2] for p in pictures] == PICTURES[:4]  # a picture that stays the same is no news


async def test_a_picture_that_never_changes_is_silence(web, monkeypatch):
    monkeypatch.setattr(mjpeg, "POLL_SECONDS", 0.02)
    monkeypatch.setattr(mjpeg, "SAME_SECONDS", 0.3)
    web.routes["/now.jpg"], web.types["/now.jpg"] = PICTURES[0], "image/jpeg"
    assert (await failure(source(web.url("/now.jpg")))).reason == "silent"


async def failure(opened, seconds=60):
    with pytest.raises(SourceFailed) as found:
        await asyncio.wait_for(opened.run(Collected()), seconds)
    return found.value


@pytest.mark.parametrize(
    ("code", "reason", "lasting"),
    [
        (401, "unauthorised", True),
        (403, "unauthorised", True),
        (404, "no-such-stream", True),
        (500, "gone", False),
        (503, "gone", False),
    ],
)
async def test_what_the_server_refuses_is_told_by_its_reason(web, code, reason, lasting):
    web.routes["/v"] = lambda asked, writer: reply(writer, code)
    found = await failure(source(web.url("/v")))
    assert (found.reason, found.lasting) == (reason, lasting)


async def test_a_page_is_no_camera(web):
    web.routes["/"], web.types["/"] = b"<html>sign in</html>", "text/html"
    assert (await failure(source(web.url("/")))).reason == "codec"


async def test_nobody_there_is_unreachable_and_the_password_is_not_told(web):
    port = web.port
    await web.stop()
    found = await failure(source(f"http://admin:geheim@127.0.0.1:{port}/v"))
    assert found.reason == "unreachable" and "geheim" not in str(found)


@pytest.mark.parametrize("url", ["http://", "http:///x", "http://[::1/x", "http://a:b@:80/", "https://host:99999/"])
async def test_what_is_no_address_is_refused_without_repeating_it(url):
    found = await failure(source(url))
    assert found.lasting and (url == "http://" or url not in str(found))


SLOW = {
    "no answer": [],
    "a head without end": [b"HTTP/1.1 200 OK\r\nX: "],
    "no first picture": [b"HTTP/1.1 200 OK\r\nContent-Type: multipart/x-mixed-replace; boundary=b\r\n\r\n--b\r\n"],
}


@pytest.mark.parametrize("kind", SLOW)
async def test_a_server_that_says_nothing_more_is_silent(web, kind, monkeypatch):
    monkeypatch.setattr("video.fetch.READ_SECONDS", 0.2)
    monkeypatch.setattr(mjpeg, "FIRST_PICTURE", 0.4)

    async def handler(asked, writer):
        for piece in SLOW[kind]:
            writer.write(piece)
        await writer.drain()
        await asyncio.Event().wait()

    web.routes["/v"] = handler
    assert (await failure(source(web.url("/v")))).reason == "silent"


async def test_a_server_that_drips_is_silent_too(web, monkeypatch):
    """Bytes keep coming, a picture does not."""
    monkeypatch.setattr(mjpeg, "FIRST_PICTURE", 0.4)

    async def handler(asked, writer):
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: multipart/x-mixed-replace; boundary=b\r\n\r\n--b\r\n")
        while True:
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.02)

    web.routes["/v"] = handler
    assert (await failure(source(web.url("/v")))).reason == "silent"


LIES = {
    "too long a picture": b"--b\r\nContent-Length: 999999999\r\n\r\n",
    "no boundary at all": b"z" * 100_000,
    "a head without end": b"--b\r\n" + b"X: y\r\n" * 20_000,
    "an endless picture": b"--b\r\n\r\n" + b"z" * (9 * 1024 * 1024),
    "no pictures": b"".join(part(b"not a picture") for _ in range(40)),
}


@pytest.mark.parametrize("kind", LIES)
async def test_a_server_that_lies_is_found_out_within_bounds(web, kind):
    web.routes["/v"] = streaming("multipart/x-mixed-replace; boundary=b", [LIES[kind]])
    assert (await failure(source(web.url("/v")))).reason == "garbled"


async def test_a_broken_picture_among_good_ones_is_left_out_and_told(web):
    web.routes["/v"] = streaming(
        "multipart/x-mixed-replace; boundary=b", [part(PICTURES[0]), part(PICTURES[1][:-200]), part(PICTURES[2]), b"--b"]
    )
    async with running(source(web.url("/v"))) as found:
        await found.wait(2)
    assert [p[2] for p in found.pictures] == [PICTURES[0], PICTURES[2]] and len(found.faults) == 1


def digest(asked, password="geheim"):
    """Whether a Digest header is right, computed from RFC 7616."""
    told = {k: v.strip('"') for k, v in re.findall(r'(\w+)=("[^"]*"|[^ ,]+)', asked.headers.get("authorization", ""))}

    def h(*parts):
        return hashlib.md5(":".join(parts).encode()).hexdigest()

    if "response" not in told:
        return False
    want = h(h("admin", "cam", password), told["nonce"], told["nc"], told["cnonce"], "auth", h("GET", told["uri"]))
    return told["response"] == want and told["uri"] == asked.path


@pytest.mark.parametrize("way", ["digest", "basic"])
async def test_it_signs_in_as_the_camera_asks(web, way):
    challenge = 'Digest realm="cam", nonce="n1", qop="auth"' if way == "digest" else 'Basic realm="cam"'
    stream = streaming("multipart/x-mixed-replace; boundary=b", [part(PICTURES[0]), b"--b"])

    async def handler(asked, writer):
        basic = asked.headers.get("authorization") == "Basic " + base64.b64encode(b"admin:geheim").decode()
        if digest(asked) if way == "digest" else basic:
            return await stream(asked, writer)
        return await reply(writer, 401, WWW_Authenticate=challenge)

    web.routes["/v"] = handler
    async with running(source(web.url("/v?x=1", "admin:geheim@"))) as found:
        await found.wait(1)
    assert "authorization" not in web.asked[0].headers  # not before it is asked for
    web.asked.clear()
    wrong = await failure(source(web.url("/v?x=1", "admin:falsch@")))
    assert wrong.reason == "unauthorised" and len(web.asked) == 2  # once only: cameras lock people out


async def test_a_redirect_is_followed_and_the_password_stays_at_home(web):
    other = WebServer()
    await other.start()
    other.routes["/w"] = lambda asked, writer: reply(writer, 401, WWW_Authenticate='Basic realm="x"')
    web.routes["/v"] = lambda asked, writer: reply(writer, 302, Location=other.url("/w"))
    found = await failure(source(web.url("/v", "admin:geheim@")))
    assert found.reason == "unauthorised" and all("authorization" not in asked.headers for asked in other.asked)
    await other.stop()


async def test_redirects_do_not_go_on_for_ever(web):
    web.routes["/v"] = lambda asked, writer: reply(writer, 302, Location="/v")
    found = await failure(source(web.url("/v")))
    assert found.lasting and len(web.asked) < 10


async def test_a_redirect_does_not_lead_past_the_guard(web):
    hidden = WebServer()
    await hidden.start()
    hidden.routes["/w"], hidden.types["/w"] = PICTURES[0], "image/jpeg"
    web.routes["/v"] = lambda asked, writer: reply(writer, 302, Location=hidden.url("/w"))
    guard = _Guard(web.port)
    found = await failure(source(web.url("/v"), guard))
    assert found.reason == "refused-address" and not hidden.asked and guard.asked[-1][1] == hidden.port
    await hidden.stop()


async def test_the_name_is_resolved_by_the_guard_only(web):
    web.routes["/v"] = streaming("multipart/x-mixed-replace; boundary=b", [part(PICTURES[0]), b"--b"])
    guard = _Guard()
    async with running(source(f"http://camera.invalid:{web.port}/v", guard)) as found:
        await found.wait(1)
    assert guard.asked == [("camera.invalid", web.port)] and web.asked[0].headers["host"] == f"camera.invalid:{web.port}"


def test_the_size_is_read_from_any_jpeg():
    for width in (16, 320, 1920):
        assert size(jpeg(1, width)) == (width, width * 9 // 16)
    assert size(b"") is None and size(b"\xff\xd8\xff") is None and size(b"GIF89a") is None


def test_parts_never_hang_or_grow_on_garbage():
    chance = random.Random(3)
    for _ in range(300):
        parts = Parts("b")
        try:
            for _ in range(30):
                piece = b"".join(
                    chance.choice([b"--b", b"\r\n", b"\n\n", b"Content-Length: 5", b": ", chance.randbytes(9)])
                    for _ in range(12)
                )
                parts.feed(piece)
                assert len(parts._data) < 100_000
                size(piece)
                size(b"\xff\xd8" + piece)
        except SourceFailed:
            pass


@pytest.mark.parametrize(
    ("home", "asked", "signed"),
    [
        ("https://cam/a", "https://cam/b", True), ("http://cam/a", "http://cam/b", True), ("http://cam/a", "https://cam/b", True),
        ("https://cam/a", "http://cam/b", False), ("https://cam/a", "https://other/b", False), ("http://cam/a", "http://cam:81/b", False),
    ],
)  # fmt: skip
def test_a_password_goes_to_its_own_machine_only_and_never_openly_after_an_encrypted_address(home, asked, signed):
    login = Login("admin", "secret")
    login.take(['Basic realm="cam"'], True)
    request = httpx.Request("GET", asked)
    next(_SignedIn(login, httpx.URL(home)).auth_flow(request))
    assert ("authorization" in request.headers) is signed
