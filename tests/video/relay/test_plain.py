"""Who cannot show what a camera sends gets it converted, once for all, with the reason said; the rest as the camera sent it."""

import asyncio
import itertools

import av
import pytest

from tests.video.cameras import Recipe, make, read_number
from tests.video.relay.test_life_cycle import Sink
from video.media import StreamInfo

A = "channel/f/a"


def info(clip, reorders=False):
    codec = "avc1.4d401f" if clip.family == "h264" else "hvc1.1.6.L93.B0"
    return StreamInfo(family=clip.family, codec=codec, width=clip.width, height=clip.height, fps=25.0, reorders=reorders)


async def converted(stage, clip, about, enough=40):
    """What a plain viewer was told and sent while the camera sent pictures, until there are enough."""
    camera, sink, length = stage.camera(A), Sink(), len(clip.pictures)
    camera.info = about
    track = stage.hub.watch(A, "main", sink, plain=True)
    await camera.present.wait()
    async with asyncio.timeout(30):
        for n in itertools.count():
            place = n % length
            shows = n - place + clip.pictures[place].shows
            camera.intake.picture(clip.pictures[place].key, 10**6 + shows * 3600, annexb=clip.annexb(place))
            await asyncio.sleep(0.02)
            if len(sink.units) >= enough:
                return camera, track, sink


def numbers(units):
    """(pts, burnt-in number) of each picture, read by a decoder that knows nothing of the hall."""
    decoder, found = av.CodecContext.create("h264", "r"), []
    for unit in units:
        packet = av.Packet(unit.annexb)
        packet.pts = unit.pts
        found += [(frame.pts, read_number(frame.to_ndarray(format="bgr24"))) for frame in decoder.decode(packet)]
    return [(pts, number) for pts, number in found if number is not None]


@pytest.mark.parametrize(
    ("recipe", "why"),
    [(Recipe(family="h265"), "h265"), (Recipe(profile="main", bframes=2), "b-frames")],
)
async def test_what_is_not_plain_is_converted_and_says_why(stage, recipe, why):
    clip = make(recipe)
    length = len(clip.pictures)
    camera, track, sink = await converted(stage, clip, info(clip, reorders=why == "b-frames"))
    assert (sink.infos[-1].family, sink.infos[-1].converted, sink.infos[-1].reorders) == ("h264", why, False)
    assert sink.units[0].key and [u.pts for u in sink.units] == sorted(u.pts for u in sink.units)
    shown = numbers(sink.units)
    due = [(number - shown[0][1]) % length for _, number in shown]
    assert len(shown) > 25 and due == [round((pts - shown[0][0]) / 3600) % length for pts, _ in shown], "each at its time"
    assert camera.opened == 1 and sink.states[-1].state == "live"
    stage.hub.leave(track, sink)


async def test_what_is_plain_is_passed_on_byte_by_byte(stage):
    camera, sink, direct = stage.camera(A), Sink(), Sink()
    stage.hub.watch(A, "main", direct)
    await camera.present.wait()
    camera.group(2)
    track = stage.hub.watch(A, "main", sink, plain=True)
    async with asyncio.timeout(2):
        while len(track.gop) < 3:
            await asyncio.sleep(0.01)
    camera.group(2)
    assert [u.annexb for u in sink.units[-3:]] == [u.annexb for u in direct.units[-3:]]
    assert camera.opened == 1 and sink.infos[-1].converted == ""
