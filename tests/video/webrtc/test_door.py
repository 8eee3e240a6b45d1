"""WHEP through the web process of a whole hall: who asks is checked there, the pictures come by UDP from the relay."""

from __future__ import annotations

import asyncio
import json

import httpx
import pytest

from tests.running import RunningHall
from tests.video.webrtc import pages
from tests.video.webrtc.player import Player


@pytest.fixture(scope="module")
def hall(tmp_path_factory):
    """The demo city: on this machine everybody is a wall's screen."""
    with RunningHall(tmp_path_factory.mktemp("hall")) as running:
        yield running


@pytest.fixture
async def web(hall):
    async with httpx.AsyncClient(base_url=hall.url, trust_env=False, headers={"origin": hall.url}, timeout=20) as client:
        yield client


async def channel_of(web) -> str:
    async with asyncio.timeout(30):
        while True:
            answer = await web.get("/api/v1/channels?state=online&limit=1")
            if answer.status_code == 200 and answer.json()["rows"]:
                row = answer.json()["rows"][0]
                return row.get("subject") or f"channel/{row['feed']}/{row['channel_id']}"
            await asyncio.sleep(0.2)


async def test_a_player_at_the_door_gets_pictures_a_session_and_a_line_in_the_record(web):
    subject = await channel_of(web)
    player = await Player().open()
    try:
        answer = await web.post(f"/video/whep/{subject}", content=player.offer(), headers={"content-type": "application/sdp"})
        assert answer.status_code == 201, answer.text
        place = answer.headers["location"]
        assert place.startswith("/video/whep/session/") and answer.headers["content-type"] == "application/sdp"
        player.accept(answer.text)
        await player.until(lambda p: len(p.pictures()) > 5, 20)
        state = (await web.get(place)).json()
        assert state["subject"] == subject and state["connected"] and state["pictures"] > 5
        assert (await web.patch(place, content="a=end-of-candidates\r\n")).status_code == 204
        assert (await web.delete(place)).status_code == 200
        assert (await web.get(place)).status_code == 410
    finally:
        await player.close()


async def test_the_door_refuses_before_the_relay_is_asked(hall, web):
    subject = await channel_of(web)
    player = await Player().open()
    offer, kind = player.offer(), {"content-type": "application/sdp"}
    try:
        async with httpx.AsyncClient(base_url=hall.url, trust_env=False) as other:
            foreign = await other.post(
                f"/video/whep/{subject}", content=offer, headers=kind | {"origin": "http://evil.example"}
            )
            assert foreign.status_code == 403
            unknown = await other.post(
                f"/video/whep/{subject}", content=offer, headers=kind | {"authorization": "Bearer nonsense"}
            )
            assert (unknown.status_code, unknown.json()["reason"]) == (401, "token-unknown")
        refused = await web.post("/video/whep/channel/no/such", content=offer, headers=kind)
        assert refused.status_code == 404
        refused = await web.post(f"/video/whep/{subject}", content=offer, headers={"content-type": "text/plain"})
        assert refused.status_code == 415
        refused = await web.post(f"/video/whep/{subject}", content="v=0", headers=kind)
        assert (refused.status_code, refused.json()["reason"]) == (400, "offer-bad")
        refused = await web.post(f"/video/whep/{subject}", content=offer, headers=kind | {"x-hall-ticket": "made.up"})
        assert (refused.status_code, refused.json()["reason"]) == (403, "ticket-bad")
        assert (await web.get("/video/whep/session/nobody-at-all")).status_code == 404
        assert (await web.put(f"/video/whep/{subject}", content=offer)).status_code == 405
        assert "secret" not in json.dumps(refused.json())
    finally:
        await player.close()


@pytest.mark.parametrize("player", ["MEDOOZE", "EYEVINN"])
async def test_players_that_are_not_ours_play_at_the_door(hall, web, chromium, player):
    subject = await channel_of(web)
    async with pages.browser(chromium) as browser:
        page = await pages.at(browser, hall.url, getattr(pages, player))
        await page.wait_for_function("!!window.play")
        await page.evaluate("u => play(u)", f"{hall.url}/video/whep/{subject}")
        await page.wait_for_function(f"({pages.SHOWN})() > 20", timeout=30_000)
