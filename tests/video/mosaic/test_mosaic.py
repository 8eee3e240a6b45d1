"""Mosaics: each tile shows its channel, whole and in its place, says when it stands still, and costs the others nothing."""

from __future__ import annotations

import asyncio
import contextlib

import av
import pytest

from hall.core.errors import Refused
from tests.video.cameras.clip import Recipe, make, read_number
from video.media import AccessUnit, SourceFailed, StreamInfo
from video.mosaic.source import Mosaics, MosaicSource, subject_of
from video.workshop.mosaic import places

MEMBERS = ("channel/f/a", "channel/f/b", "channel/f/c", "channel/f/d")
CLIPS = (
    Recipe(seconds=2),
    Recipe(seconds=2, width=320, height=240),
    Recipe(seconds=2, profile="high", bframes=2),
    Recipe(seconds=2, family="h265"),
)


class Track:
    def __init__(self, clip):
        self.clip, self.gop, self.sinks = clip, [], []
        self.info = StreamInfo(family=clip.family, codec="x", width=clip.width, height=clip.height, fps=25.0)

    def play(self, count, start=0):
        """Pictures in decoding order, as the camera sends them."""
        for number in range(start, start + count):
            picture = self.clip.pictures[number % len(self.clip.pictures)]
            nals = [*(self.clip.sets if picture.key else ()), *picture.nals]
            data = b"".join(b"\0\0\0\1" + nal for nal in nals)
            unit = AccessUnit(number, picture.key, number * 3600, 0.0, annexb=data, info=self.info)
            for sink in self.sinks:
                sink.take(unit)


class Hub:
    """As much of the relay's hub as a source needs."""

    def __init__(self, clips):
        self.tracks = {subject: Track(clip) for subject, clip in zip(MEMBERS, clips, strict=False)}
        self.left = []

    def watch(self, subject, quality, sink):
        assert quality == "sub"
        self.tracks[subject].sinks.append(sink)
        return self.tracks[subject]

    def leave(self, track, sink):
        track.sinks.remove(sink)
        self.left.append(track)


class Screen:
    """Decodes the mosaic; `numbers()` are what its tiles show."""

    def __init__(self, size):
        self.decoder, self.size, self.info, self.frame = av.CodecContext.create("h264", "r"), size, None, None
        self.pictures = 0

    def begin(self, info):
        self.info = info

    def picture(self, key, pts, *, payloads=(), annexb=b"", captured=None):
        self.pictures += 1
        for frame in self.decoder.decode(av.Packet(annexb)):
            self.frame = frame.to_ndarray(format="bgr24")

    def damaged(self, why):
        raise AssertionError(why)

    def tile(self, number, shape):
        """The picture inside a tile: `shape` is its (width, height) as sent."""
        x, y, width, height = places(self.size, self.info.width, self.info.height)[number]
        band = max(18, height // 12) // 2 * 2
        scale = min(width / shape[0], (height - band) / shape[1])
        wide, high = int(shape[0] * scale) // 2 * 2, int(shape[1] * scale) // 2 * 2
        left, top = x + (width - wide) // 4 * 2, y + band + (height - band - high) // 4 * 2
        return self.frame[top : top + high, left : left + wide]

    def band(self, number):
        x, y, width, height = places(self.size, self.info.width, self.info.height)[number]
        return self.frame[y : y + max(18, height // 12) // 2 * 2, x : x + width]


async def names(members):
    return [f"路口 {subject[-1]}" for subject in members]


@contextlib.asynccontextmanager
async def playing(hub, size=4, members=MEMBERS):
    screen = Screen(size)
    source = MosaicSource(hub, subject_of(size, members), members, names)
    work = asyncio.create_task(source.run(screen))
    try:
        async with asyncio.timeout(30):
            while not all(hub.tracks[subject].sinks and hub.tracks[subject].sinks[-1].job for subject in members):
                await asyncio.sleep(0.01)
        yield screen
    finally:
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)


async def until(true):
    async with asyncio.timeout(30):
        while not true():
            await asyncio.sleep(0.02)


async def test_every_tile_shows_its_own_channel_whatever_its_size_and_coding():
    clips = [make(recipe) for recipe in CLIPS]
    hub = Hub(clips)
    async with playing(hub) as screen:
        for number, track in enumerate(hub.tracks.values()):
            track.play(25 + 5 * number)
        shown = [{picture.shows for picture in clip.pictures} for clip in clips]

        def numbers():
            if screen.frame is None:
                return None
            return [read_number(screen.tile(number, (clip.width, clip.height))) for number, clip in enumerate(clips)]

        # a decoder that reorders holds back a few pictures; the others show the newest they got
        await until(
            lambda: (found := numbers()) and found[:2] == [24, 29] and found[2] in range(28, 35) and found[3] in range(33, 40)
        )
        assert all(number in known for number, known in zip(numbers(), shown, strict=True))
        assert (screen.info.width, screen.info.height, screen.info.converted, screen.info.reorders) == (
            1280,
            720,
            "mosaic",
            False,
        )
    assert len(hub.left) == 4 and not any(track.sinks for track in hub.tracks.values())


async def test_a_channel_that_stands_still_says_so_in_its_own_tile_only():
    clips = [make(CLIPS[0])] * 2
    hub = Hub(clips)
    members = MEMBERS[:2]
    async with playing(hub, 4, members) as screen:
        moving, still = hub.tracks.values()
        still.play(3)
        number, calm = 0, None

        def lit():
            return int((screen.band(1)[:, screen.band(1).shape[1] // 2 :] > 150).sum())

        async with asyncio.timeout(30):
            while True:
                moving.play(1, number)
                number += 1
                await asyncio.sleep(0.04)
                if screen.frame is None or read_number(screen.tile(1, (640, 360))) is None:
                    continue
                calm = lit() if calm is None else calm
                if lit() > calm + 500:
                    break
        assert read_number(screen.tile(1, (640, 360))) == 2, "its last picture stays"
        assert int((screen.band(0)[:, screen.band(0).shape[1] // 2 :] > 150).sum()) < 300


async def test_garbage_in_one_tile_leaves_the_others_alone():
    hub = Hub([make(CLIPS[0])] * 2)
    members = MEMBERS[:2]
    async with playing(hub, 4, members) as screen:
        good, bad = hub.tracks.values()
        for sink in bad.sinks:
            for number in range(200):
                sink.take(
                    AccessUnit(
                        number, number % 20 == 0, number, 0.0, annexb=bytes([0, 0, 0, 1, 101]) + b"junk" * 50, info=bad.info
                    )
                )
        good.play(10)
        await until(lambda: screen.frame is not None and read_number(screen.tile(0, (640, 360))) == 9)


def test_tiles_fill_the_canvas_without_overlap():
    for count in (1, 4, 9, 16, 25):
        spots = places(count, 1920, 1080)
        assert len(spots) == count and all(value % 2 == 0 for spot in spots for value in spot)
        covered = [
            (x, y) for left, top, width, height in spots for x in (left, left + width - 1) for y in (top, top + height - 1)
        ]
        assert all(0 <= x < 1920 and 0 <= y < 1080 for x, y in covered)
        for one in spots:
            for other in spots:
                apart = (
                    one[0] + one[2] <= other[0]
                    or other[0] + other[2] <= one[0]
                    or one[1] + one[3] <= other[1]
                    or other[1] + other[3] <= one[1]
                )
                assert one == other or apart


def test_the_same_channels_are_the_same_mosaic_and_others_another():
    mosaics = Mosaics()
    subject = mosaics.asked(4, MEMBERS)
    assert mosaics.asked(4, MEMBERS) == subject and mosaics.members(subject) == MEMBERS
    assert len({subject, mosaics.asked(9, MEMBERS), mosaics.asked(4, MEMBERS[::-1]), mosaics.asked(4, MEMBERS[:3])}) == 4
    for size, members in ((5, MEMBERS), (4, ()), (4, (*MEMBERS, "channel/f/e"))):
        with pytest.raises(Refused):
            mosaics.asked(size, members)
    for number in range(400):
        mosaics.asked(4, (f"channel/f/{number}",))
    assert mosaics.members(subject) == ()


def test_a_ticket_for_channels_is_one_for_their_mosaic_and_for_nothing_else():
    mosaics = Mosaics()
    assert mosaics.granted(MEMBERS[1], MEMBERS) == MEMBERS[1]
    subject = mosaics.granted("mosaic/4", MEMBERS)
    assert mosaics.members(subject) == MEMBERS and mosaics.request(subject).subject == subject
    for wanted in ("channel/f/other", "mosaic/5", "mosaic/", "mosaic/4/x", "mosaic/٤", "mosaic/4444", subject):
        with pytest.raises(Refused):
            mosaics.granted(wanted, MEMBERS)
    with pytest.raises(SourceFailed):
        mosaics.request("mosaic/4/unknown")


def test_a_mosaic_that_somebody_watches_is_not_forgotten_however_many_others_are_asked_for():
    watched = set()
    mosaics = Mosaics(lambda: watched)
    subject, other = mosaics.asked(4, ("channel/f/a",)), mosaics.asked(4, ("channel/f/b",))
    watched.add(subject)
    for number in range(400):
        mosaics.asked(4, (f"channel/f/{number}",))
    assert mosaics.members(subject) == ("channel/f/a",) and not mosaics.members(other)
    watched.clear()
    mosaics.asked(4, ("channel/f/c",))
    assert not mosaics.members(subject)
