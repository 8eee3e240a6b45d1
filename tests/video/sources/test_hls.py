"""HLS: live and finished playlists made by PyAV or by hand, compared with the numbers burnt into the pictures."""

import asyncio
import os

import av
import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.padding import PKCS7

from hall.core.errors import BadInput
from tests.video.cameras import clip as clips
from tests.video.sources.intake import decoded, running
from tests.video.sources.test_mjpeg import _Guard, failure
from tests.video.sources.webserver import WebServer, reply
from video.media import SourceFailed, SourceRequest
from video.sources import playlist
from video.sources.hls import choose
from video.sources.http import SOURCE
from video.sources.playlist import Variant, parse

FPS, PER = 20, 10  # pictures a second, pictures of a segment


def source(url, guard=None, quality="main"):
    return SOURCE.open(SourceRequest(subject="channel/f/c", url=url, quality=quality, guard=guard or _Guard()))


def made(folder, count=40, kind="mpegts", codec="libx264", **options):
    """Segments of half a second written by libavformat's own HLS writer; the folder's files by name."""
    folder.mkdir()
    told = {"hls_time": "0.5", "hls_list_size": "0", "hls_segment_type": kind, "hls_flags": "independent_segments"}
    with av.open(str(folder / "v.m3u8"), "w", format="hls", options=told) as out:
        stream = out.add_stream(codec, rate=FPS)
        stream.width, stream.height, stream.pix_fmt = 320, 180, "yuv420p"
        stream.options = {"g": str(PER), "bf": "0", "sc_threshold": "0"} | options
        for number in range(count):
            out.mux(stream.encode(av.VideoFrame.from_ndarray(clips.draw(number, 320, 180, noise=0), format="bgr24")))
        out.mux(stream.encode(None))
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture
async def web():
    found = WebServer()
    await found.start()
    found.types["/v.m3u8"] = "application/vnd.apple.mpegurl"
    yield found
    await found.stop()


def numbers(pictures, family="h264"):
    return [clips.read_number(image) for image in decoded([p[2] for p in pictures], family)]


@pytest.mark.parametrize("kind", ["mpegts", "fmp4"])
async def test_a_finished_playlist_plays_from_its_start_to_its_end(web, tmp_path, kind):
    web.routes |= {f"/{name}": body for name, body in made(tmp_path / "h", kind=kind).items()}
    async with running(source(web.url("/v.m3u8"))) as found:
        await asyncio.wait_for(found.task, 90)
    assert numbers(found.pictures) == list(range(40))
    assert {b[1] - a[1] for a, b in zip(found.pictures, found.pictures[1:], strict=False)} == {90_000 // FPS}
    assert found.info.family == "h264" and found.info.width == 320 and not found.info.converted and len(found.infos) == 1


async def test_h265_comes_through_as_it_is(web, tmp_path):
    files = made(
        tmp_path / "h",
        kind="fmp4",
        codec="libx265",
        **{"x265-params": "keyint=10:min-keyint=10:scenecut=0:bframes=0:log-level=none"},
    )
    web.routes |= {f"/{name}": body for name, body in files.items()}
    async with running(source(web.url("/v.m3u8"))) as found:
        await asyncio.wait_for(found.task, 90)
    assert (
        found.info.family == "h265"
        and found.info.codec.startswith("hvc1.")
        and numbers(found.pictures, "h265") == list(range(40))
    )


def window(files, first, count, more=""):
    """A live playlist that shows `count` segments from `first` on."""
    rows = "".join(f"#EXTINF:0.5,\nv{k}.ts\n" for k in range(first, first + count))
    return f"#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:1\n#EXT-X-MEDIA-SEQUENCE:{first}\n{more}{rows}".encode()


async def test_a_live_playlist_begins_near_its_end_and_goes_on(web, tmp_path):
    files = made(tmp_path / "h", count=100)
    web.routes |= {f"/{name}": body for name, body in files.items()}
    state = {"first": 0}

    async def live(asked, writer):
        await reply(writer, 200, window(files, state["first"], 5), "application/x-mpegURL")
        state["first"] = min(state["first"] + 1, 5)
        return True

    web.routes["/v.m3u8"] = live
    async with running(source(web.url("/v.m3u8"))) as found:
        pictures = list(await found.wait(45))
    shown = numbers(pictures)
    assert shown[0] == 30 and shown == list(range(30, 30 + len(shown)))  # the last two of five, and nothing twice or missing
    asked = [a.path for a in web.asked if a.path.endswith(".ts")]
    assert len(asked) == len(set(asked))


async def test_a_live_playlist_that_does_not_go_on_is_silent(web, tmp_path, monkeypatch):
    web.routes |= {f"/{name}": body for name, body in made(tmp_path / "h").items()}
    web.routes["/v.m3u8"] = window({}, 0, 3)
    monkeypatch.setattr("video.sources.hls.max", lambda *a: 0.6 if a[0] in (5.0, 8.0) else max(*a), raising=False)
    assert (await failure(source(web.url("/v.m3u8")))).reason == "silent"


@pytest.mark.parametrize("iv", [True, False])
async def test_encrypted_segments_are_opened(web, tmp_path, iv):
    files, key = made(tmp_path / "h"), os.urandom(16)
    for number in range(4):
        vector = bytes(range(16)) if iv else (7 + number).to_bytes(16, "big")
        padder, encryptor = PKCS7(128).padder(), Cipher(algorithms.AES(key), modes.CBC(vector)).encryptor()
        body = padder.update(files[f"v{number}.ts"]) + padder.finalize()
        web.routes[f"/s{number}"] = encryptor.update(body) + encryptor.finalize()
    told = f",IV=0x{bytes(range(16)).hex()}" if iv else ""
    rows = "".join(f"#EXTINF:0.5,\ns{k}\n" for k in range(4))
    text = f'#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXT-X-MEDIA-SEQUENCE:7\n#EXT-X-KEY:METHOD=AES-128,URI="k"{told}\n{rows}#EXT-X-ENDLIST\n'
    web.routes |= {"/v.m3u8": text.encode(), "/k": key}
    async with running(source(web.url("/v.m3u8"))) as found:
        await asyncio.wait_for(found.task, 90)
    assert numbers(found.pictures) == list(range(40))
    web.routes["/k"] = os.urandom(16)
    assert (await failure(source(web.url("/v.m3u8")))).reason == "garbled"


async def test_byte_ranges_and_a_break_in_time_are_followed(web, tmp_path):
    one, two = made(tmp_path / "a", count=20), made(tmp_path / "b", count=20)
    body = one["v0.ts"] + one["v1.ts"]
    sizes = len(one["v0.ts"]), len(one["v1.ts"])
    web.routes |= {"/all": body, "/v1": two["v1.ts"]}
    web.routes["/v.m3u8"] = (
        f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:0.5,\n#EXT-X-BYTERANGE:{sizes[0]}@0\nall\n#EXTINF:0.5,\n#EXT-X-BYTERANGE:{sizes[1]}\nall\n"
        "#EXT-X-DISCONTINUITY\n#EXTINF:0.5,\nv1\n#EXT-X-ENDLIST\n"
    ).encode()
    async with running(source(web.url("/v.m3u8"))) as found:
        await asyncio.wait_for(found.task, 90)
    assert numbers(found.pictures) == [*range(20), *range(10, 20)]
    assert {b[1] - a[1] for a, b in zip(found.pictures, found.pictures[1:], strict=False)} == {90_000 // FPS}


async def test_the_time_in_the_playlist_is_when_it_was_taken(web, tmp_path):
    import datetime

    from hall.core.clock import real_ms

    web.routes |= {f"/{name}": body for name, body in made(tmp_path / "h", count=10).items()}
    began = real_ms() - 3000
    moment = datetime.datetime.fromtimestamp(began / 1000, datetime.UTC).isoformat(timespec="milliseconds")
    web.routes["/v.m3u8"] = (
        f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXT-X-PROGRAM-DATE-TIME:{moment}\n#EXTINF:0.5,\nv0.ts\n#EXT-X-ENDLIST\n".encode()
    )
    async with running(source(web.url("/v.m3u8"))) as found:
        await asyncio.wait_for(found.task, 90)
    assert [round(p[3]) for p in found.pictures] == [began + 50 * k for k in range(10)]


async def test_a_list_of_variants_leads_to_the_fitting_one(web, tmp_path):
    web.routes |= {f"/x/{name}": body for name, body in made(tmp_path / "h").items()}
    web.routes["/v.m3u8"] = (
        b'#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=90000,RESOLUTION=160x90,CODECS="avc1.42c01f"\nlow/v.m3u8\n'
        b'#EXT-X-STREAM-INF:BANDWIDTH=900000,RESOLUTION=1280x720,CODECS="avc1.42c01f,mp4a.40.2"\nx/v.m3u8\n'
        b"#EXT-X-STREAM-INF:BANDWIDTH=9000000,RESOLUTION=3840x2160\nhuge/v.m3u8\n"
    )
    async with running(source(web.url("/v.m3u8"))) as found:
        await found.wait(5)
    assert [a.path for a in web.asked[:2]] == ["/v.m3u8", "/x/v.m3u8"]


def test_variants_are_chosen_by_what_a_screen_can_use():
    def of(*heights):
        return [Variant(str(h), h * 1000, h, "avc1.4d401f") for h in heights]

    assert choose(of(180, 360, 720, 1080, 2160), "main").address == "1080"
    assert choose(of(180, 360, 720, 1080, 2160), "sub").address == "360"
    assert choose(of(2160, 4320), "main").address == "2160" and choose(of(144), "sub").address == "144"
    assert choose([Variant("h", 9, 720, "hvc1.1"), Variant("a", 5, 480, "avc1.42")], "main").address == "a"


@pytest.mark.parametrize("address", ["file:///etc/passwd", "data:x", "ftp://x/y", "rtsp://x"])
async def test_a_playlist_leads_nowhere_but_to_the_web(web, address):
    web.routes["/v.m3u8"] = f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{address}\n#EXT-X-ENDLIST\n".encode()
    assert (await failure(source(web.url("/v.m3u8")))).reason == "refused-address"


async def test_a_playlist_does_not_lead_past_the_guard(web):
    hidden = WebServer()
    await hidden.start()
    for text in (f"#EXTINF:1,\n{hidden.url('/s')}\n", f'#EXT-X-KEY:METHOD=AES-128,URI="{hidden.url("/k")}"\n#EXTINF:1,\ns\n',
                 f'#EXT-X-MAP:URI="{hidden.url("/m")}"\n#EXTINF:1,\ns\n'):  # fmt: skip
        web.routes |= {"/v.m3u8": f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n{text}#EXT-X-ENDLIST\n".encode(), "/s": b"x" * 32}
        assert (await failure(source(web.url("/v.m3u8"), _Guard(web.port)))).reason == "refused-address"
    assert not hidden.asked
    await hidden.stop()


@pytest.mark.parametrize(
    "text",
    ["", "#EXTM3U", "hello", "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\n", "#EXTM3U\n#EXTINF:abc,\nx\n", "#EXTM3U\n#EXT-X-MEDIA-SEQUENCE:-5\n",
     "#EXTM3U\n#EXT-X-KEY:METHOD=SAMPLE-AES,URI=\"k\"\n#EXTINF:1,\nx\n", "#EXTM3U\n#EXT-X-BYTERANGE:x@y\n", "#EXTM3U\n" + "#EXTINF:1,\nx\n" * 20_000],
)  # fmt: skip
def test_playlists_that_make_no_sense_are_refused(text):
    try:
        found = parse(text)
        assert isinstance(found, playlist.Media) and len(found.segments) <= playlist.MOST_SEGMENTS
    except BadInput as error:
        assert error.reason == "playlist"


async def test_segments_that_are_garbage_end_the_attempt(web):
    web.routes |= {"/v.m3u8": window({}, 0, 2) + b"#EXT-X-ENDLIST\n", "/v0.ts": os.urandom(50_000), "/v1.ts": b""}
    assert (await failure(source(web.url("/v.m3u8")))).reason == "garbled"


async def test_a_segment_that_is_a_playlist_opens_nothing(web):
    """libavformat would follow it; here it only says that it is none."""
    web.routes |= {"/v.m3u8": window({}, 0, 1) + b"#EXT-X-ENDLIST\n", "/v0.ts": b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n"}
    assert (await failure(source(web.url("/v.m3u8")))).reason == "garbled"


async def test_the_workshop_gets_no_more_than_it_plays(web, tmp_path):
    """A finished playlist of many segments is fetched as it is shown, not at once."""
    web.routes |= {f"/{name}": body for name, body in made(tmp_path / "h", count=200).items()}
    async with running(source(web.url("/v.m3u8"))) as found:
        await found.wait(5)
        assert len([a for a in web.asked if a.path.endswith(".ts")]) <= 4


def test_random_playlists_are_refused_or_understood():
    import random

    chance = random.Random(4)
    words = ["#EXTM3U", "#EXTINF:1,", "x.ts", "#EXT-X-KEY:METHOD=AES-128", "#EXT-X-MAP:URI=", '"a"', "#EXT-X-BYTERANGE:5@", "9" * 30, "\n", "\n", ":",
             ",", "#EXT-X-PROGRAM-DATE-TIME:2026-01-01", "#EXT-X-TARGETDURATION:", "1e308", "nan", "BYTERANGE=", "\ufeff"]  # fmt: skip
    for _ in range(2000):
        try:
            parse("#EXTM3U\n" + "".join(chance.choice(words) for _ in range(30)))
        except (BadInput, SourceFailed):
            pass
