"""Light screens: N connections in one process that skip over messages by their length and time a sample of them.

Reads one JSON object from stdin: `{"kind", "host", "port", "path", "clients", "deflate", "sample"}`, says `ready`, measures until a
second line comes, prints what was received. Two screens read everything, the others every `sample`-th message; the send
times in them become latencies. Machine-wide monotonic time makes them comparable between processes.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import re
import sys
import time
import zlib

import uvloop

STAMP = re.compile(rb'"t":(\d+)')


def masked(payload: bytes, first: int) -> bytes:
    """A client frame with an all-zero mask, which leaves the payload as it is."""
    size = len(payload)
    head = bytes((first, 0x80 | size)) if size < 126 else bytes((first, 0xFE)) + size.to_bytes(2, "big")
    return head + b"\0\0\0\0" + payload


def mqtt_greeting(number: int) -> bytes:
    name = b"bench%d" % number
    connect = b"\x00\x04MQTT\x04\x02\x00\x00" + len(name).to_bytes(2, "big") + name
    subscribe = b"\x00\x01\x00\x02ev\x00"
    return b"".join((b"\x10", bytes([len(connect)]), connect, b"\x82", bytes([len(subscribe)]), subscribe))


def greeting(kind: str, number: int) -> bytes:
    """What a screen says after the handshake."""
    if kind == "mqtt":
        return masked(mqtt_greeting(number), 0x82)
    if kind == "nats":
        return masked(b'CONNECT {"verbose":false,"protocol":1}\r\nSUB ev 1\r\n', 0x82)
    if kind == "hall":
        return masked(b'{"op":"subscribe","topics":["observation","alarm"]}', 0x81)
    return b""


class Screen(asyncio.BufferedProtocol):
    """One connection; parses frame headers and skips payloads unless the message is a sampled one."""

    buffer = bytearray(1 << 20)
    view = memoryview(buffer)

    def __init__(self, options: dict, number: int, totals: Totals) -> None:
        self.options, self.number, self.totals = options, number, totals
        self.open = False
        self.rest = b""
        self.left = 0  # bytes of the current payload still to come
        self.kept: list[bytes] | None = None
        self.deflated = False
        self.messages = 0
        self.whole = number < 2  # reads everything: proves that nothing was left out

    def connection_made(self, transport) -> None:
        self.transport = transport
        key = base64.b64encode(os.urandom(16)).decode()
        extra = {"mqtt": "Sec-WebSocket-Protocol: mqtt\r\n"}.get(self.options["kind"], "")
        if self.options["deflate"]:
            extra += "Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; client_no_context_takeover\r\n"
        transport.write(
            f"GET {self.options['path']} HTTP/1.1\r\nHost: {self.options['host']}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n{extra}\r\n".encode()
        )

    def get_buffer(self, hint: int) -> memoryview:
        return self.view

    def buffer_updated(self, count: int) -> None:
        self.totals.bytes += count
        self.totals.heard = time.monotonic()
        data = self.view[:count]
        if not self.open:
            data = self._handshake(bytes(data))
            if data is None:
                return
        self._frames(data)

    def _handshake(self, data: bytes) -> memoryview | None:
        self.rest += data
        head, end, body = self.rest.partition(b"\r\n\r\n")
        if not end:
            return None
        if b" 101 " not in head.split(b"\r\n")[0]:
            sys.exit(f"handshake refused: {head[:200]!r}")
        self.open, self.rest = True, b""
        self.totals.open += 1
        self.transport.write(greeting(self.options["kind"], self.number))
        return memoryview(body)

    def _frames(self, data: memoryview) -> None:
        at, end = 0, len(data)
        while at < end:
            if self.left:
                take = min(self.left, end - at)
                if self.kept is not None:
                    self.kept.append(bytes(data[at : at + take]))
                at += take
                self.left -= take
                if not self.left:
                    self._message()
                continue
            head = self.rest + bytes(data[at : at + 10])
            need = 2 if len(head) < 2 else {126: 4, 127: 10}.get(head[1] & 127, 2)
            if len(head) < max(need, 2):
                self.rest = head
                return
            size = head[1] & 127
            self.left = size if need == 2 else int.from_bytes(head[2:need], "big")
            at += need - len(self.rest)
            self.rest = b""
            self.messages += 1
            self.totals.messages += 1
            self.deflated = bool(head[0] & 0x40)
            sampled = self.whole or (self.messages + self.number * 7) % self.options["sample"] == 0
            self.kept = [] if sampled else None
            if not self.left:
                self._message()

    def _message(self) -> None:
        if self.kept is None:
            return
        now, payload = time.monotonic_ns(), b"".join(self.kept)
        if self.deflated:
            payload = zlib.decompressobj(-15).decompress(payload + b"\x00\x00\xff\xff")
        self.kept = None
        stamps = STAMP.findall(payload)
        if self.whole:
            self.totals.whole_events += len(stamps)
        for stamp in stamps[:: max(1, len(stamps) // 20)]:
            self.totals.latencies.append((now - int(stamp)) / 1e6)

    def eof_received(self) -> None:
        self.totals.closed += 1

    def connection_lost(self, error) -> None:
        self.totals.closed += 1


class Totals:
    def __init__(self) -> None:
        self.open = self.closed = self.bytes = self.messages = self.whole_events = 0
        self.latencies: list[float] = []
        self.heard = time.monotonic()


async def main(options: dict) -> None:
    totals, loop = Totals(), asyncio.get_running_loop()
    for number in range(options["clients"]):
        await loop.create_connection(lambda number=number: Screen(options, number, totals), options["host"], options["port"])
        if number % 50 == 49:
            await asyncio.sleep(0.02)
    while totals.open < options["clients"]:
        await asyncio.sleep(0.02)
    await asyncio.sleep(0.5)  # subscriptions are in
    totals.latencies.clear()
    totals.messages = totals.bytes = totals.whole_events = 0
    print("ready", flush=True)
    stop = asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)
    await stop
    cpu, asked = time.process_time(), time.monotonic()
    while time.monotonic() - asked < 20:  # the tail of a run: until little comes any more (the hall's beats never end)
        before = totals.bytes
        await asyncio.sleep(0.4)
        if totals.bytes - before < 300 * options["clients"]:
            break
    found = sorted(totals.latencies)
    result = {
        "messages": totals.messages,
        "bytes": totals.bytes,
        "whole_events": totals.whole_events / min(2, options["clients"]),
        "samples": len(found),
        "closed": totals.closed,
        "cpu": cpu,
        **{name: found[min(len(found) - 1, int(len(found) * q))] if found else None for name, q in
           (("p50", 0.5), ("p99", 0.99), ("max", 1.0))},
    }  # fmt: skip
    print(json.dumps(result), flush=True)
    os._exit(0)


if __name__ == "__main__":
    uvloop.run(main(json.loads(sys.stdin.readline())))
