from __future__ import annotations

import asyncio

import httpx
import pytest

from tests.video.cameras import Recipe, make
from tests.video.webrtc import pages
from tests.video.webrtc.player import Player
from tests.video.webrtc.stage import SUBJECT, Stage, process_at


@pytest.fixture(scope="module")
def chromium(tmp_path_factory):
    with pages.started(tmp_path_factory.mktemp("chromium")) as address:
        yield address


@pytest.fixture
def clip():
    return make(Recipe(width=640, height=360, seconds=4, gop=50, kbit_s=800))


@pytest.fixture
async def stage(tmp_path, clip):
    found = Stage(process_at(tmp_path), clip)
    async with found.running():
        yield found


class Join:
    """Players of one stage, closed at the end. `join()` gives a connected player; `offer(...)` an HTTP answer."""

    def __init__(self, stage, client):
        self.stage, self.client, self.players = stage, client, []

    async def player(self, **options):
        found = await Player(**options).open()
        self.players.append(found)
        return found

    async def offer(self, player, text=None, subject=SUBJECT, query="", ticket=None, **headers):
        given = {
            "content-type": "application/sdp",
            "x-hall-ticket": self.stage.ticket() if ticket is None else ticket,
        } | headers
        body = player.offer() if text is None else text
        return await self.client.post(f"{self.stage.url}/whep/{subject}{query}", content=body, headers=given)

    async def join(self, offer=None, query="", ticket=None, subject=SUBJECT, **options):
        player = await self.player(**options)
        answer = await self.offer(player, player.offer(**(offer or {})), subject, query, ticket)
        assert answer.status_code == 201, answer.text
        player.place, player.answered = answer.headers["location"], answer.text
        player.accept(answer.text)
        await player.until(lambda p: p.connected.is_set())
        return player

    async def state(self, player):
        return (await self.client.get(self.stage.url + player.place)).json()

    def session(self, player):
        return self.stage.sessions.sessions[player.place.rpartition("/")[2]]


@pytest.fixture
async def join(stage):
    async with httpx.AsyncClient(trust_env=False) as client:
        found = Join(stage, client)
        yield found
        for player in found.players:
            await player.close()


async def eventually(true):
    """Returns once the coroutine function says yes."""
    async with asyncio.timeout(8):
        while not await true():
            await asyncio.sleep(0.02)
