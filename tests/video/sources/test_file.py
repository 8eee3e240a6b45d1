"""file://: clips as cameras, compared with PyAV's own reading of the same file."""

import asyncio
import contextlib
import os

import av
import pytest

from tests.video.cameras import clip as clips
from tests.video.sources.intake import Collected, decoded, running
from video.media import SourceFailed, SourceRequest
from video.sources.file import SOURCE
from video.workshop.store import Store


def source(path, root=None):
    return SOURCE.open(SourceRequest(subject="channel/f/c", url=f"file://{path}", roots=(str(root or path.parent),)))


def written(path, codec, count=20, fps=10, size=(320, 180), **options):
    """A clip of numbered pictures in whatever container the name says."""
    with av.open(str(path), "w") as out:
        stream = out.add_stream(codec, rate=fps)
        stream.width, stream.height = size
        stream.pix_fmt = {"mjpeg": "yuvj420p", "gif": "rgb8"}.get(codec, "yuv420p")
        stream.options = options
        for number in range(count):
            frame = av.VideoFrame.from_ndarray(clips.draw(number, *size, noise=0), format="bgr24")
            out.mux(stream.encode(frame.reformat(format=stream.pix_fmt)))
        out.mux(stream.encode(None))
    return path


def original(path):
    """Every picture of a file, decoded straight by PyAV."""
    with av.open(str(path)) as container:
        return [frame.to_ndarray(format="gray") for frame in container.decode(video=0)]


@pytest.fixture
def folder(tmp_path):
    found = tmp_path / "clips"
    found.mkdir()
    return found


async def test_plain_h264_is_passed_on_picture_by_picture(folder):
    path = written(folder / "a.mp4", "libx264", profile="baseline", g="10")
    async with running(source(path)) as found:
        pictures = list(await found.wait(20))[:20]
    assert found.info.converted == "" and not found.info.reorders and found.info.codec.startswith("avc1.42")
    assert (found.info.width, found.info.height, found.info.fps) == (320, 180, 10)
    assert pictures[0][0] and b"\0\0\0\1\x67" in pictures[0][2]
    got, want = decoded([p[2] for p in pictures]), original(path)
    assert len(got) == len(want) and all((a == b).all() for a, b in zip(got, want, strict=True))


async def test_the_clip_goes_round_on_one_running_clock(folder):
    path = written(folder / "a.mp4", "libx264", count=8, fps=20, profile="baseline", g="4")
    async with running(source(path)) as found:
        pictures = list(await found.wait(30))
    steps = {b[1] - a[1] for a, b in zip(pictures, pictures[1:], strict=False)}
    assert steps == {90_000 // 20}
    numbers = [clips.read_number(image) for image in decoded([p[2] for p in pictures])]
    assert numbers == [i % 8 for i in range(len(numbers))]


async def test_b_frames_are_kept_and_told(folder):
    path = written(folder / "a.mp4", "libx264", profile="main", bf="2", g="10", **{"x264-params": "b-adapt=0"})
    async with running(source(path)) as found:
        pictures = list(await found.wait(25))
    assert found.info.reorders and found.info.converted == ""
    times = [p[1] for p in pictures]
    assert times != sorted(times) and len(set(times)) == len(times)
    assert [clips.read_number(image) for image in decoded([p[2] for p in pictures[:20]])] == list(range(20))


@pytest.mark.parametrize(
    ("name", "codec", "why"),
    [("a.avi", "mpeg4", "mpeg4"), ("a.mkv", "libx265", "h265"), ("a.avi", "mjpeg", "mjpeg"), ("a.gif", "gif", "gif")],
)
async def test_what_browsers_cannot_take_is_converted_once_and_marked(folder, shop, name, codec, why):
    path = written(folder / name, codec)
    async with running(source(path)) as found:
        pictures = list(await found.wait(25))
    assert found.info.converted == why and found.info.family == "h264" and not found.info.reorders
    numbers = [clips.read_number(image) for image in decoded([p[2] for p in pictures])]
    assert numbers == [i % 20 for i in range(len(numbers))]
    kept = list((folder.parent / "data" / "clips").glob("*.clip"))
    assert len(kept) == 1
    before = kept[0].stat().st_ino
    async with running(source(path)) as again:
        await again.wait(5)
    assert again.info.converted == why and [p[2] for p in again.pictures[:5]] == [p[2] for p in pictures[:5]]
    assert [p.stat().st_ino for p in (folder.parent / "data" / "clips").glob("*.clip")] == [before]


async def test_ten_bit_h264_is_converted(folder):
    path = folder / "a.mkv"
    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx264", rate=10)
        stream.width, stream.height, stream.pix_fmt = 320, 180, "yuv420p10le"
        for number in range(5):
            frame = av.VideoFrame.from_ndarray(clips.draw(number, 320, 180, noise=0), format="bgr24")
            out.mux(stream.encode(frame.reformat(format="yuv420p10le")))
        out.mux(stream.encode(None))
    async with running(source(path)) as found:
        await found.wait(3)
    assert found.info.converted == "h264" and found.info.codec.startswith("avc1.42")


async def test_a_file_that_was_replaced_is_another_stream(folder):
    path = written(folder / "a.mp4", "libx264", count=5, profile="baseline")
    async with running(source(path)) as found:
        await found.wait(2)
        written(folder / "b.mp4", "libx264", count=5, size=(160, 96)).replace(path)
        await asyncio.wait_for(found.task, 60)  # ends in order; the relay opens it anew


@pytest.mark.parametrize("make", ["outside", "link", "missing", "folder"])
async def test_what_lies_outside_the_roots_or_is_no_file_is_refused(folder, tmp_path, make):
    outside = written(tmp_path / "outside.mp4", "libx264", count=2)
    path = folder / "a.mp4"
    match make:
        case "outside":
            path = outside
        case "link":
            path.symlink_to(outside)
        case "folder":
            path.mkdir()
    with pytest.raises(SourceFailed) as failure:
        await source(path, folder).run(Collected())
    assert failure.value.lasting and str(tmp_path) not in str(failure.value)


@pytest.mark.parametrize(
    "body",
    [
        "#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\nsecret.ts\n#EXT-X-ENDLIST\n",
        "ffconcat version 1.0\nfile secret.ts\n",
        "no film",
    ],
)
async def test_a_file_that_names_other_files_does_not_open_them(folder, body):
    written(folder / "secret.ts", "libx264", count=20)
    path = folder / "a.mp4"
    path.write_text(body)
    found = Collected()
    with pytest.raises(SourceFailed) as failure:
        await source(path).run(found)
    assert failure.value.reason == "garbled" and not found.pictures


async def test_a_broken_clip_shows_what_can_be_read_of_it(folder):
    path = written(folder / "a.ts", "libx264", count=40, fps=20, profile="baseline", g="10")
    body = bytearray(path.read_bytes())
    body[len(body) // 2 : len(body) // 2 + 200] = os.urandom(200)
    path.write_bytes(body)
    async with running(source(path)) as found:
        with contextlib.suppress(SourceFailed):
            await found.wait(15)
    assert found.pictures[0][0]


async def test_real_clips_of_every_kind_play(real_data):
    wanted = {
        "car-detection.mp4": "",
        "haidian_shangzhuang_houhe_flood_gate.mp4": "",
        "vtest.avi": "msmpeg4",
        "person-bicycle-car-detection.gif": "gif",
    }
    for name, why in wanted.items():
        path = real_data / "video" / name
        async with running(source(path)) as found:
            pictures = list(await found.wait(6))
        assert found.info.converted.startswith(why) and bool(found.info.converted) == bool(why)
        assert found.info.reorders == name.startswith("haidian")
        assert len(decoded([p[2] for p in pictures])) == len(pictures)


def test_the_store_removes_what_was_unused_longest(tmp_path):
    store = Store(tmp_path, most=250)
    for number, name in enumerate(("a", "b", "c")):
        path = tmp_path / f"{name}.clip"
        path.write_bytes(bytes(100))
        os.utime(path, (number, number))
    assert store.whole("a") is not None  # used just now
    assert store.tidy() == 1
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.clip", "c.clip"]


def test_a_changed_file_has_another_key(tmp_path):
    store, path = Store(tmp_path / "s", 1), tmp_path / "a"
    path.write_bytes(b"1")
    keys = {store.key(path)}
    path.write_bytes(b"22")
    keys.add(store.key(path))
    os.utime(path, (5, 5))
    keys.add(store.key(path))
    assert len(keys) == 3
