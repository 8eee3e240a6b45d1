"""Against a real RTSP server, GStreamer's, with real clips; FFmpeg's demuxer of the same file says what has to come."""

from __future__ import annotations

import pytest

from hall.core.clock import real_ms
from tests.video.cameras import from_file
from tests.video.cameras.clip import is_set, split
from tests.video.cameras.gstreamer import LIVE, gstreamer, of_file
from tests.video.rtsp.playing import playing, request
from video.media import SourceFailed
from video.rtsp import visit

CLIPS = [("car-detection.mp4", 40, False), ("haidian_shangzhuang_houhe_flood_gate.mp4", 90, True)]


def slices(annexb: bytes) -> list[bytes]:
    return [unit for unit in split(annexb) if not is_set(unit, "h264") and unit[0] & 31 != 9]


@pytest.mark.realdata
@pytest.mark.parametrize(("name", "count", "reorders"), CLIPS)
@pytest.mark.parametrize("inline", [True, False], ids=["sets in the pictures", "sets in the description"])
async def test_real_clips_come_out_unit_by_unit_as_they_are_in_the_file(real_data, name, count, reorders, inline):
    path = real_data / "video" / name
    clip = from_file(path)
    with gstreamer({"clip": of_file(path, sets_inline=inline)}) as base:
        async with playing(base + "clip") as player:
            units = (await player.pictures(count))[:count]
    assert [slices(u.annexb) for u in units] == [list(p.nals) for p in clip.pictures[:count]]
    assert [u.key for u in units] == [p.key for p in clip.pictures[:count]]
    order = sorted(range(count), key=lambda i: units[i].pts)
    assert order == sorted(range(count), key=lambda i: clip.pictures[i].shows)
    info = player.infos[0]
    assert (info.width, info.height, info.reorders) == (clip.width, clip.height, reorders)
    assert player.damages == [] and len(player.infos) == 1


@pytest.mark.parametrize("way", ["basic", "digest"])
async def test_a_real_server_lets_the_password_in_and_nobody_else(way):
    with gstreamer({"live": LIVE}, "admin", "p:@/", way) as base:
        own = base.replace("//", "//admin:p%3A%40%2F@")
        unit = await visit(request(own + "live"))
        assert unit.key and (unit.info.width, unit.info.height) == (640, 360)
        for url, reason in (
            (base + "live", "unauthorised"),
            (base.replace("//", "//admin:no@") + "live", "unauthorised"),
            (own + "none", "no-such-stream"),
        ):
            with pytest.raises(SourceFailed) as failed:
                await visit(request(url))
            assert failed.value.reason == reason and failed.value.lasting


async def test_a_real_servers_reports_say_when_a_picture_was_taken():
    with gstreamer({"live": LIVE}) as base:
        async with playing(base + "live") as player:
            await player.until(lambda: len(player.units) > 30)
            assert all(0 <= real_ms() - unit.captured < 3000 for unit in player.units[-10:])
            assert {round((b.pts - a.pts) / 3600) for a, b in zip(player.units, player.units[1:], strict=False)} == {1}
