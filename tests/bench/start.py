"""From `hall run` to a painted wall in Chromium, and what all processes weigh when idle. Five cold starts of the demo city.

python -m tests.bench.start [runs]
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from pathlib import Path

import psutil
from playwright.sync_api import sync_playwright

from tests.bench.soak import CHROMIUM
from tests.running import RunningHall

NAMES = ("bus", "gate", "web", "feeds", "dispatch", "video")
#: every panel mounted and fed, the map's counts read: what a person calls "it is there"
PAINTED = "window.hall && hall.panelStates && Object.keys(hall.panelStates()).length >= 8 && document.querySelector('[data-count-cases]') && document.querySelector('[data-kpi]') && true"


def one(browser, folder: Path) -> dict[str, float]:
    began = time.monotonic()
    with RunningHall(folder / "v") as hall:
        ready = time.monotonic() - began
        context = browser.new_context(viewport={"width": 1920, "height": 1080}, bypass_csp=True)
        page = context.new_page()
        page.goto(f"{hall.url}/wall/flood")
        page.wait_for_function(PAINTED, timeout=30_000)
        painted = time.monotonic() - began
        time.sleep(20)  # idle: the first minute's work is over
        memory = {name: hall.child(name).memory_info().rss / 1e6 for name in NAMES}
        memory["supervisor"] = psutil.Process(hall.process.pid).memory_info().rss / 1e6
        context.close()
    return {"ready": ready, "painted": painted, **memory}


def main() -> int:
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    with sync_playwright() as player:
        browser = player.chromium.launch(executable_path="/usr/bin/chromium", args=CHROMIUM, ignore_default_args=["--headless"])
        rows = [one(browser, Path(tempfile.mkdtemp(prefix="start"))) for _ in range(runs)]
        browser.close()
    total = [sum(row[name] for name in (*NAMES, "supervisor")) for row in rows]
    print(
        f"`hall run` to painted wall: median **{statistics.median(r['painted'] for r in rows):.1f} s** (target 8), worst {max(r['painted'] for r in rows):.1f} s; addresses printed after {statistics.median(r['ready'] for r in rows):.1f} s."
    )
    print(f"Memory of all processes, demo city, one wall open: median **{statistics.median(total):.0f} MB** (target 600).\n")
    print("| process | RSS MB |\n|---|---|")
    for name in (*NAMES, "supervisor"):
        print(f"| {name} | {statistics.median(r[name] for r in rows):.0f} |")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
