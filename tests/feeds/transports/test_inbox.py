"""The consumer of pushed data: nothing leaves the queue before it is on the bus, nothing is taken twice."""

import asyncio

import msgspec

from feeds.transports.inbox import TRANSPORT
from tests.tasks import ended


async def _push(bus, *bodies, **fields):
    return [
        await bus.queue_add({"body": body, "type": "application/json", "at": "1", **fields}, "inbox", "f") for body in bodies
    ]


async def _emptied(bus):
    async with asyncio.timeout(10):
        while await bus.queue_length("inbox", "f"):
            await asyncio.sleep(0.01)


async def test_what_waits_and_what_comes_is_taken_in_order_and_removed(bus, rim, running):
    await _push(bus, "1", "2")
    feed = rim("push://")
    running(TRANSPORT, feed)
    await feed.until(lambda: len(feed.bodies) == 2)
    await _push(bus, "3")
    await feed.until(lambda: len(feed.bodies) == 3)
    await _emptied(bus)
    assert feed.bodies == [(b"1", "application/json"), (b"2", "application/json"), (b"3", "application/json")]


async def test_nothing_is_removed_before_it_is_on_the_bus(bus, rim, running):
    feed = rim("push://")
    feed.hold = asyncio.Event()
    await _push(bus, "1", "2")
    running(TRANSPORT, feed)
    await feed.until(lambda: len(feed.bodies) == 2)
    assert await bus.queue_length("inbox", "f") == 2
    feed.hold.set()
    await _emptied(bus)


async def test_a_crash_between_the_bus_and_the_removal_takes_nothing_twice(bus, rim, running):
    entries = await _push(bus, "1", "2", "3")
    feed = rim("push://", kept={"cursor": f"{entries[1][0]}-{entries[1][1]}".encode()})  # 1 and 2 are on the bus already
    running(TRANSPORT, feed)
    await _emptied(bus)
    assert [body for body, _ in feed.bodies] == [b"3"]


async def test_a_crash_before_the_bus_takes_all_again(bus, rim, running):
    await _push(bus, "1", "2")
    first = rim("push://")
    first.hold = asyncio.Event()
    task = running(TRANSPORT, first)
    await first.until(lambda: len(first.bodies) == 2)
    await ended(task)
    second = rim("push://")  # the cursor went down with the pack it belonged to
    running(TRANSPORT, second)
    await _emptied(bus)
    assert [body for body, _ in second.bodies] == [b"1", b"2"]


async def test_the_outcome_is_left_for_a_request_that_waits_and_only_for_it(bus, rim, running):
    (silent,) = await _push(bus, "1")
    (waited,) = await _push(bus, "2", wait="1")
    feed = rim("push://")
    running(TRANSPORT, feed)
    await _emptied(bus)
    found = await bus.get("outcome", "f", f"{waited[0]}-{waited[1]}")
    assert msgspec.json.decode(found)["accepted"] == 1
    assert await bus.get("outcome", "f", f"{silent[0]}-{silent[1]}") is None
    assert await bus.call("TTL", bus.key("outcome", "f", f"{waited[0]}-{waited[1]}")) > 0
