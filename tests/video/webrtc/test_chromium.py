"""A real browser plays, and the clock burnt into the pictures is read back from its screen."""

from __future__ import annotations

import asyncio

import pytest

from tests.video.cameras import Recipe, latency, make
from tests.video.webrtc import pages
from tests.video.webrtc.stage import SUBJECT, info_of
from tests.video.webrtc.weather import Weather


@pytest.fixture
async def page(stage, chromium):
    async with pages.browser(chromium) as browser:
        yield await pages.at(browser, stage.url, pages.BY_HAND)


async def join(page, stage):
    return await page.evaluate("([u, t]) => play(u, t)", [f"{stage.url}/whep/{SUBJECT}", stage.ticket()])


async def read(page, count):
    """At least so many readings."""
    await page.wait_for_function(f"numbers.length >= {count}", timeout=30_000)
    return [(number, at) for number, at in await page.evaluate("numbers") if number is not None]


async def test_chromium_shows_the_newest_picture_at_once_and_stays_close_behind(stage, page, clip):
    assert (await join(page, stage))["status"] == 201
    seen = await read(page, 50)
    behind = sorted(latency(number, at, clip) * 1000 for number, at in seen)
    assert len(seen) >= 45 and behind[len(behind) // 2] < 150, behind  # a quiet machine: 15 ms; slack for a busy one
    found = await page.evaluate("stats()")
    assert found["inbound-rtp"]["framesDecoded"] > 40 and found["inbound-rtp"]["rtxSsrc"]
    assert found["transport"]["srtpCipher"] == "SRTP_AEAD_AES_128_GCM", "the cheaper cipher, where a player offers it"


async def test_chromium_goes_on_by_itself_when_the_camera_comes_back(stage, page, clip):
    await join(page, stage)
    await read(page, 20)
    stage.on = False
    async with asyncio.timeout(5):
        while stage.hub.track(SUBJECT, "main").counters["attempts"] < 3:
            await asyncio.sleep(0.05)
    before = len(await page.evaluate("numbers"))
    stage.on = True
    seen = await read(page, before + 25)
    number, at = seen[-1]
    assert abs(latency(number, at, clip)) < 1.0


@pytest.mark.parametrize(
    "weather", [{"loss": 0.05}, {"loss": 0.05, "delay": 10, "jitter": 200}], ids=["loss", "loss and jitter"]
)
async def test_pictures_go_on_where_a_twentieth_of_the_packets_is_lost_and_all_are_shaken(stage, page, weather):
    way = await Weather(**weather).open()
    try:
        await page.expose_function("through", way.answer)
        assert (await join(page, stage))["status"] == 201
        await read(page, 150)
        (session,) = stage.sessions.sessions.values()
        state = session.shown()
        stage.on = False  # no more pictures come: what is held back by the player is no loss, and nothing new hides one
        async with asyncio.timeout(5):
            while stage.hub.track(SUBJECT, "main").counters["attempts"] < 2:
                await asyncio.sleep(0.05)
        await page.wait_for_function(
            "least => stats().then(found => found['inbound-rtp'].framesDecoded > least)",
            arg=0.8 * session.shown()["pictures"] - 20,
        )
        assert way.counters["down lost"] > 10 and state["resent"] > 5
        assert state["level"] == "all", "what is sent again mends it: no picture is held back from this viewer"
        assert (state["delay_ms"] > 300) is ("jitter" in weather), "and a shaken player is asked to hold pictures back"
    finally:
        way.close()


async def test_chromium_plays_high_profile_under_whatever_it_offered(stage, page):
    stage.clips["main"] = make(Recipe(profile="high"))
    assert (await join(page, stage))["status"] == 201
    assert len(await read(page, 20)) >= 18


async def test_chromium_is_shown_a_camera_with_b_frames_converted(stage, page):
    clip = make(Recipe(profile="high", bframes=2))
    stage.clips["main"], stage.info = clip, info_of(clip, reorders=True)
    assert (await join(page, stage))["status"] == 201
    assert len(await read(page, 20)) >= 15
