"""The bus on a real server, and the board rebuilt from it."""

import asyncio

from hall.core.board import Board
from hall.core.bus import CONNECTIONS, apply_entry
from hall.core.event import Event, encode
from hall.core.publisher import Publisher


def _event(n: int, subject: str, time: int) -> Event:
    return Event(id=f"e{n}", source="t", subject=subject, time=time, recordedtime=time, data={"n": n})


async def test_a_board_loaded_from_checkpoint_and_stream_equals_the_one_that_saw_everything(bus):
    live = Board()
    for n in range(50):
        at = await bus.publish([encode(_event(n, f"case/x/{n % 7}", n))])
        entries = await bus.queue_read("bulk", after=live.position.bulk)
        for got, fields in entries:
            apply_entry(live, "bulk", got, fields["p"])
        if n == 20:
            await bus.save_checkpoint(list(live.entries()), live.position)
        assert live.position.bulk == at
    await bus.call("XTRIM", bus.key("bulk"), "MAXLEN", 29)
    fresh = Board()
    await bus.load_board(fresh)
    assert fresh.position == live.position
    assert {s: e.raw for s, e in fresh.entries()} == {s: e.raw for s, e in live.entries()}


async def test_a_publisher_packs_what_comes_within_a_tick_and_stores_the_cursor_with_it(bus):
    publisher = Publisher(bus, "bulk", 0.01)
    task = asyncio.create_task(publisher.run())
    for n in range(100):
        publisher.put(_event(n, f"case/x/{n}", n))
    publisher.cursor("cursor:a", b"100")
    await publisher.flush()
    board = Board()
    await bus.load_board(board)
    assert board.count("case") == 100
    assert await bus.get("cursor", "a") == b"100"
    assert await bus.call("XLEN", bus.key("bulk")) == 1
    task.cancel()


async def test_a_task_that_waits_for_the_bus_can_be_cancelled_at_any_moment(bus):
    await bus.queue_add({"n": "1"}, "side")
    for turns in range(12):
        seen, last = asyncio.Event(), (0, 0)

        async def read(seen=seen, last=last):
            while True:
                for at, _ in await bus.queue_read("side", after=last, block_ms=1000):
                    last = at
                    seen.set()

        task = asyncio.create_task(read())
        await seen.wait()
        for _ in range(turns):
            await asyncio.sleep(0)
        task.cancel()
        done, _ = await asyncio.wait([task], timeout=10)
        assert done and task.cancelled(), f"the cancellation after {turns} turns was swallowed"


async def test_more_questions_at_once_than_connections_are_all_answered(bus):
    await bus.set(b"here", "burst")
    answers = await asyncio.gather(*(bus.get("burst") for _ in range(5 * CONNECTIONS)))
    assert answers == [b"here"] * (5 * CONNECTIONS)
