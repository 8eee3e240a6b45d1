"""Sends 300-byte events at a fixed rate, packed per tick or one by one, and stamps each with machine-wide monotonic ns.

`python producer.py KIND TARGET RATE SECONDS PACK_MS [PREFIX]` with KIND `hall` (TARGET a bus URL: the same stream that feeds write to), `ws`
(a WebSocket peer's /publish), `mqtt` or `nats` (host:port). Prints how many it sent and how far behind it fell.
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
import time

import uvloop

SUBJECTS = 20_000
#: what stands in for a supplier's fields: digits and names, about as compressible as real documents
_CHANCE = random.Random(1)
PADS = [
    ",".join(f"{_CHANCE.choice(('depth', 'level', 'rain', 'speed'))}={_CHANCE.random():.6f}" for _ in range(24))
    for _ in range(997)
]


def made(number: int) -> bytes:
    """An event of exactly 300 bytes."""
    real = time.time_ns() // 1_000_000
    head = (
        f'{{"id":"b{number:011d}","source":"bench","subject":"observation/bench/{number % SUBJECTS:05d}/water_depth",'
        f'"time":{real},"recordedtime":{real},"data":{{"t":{time.monotonic_ns()},"pad":"'
    )
    return (head + PADS[number % 997][: 300 - len(head) - 3] + '"}}').encode()


async def hall_sender(target: str, prefix: str):
    from hall.core.bus import Bus

    bus = Bus(target, prefix)

    async def send(events: list[bytes]) -> None:
        await bus.publish(events)

    return send


async def ws_sender(target: str, per_event: bool):
    import websockets

    socket = await websockets.connect(target, compression=None, max_size=None, proxy=None, ping_interval=None)

    async def send(events: list[bytes]) -> None:
        if per_event:
            for event in events:
                await socket.send(event, text=True)
        else:
            await socket.send(b"[" + b",".join(events) + b"]", text=True)

    return send


async def line_sender(target: str, kind: str, per_event: bool):
    host, _, port = target.rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    if kind == "mqtt":
        name = b"producer"
        connect = b"\x00\x04MQTT\x04\x02\x00\x00" + len(name).to_bytes(2, "big") + name
        writer.write(b"\x10" + bytes([len(connect)]) + connect)
        await reader.readexactly(4)
    else:
        await reader.readline()
        writer.write(b'CONNECT {"verbose":false}\r\n')

    def packet(payload: bytes) -> bytes:
        if kind == "nats":
            return b"PUB ev %d\r\n%b\r\n" % (len(payload), payload)
        size, length = len(payload) + 4, b""
        while size:
            size, digit = divmod(size, 128)
            length += bytes([digit | (0x80 if size else 0)])
        return b"\x30" + length + b"\x00\x02ev" + payload

    async def send(events: list[bytes]) -> None:
        payloads = events if per_event else [b"[" + b",".join(events) + b"]"]
        writer.write(b"".join(packet(payload) for payload in payloads))
        await writer.drain()

    return send


async def main(kind: str, target: str, rate: float, seconds: float, pack_ms: float, prefix: str) -> None:
    """`pack_ms` 0: one message per event, sent every 10 ms in small runs of single messages."""
    per_event = pack_ms == 0
    if kind == "hall":
        send = await hall_sender(target, prefix)
    else:
        send = await (ws_sender(target, per_event) if kind == "ws" else line_sender(target, kind, per_event))
    every, waiting = (pack_ms or 2) / 1000, []
    began = sent_at = time.monotonic()
    number = worst = 0
    while (now := time.monotonic()) - began < seconds:
        due = int((now - began) * rate)
        while number < due:
            number += 1
            waiting.append(made(number))
        if waiting and now - sent_at >= every:
            sent_at, batch, waiting = now, waiting, []
            await send(batch)
            worst = max(worst, time.monotonic() - now)
        await asyncio.sleep(0.001)
    if waiting:
        await send(waiting)
    behind = max(0.0, time.monotonic() - began - seconds)
    print(json.dumps({"sent": number, "behind": behind, "worst_send": worst, "cpu": time.process_time()}), flush=True)


if __name__ == "__main__":
    kind, target, rate, seconds, pack_ms, *prefix = sys.argv[1:]
    uvloop.run(main(kind, target, float(rate), float(seconds), float(pack_ms), prefix[0] if prefix else "{bench}"))
