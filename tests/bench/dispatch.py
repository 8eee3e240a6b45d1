"""The dispatch process on a real bus: how fast history comes in, and what a busy city costs it."""

from __future__ import annotations

import asyncio
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import msgspec
import psutil

from hall.core.board import EntryId
from hall.core.bus import Bus
from hall.core.clock import real_ms
from hall.core.embedded import server_command
from hall.core.event import Event, encode
from hall.core.model import Case, Observation, Stages, Threshold

ROOT = Path(__file__).parent.parent.parent
PRELOAD, CASES, READINGS, SECONDS, GAUGES = 60_000, 1_000, 10_000, 10, 500
CONFIG = '[city]\nname = {en = "Bench"}\ncentre = [1.0, 2.0]\n'


class Source:
    """Makes cases and readings as feeds would publish them."""

    def __init__(self) -> None:
        self.random, self.made = random.Random(1), 0

    def event(self, subject: str, moment: int, data: object) -> bytes:
        self.made += 1
        return encode(
            Event(id=f"b{self.made:09d}", source="bench", subject=subject, time=moment, recordedtime=moment, data=data)
        )

    def case(self, n: int, moment: int, closed: int | None = None) -> bytes:
        case = Case(
            feed="b",
            case_id=f"B{n:07d}",
            state="closed" if closed else "handling",
            class_name=f"class {n % 90}",
            description=f"citizen reports trouble number {n} near the bridge",
            address=f"{n % 900} Main Street",
            district=f"district {n % 12}",
            cell=f"c{n % 1000}",
            severity=n % 5,
            due=moment + 3_600_000,
            stages=Stages(reported=moment, closed=closed),
        )
        return self.event(f"case/b/{case.case_id}", closed or moment, case)

    def reading(self, n: int, moment: int) -> bytes:
        value = round(self.random.random() * 0.4, 3)
        reading = Observation(feed="g", sensor_id=f"s{n}", quantity="water_depth", value=value, unit="m")
        return self.event(f"observation/g/s{n}/water_depth", moment, reading)

    def sensor(self, n: int, moment: int) -> bytes:
        lines = [Threshold(value=0.15, severity=2), Threshold(value=0.27, severity=4)]
        return self.event(
            f"sensor/g/s{n}", moment, {"feed": "g", "sensor_id": f"s{n}", "thresholds": msgspec.to_builtins(lines)}
        )


async def all_counted(bus: Bus, after: EntryId, number: int) -> None:
    """Returns once `kpi/today`, told after the entry `after`, counts `number` open cases."""
    while True:
        for at, fields in await bus.queue_read("bulk", after=after, block_ms=1000):
            after = at
            for event in msgspec.json.decode(fields["p"]):
                if event["subject"] == "kpi/today" and event["data"]["cards"][-1]["value"] == number:
                    return


async def preload(bus: Bus, source: Source, dispatch) -> tuple[float, float]:
    """Seconds from the start of the process until all history is counted, and the processor seconds it took."""
    now = real_ms()
    for start in range(0, PRELOAD, 5_000):
        moments = [now - 20 * 3_600_000 + n * 1000 for n in range(start, start + 5_000)]
        last = await bus.publish([source.case(n, m) for n, m in zip(range(start, start + 5_000), moments, strict=True)])
    began, process = time.perf_counter(), dispatch()
    await all_counted(bus, last, PRELOAD)
    return time.perf_counter() - began, sum(psutil.Process(process.pid).cpu_times()[:2])


async def busy(bus: Bus, source: Source, pid: int) -> tuple[float, float, float, float]:
    """Share of a core, seconds until the last number is published, memory (MiB), events/s that were really sent."""
    await bus.publish([source.sensor(n, real_ms()) for n in range(GAUGES)])
    process, told = psutil.Process(pid), PRELOAD
    before, began = sum(process.cpu_times()[:2]), time.perf_counter()
    for tick in range(SECONDS * 20):
        now = real_ms()
        events = [source.case(told + n, now) for n in range(CASES // 20)]
        events += [source.reading(n % GAUGES, now + n // GAUGES) for n in range(READINGS // 20)]
        told += CASES // 20
        last = await bus.publish(events)
        await asyncio.sleep(max(0.0, began + (tick + 1) / 20 - time.perf_counter()))
    end = time.perf_counter()
    share = (sum(process.cpu_times()[:2]) - before) / (end - began)
    await all_counted(bus, last, told)
    delay, rate = time.perf_counter() - end, (CASES + READINGS) * SECONDS / (end - began)
    return share, delay, process.memory_info().rss / 2**20, rate


async def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        (home / "hall.toml").write_text(CONFIG)
        server = subprocess.Popen(server_command(home, home / "s"), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while not (home / "s").exists():
            await asyncio.sleep(0.01)
        bus, made = Bus(f"unix://{home / 's'}", "{bench}"), []
        env = os.environ | {"HALL_REDIS_URL": bus.url, "HALL_BUS_PREFIX": "{bench}", "HALL_LOG": "WARNING"}
        env |= {"HALL_DATA_DIR": folder, "HALL_CONFIG": str(home / "hall.toml")}

        def dispatch() -> subprocess.Popen:
            code = "import dispatch; from hall.core.process import main; main('dispatch', dispatch.run)"
            made.append(subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, env=env))
            return made[-1]

        try:
            source = Source()
            seconds, spent = await preload(bus, source, dispatch)
            share, delay, memory, rate = await busy(bus, source, made[0].pid)
        finally:
            for process in (*made, server):
                process.terminate()
                process.wait(10)
            await bus.close()
    print("| what | measured |\n|---|---|")
    print(
        f"| {PRELOAD:,} cases of history, from process start until every indicator counts them | {seconds:.1f} s ({spent:.1f} s CPU) |"
    )
    print(
        f"| {CASES:,} case events/s and {READINGS:,} readings/s of {GAUGES} gauges for {SECONDS} s: share of a core | {share:.0%} |"
    )
    print(f"| until the last of them is counted and published | {delay:.2f} s |")
    print(f"| memory then | {memory:.0f} MiB |")


if __name__ == "__main__":
    asyncio.run(main())
