"""The WebSocket client against a real websockets server."""

import asyncio
import json

import pytest
from websockets.asyncio.server import serve

from feeds.transports.ws import TRANSPORT, run
from hall.core.errors import ConfigError


class Supplier:
    """Sends `{"seq": n}` from wherever it is asked to resume, at most `burst` per connection, then cuts hard."""

    def __init__(self, total, burst=None):
        self.total, self.burst = total, burst or total
        self.heard, self.headers = [], []

    async def __call__(self, socket):
        self.headers.append(socket.request.headers)
        hello = json.loads(await socket.recv())
        self.heard.append(hello)
        start = 0
        if len(self.heard) > 1:
            resume = json.loads(await socket.recv())
            self.heard.append(resume)
            start = resume["after"]
        for seq in range(start + 1, min(start + self.burst, self.total) + 1):
            await socket.send(json.dumps({"meta": {"seq": seq}}))
        if start + self.burst < self.total:
            socket.transport.abort()
        await socket.wait_closed()


@pytest.fixture
async def supplier():
    servers = []

    async def start(handler, **keys):
        server = await serve(handler, "127.0.0.1", 0, **keys)
        servers.append(server)
        return f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/feed"

    yield start
    for server in servers:
        server.close()
        await server.wait_closed()


async def test_a_connection_cut_again_and_again_loses_nothing_and_repeats_nothing(supplier, rim, running):
    handler = Supplier(50, burst=7)
    options = {"hello": {"subscribe": "all"}, "cursor": "meta.seq", "resume": '{"after": {cursor}}'}
    feed = rim(await supplier(handler), options=options)
    running(TRANSPORT, feed)
    await feed.until(lambda: len(feed.bodies) >= 50)
    assert [item["meta"]["seq"] for item in feed.json()] == list(range(1, 51))
    assert feed.connections == 8 and len(feed.losses) == 7


async def test_a_restart_resumes_from_the_stored_cursor(supplier, rim, running):
    handler = Supplier(9)
    handler.heard.append("an earlier connection")
    options = {"hello": '{"subscribe": 1}', "cursor": ["meta", "seq"], "resume": '{"after": {cursor}}'}
    feed = rim(await supplier(handler), options=options, kept={"cursor": b"5"})
    running(TRANSPORT, feed)
    await feed.until(lambda: len(feed.bodies) == 4)
    assert [item["meta"]["seq"] for item in feed.json()] == [6, 7, 8, 9]


async def test_secrets_in_headers_come_from_the_environment(supplier, rim, running, monkeypatch):
    monkeypatch.setenv("SUPPLIER_KEY", "s3cret")
    handler = Supplier(1)
    feed = rim(await supplier(handler), options={"hello": "{}", "headers": {"X-Key": "$SUPPLIER_KEY"}})
    running(TRANSPORT, feed)
    await feed.until(lambda: feed.bodies)
    assert handler.headers[0]["X-Key"] == "s3cret"


async def test_an_unset_secret_is_a_configuration_error_naming_the_key(rim):
    feed = rim("ws://127.0.0.1:1/x", options={"headers": {"X-Key": "$NO_SUCH_SECRET"}})
    with pytest.raises(ConfigError, match=r"feeds\[0\].options.headers.X-Key.*NO_SUCH_SECRET"):
        await run(feed.feed, feed)


async def test_a_wrong_option_type_is_a_configuration_error_naming_the_key(rim):
    feed = rim("ws://127.0.0.1:1/x", options={"max_bytes": "many"})
    with pytest.raises(ConfigError, match=r"feeds\[0\].options.max_bytes"):
        await run(feed.feed, feed)


async def test_a_supplier_that_falls_silent_is_lost_and_asked_again(supplier, rim, running):
    asked = 0

    async def silent(socket):
        nonlocal asked
        asked += 1
        await socket.send("{}")
        await socket.wait_closed()

    feed = rim(await supplier(silent), options={"idle_seconds": 0.1})
    running(TRANSPORT, feed)
    await feed.until(lambda: len(feed.bodies) >= 2)
    assert asked >= 2 and "nothing for 0.1 s" in feed.losses[0]


async def test_a_message_too_large_is_parked_and_the_feed_goes_on(supplier, rim, running):
    sent = iter(["x" * 2000, '{"fine": 1}'])

    async def shouting(socket):
        await socket.send(next(sent))
        await socket.wait_closed()

    feed = rim(await supplier(shouting), options={"max_bytes": 1000})
    running(TRANSPORT, feed)
    await feed.until(lambda: feed.bodies)
    assert feed.json() == [{"fine": 1}]
    assert [reason for _, reason, _ in feed.parked] == ["too-large"]


async def test_binary_messages_arrive_as_they_are(supplier, rim, running):
    async def binary(socket):
        await socket.send(b"\x00\xff\x01")
        await socket.wait_closed()

    feed = rim(await supplier(binary))
    running(TRANSPORT, feed)
    await feed.until(lambda: feed.bodies)
    assert feed.bodies == [(b"\x00\xff\x01", "")]


async def test_a_server_that_comes_up_later_is_found(rim, running):
    async def greet(socket):
        await socket.send("1")
        await socket.wait_closed()

    async with serve(greet, "127.0.0.1", 0) as first:
        port = first.sockets[0].getsockname()[1]
    feed = rim(f"ws://127.0.0.1:{port}")
    running(TRANSPORT, feed)
    await feed.until(lambda: len(feed.losses) >= 2)
    async with serve(greet, "127.0.0.1", port):
        await feed.until(lambda: feed.bodies)
    assert feed.connections == 1


async def test_many_messages_pass_without_growing_a_queue(supplier, rim, running):
    async def flood(socket):
        for n in range(3000):
            await socket.send(str(n))
        await socket.wait_closed()

    feed = rim(await supplier(flood))
    running(TRANSPORT, feed)
    await asyncio.wait_for(feed.until(lambda: len(feed.bodies) == 3000), 20)
    assert feed.json() == list(range(3000))
