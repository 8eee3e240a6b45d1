"""`jt808://ADDRESS:PORT`: vehicle terminals of JT/T 808 connect to us; reports are acknowledged once they are on the bus.

A terminal registers (0x0100) and gets a code, authenticates with it (0x0102), then reports; every message is answered as the
standard wants: 0 taken, 1 not for this terminal, 2 cannot be read, 3 not supported. What was not acknowledged, a terminal
sends again, so a crash of the hall loses nothing.

Options: `terminals` (telephone numbers that may report; none = any that reaches the port, so keep the port inside),
`authenticate` (true: reports count only after a right 0x0102 on the same connection), `idle_seconds` (600), `connections`
(5000).
"""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import secrets
from typing import NamedTuple
from urllib.parse import urlsplit

from feeds.formats import jt808
from feeds.source import Rim, Row, Transport, Unread
from feeds.supplier import Options, expanded, read_options
from hall.core.config import FeedConfig
from hall.core.errors import BadInput

#: messages handed on and acknowledged together, and messages that may wait for it; beyond that terminals are read no further
BATCH, WAITING = 500, 2_000
#: bytes of answers that a terminal may leave unread before it is hung up on
UNREAD_ANSWERS = 64 * 1024
TAKEN, REFUSED, MALFORMED, UNSUPPORTED = 0, 1, 2, 3


class Jt808Options(Options, kw_only=True):
    terminals: list[str] = []
    authenticate: bool = False
    idle_seconds: float = 600.0
    connections: int = 5_000


class Terminal:
    """One connection. A gateway may carry several terminals over it: rights and parts are kept per telephone number."""

    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self.writer = writer
        self.parts = jt808.Parts()
        self.known: set[str] = set()  # authenticated telephone numbers
        self._serial = 0

    def answer(self, message: jt808.Message, kind: int, body: bytes) -> None:
        if self.writer.is_closing():
            return
        self._serial += 1
        self.writer.write(jt808.frame(kind, message.phone, self._serial, body, message.edition))
        if self.writer.transport.get_write_buffer_size() > UNREAD_ANSWERS:
            self.writer.transport.abort()

    def acknowledge(self, message: jt808.Message, result: int) -> None:
        body = message.serial.to_bytes(2, "big") + message.kind.to_bytes(2, "big") + bytes((result,))
        self.answer(message, 0x8001, body)


class Arrived(NamedTuple):
    """What a connection brought: a message, or bytes that are none and why."""

    terminal: Terminal
    message: jt808.Message | None
    raw: bytes
    fault: BadInput | None = None


class Platform:
    """The side that terminals talk to."""

    def __init__(self, rim: Rim, options: Jt808Options, key: bytes) -> None:
        self.rim, self.options, self._key = rim, options, key
        self._allowed = {number.lstrip("0") for number in options.terminals}
        self._arrived: asyncio.Queue[Arrived] = asyncio.Queue(WAITING)
        self.tasks: set[asyncio.Task] = set()

    # -- connections -------------------------------------------------------------------------------------------------------

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if len(self.tasks) >= self.options.connections:
            self.rim.note(f"more than {self.options.connections} terminals: one was turned away")
            writer.close()
            return
        self.tasks.add(task)
        try:
            await self._read(reader, Terminal(writer))
        except (OSError, TimeoutError):
            pass  # a terminal that is gone comes back by itself; its silence shows in its position's age
        finally:
            self.tasks.discard(task)
            writer.close()

    async def _read(self, reader: asyncio.StreamReader, terminal: Terminal) -> None:
        """Cuts the stream into frames; between frames only noise is passed over."""
        waiting = b""
        while True:
            async with asyncio.timeout(self.options.idle_seconds):
                chunk = await reader.read(16_384)
            if not chunk:
                return
            waiting += chunk
            while (start := waiting.find(jt808.FLAG)) >= 0:
                end = waiting.find(jt808.FLAG, start + 1)
                if end < 0:
                    break
                content = waiting[start + 1 : end]
                waiting = waiting[end:]  # some terminals let one flag end a frame and begin the next
                if content:
                    await self._arrived.put(_arrived(terminal, content))
            if len(waiting) > jt808.FRAME_BOUND:
                await self._arrived.put(Arrived(terminal, None, waiting[:64], BadInput("jt808-flag", "no end of a frame")))
                return

    # -- the feed's own task -----------------------------------------------------------------------------------------------

    async def serve(self) -> None:
        """Takes what arrived, batch by batch; answers once it is on the bus."""
        while True:
            batch = [await self._arrived.get()]
            while len(batch) < BATCH and not self._arrived.empty():
                batch.append(self._arrived.get_nowait())
            rows: list[Row] = []
            answers = [(arrived, self._take(arrived, rows)) for arrived in batch]
            if rows:
                await self.rim.rows(rows)
                await self.rim.durable()
            else:
                self.rim.seen()
            for arrived, result in answers:
                if arrived.message is not None and result is not None:
                    self._answer(arrived, result)

    def _take(self, arrived: Arrived, rows: list[Row]) -> int | None:
        """Adds the rows of what arrived; the result to answer with, None for no answer."""
        message, terminal = arrived.message, arrived.terminal
        if message is None:
            fault = arrived.fault or BadInput("jt808-short")
            rows.append(Unread(arrived.raw, fault.reason, fault.detail))
            return None
        if message.kind == 0x0001:
            return None  # an answer is not answered
        if not self._may(terminal, message):
            self.rim.note(f"terminal {message.phone} is not known here")
            return REFUSED
        if message.kind in (jt808.REGISTER, jt808.AUTHENTICATE, jt808.HEARTBEAT, jt808.SIGN_OFF):
            return TAKEN
        whole = terminal.parts.add(message)
        if whole is None:
            return TAKEN
        try:
            rows += list(jt808.rows_of(whole))
        except BadInput as error:
            rows.append(Unread(arrived.raw, error.reason, error.detail))
            return UNSUPPORTED if error.reason == "jt808-unknown" else MALFORMED
        return TAKEN

    def _may(self, terminal: Terminal, message: jt808.Message) -> bool:
        if self._allowed and message.phone not in self._allowed:
            return False
        if message.kind == jt808.AUTHENTICATE and self.options.authenticate:
            size = message.body[:1]
            said = message.body[1 : 1 + size[0]] if message.edition == 2019 and size else message.body
            if not hmac.compare_digest(said, self.code(message.phone)):
                return False
            terminal.known.add(message.phone)
        free = message.kind in (jt808.REGISTER, jt808.AUTHENTICATE) or not self.options.authenticate
        return free or message.phone in terminal.known

    def code(self, phone: str) -> bytes:
        """The code that a terminal authenticates with: made of its number and a key of this hall, so none is stored."""
        return hmac.digest(self._key, phone.encode(), "sha256").hex()[:32].encode()

    def _answer(self, arrived: Arrived, result: int) -> None:
        message, terminal = arrived.message, arrived.terminal
        if message.kind != jt808.REGISTER:
            terminal.acknowledge(message, result)
            return
        granted = self.code(message.phone) if result == TAKEN else b""
        refused = 4  # no such terminal
        body = message.serial.to_bytes(2, "big") + bytes((0 if result == TAKEN else refused,)) + granted
        terminal.answer(message, 0x8100, body)


def _arrived(terminal: Terminal, content: bytes) -> Arrived:
    raw = b"\x7e" + content + b"\x7e"
    try:
        return Arrived(terminal, jt808.message_of(content), raw)
    except BadInput as error:
        return Arrived(terminal, None, raw, error)


async def run(feed: FeedConfig, rim: Rim) -> None:
    """Listens until cancelled; raises OSError when the address cannot be had, ConfigError for a wrong one."""
    options = read_options(Jt808Options, rim)
    host, port = address(feed, rim)
    await rim.bus.set(secrets.token_hex(32), "jt808-key", feed.name, only_new=True)
    key = await rim.bus.get("jt808-key", feed.name) or b""
    platform = Platform(rim, options, key)
    server = await asyncio.start_server(platform.connected, host, port, limit=32_768)
    try:
        rim.connected()
        await platform.serve()
    finally:
        server.close()
        for task in list(platform.tasks):
            task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.gather(*platform.tasks, return_exceptions=True)


def address(feed: FeedConfig, rim: Rim) -> tuple[str, int]:
    """The address a feed listens on; raises ConfigError without a port. Port 0 = any free one (tests)."""
    try:
        url = urlsplit(expanded(feed.url, rim, "url"))
        port = url.port
    except ValueError as error:
        raise rim.wrong("url", str(error)) from None
    if port is None or not url.hostname:
        raise rim.wrong("url", f"say where to listen: {url.scheme}://0.0.0.0:7611")
    return url.hostname, port


TRANSPORT = Transport("jt808", ("jt808",), run, format="jt808", options=Jt808Options.__struct_fields__)
