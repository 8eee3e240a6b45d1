"""The city's map as vector tiles at 3840 by 2160, software-rendered: a view from nothing to painted, redrawn from the cache, what the
cache takes. The demo city over loopback; and central Helsinki where the real data is (HALL_REAL_DATA).

The peer of the same run: the same city's GeoJSON basemap, drawn in the same frame.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

import numpy as np
from playwright.sync_api import Browser, sync_playwright

from feeds.demo import prepare
from hall.core import config
from hall.map.build import Order, build
from tests.browser.map import mappage, scenery

REAL = (
    Path(os.environ.get("HALL_REAL_DATA", Path(__file__).parents[2] / ".." / "shared" / "data"))
    / "map"
    / "helsinki_centre.osm.pbf"
)
ZOOMS = (11, 14, 17)
RUNS = 7
READY = "[...hall.citymap.live].some(({ stage, ground }) => stage && ground.tiled && ground.tiles.store.whole)"
#: ms from asking for the tiles of a view until they are painted and two frames have passed; nothing comes from a cache
COLD = """async ([lon, lat, zoom]) => {
  const part = [...hall.citymap.live][0], { tiles } = part.ground, frame = () => new Promise(done => requestAnimationFrame(done));
  const plain = window.fetch;
  window.fetch = (address, options) => plain(address, { ...options, cache: 'reload' });
  part.touched = true;
  tiles.store.clear();
  tiles.begun = false;
  tiles.frame = part.ground.stillFrame = null;
  part.map.setView([lat, lon], zoom, { animate: false });
  const from = performance.now();
  part.stage.redraw();
  while (!tiles.store.tiles.size || !tiles.store.whole || part.pace.soon || part.ground.stillFrame !== part.stage.frame) await frame();
  await frame(); await frame();
  window.fetch = plain;
  return [performance.now() - from, tiles.store.tiles.size];
}"""
#: ms of the still picture from cached tiles, and of the same by GeoJSON; reading a pixel waits for the drawing
REDRAW = """runs => {
  const { ground, stage } = [...hall.citymap.live][0], { layers } = ground, c = ground.still.getContext('2d');
  const took = () => { ground.stillFrame = null; const from = performance.now(); ground.drawStill(stage.frame); c.getImageData(0, 0, 1, 1);
    return performance.now() - from; };
  const [tiles, geojson] = [[], []];
  for (let i = 0; i < runs; i += 1) {
    tiles.push(took());
    [ground.layers, ground.tiled] = [null, false];
    geojson.push(took());
    [ground.layers, ground.tiled] = [layers, true];
  }
  took();
  return [tiles, geojson];
}"""
NAMES = """runs => { const part = [...hall.citymap.live][0], { ground, stage } = part, took = [];
  const c = document.createElement('canvas').getContext('2d');
  for (let i = 0; i < runs; i += 1) { ground.prepared = null; const from = performance.now();
    hall.citymap.drawNames(ground, c, stage.frame, null); took.push(performance.now() - from); } return [took, ground.named.length]; }"""


def middle(took: list[float]) -> str:
    return f"{np.median(took):.0f} ms"


def measured(
    browser: Browser, found: config.HallConfig, place: tuple[float, float], zooms: tuple[int, ...]
) -> list[tuple[str, str]]:
    rows = []
    with mappage.serve(found) as (address, gate):
        gate.put(*scenery.alive())
        page = browser.new_page(viewport={"width": 3840, "height": 2160})
        page.goto(address)
        page.wait_for_function(READY, timeout=60_000)
        for zoom in zooms:
            cold = [page.evaluate(COLD, [*place, zoom]) for _ in range(3)]
            tiles, geojson = page.evaluate(REDRAW, RUNS)
            names, count = page.evaluate(NAMES, RUNS)
            peer = f" ({np.median(tiles) / np.median(geojson):.1f} times the GeoJSON's)" if found.city.basemap else ""
            rows.append((f"z{zoom}: from nothing to painted, {cold[0][1]} tiles", middle([one[0] for one in cold])))
            rows.append((f"z{zoom}: redrawn from the cache", middle(tiles) + peer))
            rows.append((f"z{zoom}: names chosen and placed ({count})", middle(names)))
        held = page.evaluate("[...hall.citymap.live][0].ground.tiles.held")
        rows.append((f"cache: {held['tiles']} tiles, decoded", f"{held['bytes'] / 1e6:.2f} MB of 64"))
        page.close()
    return rows


def main() -> int:
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as api:
        home = Path(folder)
        os.environ["HALL_DATA_DIR"] = str(home / "var")
        browser = api.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox", "--disable-gpu"])
        cities = [("demo city", config.load(prepare(home)), (113.92, 35.30), ZOOMS)]
        if REAL.is_file():
            (home / "hall.toml").write_text('[city]\nname = {en = "Helsinki"}\ncentre = [24.9414, 60.1699]\n')
            build(Order(REAL, home / "var" / "maps" / "helsinki.mbtiles"), lambda what, part: None)
            cities.append(("Helsinki", config.load(home / "hall.toml"), (24.9414, 60.1699), (14, 17)))
        print("| city | what | figure |\n|---|---|---|")
        for name, found, place, zooms in cities:
            for what, figure in measured(browser, found, place, zooms):
                print(f"| {name} | {what} | {figure} |", flush=True)
        browser.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
