"""The map's layer of components at 3840 by 2160 with 2.3 million of them: first paint, filter, redraw, drag, hit; the hall's own answers over
loopback, a software-rendered Chromium. `HALL_BENCH_COMPONENTS` makes it smaller.

The peer of the same run: Leaflet's own circle markers on a canvas, over a fiftieth of the points.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from playwright.sync_api import Page, sync_playwright

from feeds.components.asking import Inventory
from feeds.demo import prepare
from hall.access import Identity
from hall.app.components import Components
from hall.app.visit import Visit, set_visit
from hall.core import config
from tests.bench import components as made
from tests.browser.map import mappage, scenery

LAYER = "[...hall.citymap.live][0].components"
FRAMES = "const frame = () => new Promise(done => requestAnimationFrame(done)); const settled = async () => { await frame(); await frame(); };"
FIRST = f"""async () => {{ {FRAMES} const layer = {LAYER}, from = performance.now();
  document.querySelector('[data-layer=components]').click();
  while (!layer.pack) {{ if (layer.fault) throw new Error(layer.fault); await frame(); }}
  await settled(); return performance.now() - from; }}"""
FILTER = f"""async asked => {{ {FRAMES} const layer = {LAYER}, from = performance.now();
  await layer.filter(asked); await settled(); return [performance.now() - from, layer.count]; }}"""
REDRAW = f"""async runs => {{ {FRAMES} const layer = {LAYER}, {{width, height, ratio}} = layer.host.stage.frame, took = [];
  const context = new OffscreenCanvas(Math.round(width * ratio), Math.round(height * ratio)).getContext('2d', {{alpha: false}});
  for (let i = 0; i < runs; i += 1) {{ await frame(); const from = performance.now(); layer.draw(context, layer.host.stage.frame);
    took.push(performance.now() - from); }} return took; }}"""
HIT = f"""runs => {{ const layer = {LAYER}, frame = layer.host.stage.frame, took = [];
  for (let i = 0; i < runs; i += 1) {{ const x = frame.width * Math.random(), y = frame.height * Math.random(), from = performance.now();
    layer.pack.nearest(frame, x, y, 8, layer.bits); took.push(performance.now() - from); }} return took; }}"""
COUNT = "() => { window.frames = 0; const count = () => { frames += 1; requestAnimationFrame(count); }; requestAnimationFrame(count); }"
PEER = f"""async ([lons, lats]) => {{ {FRAMES} const from = performance.now(), renderer = L.canvas(), group = L.layerGroup();
  for (let i = 0; i < lons.length; i += 1) group.addLayer(L.circleMarker([lats[i], lons[i]], {{ renderer, radius: 1 }}));
  group.addTo(hall.maps['city-map']); await settled(); const took = performance.now() - from; group.remove(); return took; }}"""


def with_components(server: Any, root: Path) -> Any:
    """The page's server with the hall's own answers about components."""
    router = Components(Inventory(root), None).router
    server.router.routes[:0] = router.routes  # before the page's own, which takes any address

    @server.middleware("http")
    async def visiting(request: Any, call_next: Any) -> Any:
        set_visit(Visit(page="/", identity=Identity("o", "operator")))
        return await call_next(request)

    return server


def drag(page: Page, seconds: float) -> float:
    """Frames per second while somebody drags the map to and fro."""
    page.mouse.move(1900, 1000)
    page.mouse.down()
    begun, frames = page.evaluate("[performance.now(), frames]")
    step = 0
    while (now := page.evaluate("performance.now()")) - begun < seconds * 1000:
        step += 1
        page.mouse.move(1900 + 500 * np.sin(step / 12), 1000 + 200 * np.cos(step / 17))
    found = (page.evaluate("frames") - frames) / (now - begun) * 1000
    page.mouse.up()
    return float(found)


def of(took: list[float]) -> str:
    return f"{np.percentile(took, 50):.1f} / {np.percentile(took, 99):.1f} ms"


def measured(page: Page) -> list[tuple[str, str]]:
    found = [("switched on to painted (11.5 MB fetched, 5 bytes a point)", f"{page.evaluate(FIRST):.0f} ms")]
    found.append(("redraw at the city's zoom, p50 / p99", of(page.evaluate(REDRAW, 30))))
    for name, asked in (("two districts", {"district": ["红旗区", "卫滨区"]}), ("the same again", {"district": ["红旗区", "卫滨区"]}),
                        ("a department", {"department": ["部门7"]}), ("words", {"q": "平原路77"}), ("all again", {})):  # fmt: skip
        took, count = page.evaluate(FILTER, asked)
        found.append((f"filter to painted: {name} ({count:,})", f"{took:.0f} ms"))
    page.evaluate(COUNT)
    found.append(("drag at the city's zoom, frames/s with the layer", f"{drag(page, 4):.0f}"))
    found.append(("hit at the city's zoom, p50 / p99", of(page.evaluate(HIT, 500))))
    page.evaluate("hall.map.focus(113.92, 35.30, 17)")
    found.append(("redraw of a street, p50 / p99", of(page.evaluate(REDRAW, 30))))
    found.append(("hit in a street, p50 / p99", of(page.evaluate(HIT, 500))))
    page.evaluate("hall.map.home()")
    page.locator("[data-layer=components]").click()
    found.append(("drag without it", f"{drag(page, 4):.0f}"))
    chance = np.random.default_rng(1)
    some = made.COUNT // 50
    places = [(centre + chance.normal(0, 0.06, some)).tolist() for centre in (113.9, 35.3)]
    found.append((f"peer: {some:,} L.circleMarker on a canvas, to painted", f"{page.evaluate(PEER, places):.0f} ms"))
    return found


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        os.environ["HALL_DATA_DIR"] = str(home / "var")
        (home / "big").mkdir()
        made.written(home / "big")
        found = config.load(prepare(home / "city"))
        plain = mappage.application
        mappage.application = lambda *parts: with_components(plain(*parts), home / "big")
        with mappage.serve(found) as (address, gate), sync_playwright() as api:
            gate.put(*scenery.alive())
            browser = api.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox", "--disable-gpu"])
            page = browser.new_page(viewport={"width": 3840, "height": 2160})
            page.goto(address)
            page.wait_for_function("hall.maps && hall.maps['city-map'] && document.querySelector('[data-count-cases]')")
            page.evaluate("Promise.all(['basemap', 'districts', 'cells'].map(hall.citymap.geography)).then(() => 0)")
            rows = measured(page)
            browser.close()
    print(f"{made.COUNT:,} components\n\n| what | figure |\n|---|---|")
    print("\n".join(f"| {name} | {figure} |" for name, figure in rows))
    return 0


if __name__ == "__main__":
    sys.exit(main())
