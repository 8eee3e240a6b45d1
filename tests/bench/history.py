"""The last 72 hours on the map: what 5,000 movers every 10 s and 8,000 cases a day take on disk, seeking any moment until it is painted, and
playing at 600x, on a wall of 3840 by 2160 in a software-rendered Chromium. One hour is heard in full; disk is what it took, times 72.

Movers: a third stands, the others turn at corners every minute or so; positions are off by 2 m (one sigma). The peer of the same run: the
same events as compressed JSON, as dispatch/readings keeps readings. `HALL_BENCH_MOVERS` and `HALL_BENCH_MINUTES` make it smaller.
"""

from __future__ import annotations

import os
import random
import tempfile
import time
import zlib
from collections.abc import Iterator
from pathlib import Path

import msgspec
import numpy as np
from playwright.sync_api import Page, sync_playwright

from dispatch.history.past import Past
from dispatch.history.settings import FILE, TOPICS
from dispatch.history.store import Store
from dispatch.reader import Head
from feeds.demo import prepare
from hall.app.history import History
from hall.core import config
from hall.core.clock import real_ms
from tests.browser.map import mappage, scenery

MOVERS = int(os.environ.get("HALL_BENCH_MOVERS", 5_000))
MINUTES = int(os.environ.get("HALL_BENCH_MINUTES", 60))
GAUGES, CASES_A_DAY, HOURS = 300, 8_000, 72
DOCS = TOPICS - {"process"}
SEEK = """async ([since, until, runs]) => { const replay = bar.replay, took = [];
  const frame = () => new Promise(done => requestAnimationFrame(done));
  for (let i = 0; i < runs; i += 1) { const t = since + Math.random() * (until - since), from = performance.now();
    await replay.setTime(t); while (view.pace.soon) await frame(); await frame(); await frame(); took.push(performance.now() - from); }
  return took; }"""
PLAY = """async ([since, seconds]) => { const replay = bar.replay; await replay.setTime(since);
  const steps = []; const stop = replay.onTime(r => { if (r.getTime() !== steps[steps.length - 1]) steps.push(r.getTime()); });
  const from = performance.now(); replay.play(600); await new Promise(done => setTimeout(done, seconds * 1000));
  const passed = performance.now() - from, reached = replay.getTime() ?? steps[steps.length - 1]; replay.pause(); stop();
  return [steps.length / passed * 1000, (reached - since) / passed]; }"""


def head(subject: str, moment: int, data: dict) -> Head:
    return Head(f"{moment:x}", "bench", subject, moment, moment, msgspec.Raw(msgspec.json.encode(data)))


def told(begun: int) -> Iterator[list[Head]]:
    """What the bus says, ten seconds at a time."""
    chance, dice = np.random.default_rng(6), random.Random(6)
    lon, lat = chance.normal(113.92, 0.06, MOVERS), chance.normal(35.30, 0.05, MOVERS)
    heading = chance.uniform(0, 360, MOVERS)
    speed = np.where(np.arange(MOVERS) % 3 == 0, 0.0, chance.uniform(4, 14, MOVERS))
    level, cases, number = chance.uniform(0, 0.3, GAUGES), scenery.cases(dice, 400), 0
    yield [head(f"sensor/g/{n}", begun, {"feed": "g", "sensor_id": str(n), **scenery.around(dice)}) for n in range(GAUGES)]
    for step in range(MINUTES * 6):
        now = begun + step * 10_000
        turning = chance.random(MOVERS) < 1 / 6
        heading = np.where(turning, (heading + chance.choice([-90, 90], MOVERS)) % 360, heading)
        lon += speed * 10 * np.sin(np.radians(heading)) / 90_700
        lat += speed * 10 * np.cos(np.radians(heading)) / 111_195
        east, north = lon + chance.normal(0, 2 / 90_700, MOVERS), lat + chance.normal(0, 2 / 111_195, MOVERS)
        rows = [head("process/feeds", now, {})]
        xs, ys, ways, speeds = (np.round(values, 6).tolist() for values in (east, north, heading, speed))
        for n in range(MOVERS):
            data = {
                "feed": "v", "unit_id": str(n), "name": f"车 {n}", "kind": "vehicle", "state": "available", "lon": xs[n],
                "lat": ys[n], "speed_mps": round(speeds[n], 1), "heading_deg": round(ways[n], 1), "accuracy_m": 5.0,
            }  # fmt: skip
            rows.append(head(f"position/v/{n}", now + n % 10_000, data))
        if step % 6 == 0:
            level = np.maximum(0, level + chance.choice([0, 0, 0, 0.01, -0.01], GAUGES))
            for n in range(GAUGES):
                data = {
                    "feed": "g",
                    "sensor_id": str(n),
                    "quantity": "water_depth",
                    "value": round(float(level[n]), 2),
                    "unit": "m",
                }
                rows.append(head(f"observation/g/{n}/water_depth", now, data))
        for _ in range(int(chance.poisson(CASES_A_DAY / 8_640 * 8))):  # a case is told about eight times on its way
            number += int(chance.random() < 1 / 8)
            data = cases[number % 400][1] | {
                "case_id": str(number),
                "state": dice.choice(("reported", "handling", "handle_finish")),
            }
            rows.append(head(f"case/c/{max(0, number - dice.randrange(8))}", now, data))
        yield rows


def kept(folder: Path, begun: int) -> dict[str, float]:
    """Hears everything; seconds per 1,000 events and bytes."""
    store, events, took, peer = Store(folder / FILE, HOURS * 3_600_000, 2**40), 0, 0.0, 0
    for n, rows in enumerate(told(begun)):
        from_ = time.process_time()
        store.write(rows, {"bulk": (n, 0)})
        took += time.process_time() - from_
        events += len(rows)
        peer += len(zlib.compress(msgspec.json.encode(rows), 1))
    store.close()
    db = Past(folder)
    segments = db.extent()["segments"]
    per_hour = sum(size for _, _, size in segments) / len(segments) * 6
    docs = db._db.execute("SELECT sum(length(body) + length(subject) + 60), count(*) FROM doc").fetchone()
    points, heard = db._db.execute("SELECT sum(points), sum(heard) FROM segment").fetchone()
    db.close()
    per_hour_docs = docs[0] * 60 / MINUTES
    return {
        "events": events, "us": took / events * 1e6, "segments": per_hour, "docs": per_hour_docs, "peer": peer * 60 / MINUTES,
        "left": points / heard,
    }  # fmt: skip


def answers(folder: Path, since: int, until: int) -> dict[str, list[float]]:
    """ms of the server's own answers at random moments."""
    past, dice, found = Past(folder), random.Random(1), {"state": [], "changes": [], "segment": [], "open": []}
    starts = [row[0] for row in past.extent()["segments"]]
    asks = {
        "state": lambda moment: past.state(moment, DOCS),
        "changes": lambda moment: past.changes(moment, moment + 600_000, DOCS, 0, 5_000),
        "segment": lambda moment: past.segment(dice.choice(starts)),
    }
    for _ in range(40):
        moment = dice.randrange(since, until)
        for name, ask in asks.items():
            from_ = time.perf_counter()
            ask(moment)
            found[name].append((time.perf_counter() - from_) * 1000)
    from_ = time.perf_counter()
    past.open_segment()
    found["open"].append((time.perf_counter() - from_) * 1000)
    past.close()
    return found


def browser(folder: Path, since: int, until: int) -> tuple[list[float], list[float]]:
    with tempfile.TemporaryDirectory() as city, sync_playwright() as api:
        os.environ["HALL_DATA_DIR"] = city
        part = History(lambda: Past(folder), DOCS, HOURS * 3_600_000)
        with mappage.serve(config.load(prepare(Path(city))), routers=(part.router,)) as (address, gate):
            chromium = api.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox", "--disable-gpu"])
            page: Page = chromium.new_page(viewport={"width": 3840, "height": 2160})
            gate.put(*scenery.alive())
            page.goto(address)
            page.wait_for_function("hall.maps && hall.maps['city-map'] && document.querySelector('[data-count-cases]')")
            page.evaluate(
                "view = [...hall.citymap.live][0], bar = view.layers.get('time').bar(), hall.page.wall = null, bar.toggle(true), 0"
            )
            page.wait_for_function("bar.replay.past.extent")
            seeks = page.evaluate(SEEK, [since + 60_000, until, 30])
            page.evaluate("t => bar.replay.setTime(t)", since + 60_000)
            played = page.evaluate(PLAY, [since + 60_000, min(5, MINUTES / 12)])
            chromium.close()
        part.close()
    return seeks, played


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder, until = Path(name), real_ms()
        begun = until - MINUTES * 60_000
        disk = kept(folder, begun)
        server = answers(folder, begun, until)
        seeks, (steps, pace) = browser(folder, begun, until - 20_000)
    at = lambda values, part: float(np.percentile(values, part))  # noqa: E731
    mib = 2**20
    total = (disk["segments"] + disk["docs"]) / mib
    print("| what | figure |\n|---|---|")
    print(f"| disk of {MOVERS:,} movers every 10 s and {CASES_A_DAY:,} cases a day, per hour | {total:.1f} MiB |")
    print(f"| the same in {HOURS} h | {total * HOURS:,.0f} MiB |")
    print(
        f"| as compressed JSON (the peer), per hour | {disk['peer'] / mib:.1f} MiB, {disk['peer'] / mib / total:.1f} times as much |"
    )
    print(f"| points kept of those heard, within 5 m | {disk['left']:.0%} |")
    print(f"| processor time of keeping one event ({disk['events']:,} heard) | {disk['us']:.1f} µs |")
    for label, key in (("documents at a moment", "state"), ("changes of ten minutes", "changes"), ("a segment", "segment")):
        print(f"| server: {label}, p50 / p95 | {at(server[key], 50):.1f} / {at(server[key], 95):.1f} ms |")
    print(f"| server: packing the segment that runs | {server['open'][0]:.0f} ms |")
    print(f"| seek to painted at 3840x2160, p50 / p95 | {at(seeks, 50):.0f} / {at(seeks, 95):.0f} ms |")
    print(f"| playing at 600x: pictures a second, pace reached | {steps:.1f}, {pace:.0f}x |")


if __name__ == "__main__":
    main()
