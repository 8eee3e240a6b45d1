"""Readings per second and core through the whole intake: JSON bytes → rows → mapping → checks → known? → district and
cell → event → packed onto a real Valkey. Half the sensors stand still, half move, so both ways of placing are measured.

Run: `python -m tests.bench.intake [seconds]`; prints a table.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import json
import random
import resource
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace

import msgspec
import shapely
import shapely.geometry

from feeds.decoding import Decoding
from feeds.intake import Intake
from feeds.known import Subjects
from feeds.places import Places
from feeds.rim import FeedRim
from hall.core import config as configuration
from hall.core.bus import Bus
from hall.core.clock import CityClock, real_ms
from hall.core.embedded import server_command
from hall.core.publisher import Publisher

SENSORS, BODY, CELLS = 10_000, 1_000, 100

CONFIG = """
[city]
name = {en = "Bench"}
centre = [113.9, 35.3]
boundary = "districts.json"
cells = "cells.json"
cells_code = "name"

[[feeds]]
name = "gauges"
kind = "observation"
url = "push://"
crs = "WGS-84"
[feeds.mapping]
sensor_id = "id"
quantity = {const = "water_depth"}
value = {path = "depth", unit = "cm"}
time = {path = "ts", time = "epoch_ms"}
lon = "pos.lng"
lat = "pos.lat"
"""


def grid(count: int, west: float, south: float, size: float) -> bytes:
    """`count` x `count` square polygons as GeoJSON."""
    step = size / count
    features = []
    for column in range(count):
        for row in range(count):
            x, y = west + column * step, south + row * step
            ring = [[x, y], [x + step, y], [x + step, y + step], [x, y + step], [x, y]]
            geometry = {"type": "Polygon", "coordinates": [ring]}
            features.append({"type": "Feature", "properties": {"name": f"{column}-{row}"}, "geometry": geometry})
    return msgspec.json.encode({"type": "FeatureCollection", "features": features})


@contextlib.asynccontextmanager
async def running(folder: Path) -> AsyncIterator[tuple[FeedRim, Publisher]]:
    """A rim that publishes to a real, embedded Valkey."""
    socket = folder / "s"
    server = subprocess.Popen(server_command(folder, socket), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    bus = Bus(f"unix://{socket}")
    try:
        while not socket.exists():
            await asyncio.sleep(0.01)
        (folder / "districts.json").write_bytes(grid(4, 113.8, 35.2, 0.2))
        (folder / "cells.json").write_bytes(grid(CELLS, 113.8, 35.2, 0.2))
        config = configuration.parse(CONFIG, str(folder / "hall.toml"))
        publisher, clock, feed = Publisher(bus), CityClock(), config.feeds[0]
        process = SimpleNamespace(
            bus=bus, clock=clock, bulk=publisher, settings=SimpleNamespace(data_dir=folder, embedded=True)
        )
        intake = Intake(publisher, clock, Places(config), Subjects())
        sending = asyncio.create_task(publisher.run())
        yield FeedRim(process, feed, Decoding(feed, config), intake, config), publisher
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)
    finally:
        await bus.close()
        server.terminate()
        server.wait(10)


def body(start: int, moment: int, chance: random.Random) -> bytes:
    rows = []
    for number in range(start, start + BODY):
        sensor = number % SENSORS
        jitter = chance.random() * 0.01 if sensor % 2 else 0.0
        place = {"lng": 113.8 + (sensor % 100) * 0.0019 + jitter, "lat": 35.2 + (sensor // 100) * 0.0019}
        rows.append({"id": f"S{sensor:06d}", "depth": round(chance.random() * 60, 1), "ts": moment + number, "pos": place})
    return json.dumps(rows).encode()


def cpu_seconds() -> float:
    """What this process has computed so far: on a shared machine the honest measure of one core."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


async def measure(seconds: float) -> dict[str, float]:
    """Readings per CPU second of this process, publishing included; no body is counted while it is made."""
    with tempfile.TemporaryDirectory() as folder:
        async with running(Path(folder)) as (rim, publisher):
            chance, moment, spent = random.Random(7), real_ms() - 80_000_000, 0.0
            while spent < seconds:
                bodies = [body(n * BODY, moment, chance) for n in range(40)]
                moment += 1_000_000
                begun = cpu_seconds()
                for part in bodies:
                    await rim.bytes(part)
                await rim.durable()
                spent += cpu_seconds() - begun
            total = rim.total
            assert total.parked == total.late == total.duplicates == 0, total
            assert publisher.sent == total.accepted
            return {"rate": total.accepted / spent, "readings": total.accepted}


def measure_peer(seconds: float) -> float:
    """The same work written the obvious way: json, one dict, one tree query per reading, json again."""
    cells = json.loads(grid(CELLS, 113.8, 35.2, 0.2))["features"]
    tree = shapely.STRtree([shapely.geometry.shape(feature["geometry"]) for feature in cells])
    chance, known, done, spent = random.Random(7), {}, 0, 0.0
    while spent < seconds:
        part = body(done, real_ms(), chance)
        begun = cpu_seconds()
        for row in json.loads(part):
            moment = datetime.datetime.fromtimestamp(row["ts"] / 1000, datetime.UTC)
            if known.get(row["id"], datetime.datetime.min.replace(tzinfo=datetime.UTC)) >= moment:
                continue
            known[row["id"]] = moment
            hits = tree.query(shapely.Point(row["pos"]["lng"], row["pos"]["lat"]), predicate="intersects")
            cell = cells[hits[0]]["properties"]["name"] if len(hits) else ""
            json.dumps({"id": row["id"], "value": row["depth"] / 100, "time": moment.isoformat(), "cell": cell, **row["pos"]})
            done += 1
        spent += cpu_seconds() - begun
    return done / spent


def main() -> None:
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 5.0
    ours, peer = asyncio.run(measure(seconds)), measure_peer(min(seconds, 3.0))
    print("| measure | figure |\n|---|---|")
    print(f"| intake / obvious way (json, dict, one tree query each) | {ours['rate'] / peer:.2f} |")
    print(f"| intake, readings per second of one core | {ours['rate']:,.0f} |")
    print(f"| obvious way, readings per second of one core | {peer:,.0f} |")
    print(f"| readings measured | {ours['readings']:,} |")


if __name__ == "__main__":
    main()
