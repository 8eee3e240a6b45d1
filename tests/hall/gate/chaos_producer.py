"""A supplier that can be killed: which event comes next is a function of its number, and how far it got is on the bus.

`python chaos_producer.py URL PREFIX TOTAL`: events 1..TOTAL, each tenth on the fast lane, the cursor of a lane stored in
the transaction of the pack. `expected(total)` is the oracle: it knows nothing of the bus.
"""

from __future__ import annotations

import asyncio
import random
import sys

SUBJECTS = 150


def fact(number: int) -> tuple[str, str, int, object]:
    """Lane, subject, time and data of event `number`; some come late, some remove their subject."""
    chance = random.Random(number)
    lane = "fast" if number % 10 == 0 else "bulk"
    subject = f"case/chaos/{chance.randrange(SUBJECTS)}"
    data = None if chance.random() < 0.1 else {"n": number, "pad": "x" * chance.randrange(1000, 3000)}
    return lane, subject, number - chance.randrange(40), data


def expected(total: int) -> dict[str, object]:
    newest: dict[str, tuple[tuple, object]] = {}
    for number in range(1, total + 1):
        _, subject, time, data = fact(number)
        key = (time, f"n{number:08d}")
        if subject not in newest or key > newest[subject][0]:
            newest[subject] = (key, data)
    return {subject: data["n"] for subject, (_, data) in newest.items() if data is not None}


async def produce(url: str, prefix: str, total: int) -> None:
    from hall.core.bus import Bus
    from hall.core.errors import BusLost
    from hall.core.event import Event
    from hall.core.publisher import Publisher

    bus = Bus(url, prefix)
    publishers = {"bulk": Publisher(bus, "bulk", 0.02), "fast": Publisher(bus, "fast", 0.002)}
    done = {lane: int(await bus.get("cursor", lane) or 0) for lane in publishers}
    work = [asyncio.create_task(publisher.run()) for publisher in publishers.values()]
    for number in range(1, total + 1):
        lane, subject, time, data = fact(number)
        if number <= done[lane]:
            continue
        # The same event has the same bytes whoever sends it: a repeat after a crash is the same fact.
        event = Event(id=f"n{number:08d}", source="chaos", subject=subject, time=time, recordedtime=time, data=data)
        publishers[lane].put(event)
        publishers[lane].cursor(f"cursor:{lane}", str(number).encode())
        if number % 8 == 0:
            await asyncio.sleep(0.01)
    while True:
        try:
            for publisher in publishers.values():
                await publisher.flush()
            break
        except BusLost:
            await asyncio.sleep(0.1)
    for task in work:
        task.cancel()


if __name__ == "__main__":
    asyncio.run(produce(sys.argv[1], sys.argv[2], int(sys.argv[3])))
