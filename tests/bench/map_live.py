"""Moving and standing things on the city map at 3840 by 2160, software-rendered: 5,000 movers from the frame that told them to the painted one, clusters of
5,000 cases and 20,000 cameras, 100,000 cameras counted by the hall. `HALL_BENCH_MOVERS` makes it smaller.

The peer of the same run: Leaflet's own circle markers on a canvas, as many as there are movers, moved in the same way.
"""

from __future__ import annotations

import os
import random
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from playwright.sync_api import Page, sync_playwright

from feeds.demo import prepare
from hall.core import config
from hall.core.clock import real_ms
from hall.core.config import WallGeometry
from hall.core.model import Channel
from tests.browser.map import mappage, scenery
from tests.video.catalogue.cameras import Told
from video.catalogue.grids import grid
from video.catalogue.index import Query
from video.catalogue.scope import ALL

MOVERS = int(os.environ.get("HALL_BENCH_MOVERS", "5000"))
CASES, CAMERAS, SHARED, RUNS = 5_000, 20_000, 100_000, 25
MAP = "[...hall.citymap.live][0]"
FRAME = "const frame = () => new Promise(done => requestAnimationFrame(done));"
#: all movers take a step, told as one frame of the gate would be: ms until the map has drawn them, and until the second frame after
MOVE = f"""async runs => {{ {FRAME} const told = [...hall.store.docs('position').values()], drawn = [], shown = [], map = {MAP};
  for (let i = 1; i <= runs; i += 1) {{
    await new Promise(done => setTimeout(done, 700));
    const now = Date.now(), events = told.map((e) => ({{ ...e, id: e.id + '-' + i, time: now, recordedtime: now, data: {{ ...e.data, lon: e.data.lon + 1e-4 * i }} }}));
    const from = performance.now(), before = map.stage.painted;
    hall.store.take(events, false);
    while (map.stage.painted === before) await frame();
    drawn.push(performance.now() - from); await frame(); await frame(); shown.push(performance.now() - from); }}
  return [drawn, shown]; }}"""
SHEET = f"""async ([name, before, runs]) => {{ {FRAME} const map = {MAP}, work = new Function('map', before), took = [];
  const sheet = map.stage.sheets.get(name), c = sheet.context || document.createElement('canvas').getContext('2d');
  if (!sheet.context) {{ c.canvas.width = 3840; c.canvas.height = 2160; }}
  for (let i = 0; i < runs; i += 1) {{ await frame(); work(map); const from = performance.now(); sheet.draw(c, map.stage.frame);
    c.getImageData(0, 0, 1, 1); took.push(performance.now() - from); }} return took; }}"""
PEER = f"""async ([lons, lats, runs]) => {{ {FRAME} const renderer = L.canvas(), map = hall.maps['city-map'], shown = [];
  const group = L.layerGroup(lons.map((lon, i) => L.circleMarker([lats[i], lon], {{ renderer, radius: 6 }}))).addTo(map);
  for (let i = 1; i <= runs; i += 1) {{ await new Promise(done => setTimeout(done, 300)); const from = performance.now(); let n = 0;
    group.eachLayer((one) => {{ one.setLatLng([lats[n], lons[n] + 1e-4 * i]); n += 1; }}); await frame(); await frame(); await frame(); shown.push(performance.now() - from); }}
  group.remove(); return shown; }}"""


def of(took: list[float]) -> str:
    return f"{np.percentile(took, 50):.0f} / {np.percentile(took, 95):.0f} ms"


def cameras() -> Told:
    chance, told = random.Random(3), Told()
    for n in range(SHARED):
        place = {"lon": 113.92 + chance.gauss(0, 0.08), "lat": 35.30 + chance.gauss(0, 0.06)}
        told.tell(Channel(feed="c", channel_id=str(n), name=f"路口 {n}", state="online", **place))
    return told


def answered(page: Page, told: Told, took: list[float]) -> None:
    """The hall's own answers about cameras behind the page's address."""

    def answer(route: Any) -> None:
        from urllib.parse import parse_qs, urlsplit

        asked = {name: values[0] for name, values in parse_qs(urlsplit(route.request.url).query).items()}
        query = Query(box=tuple(map(float, asked["box"].split(","))) if "box" in asked else None)
        begun = time.perf_counter()
        if "/grid" in route.request.url:
            found = grid(told.catalogue.index, query, ALL, int(asked["level"])) | {"as_of": real_ms()}
            took.append((time.perf_counter() - begun) * 1000)
        else:
            found = told.catalogue.search(query, ALL, asked.get("cursor", ""), int(asked["limit"]), asked.get("since", ""))
        route.fulfill(json=found)

    page.route("**/api/v1/channels?*", answer)
    page.route("**/api/v1/channels/grid?*", answer)


def measured(page: Page, gate: mappage.Gate, chance: random.Random) -> list[tuple[str, str]]:
    found = []
    gate.put(*scenery.units(chance, MOVERS))
    page.wait_for_function(f"hall.store.docs('position').size === {MOVERS}")
    drawn, shown = page.evaluate(MOVE, RUNS)
    found.append((f"{MOVERS:,} movers, told to drawn, p50 / p95", of(drawn)))
    found.append((f"{MOVERS:,} movers, told to the second frame after, p50 / p95", of(shown)))
    found.append(("movers' sheet alone, p50 / p95", of(page.evaluate(SHEET, ["movers", "", RUNS]))))
    chance_places = [
        [centre + chance.gauss(0, spread) for _ in range(MOVERS)] for centre, spread in ((113.92, 0.05), (35.3, 0.04))
    ]
    found.append(
        (
            f"peer: {MOVERS:,} L.circleMarker on a canvas moved, to the second frame after",
            of(page.evaluate(PEER, [*chance_places, 8])),
        )
    )
    points = page.evaluate(f"{MAP}.movers.trails.counts()")
    found.append(("trails kept", f"{points['movers']:,} movers, {points['points']:,} points"))
    gate.put(*scenery.cases(chance, CASES), *scenery.cameras(chance, CAMERAS))
    page.wait_for_function(f"hall.store.docs('channel').size === {CAMERAS}", timeout=120_000)
    page.evaluate(f"() => {{ {MAP}.render('things'); }}")
    anew = "map.things.clusters.touch(); map.things.quietClusters.touch();"
    found.append(
        (
            f"things: {CASES:,} cases and {CAMERAS:,} cameras, groups kept, p50 / p95",
            of(page.evaluate(SHEET, ["things", "", RUNS])),
        )
    )
    found.append(("things: cases grouped anew, p50 / p95", of(page.evaluate(SHEET, ["things", anew, RUNS]))))
    everything = f"{anew} map.things.cameraClusters.touch();"
    found.append(("things: cases and cameras grouped anew, p50 / p95", of(page.evaluate(SHEET, ["things", everything, RUNS]))))
    drawn, shown = page.evaluate(MOVE, RUNS)
    found.append((f"{MOVERS:,} movers with all that, told to drawn, p50 / p95", of(drawn)))
    return found


def shared(page: Page, gate: mappage.Gate) -> list[tuple[str, str]]:
    """A city that shares more cameras than the stream carries."""
    took: list[float] = []
    answered(page, cameras(), took)
    gate.put(*[(f"channel/cameras/c{n}", None) for n in range(CAMERAS)])
    page.wait_for_function("hall.store.docs('channel').size === 0", timeout=120_000)
    begun = page.evaluate("performance.now()")
    gate.loop.call_soon_threadsafe(gate._send, {"op": "told", "kind": "left-out", "topics": {"channel": SHARED}})
    page.wait_for_function(f"{MAP}.things.cameraClusters.groups.some((group) => group.lead.count)", timeout=60_000)
    first = page.evaluate("performance.now()") - begun
    heap = page.evaluate("performance.memory ? performance.memory.usedJSHeapSize / 1048576 : 0")
    page.evaluate("hall.map.focus(113.95, 35.31, 13)")
    page.wait_for_timeout(3000)
    return [
        (f"{SHARED:,} cameras: told that they are left out to the city's picture", f"{first:.0f} ms"),
        ("the hall's grid per question, p50 / p95", of(took)),
        ("the page's heap then", f"{heap:.0f} MB"),
    ]


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        os.environ["HALL_DATA_DIR"] = str(Path(folder) / "var")
        wall = WallGeometry(columns=1, rows=1, screen=(3840, 2160), pixel_pitch_mm=1.25, viewing_distance_m=8)
        found = msgspec.structs.replace(config.load(prepare(Path(folder) / "city")), wall=wall)
        with mappage.serve(found) as (address, gate), sync_playwright() as api:
            gate.put(*scenery.alive())
            stopped = threading.Event()
            threading.Thread(
                target=lambda: [gate.put(*scenery.alive()) for _ in iter(lambda: stopped.wait(1), True)], daemon=True
            ).start()
            browser = api.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox", "--disable-gpu"])
            page = browser.new_page(viewport={"width": 3840, "height": 2160})
            page.goto(address)
            page.wait_for_function("hall.maps && hall.maps['city-map'] && document.querySelector('[data-count-cases]')")
            page.evaluate("Promise.all(['basemap', 'districts', 'cells'].map(hall.citymap.geography)).then(() => 0)")
            rows = [*measured(page, gate, random.Random(7)), *shared(page, gate)]
            stopped.set()
            browser.close()
    print("| what | figure |\n|---|---|")
    print("\n".join(f"| {name} | {figure} |" for name, figure in rows))
    return 0


if __name__ == "__main__":
    sys.exit(main())
