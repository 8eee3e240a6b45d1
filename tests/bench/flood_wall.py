"""`python -m tests.bench.flood_wall`: the flood wall at its full size while alarms come in a flood: frames per second, and
what the browser took of the processor for each of them (its processes' own time: holds on a busy machine, too).

1,000 alarms in a minute by default, each a new site with its sensor, reading, series and alarm, every third one also a closure;
the documents of docs/DISPATCH.md, sent by a scripted gate as the hall's gate sends them.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from pathlib import Path

from playwright.sync_api import CDPSession, Page, sync_playwright

from hall.core import config as config_module
from hall.core.clock import real_ms
from tests.browser.walls import flood, scenery, wallstage
from tests.browser.walls.conftest import CITY

COUNT = """() => { window.frames = 0; window.longest = 0; let last = performance.now();
  const count = (now) => { frames += 1; longest = Math.max(longest, now - last); last = now; requestAnimationFrame(count); };
  requestAnimationFrame(count); }"""
MINUTE = 60_000


def alarm(n: int) -> list[tuple]:
    """The documents of one more wet place."""
    now, site = real_ms(), f"flood/W{n:04d}"
    where = {"lon": 113.85 + 0.001 * (n % 100), "lat": 35.26 + 0.008 * (n // 100)}
    depth = round(0.15 + 0.0003 * n, 3)
    sensor = {
        "feed": "flood",
        "sensor_id": f"W{n:04d}",
        "name": f"{n} 号下穿",
        "kind": "underpass",
        "thresholds": flood.LINES,
        **where,
    }
    reading = {"feed": "flood", "sensor_id": f"W{n:04d}", "quantity": "water_depth", "value": depth, "unit": "m"}
    told = {
        "alarm_id": f"W{n}",
        "rule": "level",
        "cause": f"observation/{site}/water_depth",
        "severity": 2 + n % 3,
        "since": now,
    }
    rows = [
        (f"sensor/{site}", sensor),
        (f"observation/{site}/water_depth", reading),
        (
            f"series/{site}/water_depth",
            {"start": now - 60 * MINUTE, "step": MINUTE, "values": [depth * k / 60 for k in range(61)]},
        ),
        (
            f"alarm/{site}",
            {**told, "active": True, "acknowledged": False, "value": depth, "unit": "m", "threshold": 0.15, **where},
        ),
    ]
    if n % 3 == 0:
        closure = {
            "closure_id": f"W{n}",
            "name": sensor["name"],
            "kind": "underpass",
            "site": site,
            "state": "proposed",
            **where,
        }
        rows.append((f"closure/W{n}", {**closure, "since": now, "proposed": {"at": now, "by": "system"}}))
    return rows


def browser_cpu() -> float:
    """Seconds of processor that the browser's processes have taken so far."""
    parents, spent = {}, {}
    for found in Path("/proc").glob("[0-9]*/stat"):
        try:
            name, _, rest = found.read_text().partition(") ")
        except OSError:
            continue  # ended meanwhile
        fields = rest.split()
        parents[int(name.split()[0])] = int(fields[1])
        spent[int(name.split()[0])] = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK") * ("chrom" in name)
    mine = {os.getpid()}
    while more := {pid for pid, parent in parents.items() if parent in mine and pid not in mine}:
        mine |= more
    return sum(spent[pid] for pid in mine)


#: what the browser counts of its own work; durations in seconds
WORK = ("LayoutCount", "RecalcStyleCount", "LayoutDuration", "RecalcStyleDuration", "ScriptDuration", "TaskDuration")


def work(session: CDPSession) -> dict[str, float]:
    """The page's counters so far."""
    found = session.send("Performance.getMetrics")["metrics"]
    return {one["name"]: one["value"] for one in found if one["name"] in WORK}


def measured(page: Page, stage: wallstage.Stage, per_minute: int, seconds: float) -> dict:
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable")
    page.evaluate(COUNT)
    done = work(session)
    start, before, sent = time.monotonic(), browser_cpu(), 0
    while (passed := time.monotonic() - start) < seconds:
        due = min(per_minute, int(passed * per_minute / 60))
        for n in range(sent, due):
            stage.gate.put(*alarm(n))
        sent = max(sent, due)
        page.wait_for_timeout(50)
    passed = time.monotonic() - start
    spent = {name: value - done[name] for name, value in work(session).items()}
    frames, longest, faults = page.evaluate("() => [frames, longest, hall.store.faults]")
    shown = page.evaluate("() => hall.store.docs('alarm').size")
    return {
        "alarms_sent": sent, "alarms_held": shown, "seconds": round(passed, 1), "frames_per_second": round(frames / passed, 1),
        "longest_frame_ms": round(longest), "cpu_ms_per_frame": round(1000 * (browser_cpu() - before) / max(1, frames), 1),
        "cores_used": round((browser_cpu() - before) / passed, 2), "faults": faults,
        "layouts_per_second": round(spent["LayoutCount"] / passed, 1), "styles_per_second": round(spent["RecalcStyleCount"] / passed, 1),
        **{f"{name}_ms_per_second": round(1000 * spent[key] / passed, 1) for name, key in
           (("layout", "LayoutDuration"), ("style", "RecalcStyleDuration"), ("script", "ScriptDuration"), ("task", "TaskDuration"))},
    }  # fmt: skip


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--per-minute", type=int, default=1000)
    asked.add_argument("--seconds", type=float, default=60)
    asked.add_argument("--size", default="3840x2160")
    given = asked.parse_args()
    width, height = map(int, given.size.split("x"))
    with wallstage.serve(config_module.parse(CITY % (1, 1, width, height))) as stage, sync_playwright() as api:
        stage.gate.put(*scenery.city(), *flood.crews(), flood.response(), flood.reporting(("二七区",)))
        browser = api.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(viewport={"width": width, "height": height})
        page.goto(stage.url("flood"))
        page.wait_for_function("() => window.hall && hall.store.ready && hall.panels.size > 5")
        page.wait_for_timeout(3000)
        print(json.dumps(measured(page, stage, given.per_minute, given.seconds)))
        browser.close()


if __name__ == "__main__":
    main()
