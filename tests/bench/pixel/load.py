"""The supplier of the measurement, as a process of its own: 5,000 units over WebSocket, and 40 KPI cards on the bus.

`python -m tests.bench.pixel.load PORT UNITS RATE [BUS_URL]` serves `ws://127.0.0.1:PORT/`. Who connects gets every unit
once, then RATE updates a second, one message each, with the moment of sending in `sent`. With a bus it also publishes one
of 40 cards `kpi/bench-NN` every 25 ms, straight onto the bulk lane.
"""

from __future__ import annotations

import asyncio
import json
import math
import random
import sys

from websockets.asyncio.server import ServerConnection, broadcast, serve

from hall.core.bus import Bus
from hall.core.clock import monotonic, real_ms
from hall.core.event import Event, encode

CENTRE = (113.92, 35.30)
CARDS = 40
TICK = 0.01


class Units:
    """Units that drive about; deterministic but for the clock."""

    def __init__(self, count: int) -> None:
        chance = random.Random(20210720)
        self.places = [[chance.gauss(CENTRE[0], 0.02), chance.gauss(CENTRE[1], 0.016)] for _ in range(count)]
        self.headings = [chance.uniform(0, 360) for _ in range(count)]
        self.chance, self.next = chance, 0

    def message(self, number: int) -> str:
        place, heading = self.places[number], self.headings[number]
        data = {"id": f"u{number}", "lon": round(place[0], 6), "lat": round(place[1], 6), "heading": round(heading, 1)}
        return json.dumps(data | {"sent": real_ms()})

    def move(self) -> str:
        number = self.next
        self.next = (number + 1) % len(self.places)
        place = self.places[number]
        if math.hypot(place[0] - CENTRE[0], place[1] - CENTRE[1]) > 0.06:
            self.headings[number] = math.degrees(math.atan2(CENTRE[0] - place[0], CENTRE[1] - place[1])) % 360
        self.headings[number] = (self.headings[number] + self.chance.uniform(-25, 25)) % 360
        angle = math.radians(self.headings[number])
        place[0] += 0.0004 * math.sin(angle)
        place[1] += 0.0004 * math.cos(angle)
        return self.message(number)


async def feed_cards(bus: Bus) -> None:
    number = 0
    while True:
        now = real_ms()
        data = {"as_of": now, "value": number, "sent": now}
        subject = f"kpi/bench-{number % CARDS:02d}"
        event = Event(id=f"bench-{now}-{number}", source="bench", subject=subject, time=now, recordedtime=now, data=data)
        await bus.publish([encode(event)])
        number += 1
        await asyncio.sleep(0.025)


async def main(port: int, count: int, rate: int, bus_url: str) -> None:
    units, clients = Units(count), set()

    async def handle(client: ServerConnection) -> None:
        for number in range(count):
            await client.send(units.message(number))
        clients.add(client)
        try:
            await client.wait_closed()
        finally:
            clients.discard(client)

    async with serve(handle, "127.0.0.1", port, compression=None):
        print("ready", flush=True)
        cards = asyncio.create_task(feed_cards(Bus(bus_url))) if bus_url else None
        due, owed = monotonic(), 0.0
        while cards is None or not cards.done():
            owed += rate * TICK
            while owed >= 1:
                broadcast(clients, units.move())
                owed -= 1
            due += TICK
            await asyncio.sleep(max(0.0, due - monotonic()))
        cards.result()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), sys.argv[4] if len(sys.argv) > 4 else ""))
