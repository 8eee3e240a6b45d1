"""Vehicle terminals over real TCP: register, authenticate, report; and what is answered when."""

import asyncio
import contextlib

import pytest

from feeds.formats.jt808 import message_of
from feeds.source import Unread
from feeds.transports.jt808 import TRANSPORT
from hall.core.errors import ConfigError
from tests.feeds.special.test_jt808 import encoded, report
from tests.running import free_port_pair


class Terminal:
    """The other end: sends frames, reads answers as (message id, answered serial, answered id, result or rest)."""

    def __init__(self, reader, writer):
        self.reader, self.writer = reader, writer

    async def send(self, *frames):
        self.writer.write(b"".join(frames))
        await self.writer.drain()

    async def answer(self):
        async with asyncio.timeout(10):
            await self.reader.readexactly(1)
            found = message_of((await self.reader.readuntil(b"\x7e"))[:-1])
        body = found.body
        if found.kind == 0x8100:
            return found.kind, int.from_bytes(body[:2], "big"), body[2], body[3:]
        return found.kind, int.from_bytes(body[:2], "big"), int.from_bytes(body[2:4], "big"), body[4]


@pytest.fixture
async def listening(rim, running):
    """`listening(**options)` -> (feed, connect)."""
    writers = []

    async def start(kept=None, **options):
        port = free_port_pair()
        feed = rim(f"jt808://127.0.0.1:{port}", kind="position", options=options, kept=kept)
        feed.task = running(TRANSPORT, feed)
        await feed.until(lambda: feed.connections)

        async def connect():
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writers.append(writer)
            return Terminal(reader, writer)

        return feed, connect

    yield start
    for writer in writers:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


async def test_a_terminal_registers_authenticates_and_reports(listening):
    feed, connect = await listening(authenticate=True)
    terminal = await connect()
    await terminal.send(encoded(0x0200, "138", 1, report()))
    assert await terminal.answer() == (0x8001, 1, 0x0200, 1) and feed.taken_rows == []
    await terminal.send(encoded(0x0100, "138", 2, bytes(40)))
    kind, serial, result, code = await terminal.answer()
    assert (kind, serial, result) == (0x8100, 2, 0) and len(code) == 32
    await terminal.send(encoded(0x0102, "138", 3, b"0" * 32))
    assert (await terminal.answer())[3] == 1
    await terminal.send(encoded(0x0102, "138", 4, code), encoded(0x0200, "138", 5, report()), encoded(0x0002, "138", 6, b""))
    assert [(await terminal.answer())[1:] for _ in range(3)] == [(4, 0x0102, 0), (5, 0x0200, 0), (6, 0x0002, 0)]
    assert [row["serial"] for row in feed.taken_rows] == [5]
    other = await connect()
    await other.send(encoded(0x0102, "139", 1, code), encoded(0x0200, "139", 2, report()))
    assert [(await other.answer())[3] for _ in range(2)] == [1, 1]


async def test_a_2019_terminal_authenticates_with_its_longer_message(listening):
    feed, connect = await listening(authenticate=True)
    terminal = await connect()
    await terminal.send(encoded(0x0100, "138", 1, bytes(76), edition=2019))
    code = (await terminal.answer())[3]
    body = bytes([len(code)]) + code + b"8" * 15 + bytes(20)
    await terminal.send(encoded(0x0102, "138", 2, body, edition=2019), encoded(0x0200, "138", 3, report(), edition=2019))
    assert [(await terminal.answer())[3] for _ in range(2)] == [0, 0]


async def test_a_code_given_before_a_restart_still_holds(listening):
    feed, connect = await listening(authenticate=True)
    terminal = await connect()
    await terminal.send(encoded(0x0100, "138", 1, bytes(40)))
    code = (await terminal.answer())[3]
    feed.task.cancel()
    again, connect = await listening(authenticate=True)
    terminal = await connect()
    await terminal.send(encoded(0x0102, "138", 2, code))
    assert (await terminal.answer())[3] == 0


async def test_nothing_is_acknowledged_before_it_is_on_the_bus(listening):
    feed, connect = await listening()
    feed.hold = asyncio.Event()
    terminal = await connect()
    await terminal.send(encoded(0x0200, "138", 1, report()))
    await feed.until(lambda: feed.taken_rows)
    answer = asyncio.create_task(terminal.answer())
    done, _ = await asyncio.wait([answer], timeout=0.1)
    assert not done
    feed.hold.set()
    assert await answer == (0x8001, 1, 0x0200, 0)


async def test_only_the_terminals_named_may_report(listening):
    feed, connect = await listening(terminals=["013800138000"])
    terminal = await connect()
    await terminal.send(encoded(0x0200, "13800138000", 1, report()), encoded(0x0200, "999", 2, report()))
    await terminal.send(encoded(0x0100, "999", 3, bytes(40)))
    answers = [await terminal.answer() for _ in range(3)]
    assert [a[3] for a in answers[:2]] == [0, 1] and answers[2][:3] == (0x8100, 3, 4)
    assert [row["terminal"] for row in feed.taken_rows] == ["13800138000"] and "999" in feed.notes[-1]


async def test_frames_cut_anywhere_arrive_whole(listening):
    feed, connect = await listening()
    terminal = await connect()
    stream = b"".join(encoded(0x0200, "138", n, report(lat=35_000_000 + n * 0x7E)) for n in range(1, 40))
    for k in range(0, len(stream), 7):
        await terminal.send(stream[k : k + 7])
    assert [(await terminal.answer())[1] for _ in range(39)] == list(range(1, 40))
    assert [row["serial"] for row in feed.taken_rows] == list(range(1, 40))


async def test_a_message_of_several_frames_is_taken_with_its_last_part(listening):
    feed, connect = await listening()
    terminal = await connect()
    item = report()
    body = b"\x00\x14\x00" + b"".join(len(item).to_bytes(2, "big") + item for _ in range(20))
    await terminal.send(encoded(0x0704, "138", 1, body[:300], part=(1, 2)), encoded(0x0704, "138", 2, body[300:], part=(2, 2)))
    assert [(await terminal.answer())[3] for _ in range(2)] == [0, 0] and len(feed.taken_rows) == 20


async def test_bad_input_is_parked_and_answered_and_does_not_cut_the_line(listening):
    feed, connect = await listening()
    terminal = await connect()
    spoiled = bytearray(encoded(0x0200, "138", 1, report()))
    spoiled[20] ^= 1
    await terminal.send(bytes(spoiled), encoded(0x0F0F, "138", 2, b""), encoded(0x0200, "138", 3, report()[:10]))
    await terminal.send(b"noise", encoded(0x0200, "138", 4, report()))
    assert [(await terminal.answer())[1:] for _ in range(3)] == [(2, 0x0F0F, 3), (3, 0x0200, 2), (4, 0x0200, 0)]
    reasons = [row.reason for row in feed.taken_rows if isinstance(row, Unread)]
    assert reasons[:3] == ["jt808-checksum", "jt808-unknown", "jt808-short"]


async def test_endless_bytes_without_a_frame_end_the_connection(listening):
    feed, connect = await listening()
    terminal = await connect()
    await terminal.send(b"\x7e" + b"x" * 5_000)
    async with asyncio.timeout(10):
        assert await terminal.reader.read() == b""
    await feed.until(lambda: feed.taken_rows)
    assert feed.taken_rows[0].reason == "jt808-flag"


async def test_too_many_terminals_are_turned_away_and_it_is_said(listening):
    feed, connect = await listening(connections=1)
    first = await connect()
    await first.send(encoded(0x0002, "138", 1, b""))
    await first.answer()
    second = await connect()
    async with asyncio.timeout(10):
        assert await second.reader.read() == b""
    assert "turned away" in feed.notes[-1]


@pytest.mark.parametrize("url", ["jt808://127.0.0.1", "jt808://:77777", "jt808://"])
async def test_an_address_without_a_port_is_a_wrong_configuration(rim, url):
    feed = rim(url, kind="position")
    with pytest.raises(ConfigError, match="url"):
        await TRANSPORT.run(feed.feed, feed)
