"""`ws://` and `wss://`: a WebSocket server of the supplier. One connection per run; the runner connects again.

Options: `hello` (message or messages sent on connecting; a table or list is sent as JSON), `cursor` (path of the value
in each message that says how far we are), `resume` (message sent after `hello` when a cursor is known, with `{cursor}` in
it), `headers`, `idle_seconds` (silence after which the connection is given up; three times `expected_seconds`, at least
10), `max_bytes`, `ca` (PEM file that signed the supplier's certificate).
"""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import Callable
from typing import Any

import msgspec
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidURI

from feeds.source import Rim, Transport
from feeds.supplier import Options, expanded, expanded_all, read_options, reader
from hall.core.config import FeedConfig
from hall.core.errors import HallError


class WsOptions(Options, kw_only=True):
    hello: str | dict[str, Any] | list[Any] = ""
    resume: str = ""
    cursor: str | list[str | int] = ""
    headers: dict[str, str] = {}
    idle_seconds: float = 0.0
    max_bytes: int = 8 * 1024 * 1024
    ca: str = ""


class SupplierSilent(HallError):
    """The connection stands and says nothing."""


async def run(feed: FeedConfig, rim: Rim) -> None:
    """Reads one connection until it ends; always raises (ConnectionClosed, OSError, SupplierSilent, ConfigError)."""
    options = read_options(WsOptions, rim)
    idle = options.idle_seconds or max(3 * feed.expected_seconds, 10.0)
    url = expanded(feed.url, rim, "url")
    try:
        connection = connect(
            url,
            additional_headers=expanded_all(options.headers, rim, "options.headers"),
            max_size=options.max_bytes,
            max_queue=64,
            ssl=_tls(options, rim) if url.startswith("wss:") else None,
            user_agent_header="command-hall",
        )
        async with connection as socket:
            await _greet(socket, options, rim)
            rim.connected()
            await _read(socket, options, idle, rim)
    except InvalidURI as error:
        raise rim.wrong("url", str(error.msg)) from None


def _tls(options: WsOptions, rim: Rim) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=rim.config.path(options.ca) if options.ca else None)
    except OSError as error:
        raise rim.wrong("options.ca", str(error)) from None


async def _greet(socket: ClientConnection, options: WsOptions, rim: Rim) -> None:
    hello = options.hello if isinstance(options.hello, list) else [options.hello]
    for message in filter(None, hello):
        text = message if isinstance(message, str) else json.dumps(message, ensure_ascii=False)
        await socket.send(expanded(text, rim, "options.hello"))
    known = await rim.load_cursor() if options.resume else None
    if known is not None:
        await socket.send(options.resume.replace("{cursor}", known.decode()))


async def _read(socket: ClientConnection, options: WsOptions, idle: float, rim: Rim) -> None:
    position = reader(options.cursor, rim, "options.cursor") if options.cursor else None
    while True:
        try:
            async with asyncio.timeout(idle):  # not wait_for: before Python 3.12 that can swallow a cancellation
                message = await socket.recv()
        except TimeoutError:
            raise SupplierSilent(f"nothing for {idle:g} s") from None
        except ConnectionClosed as closed:
            if closed.sent is not None and closed.sent.code == 1009:
                await rim.park(b"", "too-large", f"a message of more than {options.max_bytes} bytes")
            raise
        body = message.encode() if isinstance(message, str) else message
        await rim.bytes(body)
        if position and (value := _cursor_in(body, position)) is not None:
            rim.cursor(value)


def _cursor_in(body: bytes, position: Callable[[Any], Any]) -> bytes | None:
    """The message's own position, as it is to be written into the resume message; None when it carries none."""
    try:
        value = position(msgspec.json.decode(body))
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
    if value is None or isinstance(value, (dict, list)):
        return None
    return value.encode() if isinstance(value, str) else msgspec.json.encode(value)


TRANSPORT = Transport("ws", ("ws", "wss"), run, options=WsOptions.__struct_fields__)
