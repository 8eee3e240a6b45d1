"""What is asked at the same time is worked on together: dispatch/together.py."""

from __future__ import annotations

import asyncio

import pytest

from dispatch.together import MOST, Together


class Slow:
    """Work that goes on when it is let; keeps what it was given."""

    def __init__(self) -> None:
        self.given: list[list[int]] = []
        self.go = asyncio.Semaphore(0)

    async def __call__(self, items):
        self.given.append(list(items))
        await self.go.acquire()
        return [item * 2 if item >= 0 else ValueError(item) for item in items]


async def settled():
    for _ in range(5):
        await asyncio.sleep(0)


async def test_the_first_goes_at_once_and_those_who_come_meanwhile_go_together():
    slow = Slow()
    together = Together(slow)
    asked = [asyncio.create_task(together.ask(n)) for n in range(1)]
    await settled()
    asked += [asyncio.create_task(together.ask(n)) for n in range(1, 5)]
    await settled()
    assert slow.given == [[0]]
    slow.go.release()
    slow.go.release()
    assert await asyncio.gather(*asked) == [0, 2, 4, 6, 8]
    assert slow.given == [[0], [1, 2, 3, 4]]


async def test_one_failing_item_is_its_askers_own():
    slow = Slow()
    together = Together(slow)
    slow.go.release()
    slow.go.release()
    found = await asyncio.gather(*(together.ask(n) for n in (1, -1, 3)), return_exceptions=True)
    assert found[0] == 2 and found[2] == 6 and isinstance(found[1], ValueError)


async def test_a_failure_of_the_work_reaches_every_asker_and_the_next_turn_goes_on():
    fails = True

    async def work(items):
        if fails:
            raise OSError("full")
        return list(items)

    together = Together(work)
    found = await asyncio.gather(together.ask(1), together.ask(2), return_exceptions=True)
    assert [str(error) for error in found] == ["full", "full"]
    fails = False
    assert await together.ask(3) == 3


async def test_who_leaves_loses_the_answer_only():
    slow = Slow()
    together = Together(slow)
    first, second = asyncio.create_task(together.ask(1)), asyncio.create_task(together.ask(2))
    await settled()
    first.cancel()
    slow.go.release()
    assert await second == 4
    assert slow.given == [[1, 2]]
    with pytest.raises(asyncio.CancelledError):
        await first


async def test_turns_are_bounded_in_number_and_in_size():
    slow = Slow()
    together = Together(slow, at_once=2)
    asked = []
    for n in range(MOST * 2 + 5):
        asked.append(asyncio.create_task(together.ask(n)))
        if n < 2:
            await settled()
    await settled()
    assert [len(items) for items in slow.given] == [1, 1]
    for _ in range(6):
        slow.go.release()
    assert await asyncio.gather(*asked) == [n * 2 for n in range(MOST * 2 + 5)]
    assert max(len(items) for items in slow.given) == MOST
