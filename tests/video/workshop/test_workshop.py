"""The workshop's children: shared by jobs, ended with them, replaced when they die, never outliving the relay."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.video.sources.intake import Collected, decoded, read_moment, running
from tests.video.sources.webserver import WebServer, reply
from video.media import SourceFailed, SourceRequest
from video.sources.test import SOURCE
from video.workshop import shop as shop_module
from video.workshop.deliver import deliver

ROOT = Path(__file__).parents[3]
DAY = 86_400_000


def card(name, quality="sub", **more):
    query = "&".join(f"{key}={value}" for key, value in more.items())
    return SOURCE.open(SourceRequest(subject=f"channel/t/{name}", url=f"test://{name}?{query}", quality=quality))


async def gone(pid):
    """Until there is no such process (a zombie of ours does not count as one)."""
    async with asyncio.timeout(60):
        while True:
            try:
                if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in "ZX":
                    return
            except OSError:
                return
            await asyncio.sleep(0.02)


async def test_every_picture_of_a_card_shows_the_moment_it_was_made():
    async with running(card("a", fps=25)) as found:
        pictures = list(await found.wait(30))
    assert found.info.codec.startswith("avc1.42") and (found.info.width, found.info.height) == (640, 360)
    assert not found.info.reorders and found.info.converted == ""
    shown = [read_moment(image) for image in decoded([p[2] for p in pictures])]
    assert shown == [int(p[3]) % DAY for p in pictures]


async def test_a_card_keeps_its_rate_on_a_grid_and_has_a_key_picture_each_second():
    async with running(card("a", fps=20)) as found:
        pictures = list(await found.wait(45))
    steps = [(b[1] - a[1]) for a, b in zip(pictures, pictures[1:], strict=False)]
    assert all(step % 4500 == 0 and step > 0 for step in steps)  # a late machine skips moments, it does not shift them
    keys = [i for i, p in enumerate(pictures) if p[0]]
    assert keys[0] == 0 and all(b - a == 20 for a, b in zip(keys, keys[1:], strict=False))


async def test_a_card_follows_the_city_as_the_video_process_tells_it(monkeypatch):
    web, told = WebServer(), {"name": "解放路下穿", "depth": None}
    await web.start()

    async def scene(asked, writer):
        return await reply(writer, 200, json.dumps(told).encode(), "application/json")

    web.routes["/scene/channel/t/a"] = scene
    monkeypatch.setenv("HALL_VIDEO_PORT", str(web.port))
    monkeypatch.setattr("video.sources.test.LOOK_SECONDS", 0.1)
    async with running(card("a", fps=20)) as found:
        await found.wait(20)
        dry = decoded([p[2] for p in found.pictures])[-1]
        told["depth"], count = 0.5, len(found.pictures)
        await found.wait(count + 40)
        wet = decoded([p[2] for p in found.pictures])[-1]
    road = slice(300, 350)
    assert abs(wet[road].astype(int) - dry[road].astype(int)).mean() > 4
    await web.stop()


async def test_main_and_sub_differ_in_size_only():
    async with running(card("a", "main")) as main, running(card("a", "sub")) as sub:
        await main.wait(2), await sub.wait(2)
    assert (main.info.width, main.info.height) == (1280, 720) and (sub.info.width, sub.info.height) == (640, 360)


async def test_many_cards_share_one_child(shop):
    async with running(card("a")) as one, running(card("b")) as two:
        await one.wait(1), await two.wait(1)
        assert set(shop.pids()) == {"cards"} and shop.counters["workshop_started"] == 1
    assert one.pictures[0][2] != two.pictures[0][2]


async def test_a_killed_child_fails_its_jobs_at_once_and_the_next_attempt_works(shop):
    async with running(card("a")) as one, running(card("b")) as two:
        await one.wait(1), await two.wait(1)
        before = shop.pids()["cards"]
        os.kill(before, signal.SIGKILL)
        for found in (one, two):
            with pytest.raises(SourceFailed) as failure:
                await asyncio.wait_for(asyncio.shield(found.task), 60)
            assert failure.value.reason == "gone" and not failure.value.lasting
    async with running(card("a")) as again:
        await again.wait(1)
        assert shop.pids()["cards"] != before


async def test_a_child_without_work_ends(shop, monkeypatch):
    monkeypatch.setattr(shop_module, "LINGER", 0.05)
    async with running(card("a")) as found:
        await found.wait(1)
        pid = shop.pids()["cards"]
    await gone(pid)


async def test_a_child_does_not_outlive_a_relay_that_was_killed():
    script = (
        "import asyncio\nfrom video.media import SourceRequest\nfrom video.sources.test import SOURCE\n"
        "from video.workshop import shared\n"
        "class Intake:\n"
        " def begin(self, info): print(shared().pids()['cards'], flush=True)\n"
        " def picture(self, *a, **k): pass\n"
        " def damaged(self, why): pass\n"
        "asyncio.run(SOURCE.open(SourceRequest(subject='channel/t/a', url='test://a')).run(Intake()))\n"
    )
    relay = subprocess.Popen([sys.executable, "-c", script], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    pid = int(await asyncio.to_thread(relay.stdout.readline))
    assert Path(f"/proc/{pid}").exists()
    relay.kill()
    relay.wait()
    relay.stdout.close()
    await gone(pid)


async def test_work_that_makes_no_picture_is_called_silent(monkeypatch):
    monkeypatch.setattr("video.workshop.deliver.FIRST_PICTURE", 0.05)
    with pytest.raises(SourceFailed) as failure:  # a conversion that is fed nothing
        await deliver("convert", {"family": "h265", "why": "h265"}, Collected())
    assert failure.value.reason == "silent"


async def test_a_job_that_cannot_begin_says_so_and_hurts_no_other(shop):
    async with running(card("a")) as found:
        await found.wait(1)
        with pytest.raises(SourceFailed):
            await deliver("card", {"subject": "x"}, Collected())
        await found.wait(len(found.pictures) + 2)


@pytest.mark.parametrize("url", ["test://a?fps=many", "test://a?width=x", "test://a?depth=deep"])
async def test_a_card_with_odd_options_is_refused_for_good(url):
    with pytest.raises(SourceFailed) as failure:
        await SOURCE.open(SourceRequest(subject="channel/t/a", url=url)).run(Collected())
    assert failure.value.reason == "no-such-stream" and failure.value.lasting


async def test_a_child_that_cannot_keep_up_costs_no_memory(shop):
    """Material for a child that was stopped in its tracks is dropped beyond a bound, and counted."""
    job = await shop.open("convert", {"family": "h264", "why": "test"}, _Nobody())
    os.kill(shop.pids()["converters"], signal.SIGSTOP)
    try:
        for _ in range(200):
            job.feed(bytes(1_000_000), key=True)
        assert job.dropped > 150
    finally:
        os.kill(shop.pids()["converters"], signal.SIGKILL)
        job.close()


class _Nobody:
    def began(self, info): ...

    def made(self, picture): ...

    def told(self, about): ...
