"""A flood's load beside the screens: 10,000 readings a second and 700 cases an hour must leave the wall's p95 within 1.5x.

The same page is measured twice, before and during: 5,000 moving units at 1,000 updates/s on the flood wall, painted latency from the
supplier's send. The readings come from 2,000 sensors in packs over the ingest WebSocket, like the cases.
"""

from __future__ import annotations

import random
import shutil
import tempfile
import threading
import time
from pathlib import Path

from playwright.sync_api import sync_playwright

from feeds.demo import prepare
from hall.core.settings import bus_socket
from tests.bench.pixel.__main__ import FEED, HALL, child, figures, poll
from tests.push import Supplier, feed_text
from tests.running import RunningHall, free_port_pair

UNITS, RATE, SENSORS = 5_000, 1_000, 2_000
READINGS_PER_SECOND, CASES_PER_HOUR = 10_000, 700
ROUND_SECONDS = 0.05


class Storm(threading.Thread):
    """Sends until `ended`; `readings` and `cases` count what was sent and acknowledged."""

    def __init__(self, base: str) -> None:
        super().__init__(daemon=True)
        self.base, self.ended, self.readings, self.cases, self.seconds, self.fault = base, threading.Event(), 0, 0, 0.0, ""

    def run(self) -> None:
        try:
            self._send()
        except Exception as error:  # told in the report
            self.fault = repr(error)

    def _send(self) -> None:
        dice = random.Random(1)
        places = [(113.92 + dice.gauss(0, 0.03), 35.30 + dice.gauss(0, 0.02)) for _ in range(SENSORS)]
        readings, cases = Supplier(self.base, "readings"), Supplier(self.base, "cases")
        began = due = time.monotonic()
        batch = int(READINGS_PER_SECOND * ROUND_SECONDS)
        while not self.ended.is_set():
            now = int(time.time() * 1000)
            rows = []
            for number in range(self.readings, self.readings + batch):
                sensor = number % SENSORS
                depth = round(abs(dice.gauss(0.15, 0.1)), 3)
                rows.append(
                    {
                        "sensor_id": f"s{sensor}",
                        "quantity": "water_depth",
                        "value": depth,
                        "time": now,
                        "lon": places[sensor][0],
                        "lat": places[sensor][1],
                    }
                )
            readings.send(rows)
            self.readings += batch
            if time.monotonic() - began > self.cases * 3600 / CASES_PER_HOUR:
                lon, lat = places[self.cases % SENSORS]
                cases.send(
                    [
                        {
                            "case_id": f"c{self.cases}",
                            "state": "reported",
                            "class_name": "突发事件",
                            "description": "道路积水",
                            "severity": 3,
                            "lon": lon,
                            "lat": lat,
                            "time": now,
                            "reported": now,
                        }
                    ]
                )
                self.cases += 1
            due += ROUND_SECONDS
            time.sleep(max(0.0, due - time.monotonic()))
        self.seconds = time.monotonic() - began
        readings.close()
        cases.close()


def measure(browser, folder: Path, seconds: float) -> tuple[dict, dict, Storm]:
    port = free_port_pair()
    config = prepare(folder / "city")
    text = config.read_text(encoding="utf-8")
    text = (
        text[: text.index("[[feeds]]")]
        + FEED.format(port=port)
        + feed_text("readings", "observation")
        + feed_text("cases", "case", 600)
    )
    config = config.with_name("bench.toml")
    config.write_text(text, encoding="utf-8")
    data = folder / "var"
    with RunningHall(data, config) as hall, child("load", str(port), str(UNITS), str(RATE), f"unix://{bus_socket(data)}"):
        page = browser.new_context(viewport={"width": 1920, "height": 1080}).new_page()
        page.goto(f"{hall.url}/wall/flood")
        poll(page, f"window.hall && hall.store && hall.store.docs('position').size >= {UNITS} && hall.maps['city-map']")
        page.evaluate(HALL)
        before = figures(page, seconds)
        storm = Storm(hall.url)
        storm.start()
        poll(page, f"hall.store.docs('observation').size >= {SENSORS}")
        during = figures(page, seconds)
        storm.ended.set()
        storm.join(20)
        page.close()
    return before, during, storm


def main() -> int:
    folder = Path(tempfile.mkdtemp(prefix="hall-storm-"))
    try:
        with sync_playwright() as api:
            browser = api.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox", "--disable-gpu"])
            before, during, storm = measure(browser, folder, 15)
            browser.close()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    ratio = during["units"]["p95"] / before["units"]["p95"]
    print(
        f"Flood wall, {UNITS:,} units at {RATE:,} updates/s; storm: {storm.readings / max(storm.seconds, 1):,.0f} readings/s, {storm.cases} cases. Load fault: {storm.fault or 'none'}."
    )
    print(f"**p95 during / before = {ratio:.2f}** (target <= 1.5: {'met' if ratio <= 1.5 else 'NOT met'}).\n")
    print("| | units p50 / p95 / p99 ms | cards p50 / p95 ms | frames/s |\n|---|---|---|---|")
    for name, found in (("before", before), ("during", during)):
        units, cards = found["units"], found["cards"]
        print(
            f"| {name} | {units['p50']} / {units['p95']} / {units['p99']} | {cards['p50']} / {cards['p95']} | {found['fps']:.0f} |"
        )
    return 1 if storm.fault else 0


if __name__ == "__main__":
    raise SystemExit(main())
