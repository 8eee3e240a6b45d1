"""Units of a fake camera's clip, as a track hands them to a recorder; and what PyAV reads of what was recorded."""

import asyncio
import io

import av

from tests.video.cameras import clip as clips
from video.bitstream import describe
from video.media import CLOCK_RATE, AccessUnit

A, B = "channel/f/a", "channel/f/b"
START = 1_795_217_400_000
SMALL = clips.Recipe(width=320, height=180, fps=10, seconds=4, gop=10, noise=0, kbit_s=200)


def info_of(clip):
    return describe(clip.family, clip.sets, fps=clip.fps, reorders=clip.delay > 0)


def units(clip, count, first=0, start=START, origin=1_000_000):
    """`count` units from picture `first` of the endless loop on; picture k is taken at start + k / fps."""
    info, found = info_of(clip), []
    size = len(clip.pictures)
    for number in range(first, first + count):
        picture = clip.pictures[number % size]
        shows = number // size * size + picture.shows + clip.delay
        pts, captured = origin + round(shows * CLOCK_RATE / clip.fps), start + number * 1000 / clip.fps
        found.append(AccessUnit(number, picture.key, pts, captured, annexb=clip.annexb(number % size), info=info))
    return found


def read(folder, lines, decode=True):
    """What PyAV makes of init and segments put together: [(number burnt in, seconds)] in the order shown."""
    body = b"".join((folder / line.init).read_bytes() + (folder / f"{line.number:06d}.m4s").read_bytes() if first else (folder / f"{line.number:06d}.m4s").read_bytes()
                    for first, line in zip([True, *(b.init != a.init for a, b in zip(lines, lines[1:], strict=False))], lines, strict=True))  # fmt: skip
    with av.open(io.BytesIO(body)) as container:
        return [(clips.read_number(f.to_ndarray(format="gray")), round(f.time, 3)) for f in container.decode(video=0)]


async def until(look, seconds=60):
    """Until `look()` is true."""
    async with asyncio.timeout(seconds):
        while not (found := look()):
            await asyncio.sleep(0.01)
        return found


def numbers(studio, name, index=0):
    recording = studio.recorder.one(name)
    return [n for n, _ in read(studio.archive.channel(recording, index), studio.archive.lines(recording, index))]
