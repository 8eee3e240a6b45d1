"""A flood of alarms through a real dispatch process: 1,000 gauges cross their line within a minute, beside other readings.

Measured: from the publishing of the reading that crosses to the alarm on the bus's fast lane (engine, ledger, relay), and what the
process costs. What a wall adds is in `pixel` and `storm`.

python -m tests.bench.alarm_flood [seconds] [alarms]
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import msgspec
import psutil

from hall.core.bus import Bus
from hall.core.clock import real_ms
from hall.core.embedded import server_command
from hall.core.event import Event, encode

ROOT = Path(__file__).parent.parent.parent
BACKGROUND, OTHERS = 2_000, 2_000  # readings/s of gauges that stay dry, and how many there are
CONFIG = '[city]\nname = {en = "Bench"}\ncentre = [1.0, 2.0]\nlanguages = ["en"]\n'
GOAL_MS = 200


class Gauges:
    """Events as feeds would publish them."""

    def __init__(self) -> None:
        self.made = 0

    def event(self, subject: str, data: dict) -> bytes:
        self.made += 1
        now = real_ms()
        return encode(Event(id=f"b{self.made:09d}", source="bench", subject=subject, time=now, recordedtime=now, data=data))

    def sensor(self, name: str, n: int) -> bytes:
        place = {"lon": 113 + n % 50 / 300, "lat": 34 + n // 50 / 300, "district": f"d{n % 12}"}
        return self.event(f"sensor/g/{name}", {"feed": "g", "sensor_id": name, "kind": "road", "name": name, **place})

    def reading(self, name: str, value: float) -> bytes:
        data = {"feed": "g", "sensor_id": name, "quantity": "water_depth", "value": value, "unit": "m"}
        return self.event(f"observation/g/{name}/water_depth", data)


async def _told(bus: Bus, expected: int, at: dict[str, float]) -> None:
    after = await bus.last_entry("fast")
    while len(at) < expected:
        for entry, fields in await bus.queue_read("fast", after=after, block_ms=500):
            after, now = entry, time.perf_counter()
            for event in msgspec.json.decode(fields["p"]):
                if event["subject"].startswith("alarm/") and event["data"]:
                    at.setdefault(event["subject"].rpartition("/")[2], now)


async def _flood(bus: Bus, gauges: Gauges, seconds: int, alarms: int) -> dict[str, float]:
    """When each gauge's second reading over its line was published."""
    crossed: dict[str, float] = {}
    ticks, began, background = seconds * 20, time.perf_counter(), 0
    for tick in range(ticks):
        first = [f"w{n}" for n in range(tick * alarms // ticks, (tick + 1) * alarms // ticks)]
        second = [f"w{n}" for n in range(max(0, tick - 20) * alarms // ticks, max(0, tick - 19) * alarms // ticks)]
        events = [gauges.reading(name, 0.16) for name in first] + [gauges.reading(name, 0.17) for name in second]
        events += [gauges.reading(f"o{(background + n) % OTHERS}", 0.01) for n in range(BACKGROUND // 20)]
        background += BACKGROUND // 20
        crossed |= dict.fromkeys(second, time.perf_counter())
        await bus.publish(events)
        await asyncio.sleep(max(0.0, began + (tick + 1) / 20 - time.perf_counter()))
    return crossed


async def measure(bus: Bus, dispatch, seconds: int, alarms: int) -> tuple[list[float], float]:
    gauges, told = Gauges(), {}
    await bus.publish([gauges.sensor(f"w{n}", n) for n in range(alarms)])
    await bus.publish([gauges.sensor(f"o{n}", n) for n in range(OTHERS)])
    await bus.publish([gauges.reading(f"w{n}", 0.1) for n in range(alarms)])
    process = psutil.Process(dispatch().pid)
    await asyncio.sleep(5)  # it has started and read what there is
    before, began = sum(process.cpu_times()[:2]), time.perf_counter()
    expected = len([n for n in range(alarms) if n < (seconds * 20 - 20) * alarms // (seconds * 20)])
    listening = asyncio.create_task(_told(bus, expected, told))
    crossed = await _flood(bus, gauges, seconds, alarms)
    async with asyncio.timeout(60):
        await listening
    share = (sum(process.cpu_times()[:2]) - before) / (time.perf_counter() - began)
    return sorted((told[name] - crossed[name]) * 1000 for name in told if name in crossed), share


async def main() -> None:
    seconds, alarms = (int(sys.argv[n]) if len(sys.argv) > n else default for n, default in ((1, 60), (2, 1_000)))
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
            delays, share = await measure(bus, dispatch, seconds, alarms)
        finally:
            for process in (*made, server):
                process.terminate()
                process.wait(10)
            await bus.close()
    at = lambda part: delays[min(len(delays) - 1, int(len(delays) * part))]  # noqa: E731
    print(f"{alarms:,} alarms in {seconds} s beside {BACKGROUND:,} other readings/s.\n")
    print("| what | measured |\n|---|---|")
    print(
        f"| reading published to alarm on the bus, p50 / p95 / p99 / worst | {at(0.5):.0f} / **{at(0.95):.0f}** / {at(0.99):.0f} / {delays[-1]:.0f} ms |"
    )
    print(f"| goal p95 <= {GOAL_MS} ms | {'met' if at(0.95) <= GOAL_MS else 'not met'} |")
    print(f"| the dispatch process meanwhile, share of a core | {share:.0%} |")


if __name__ == "__main__":
    asyncio.run(main())
