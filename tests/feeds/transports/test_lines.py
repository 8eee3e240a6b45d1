"""Receivers that send lines over TCP and UDP."""

import asyncio
import socket

import pytest

from feeds.transports.lines import TRANSPORT
from tests.feeds.special.test_nmea import GGA, RMC, line
from tests.running import free_port_pair


@pytest.fixture
async def listening(rim, running):
    async def start(scheme="tcp", format="nmea", **options):
        port = free_port_pair()
        feed = rim(f"{scheme}://127.0.0.1:{port}", kind="position", format=format, options=options)
        running(TRANSPORT, feed)
        await feed.until(lambda: feed.connections)
        return feed, port

    return start


async def _connected(port):
    return (await asyncio.open_connection("127.0.0.1", port))[1]


async def test_nmea_over_tcp_keeps_its_state_from_line_to_line_whatever_the_pieces(listening):
    feed, port = await listening(units={"127.0.0.1": "PUMP-3"})
    writer = await _connected(port)
    for byte in f"{line(GGA)}\r\n{line(RMC)}\r\n".encode():
        writer.write(bytes([byte]))
        await writer.drain()
    await feed.until(lambda: feed.taken_rows)
    (row,) = feed.taken_rows
    assert (row["unit_id"], row["altitude_m"], row["lat"]) == ("PUMP-3", 72.4, 35.3)
    writer.close()


async def test_a_sender_without_a_name_goes_by_its_address(listening):
    feed, port = await listening()
    writer = await _connected(port)
    writer.write(line(RMC).encode())  # no line end: the end of the connection ends it
    writer.close()
    await feed.until(lambda: feed.taken_rows)
    assert feed.taken_rows[0]["unit_id"] == "127.0.0.1"


async def test_nmea_over_udp(listening):
    feed, port = await listening("udp", unit_id="U7")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.sendto(f"{line(GGA)}\r\n".encode(), ("127.0.0.1", port))
        sender.sendto(f"{line(RMC)}\r\n".encode(), ("127.0.0.1", port))
    await feed.until(lambda: feed.taken_rows)
    assert (feed.taken_rows[0]["unit_id"], feed.taken_rows[0]["satellites"]) == ("U7", 8)


async def test_other_formats_are_decoded_line_by_line(listening):
    feed, port = await listening(format="jsonl")
    writer = await _connected(port)
    writer.write(b'{"a": 1}\n{"a": 2}\n{"a"')
    await feed.until(lambda: feed.bodies)
    writer.write(b": 3}\n")
    await feed.until(lambda: b"3" in b"".join(body for body, _ in feed.bodies))
    assert b"\n".join(body for body, _ in feed.bodies) == b'{"a": 1}\n{"a": 2}\n{"a": 3}'
    writer.close()


async def test_strangers_may_not_send(listening):
    feed, port = await listening(senders=["10.9.9.9"])
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    async with asyncio.timeout(10):
        assert await reader.read() == b""
    assert feed.taken_rows == [] and "127.0.0.1" in feed.notes[-1]
    writer.close()


async def test_a_line_without_end_is_parked_and_the_connection_ended(listening):
    feed, port = await listening()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"x" * 100_000)
    await feed.until(lambda: feed.parked)
    assert feed.parked[0][1] == "line-too-long"
    writer.close()
