"""Soak: the flood wall in Chromium at 2,000 updates a second for an hour; does its memory stand still?

Supplier -> ingest WebSocket -> feeds -> Valkey -> gate -> Chromium. 5,000 vehicles move (1,850 positions/s), 120 gauges report (120/s), 300 cases
change (30/s); nothing grows by itself, so whatever grows is a leak. Once a minute the heap is read after a forced collection.

    python -m tests.bench.soak [minutes]        default 60
"""

from __future__ import annotations

import math
import random
import sys
import tempfile
import threading
import time
from pathlib import Path

from playwright.sync_api import sync_playwright

from tests.push import Supplier, push, write_city
from tests.running import RunningHall

CENTRE = (113.92, 35.30)
VEHICLES, GAUGES, CASES = 5_000, 120, 300
ROUND_SECONDS = 0.1
PER_ROUND = {"vehicles": 185, "gauges": 12, "cases": 3}
CHROMIUM = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]


def _place(number: int) -> tuple[float, float]:
    spread = random.Random(number)
    return CENTRE[0] + spread.uniform(-0.12, 0.12), CENTRE[1] + spread.uniform(-0.08, 0.08)


def position(number: int, now: int) -> dict:
    lon, lat = _place(number)
    turn = now / 20_000 + number
    return {
        "unit_id": f"v{number}", "name": f"车{number}", "kind": "vehicle", "state": "available", "time": now, "speed_mps": 8.0,
        "lon": lon + 0.01 * math.sin(turn), "lat": lat + 0.01 * math.cos(turn), "heading_deg": (turn * 57) % 360,
    }  # fmt: skip


def reading(number: int, now: int) -> dict:
    lon, lat = _place(10_000 + number)
    depth = round(0.2 + 0.2 * math.sin(now / 60_000 + number), 3)
    return {"sensor_id": f"g{number}", "quantity": "water_depth", "value": max(depth, 0.0), "time": now, "lon": lon, "lat": lat}


def case(number: int, now: int, first: int) -> dict:
    lon, lat = _place(20_000 + number)
    return {
        "case_id": f"c{number}", "state": "handling", "class_name": "突发事件", "description": f"道路积水 {now}", "severity": number % 5,
        "lon": lon, "lat": lat, "district": f"D{number % 6}", "report_source": "12345", "unit": "市政", "time": now, "reported": first, "due": first + 7_200_000,
    }  # fmt: skip


class Load(threading.Thread):
    """Sends 2,000 updates a second until `ended`; `sent` counts them."""

    def __init__(self, base: str) -> None:
        super().__init__(daemon=True)
        self.base, self.ended, self.sent, self.fault = base, threading.Event(), 0, ""

    def run(self) -> None:
        try:
            self._send()
        except Exception as error:  # told in the report: a soak without load proves nothing
            self.fault = repr(error)

    def _send(self) -> None:
        suppliers = {name: Supplier(self.base, name) for name in PER_ROUND}
        first, turn, due = int(time.time() * 1000), 0, time.monotonic()
        while not self.ended.is_set():
            now = int(time.time() * 1000)
            rows = {
                "vehicles": [position((turn * 185 + i) % VEHICLES, now) for i in range(185)],
                "gauges": [reading((turn * 12 + i) % GAUGES, now) for i in range(12)],
                "cases": [case((turn * 3 + i) % CASES, now, first) for i in range(3)],
            }
            for name, supplier in suppliers.items():
                supplier.send(rows[name])
                self.sent += len(rows[name])
            turn += 1
            due += ROUND_SECONDS
            time.sleep(max(0.0, due - time.monotonic()))
        for supplier in suppliers.values():
            supplier.close()


def slope_per_hour(minutes: list[float], values: list[float]) -> float:
    """Least-squares slope, per hour."""
    mean_x, mean_y = sum(minutes) / len(minutes), sum(values) / len(values)
    top = sum((x - mean_x) * (y - mean_y) for x, y in zip(minutes, values, strict=True))
    return 60 * top / sum((x - mean_x) ** 2 for x in minutes)


def sample(page, session) -> tuple[float, int, int]:
    """Heap after a forced collection (MB), DOM nodes, messages received."""
    session.send("HeapProfiler.collectGarbage")
    session.send("HeapProfiler.collectGarbage")
    found = {m["name"]: m["value"] for m in session.send("Performance.getMetrics")["metrics"]}
    return found["JSHeapUsedSize"] / 1e6, int(found["Nodes"]), page.evaluate("hall.link.messages")


def rss_mb(hall: RunningHall) -> dict[str, float]:
    return {name: hall.child(name).memory_info().rss / 1e6 for name in ("bus", "gate", "web", "feeds", "dispatch", "video")}


def main() -> int:
    minutes = float(sys.argv[1]) if len(sys.argv) > 1 else 60.0
    folder = Path(tempfile.mkdtemp(prefix="soak"))
    city = write_city(
        folder / "hall.toml", {"vehicles": "position", "gauges": "observation", "cases": "case", "directory": "sensor"}
    )
    with RunningHall(folder / "v", city) as hall, sync_playwright() as player:
        rows = [
            {
                "sensor_id": f"g{i}",
                "name": f"积水点{i}",
                "quantity": "water_depth",
                "kind": "road",
                "time": int(time.time() * 1000),
            }
            for i in range(GAUGES)
        ]
        push(hall.url, "directory", rows)
        browser = player.chromium.launch(executable_path="/usr/bin/chromium", args=CHROMIUM, ignore_default_args=["--headless"])
        page = browser.new_page(viewport={"width": 1920, "height": 1080}, bypass_csp=True)
        page.goto(f"{hall.url}/wall/flood")
        page.wait_for_function("window.hall && hall.link && hall.link.state === 'live'", timeout=30_000)
        session = page.context.new_cdp_session(page)
        session.send("Performance.enable")
        load = Load(hall.url)
        load.start()
        began = time.monotonic()
        curve = []
        while (now := (time.monotonic() - began) / 60) < minutes and load.is_alive():
            heap, nodes, messages = sample(page, session)
            curve.append((now, heap, nodes, messages, load.sent, rss_mb(hall)))
            print(
                f"{now:5.1f} min heap {heap:.2f} MB nodes {nodes} messages {messages} sent {load.sent}",
                file=sys.stderr,
                flush=True,
            )
            page.wait_for_timeout(60_000 if minutes > 5 else 10_000)
        state = page.evaluate("JSON.stringify(hall.panelStates())")
        load.ended.set()
        load.join(20)
        browser.close()
    report(curve, load, state)
    return 1 if load.fault else 0


def report(curve: list, load: Load, state: str) -> None:
    warm = [row for row in curve if row[0] >= min(10, curve[-1][0] / 3)]
    slope = slope_per_hour([row[0] for row in warm], [row[1] for row in warm])
    print(f"Flood wall, 1920x1080, {curve[-1][0]:.0f} min, {load.sent / max(curve[-1][0], 0.01) / 60:.0f} updates/s sent.")
    print(
        f"**Heap slope after warm-up: {slope:+.2f} MB/h** (target <= 2). Panels at the end: `{state}`. Load fault: {load.fault or 'none'}.\n"
    )
    print("| min | heap MB | DOM nodes | messages | " + " | ".join(f"{name} RSS MB" for name in curve[0][5]) + " |")
    print("|---" * (4 + len(curve[0][5])) + "|")
    for row in curve[:: max(1, len(curve) // 20)] + curve[-1:]:
        print(
            f"| {row[0]:.0f} | {row[1]:.2f} | {row[2]} | {row[3]} | " + " | ".join(f"{v:.0f}" for v in row[5].values()) + " |"
        )


if __name__ == "__main__":
    raise SystemExit(main())
