"""From the reading that crosses a line to the alarm's row on the flood wall: a whole hall, a real Chromium, 1,000 alarms in a minute.

Measured per alarm: from the moment at which the feed heard the reading (`recordedtime` of its observation) to the animation frame
after the one in which the alarm's row was first in the panel, so that it is on the glass. All are of the gravest severity and newest
first, as the panel lists them; one that newer ones pushed out before a frame is counted as never shown. Beside it: from the supplier's
sending, and what the browser counted of its own work. One machine runs supplier, hall and browser.

python -m tests.bench.alarm_painted [--size 1920x1080] [--seconds 60] [--alarms 1000] [--others 200]
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec
from playwright.sync_api import Page, sync_playwright

from hall.core.bus import Bus
from hall.core.settings import bus_socket
from tests.bench.flood_wall import COUNT, work
from tests.push import Supplier, write_city
from tests.running import RunningHall

GOAL_MS, TICKS = 200, 20
LIFE = "\n[dispatch.alarms.life.flood]\nbegins = 1000000\n"  # alarm by alarm: groups would hide the rows that are measured
WATCH = """() => {
  window.painted = {};
  const panel = document.querySelector('[data-panel=alarms]');
  new MutationObserver(() => {
    const fresh = [...panel.querySelectorAll('.alarm-row:not([hidden])')].map((row) => row.dataset.subject).filter((name) => name && !(name in painted));
    for (const name of fresh) painted[name] = 0;
    if (fresh.length) requestAnimationFrame(() => { for (const name of fresh) painted[name] = Date.now(); });
  }).observe(panel, { subtree: true, childList: true, attributes: true, attributeFilter: ['data-subject', 'hidden'] });
}"""


class Crossings(threading.Thread):
    """When each gauge's second reading above the line was sent, by the supplier's clock (this machine's, ms)."""

    def __init__(self, base: str, given: argparse.Namespace) -> None:
        super().__init__(daemon=True)
        self.base, self.given, self.sent, self.fault = base, given, {}, ""

    def run(self) -> None:
        try:
            self._send()
        except Exception as error:  # told in the report
            self.fault = repr(error)

    def _send(self) -> None:
        supplier, asked = Supplier(self.base, "gauges"), self.given
        ticks, began = int(asked.seconds * TICKS), time.monotonic()
        share = lambda tick: range(tick * asked.alarms // ticks, (tick + 1) * asked.alarms // ticks)  # noqa: E731
        for tick in range(ticks + TICKS):
            rows = [self.row(f"w{n}", 0.3) for n in share(tick)] if tick < ticks else []
            crossing = share(tick - TICKS) if tick >= TICKS else ()
            rows += [self.row(f"w{n}", 0.31) for n in crossing]
            each = asked.others // TICKS
            rows += [self.row(f"o{(tick * each + n) % 1_000}", 0.01) for n in range(each)]
            self.sent |= {f"w{n}": time.time() * 1000 for n in crossing}
            if rows:
                supplier.send(rows)
            time.sleep(max(0.0, began + (tick + 1) / TICKS - time.monotonic()))
        supplier.close()

    def row(self, name: str, depth: float) -> dict:
        number = int(name[1:])
        place = {"lon": 113.7 + number % 50 / 300, "lat": 35.2 + number // 50 / 300}
        return {"sensor_id": name, "quantity": "water_depth", "value": depth, "time": int(time.time() * 1000), **place}


async def heard(data: Path) -> tuple[dict[str, int], dict[str, int]]:
    """When the feed heard each crossing reading, and when its alarm was in the ledger, from the bus."""
    bus = Bus(f"unix://{bus_socket(data)}", "{hall}")
    readings: dict[str, int] = {}
    alarms: dict[str, int] = {}
    for lane, found, begin in (("bulk", readings, "observation/gauges/w"), ("fast", alarms, "alarm/gauges/w")):
        after = (0, 0)
        while entries := await bus.queue_read(lane, after=after, block_ms=100):
            for entry, fields in entries:
                after = entry
                for event in msgspec.json.decode(fields["p"]):
                    if event["subject"].startswith(begin) and event["data"] and event["data"].get("value", 0.31) == 0.31:
                        found.setdefault(event["subject"].split("/")[2], event["recordedtime"])
    await bus.close()
    return readings, alarms


def measured(page: Page, hall: RunningHall, given: argparse.Namespace) -> tuple[Crossings, dict[str, float], dict[str, float]]:
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable")
    page.evaluate(WATCH)
    page.evaluate(COUNT)
    before, crossings = work(session), Crossings(hall.url, given)
    crossings.start()
    began = time.monotonic()
    while crossings.is_alive():
        page.wait_for_timeout(200)
    page.wait_for_timeout(3_000)
    passed = time.monotonic() - began
    frames = page.evaluate("() => frames")
    spent = {name: (value - before[name]) / passed for name, value in work(session).items()}
    return crossings, page.evaluate("() => painted"), spent | {"frames": frames / passed}


def told(delays: list[float]) -> str:
    found = sorted(delays)
    at = lambda part: found[min(len(found) - 1, int(len(found) * part))]  # noqa: E731
    return f"{at(0.5):.0f} / **{at(0.95):.0f}** / {at(0.99):.0f} / {found[-1]:.0f} ms" if found else "-"


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--size", default="1920x1080")
    asked.add_argument("--seconds", type=float, default=60)
    asked.add_argument("--alarms", type=int, default=1_000)
    asked.add_argument("--others", type=int, default=200)
    given = asked.parse_args()
    width, height = map(int, given.size.split("x"))
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as api:
        config = write_city(Path(folder) / "hall.toml", {"gauges": "observation"}, extra=LIFE)
        with RunningHall(Path(folder) / "var", config) as hall:
            browser = api.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox", "--disable-gpu"])
            page = browser.new_page(viewport={"width": width, "height": height})
            page.goto(f"{hall.url}/wall/flood")
            page.wait_for_function("() => window.hall && hall.store.ready && hall.panels.size > 5", timeout=120_000)
            page.wait_for_timeout(5_000)
            crossings, painted, spent = measured(page, hall, given)
            with ThreadPoolExecutor(1) as other:  # this thread has the browser's loop
                when, kept = other.submit(lambda: asyncio.run(heard(Path(folder) / "var"))).result(60)
            browser.close()
    shown = {name.rpartition("/")[2]: at for name, at in painted.items() if at}
    both = [name for name in crossings.sent if name in shown]
    print(
        f"{len(crossings.sent):,} alarms in {given.seconds:g} s at {given.size}. Supplier's fault: {crossings.fault or 'none'}.\n"
    )
    print("| what | p50 / p95 / p99 / worst |\n|---|---|")
    print(
        f"| reading heard by the feed to its alarm painted | {told([shown[name] - when[name] for name in both if name in when])} |"
    )
    print(
        f"| reading sent by the supplier to its alarm painted | {told([shown[name] - crossings.sent[name] for name in both])} |\n"
    )
    print(f"Goal p95 <= {GOAL_MS} ms. Shown: {len(both):,}; never in the panel: {len(crossings.sent) - len(both):,}.")
    print(
        f"Frames/s {spent['frames']:.1f}; layouts/s {spent['LayoutCount']:.1f}, style passes/s {spent['RecalcStyleCount']:.1f}; of a second: "
        f"layout {1000 * spent['LayoutDuration']:.0f} ms, style {1000 * spent['RecalcStyleDuration']:.0f} ms, script {1000 * spent['ScriptDuration']:.0f} ms."
    )


if __name__ == "__main__":
    main()
