"""`tcp://ADDRESS:PORT` and `udp://ADDRESS:PORT`: trackers and receivers send lines of text to us (NMEA, JSON lines, CSV).

Each connection, or each sender over UDP, is one source. With format `nmea` its state is kept from line to line, and its
positions are named by a tag block in the lines, by `options.units`, by `options.unit_id`, or by the sender's address.
There is no acknowledgement in these protocols: what was on its way when the hall stopped is lost, the next line follows.

Options: `units` (table sender's address -> unit_id), `senders` (addresses that may send; none = any), `idle_seconds` (600),
`connections` (1000).
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from typing import NamedTuple

from feeds.formats import nmea
from feeds.source import Rim, Row, Transport
from feeds.supplier import Options, read_options
from feeds.transports.jt808 import address
from hall.core.config import FeedConfig

LINE_BOUND = 64 * 1024
WAITING, BATCH = 1_000, 200


class LinesOptions(Options, kw_only=True):
    units: dict[str, str] = {}
    senders: list[str] = []
    idle_seconds: float = 600.0
    connections: int = 1_000


class Chunk(NamedTuple):
    """Whole lines from one sender."""

    sender: str
    receiver: nmea.Receiver | None
    lines: list[bytes]


class Listening:
    """The side that trackers send to; its queue is bounded: TCP is read no further, UDP is dropped and counted."""

    def __init__(self, feed: FeedConfig, rim: Rim, options: LinesOptions) -> None:
        self.feed, self.rim, self.options = feed, rim, options
        self.queue: asyncio.Queue[Chunk] = asyncio.Queue(WAITING)
        self.tasks: set[asyncio.Task] = set()
        self.dropped = 0
        self._senders: OrderedDict[str, nmea.Receiver | None] = OrderedDict()

    def receiver(self, sender: str) -> nmea.Receiver | None:
        if self.feed.format != "nmea":
            return None
        return nmea.receiver(self.feed, self.options.units.get(sender, sender))

    def allowed(self, sender: str) -> bool:
        if self.options.senders and sender not in self.options.senders:
            self.rim.note(f"{sender} may not send here")
            return False
        return True

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task, sender = asyncio.current_task(), str((writer.get_extra_info("peername") or ("",))[0])
        if len(self.tasks) >= self.options.connections or not self.allowed(sender):
            writer.close()
            return
        self.tasks.add(task)
        try:
            await self._read(reader, sender)
        except (OSError, TimeoutError):
            pass  # it comes back by itself; its silence shows in its position's age
        finally:
            self.tasks.discard(task)
            writer.close()

    async def _read(self, reader: asyncio.StreamReader, sender: str) -> None:
        receiver, rest = self.receiver(sender), b""
        while True:
            async with asyncio.timeout(self.options.idle_seconds):
                chunk = await reader.read(16_384)
            *lines, rest = (rest + chunk).split(b"\n")
            if not chunk and rest:
                lines.append(rest)
            if len(rest) > LINE_BOUND:
                await self.rim.park(rest[:200], "line-too-long", f"more than {LINE_BOUND} bytes from {sender}")
                return
            if lines := [line for line in lines if line.strip()]:
                await self.queue.put(Chunk(sender, receiver, lines))
            if not chunk:
                return

    def datagram(self, data: bytes, sender: str) -> None:
        if not self.allowed(sender):
            return
        if sender not in self._senders:
            self._senders[sender] = self.receiver(sender)
            if len(self._senders) > self.options.connections:
                self._senders.popitem(last=False)
        self._senders.move_to_end(sender)
        lines = [line for line in data.split(b"\n") if line.strip()]
        try:
            self.queue.put_nowait(Chunk(sender, self._senders[sender], lines))
        except asyncio.QueueFull:
            self.dropped += 1
            self.rim.note(f"{self.dropped} datagrams came too fast and were dropped")

    async def serve(self) -> None:
        """Hands on what arrived, in the feed's own task."""
        while True:
            batch = [await self.queue.get()]
            while len(batch) < BATCH and not self.queue.empty():
                batch.append(self.queue.get_nowait())
            rows: list[Row] = []
            for chunk in batch:
                if chunk.receiver is not None:
                    rows += nmea.rows_of_lines(chunk.lines, chunk.receiver)
                else:
                    await self.rim.bytes(b"\n".join(chunk.lines))
            if rows:
                await self.rim.rows(rows)
            else:
                self.rim.seen()


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, listening: Listening) -> None:
        self._listening = listening

    def datagram_received(self, data: bytes, addr: tuple) -> None:
        self._listening.datagram(data, str(addr[0]))


async def run(feed: FeedConfig, rim: Rim) -> None:
    """Listens until cancelled; raises OSError when the address cannot be had, ConfigError for a wrong one."""
    host, port = address(feed, rim)
    listening = Listening(feed, rim, read_options(LinesOptions, rim))
    if feed.url.startswith("udp:"):
        loop = asyncio.get_running_loop()
        server, _ = await loop.create_datagram_endpoint(lambda: _Datagrams(listening), local_addr=(host, port))
    else:
        server = await asyncio.start_server(listening.connected, host, port)
    try:
        rim.connected()
        await listening.serve()
    finally:
        server.close()
        for task in list(listening.tasks):
            task.cancel()
        await asyncio.gather(*listening.tasks, return_exceptions=True)


TRANSPORT = Transport("lines", ("tcp", "udp"), run, options=LinesOptions.__struct_fields__)
