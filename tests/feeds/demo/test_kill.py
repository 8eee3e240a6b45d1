"""The real feeds process, killed without warning: the story goes on, nothing is lost, nothing is told twice."""

import asyncio
import os
import signal
import sys

import msgspec
import pytest

from feeds.demo import SEED, prepare
from feeds.demo.world import Memory, World
from hall.core.board import Board

CODE = "import sys; from hall.cli import main; sys.exit(main(['feeds']))"


async def _board(bus, until):
    """The board once `until(board)` holds; asks the bus again as events come."""
    board = Board()
    await bus.load_board(board)
    async for entries in bus.follow("bulk", board.position.bulk, block_ms=200):
        board = board if not entries else Board()
        if entries:
            await bus.load_board(board)
        if until(board):
            return board


@pytest.mark.chaos
async def test_killed_twice_the_feeds_tell_the_same_cases_as_the_story(bus, tmp_path):
    environment = os.environ | {
        "HALL_CONFIG": str(prepare(tmp_path)), "HALL_DATA_DIR": str(tmp_path), "HALL_REDIS_URL": bus.url,
        "HALL_BUS_PREFIX": bus.prefix,
    }  # fmt: skip
    newest = 0
    for least in (1, 300, 300):
        process = await asyncio.create_subprocess_exec(sys.executable, "-c", CODE, env=environment)
        try:
            async with asyncio.timeout(60):
                board = await _board(bus, lambda b, n=least, t=newest: b.count("case") >= n and _newest(b) > t)
        finally:
            process.send_signal(signal.SIGKILL)
            await process.wait()
        newest = _newest(board)
    board = Board()
    await bus.load_board(board)
    told_until = int(await bus.get("cursor", "cases"))
    world = World(SEED, msgspec.json.decode(await bus.get("replay", f"demo-{SEED}"), type=Memory))
    told = [msgspec.json.decode(entry.raw) for entry in board.current(["case", "archive"])]
    found = {event["data"]["case_id"]: (event["data"].get("state", "reported"), event["data"]["stages"]) for event in told}
    assert len(found) == len(told)
    expected = {}
    for plan in world.cases.known(told_until):
        case = msgspec.to_builtins(plan.document("cases", told_until))
        expected[plan.case_id] = (case.get("state", "reported"), case["stages"])
    assert found == expected


def _newest(board):
    """Time of the newest position: grows only while the feeds tell."""
    return max((msgspec.json.decode(entry.raw)["time"] for entry in board.current(["position"])), default=0)
