"""What must not disturb the screens: a stalled neighbour, a gate that is replaced, ten thousand readings beside an alarm.

`python -m tests.bench.fanout.faults`: prints measured values beside their targets.
"""

from __future__ import annotations

import asyncio
import json
import socket
import statistics
import sys
import time

import psutil
import uvloop
import websockets

from hall.core.bus import Bus
from tests.bench.fanout.client import greeting
from tests.bench.fanout.contenders import Hall
from tests.bench.fanout.producer import made
from tests.bench.fanout.run import measure, start_producer


def stalled_connection(hall: Hall) -> socket.socket:
    """A screen that subscribes, takes its snapshot request away and never reads again."""
    found = socket.socket()
    found.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    found.connect(("127.0.0.1", hall.port))
    found.sendall(
        b"GET /v1/stream HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n" + greeting("hall", 0)
    )
    return found


def stalled_neighbour(rate: float = 8000, clients: int = 50, seconds: float = 6.0) -> dict:
    """p99 and memory with and without one stalled screen, each on a gate of its own that has warmed up the same way."""
    found = {}
    for name in ("without", "with"):
        hall = Hall()
        try:
            hall.start()
            measure(hall, clients, rate, 2.0)
            kept = stalled_connection(hall) if name == "with" else None
            result = measure(hall, clients, rate, seconds)
            found[name] = {"p50": result.p50, "p99": result.p99, "rss_mb": result.rss_mb, "arrived": result.arrived}
            if kept:
                kept.close()
        finally:
            hall.stop()
    ratio = found["with"]["p99"] / found["without"]["p99"]
    return {**found, "p99_ratio": ratio, "growth_mb": found["with"]["rss_mb"] - found["without"]["rss_mb"]}


async def _one_screen(url: str, fresh: asyncio.Queue, stop: asyncio.Event) -> None:
    position = None
    while not stop.is_set():
        try:
            async with websockets.connect(url, compression=None, max_size=None, proxy=None, open_timeout=30) as link:
                await link.send(json.dumps({"op": "subscribe", "topics": ["observation", "alarm"], "from": position}))
                async for text in link:
                    message = json.loads(text)
                    position = message.get("pos") or position
                    if b"observation/bench/mark" in (text.encode() if isinstance(text, str) else text):
                        fresh.put_nowait(time.monotonic())
        except (OSError, websockets.WebSocketException, TimeoutError):
            await asyncio.sleep(0.1)


async def gate_replaced(clients: int = 500) -> dict:
    """Seconds from the gate's death until every screen has what was published while it was away."""
    hall = Hall()
    try:
        hall.start()
        bus, fresh, stop = Bus(f"unix://{hall.bus}", "{bench}"), asyncio.Queue(), asyncio.Event()
        await bus.publish([made(n) for n in range(1, 5001)])
        url = f"ws://127.0.0.1:{hall.port}/v1/stream"
        tasks = [asyncio.create_task(_one_screen(url, fresh, stop)) for _ in range(clients)]
        mark = made(1).replace(b"bench/00001", b"bench/mark1")
        await asyncio.sleep(3)
        await bus.publish([mark])
        for _ in range(clients):
            await asyncio.wait_for(fresh.get(), 60)
        began = time.monotonic()
        hall.main.kill()
        hall.main.wait()
        later = mark.replace(b'"id":"b', b'"id":"c').replace(b"mark1", b"mark2")
        await bus.publish([later])
        hall.start_gate()
        listening = time.monotonic() - began
        last = max([await asyncio.wait_for(fresh.get(), 60) for _ in range(clients)])
        stop.set()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await bus.close()
        return {"clients": clients, "gate_listens_after_s": listening, "all_fresh_after_s": last - began}
    finally:
        hall.stop()


async def _alarm_screen(url: str, spans: list[float]) -> None:
    async with websockets.connect(url, compression=None, max_size=None, proxy=None) as link:
        await link.send(b'{"op":"subscribe","topics":["alarm"]}', text=True)
        async for message in link:
            if '"alarm/' in message:
                now = time.monotonic_ns()
                spans += [(now - event["data"]["t"]) / 1e6 for event in json.loads(message).get("e", ())]


async def alarm_beside_readings(rate: float = 10_000, clients: int = 100, watchers: int = 20, seconds: float = 6.0) -> dict:
    """Milliseconds from an action's publish to screens while readings go to `clients` others through the same gate."""
    from tests.bench.fanout.run import Screens

    hall = Hall()
    try:
        hall.start()
        loop, spans = asyncio.get_running_loop(), []
        screens = await loop.run_in_executor(None, Screens, hall, clients - watchers)
        url = f"ws://127.0.0.1:{hall.port}/v1/stream"
        tasks = [asyncio.create_task(_alarm_screen(url, spans)) for _ in range(watchers)]
        bus = Bus(f"unix://{hall.bus}", "{bench}")
        await asyncio.sleep(0.5)
        producer = start_producer(hall, rate, seconds)
        server = psutil.Process(hall.main.pid)
        await asyncio.sleep(1)
        before, began, number = sum(server.cpu_times()[:2]), time.monotonic(), 0
        while time.monotonic() - began < seconds - 1.5:
            number += 1
            stamp = str(time.monotonic_ns()).encode()
            event = made(number).replace(b"observation/bench", b"alarm/bench")
            cut = event.index(b'"t":') + 4
            await bus.publish([event[:cut] + stamp + event[event.index(b",", cut) :]], "fast")
            await asyncio.sleep(0.05)
        cpu = (sum(server.cpu_times()[:2]) - before) / (time.monotonic() - began)
        await loop.run_in_executor(None, producer.communicate)
        screens.kill()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await bus.close()
        cuts = statistics.quantiles(spans, n=100)
        told = len(spans) / max(1, number * watchers)
        return {"samples": len(spans), "told": told, "p50_ms": cuts[49], "p99_ms": cuts[98], "gate_cpu": cpu}
    finally:
        hall.stop()


def main() -> None:
    chosen = sys.argv[1:] or ["alarm", "stalled", "replaced"]
    if "alarm" in chosen:
        print(
            "alarm beside 10,000 readings/s, 100 screens (p99 <= 50 ms, gate CPU <= 25 %):", uvloop.run(alarm_beside_readings())
        )
    if "stalled" in chosen:
        print("one stalled screen among 50 (p99 ratio <= 1.2, growth < 5 MB):", stalled_neighbour())
    if "replaced" in chosen:
        print("gate replaced under 500 screens (all fresh <= 5 s):", uvloop.run(gate_replaced()))


if __name__ == "__main__":
    main()
