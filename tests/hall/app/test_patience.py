"""Connections that do not get to the point."""

from __future__ import annotations

import asyncio
import contextlib

import pytest
import uvicorn
import websockets

from hall.app.patience import Patience

REQUEST = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"


async def app(scope, receive, send):
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.accept"})
        while (message := await receive())["type"] == "websocket.receive":
            await send({"type": "websocket.send", "text": message["text"]})
        return
    body = b""
    while (message := await receive()).get("more_body"):
        body += message["body"]
    await app.go_on.wait()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})


class Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self):
        yield


@pytest.fixture
async def port(monkeypatch):
    """A server that waits 0.2 s for a request's head."""
    monkeypatch.setattr("hall.app.patience.HEAD_SECONDS", 0.2)
    app.go_on = asyncio.Event()
    app.go_on.set()
    config = uvicorn.Config(app, port=0, http=Patience, ws="websockets-sansio", lifespan="off", log_config=None)
    server = Server(config)
    task = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0)
    yield server.servers[0].sockets[0].getsockname()[1]
    server.should_exit = True
    await task


@pytest.mark.parametrize("begun", [b"", b"G", REQUEST[:-2], REQUEST + b"GET / HTT"])
async def test_who_does_not_finish_a_head_is_hung_up_on(port, begun):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(begun)
    async with asyncio.timeout(20):
        said = await reader.read()
    assert said.endswith(b"ok") == begun.startswith(REQUEST)
    writer.close()


async def test_a_slow_answer_a_slow_body_and_an_open_socket_are_left_alone(port):
    app.go_on.clear()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(REQUEST)
    slow_reader, slow = await asyncio.open_connection("127.0.0.1", port)
    slow.write(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\na")
    silent_reader, silent = await asyncio.open_connection("127.0.0.1", port)
    async with websockets.connect(f"ws://127.0.0.1:{port}/", proxy=None) as socket:
        async with asyncio.timeout(20):
            assert await silent_reader.read() == b"", "the time is over for who says nothing"
        slow.write(b"b")
        app.go_on.set()
        async with asyncio.timeout(20):
            for one in (reader, slow_reader):
                assert (await one.readuntil(b"\r\n\r\nok")).startswith(b"HTTP/1.1 200 ")
            await socket.send("still here")
            assert await socket.recv() == "still here"
    for one in (writer, slow, silent):
        one.close()
