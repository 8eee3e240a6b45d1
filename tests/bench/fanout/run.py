"""One measured run of one contender at one rate, and the ladder that finds the highest rate it keeps."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

import psutil

from tests.bench.fanout.contenders import Contender

HERE = Path(__file__).parent
#: a rate is kept when 99 % of the events arrive within this, and all of them arrive
LIMIT_MS = 100.0


class Result(NamedTuple):
    rate: float
    sent: int
    arrived: float  # share of the sent events that screens which read everything got
    p50: float
    p99: float
    cpu: float  # share of a core used by the measured process while events were sent
    wire: float  # bytes per event and screen on the wire
    rss_mb: float
    behind: float

    @property
    def kept(self) -> bool:
        return self.p99 < LIMIT_MS and self.arrived > 0.999 and self.behind < 0.5


class Screens:
    """The client process."""

    def __init__(self, contender: Contender, clients: int, sample: int = 20) -> None:
        self.process = subprocess.Popen(
            [sys.executable, str(HERE / "client.py")], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self._say({**contender.screens, "clients": clients, "sample": sample})
        if self.process.stdout.readline().strip() != "ready":
            raise RuntimeError("the screens could not connect")

    def _say(self, message: dict) -> None:
        self.process.stdin.write(json.dumps(message) + "\n")
        self.process.stdin.flush()

    def finish(self) -> dict:
        self._say({"stop": True})
        found = json.loads(self.process.stdout.readline())
        self.process.wait(10)
        return found

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


def start_producer(contender: Contender, rate: float, seconds: float) -> subprocess.Popen:
    command = [sys.executable, str(HERE / "producer.py"), *contender.producer(rate, seconds)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={"PYTHONPATH": str(HERE.parents[2])})


def measure(contender: Contender, clients: int, rate: float, seconds: float = 4.0) -> Result:
    """Sends `rate` events a second for `seconds` to `clients` screens of a started contender."""
    screens = Screens(contender, clients)
    try:
        server = psutil.Process(contender.main.pid)
        before, began = sum(server.cpu_times()[:2]), time.monotonic()
        producer = start_producer(contender, rate, seconds)
        sent = json.loads(producer.communicate(timeout=seconds + 60)[0])
        cpu = (sum(server.cpu_times()[:2]) - before) / (time.monotonic() - began)
        got = screens.finish()
    finally:
        screens.kill()
    events = max(1, sent["sent"])
    return Result(
        rate, sent["sent"], got["whole_events"] / events, got["p50"] or float("inf"), got["p99"] or float("inf"), cpu,
        got["bytes"] / events / clients, server.memory_info().rss / 2**20, sent["behind"],
    )  # fmt: skip


def ladder(kind: type[Contender], clients: int, rates: list[float], seconds: float) -> list[Result]:
    """Climbs `rates` until one is not kept twice, each on a fresh server: one stall of the machine decides nothing."""
    found = []
    for rate in rates:
        for _ in range(2):
            result = _once(kind, clients, rate, seconds)
            if result.kept:
                break
        found.append(result)
        if not result.kept:
            break
    return found


def _once(kind: type[Contender], clients: int, rate: float, seconds: float) -> Result:
    contender = kind()
    try:
        contender.start()
        return measure(contender, clients, rate, seconds)
    finally:
        contender.stop()
