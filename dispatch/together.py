"""What is asked while a thread is at work is given to it together when it comes back: one hop and one transaction for many."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

#: asked for together at most; the others are the next ones
MOST = 128


class Together:
    """`work(items)` answers a list, one result per item in order; a result that is an exception is raised to its asker.

    `at_once` calls of `work` are under way at most. What `work` itself raises, all of its askers get.
    """

    def __init__(self, work: Callable[[Sequence[Any]], Awaitable[list[Any]]], at_once: int = 1) -> None:
        self._work, self._free = work, at_once
        self._waiting: list[tuple[Any, asyncio.Future[Any]]] = []
        self._turns: set[asyncio.Task[None]] = set()

    async def ask(self, item: Any) -> Any:
        """The result for one item. Who is cancelled meanwhile loses only the answer: the work is done all the same."""
        answer = asyncio.get_running_loop().create_future()
        self._waiting.append((item, answer))
        if self._free:
            self._free -= 1
            turn = asyncio.create_task(self._turn())
            self._turns.add(turn)
            turn.add_done_callback(self._turns.discard)
        return await answer

    async def _turn(self) -> None:
        try:
            while self._waiting:
                taken, self._waiting = self._waiting[:MOST], self._waiting[MOST:]
                await self._serve(taken)
        finally:
            self._free += 1

    async def _serve(self, taken: list[tuple[Any, asyncio.Future[Any]]]) -> None:
        try:
            results = await self._results([item for item, _ in taken])
        except asyncio.CancelledError:  # the hall ends: nobody waits for ever
            for _, answer in taken + self._waiting:
                answer.cancel()
            raise
        for (_, answer), result in zip(taken, results, strict=True):
            _give(answer, result)

    async def _results(self, items: list[Any]) -> list[Any]:
        try:
            return await self._work(items)
        except Exception as error:
            return [error] * len(items)


def _give(answer: asyncio.Future[Any], result: Any) -> None:
    if answer.done():
        return  # nobody waits for it any longer
    if isinstance(result, BaseException):
        answer.set_exception(result)
    else:
        answer.set_result(result)
