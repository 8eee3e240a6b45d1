"""The video socket, seen by a client of another library: what docs/VIDEO.md promises."""

import asyncio

from tests.video.relay.stage import bodies

A, B = "channel/f/a", "channel/f/b"


async def test_a_viewer_sees_what_the_camera_sends_in_order_and_whole(stage):
    camera = stage.camera(A)
    async with stage.viewer() as viewer:
        asked = asyncio.create_task(viewer.watch(1, A))
        await camera.present.wait()
        sent = camera.group(3)
        told = await asked
        await viewer.show(4 - len(viewer.pictures))
        got = viewer.pictures
        assert (told["codec"], told["width"], told["family"], told["quality"]) == ("avc1.42c01f", 640, "h264", "main")
        assert bodies(got) == sent and {p.handle for p in got} == {told["handle"]}
        assert [p.flags & 1 for p in got] == [1, 0, 0, 0] and {p.version for p in got} == {1}
        assert [b.pts - a.pts for a, b in zip(got, got[1:], strict=False)] == [3600] * 3


async def test_a_later_viewer_gets_the_kept_group_at_once_and_then_what_comes(stage):
    camera = stage.camera(A)
    async with stage.viewer() as first, stage.viewer() as second:
        asked = asyncio.create_task(first.watch(1, A))
        await camera.present.wait()
        camera.group(2)
        await asked
        kept = camera.group(3)
        await second.watch(1, A)
        got = await second.show(4)
        assert bodies(got) == kept and all(p.flags & 8 for p in got) and got[0].flags & 1
        later = camera.send()
        assert bodies(await second.show(1)) == [later] and not second.pictures[-1].flags & 8
        assert camera.opened == 1, "one source serves both"
