"""The WebSocket of the same path: every message answered, in order, once it is on the bus."""

import asyncio
import json

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from hall.app import ingest

TOKEN = {"Authorization": "Bearer open sesame"}


async def test_each_message_is_answered_with_its_place_on_the_bus(hall):
    async with connect(f"{hall.socket}/gauges", additional_headers=TOKEN) as socket:
        for body in ('{"a": 1}', b"\x00\xff", "水位"):
            await socket.send(body)
        answers = [json.loads(await socket.recv()) for _ in range(3)]
    entries = await hall.bus.queue_read("inbox", "gauges")
    assert [answer["n"] for answer in answers] == [1, 2, 3]
    assert [answer["entry"] for answer in answers] == [f"{ms}-{seq}" for (ms, seq), _ in entries]
    assert [fields["body"] for _, fields in entries] == [b'{"a": 1}', b"\x00\xff", "水位".encode()]


@pytest.mark.parametrize(("feed", "query", "status"), [("gauges", "?token=no", 401), ("nobody", "", 404), ("polled", "", 404)])
async def test_the_handshake_is_refused_with_the_status_of_a_post(hall, feed, query, status):
    with pytest.raises(InvalidStatus) as refused:
        async with connect(f"{hall.socket}/{feed}{query}"):
            pass
    assert refused.value.response.status_code == status


async def test_the_token_may_stand_in_the_address(hall):
    async with connect(f"{hall.socket}/gauges?token=open%20sesame") as socket:
        await socket.send("{}")
        assert json.loads(await socket.recv())["n"] == 1


async def test_a_message_that_is_not_taken_is_told_and_the_next_one_is(hall, monkeypatch):
    monkeypatch.setattr(ingest, "BACKLOG_ENTRIES", 1)
    async with connect(f"{hall.socket}/gauges", additional_headers=TOKEN) as socket:
        for body in ("first", "second", ""):
            await socket.send(body)
        answers = [json.loads(await socket.recv()) for _ in range(3)]
        assert "entry" in answers[0]
        assert (answers[1]["n"], answers[1]["refused"], answers[1]["retry_after"]) == (2, "backlog-full", 5)
        assert (answers[2]["n"], answers[2]["refused"]) == (3, "empty-body")
        ((at, _),) = await hall.bus.queue_read("inbox", "gauges")
        await hall.bus.queue_remove([at], "inbox", "gauges")
        await socket.send("second")
        assert json.loads(await socket.recv())["n"] == 4


async def test_a_message_too_large_is_refused_and_does_not_reach_the_bus(hall):
    async with connect(f"{hall.socket}/gauges", additional_headers=TOKEN) as socket:
        await socket.send(b"x" * (ingest.MAX_BODY_BYTES + 1))
        try:
            assert json.loads(await socket.recv())["refused"] == "too-large"
        except ConnectionClosed as closed:
            assert closed.rcvd.code == 1009
    assert await hall.bus.queue_length("inbox", "gauges") == 0


async def test_one_feed_has_so_many_sockets_and_a_closed_one_makes_room(hall, monkeypatch):
    monkeypatch.setattr(ingest, "SOCKETS_AT_ONCE", 1)
    address = f"{hall.socket}/gauges?token=open%20sesame"
    async with connect(address, proxy=None) as first:
        await first.send("{}")
        await first.recv()
        with pytest.raises(InvalidStatus) as refused:
            await connect(address, proxy=None)
        assert refused.value.response.status_code == 503
    async with asyncio.timeout(10):
        while True:
            try:
                async with connect(address, proxy=None) as again:
                    await again.send("{}")
                    assert "entry" in await again.recv()
                break
            except InvalidStatus:
                await asyncio.sleep(0)
