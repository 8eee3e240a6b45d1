"""One supervised process: what the supervisor does with a child that fails, or will not end."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import sys

import psutil

from hall.supervisor import Child


async def test_a_child_that_keeps_failing_is_started_ever_less_often():
    told, enough = [], asyncio.Event()

    def tell(line: str) -> None:
        told.append(line)
        if len(told) >= 4:
            enough.set()

    child = Child("bad", [sys.executable, "-S", "-c", "raise SystemExit(7)"], dict(os.environ), tell)
    child.start()
    await asyncio.wait_for(enough.wait(), 30)
    await child.stop()
    assert [re.search(r"bad ended with code 7; starting it again in ([\d.]+) s", line)[1] for line in told[:4]] == [
        "0.2", "0.4", "0.8", "1.6",
    ]  # fmt: skip


async def test_a_child_that_ignores_the_request_to_end_is_killed(monkeypatch):
    monkeypatch.setattr("hall.supervisor.STOP_SECONDS", 0.5)
    told, up = [], asyncio.Event()

    def tell(line: str) -> None:
        told.append(line)
        up.set()

    program = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(600)"
    child = Child("deaf", [sys.executable, "-S", "-c", program], dict(os.environ), tell)
    child.start()
    await asyncio.wait_for(up.wait(), 30)
    pid = child.process.pid
    await child.stop()
    with contextlib.suppress(psutil.NoSuchProcess):
        assert psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    assert any("killing it" in line for line in told)
