"""The example client of docs/PROTOCOL.md, run as a stranger would run it."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from tests.hall.gate.conftest import event

EXAMPLE = Path(__file__).parents[3] / "docs" / "examples" / "listen.py"


async def test_the_example_prints_what_is_there_and_what_changes_over_a_restart_of_the_gate(bus, gate):
    await bus.publish([event(1, "case/x/1", 1, {"description": "积水"})])
    client = await asyncio.create_subprocess_exec(
        sys.executable, str(EXAMPLE), gate.url, "case", stdout=-1, stderr=asyncio.subprocess.DEVNULL,
        env={"PYTHONUNBUFFERED": "1", "PYTHONIOENCODING": "utf-8", "PATH": ""},
    )  # fmt: skip
    try:
        async with asyncio.timeout(20):
            assert (await client.stdout.readline()).decode() == 'case/x/1 {"description": "积水"}\n'
            await bus.publish([event(2, "case/x/1", 2, None), event(3, "case/x/2", 2)])
            assert await client.stdout.readline() == b"case/x/1 null\n"
            assert await client.stdout.readline() == b'case/x/2 {"n": 3}\n'
            await gate.stop()
            await bus.publish([event(4, "case/x/2", 3)])
            await gate.start()
            assert await client.stdout.readline() == b'case/x/2 {"n": 4}\n'
            await bus.publish([event(5, "case/x/3", 4)])
            assert await client.stdout.readline() == b'case/x/3 {"n": 5}\n'
    finally:
        client.kill()
        await client.wait()


def test_the_example_is_short_enough_to_read():
    assert len(EXAMPLE.read_text(encoding="utf-8").splitlines()) <= 60
