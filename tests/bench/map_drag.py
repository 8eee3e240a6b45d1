"""The map at 3840 by 2160 with 2.3 million components and everything that moves on it: how it starts, drags, filters, what is bare meanwhile,
what it takes of memory; beside dash-leaflet's own clustering of the same points, and with ten times as many.

A software-rendered Chromium over loopback. `HALL_BENCH_COMPONENTS` makes it smaller; `HALL_BENCH_PEER=0` and `HALL_BENCH_TEN=0` leave parts out.
"""

from __future__ import annotations

import gzip
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

import dash_leaflet
import numpy as np
from dash import Dash, html
from fastapi import APIRouter, FastAPI, Response
from playwright.sync_api import Page, sync_playwright

from feeds.components import morton, pack
from tests.bench import _map, heat
from tests.bench import components as made
from tests.bench._map import FRAMES, MAP, SHOWN
from tests.browser import address

SPEED = 1_500  # px/s of the hand
SECONDS = 8
HITS = 200
STARTS = 5  # each in a new browser that has kept nothing
LAYER = f"{MAP}.components"
#: from the navigation to the frame after everything is on the glass: the basemap's tiles, names in our fonts, cells, districts, components, all
#: units, cases, cameras and the warning
COLD = f"""() => {{ {FRAMES} const wait = async () => {{ let asked = false;
  for (;;) {{ await frame(); const view = window.hall && hall.citymap && hall.citymap.live && hall.citymap.live.size && {MAP}; if (!view || !view.stage || !view.stage.frame) continue;
    if (!asked) {{ asked = true; view.toggle('components', true); }}
    if (view.components.fault) throw new Error(view.components.fault);
    const {{stage}} = view, painted = stage.sheets.has('components') && stage.on('components').frame === stage.frame && !stage.marked.has('components') && !stage.lower.still.width;
    const {{ground}} = view, tiled = ground.tiled && ground.tiles.store.whole && ground.stillFrame === stage.frame && document.fonts.status === 'loaded';
    if (painted && tiled && view.grounded && view.movers.units.size >= {_map.UNITS} && view.things.cases.size && view.cameras.state && !view.pace.soon) break; }}
  await settled(); window.cold = performance.now(); }}; wait(); }}"""
FIRST = f"""async () => {{ {FRAMES} {SHOWN} const layer = {LAYER}; layer.choose(false); layer.take(null, ''); layer.about = null; await settled();
  const from = performance.now(); layer.choose(true); while (!layer.pack) {{ if (layer.fault) throw new Error(layer.fault); await frame(); }}
  await shown(); return performance.now() - from; }}"""
FILTER = f"""async asked => {{ {FRAMES} {SHOWN} const layer = {LAYER}, from = performance.now();
  await layer.filter(asked); await shown(); return [performance.now() - from, layer.count]; }}"""
#: heat of all past cases, until it is painted
HEAT = f"""async days => {{ {FRAMES} const view = {MAP}, part = view.layers.get('heat'), to = Date.now(), from = performance.now();
  part.set({{period: 'own', from: to - days * 86400000, to, classes: []}});
  while (!part.field || view.stage.marked.has('ground') || view.stage.lower.still.width) {{ if (part.fault) throw new Error(part.fault); await frame(); }}
  await frame(); return [performance.now() - from, part.field.inside]; }}"""
MOVES = f"""async runs => {{ {FRAMES} const view = {MAP}, took = [];
  for (let run = 0; run < runs; run += 1) {{
    const events = [...view.movers.units.values()].map(({{event}}) => ({{...event, time: event.time + 1, data: {{...event.data, lon: event.data.lon + (Math.random() - 0.5) / 200}}}}));
    while (view.pace.soon) await frame(); await settled(); while (view.pace.soon) await frame(); view.pace.rest = 0; const from = performance.now(); view.update(events); await settled(); took.push(performance.now() - from); }}
  return took; }}"""
HIT = f"""runs => {{ const layer = {LAYER}, frame = {MAP}.stage.frame, took = [];
  for (let i = 0; i < runs; i += 1) {{ const x = frame.width * Math.random(), y = frame.height * Math.random(), from = performance.now();
    layer.pack.nearest(frame, x, y, 8, layer.bits); took.push(performance.now() - from); }} return took; }}"""
#: how many of so many hits are what a look at every point finds: half of the places beside a point; [right, of them a point is there]
RIGHT = f"""runs => {{ const {{pack, bits}} = {LAYER}, frame = {MAP}.stage.frame, reach = 8; let right = 0, hits = 0;
  const least = (x, y) => {{ let best = Infinity;
    pack.each(frame, 1, [-1e9, -1e9, 1e9, 1e9], (from, to, x0, y0, step) => {{ for (let i = from; i < to; i += 1) {{
      if (bits !== null && !(bits[i >> 3] & (1 << (i & 7)))) continue;
      const d = (x0 + (pack.xs[i] + 0.5) * step - x) ** 2 + (y0 + (pack.ys[i] + 0.5) * step - y) ** 2; if (d < best) best = d; }} }}); return best; }};
  const near = () => {{ let found = null; while (!found) {{ const row = Math.floor(Math.random() * pack.n); pack.each(frame, 1, [0, 0, frame.width, frame.height], (from, to, x0, y0, step) => {{
    if (row >= from && row < to) found = [x0 + pack.xs[row] * step + Math.random() * 12 - 6, y0 + pack.ys[row] * step + Math.random() * 12 - 6]; }}); }} return found; }};
  for (let i = 0; i < runs; i += 1) {{ const [x, y] = i % 2 ? near() : [frame.width * Math.random(), frame.height * Math.random()];
    const found = pack.nearest(frame, x, y, reach, bits), best = least(x, y);
    if (found) hits += 1;
    if (found ? Math.abs((found.x - x) ** 2 + (found.y - y) ** 2 - best) < 1e-6 : best > reach * reach) right += 1; }} return [right, hits]; }}"""
PEER = f"""async () => {{ {FRAMES} while (!document.querySelector('.leaflet-marker-icon')) await frame(); await settled();
  return performance.timeOrigin + performance.now(); }}"""

Rows = list[tuple[str, str]]


def of(took: list[float], *parts: int) -> str:
    return " / ".join(f"{np.percentile(took, part):.1f}" for part in parts) + " ms"


def told(what: str, found: dict[str, float]) -> Rows:
    return [
        (f"drag at {SPEED:,} px/s, {what}: frames/s; longest frame", f"{found['rate']:.0f}; {found['longest']:.0f} ms"),
        ("widest bare edge meanwhile: ground; symbols", f"{found['ground']:.1%}; {found['symbols']:.1%} of the view"),
    ]


def started(page: Page) -> float:
    page.wait_for_function("window.cold", timeout=120_000)
    return page.evaluate("cold")


def all_layers(page: Page, browser: Any, gate: Any) -> tuple[Rows, float]:
    rows: Rows = []
    first = min(page.evaluate(FIRST) for _ in range(3))
    rows.append(("components switched on to painted (least of 3)", f"{first:.0f} ms"))
    for name, asked in (
        ("two districts", {"district": ["红旗区", "卫滨区"]}),
        ("a department", {"department": ["部门7"]}),
        ("all again", {}),
    ):
        took, count = page.evaluate(FILTER, asked)
        rows.append((f"filter to painted, all layers: {name} ({count:,})", f"{took:.0f} ms"))
    rows.append(("5,000 moves to painted, p50 / p95", of(page.evaluate(MOVES, 60), 50, 95)))
    rows.append(("hit at the city's zoom, p50 / p99", of(page.evaluate(HIT, 500), 50, 99)))
    for name, asked, zoom in (
        ("the city's zoom", {}, 0),
        ("the same, a department", {"department": ["部门7"]}, 0),
        ("three levels closer", {}, 3),
    ):
        page.evaluate(FILTER, asked)
        page.evaluate(
            "levels => hall.maps['city-map'].setZoom(hall.maps['city-map'].getZoom() + levels, {animate: false}) && 0", zoom
        )
        page.wait_for_function(f"{MAP}.stage.steady() && !{MAP}.pace.soon")
        right, hits = page.evaluate(RIGHT, HITS)
        rows.append((f"hits at {name} that a look at every point confirms (at {hits} there is one)", f"{right} of {HITS}"))
    page.evaluate("hall.map.home()")
    page.wait_for_function(f"{MAP}.stage.steady() && !{MAP}.pace.soon")
    with _map.moving(gate):
        rows += told("all layers, 5,000 units moving each second", _map.drag(page, SECONDS, SPEED))
    rows.append(("renderer memory afterwards (PSS)", f"{_map.memory(browser):.0f} MiB"))
    took, inside = page.evaluate(HEAT, heat.DAYS + 1)
    rows.append(
        (f"heat of past cases in place of cells and rain ({inside:,} in view), switched on to painted", f"{took:.0f} ms")
    )
    with _map.moving(gate):
        rows += told("all layers, with heat", _map.drag(page, SECONDS, SPEED))
    rows.append(("renderer memory afterwards (PSS)", f"{_map.memory(browser):.0f} MiB"))
    return rows, first


def points_alone(page: Page) -> Rows:
    _map.ready(page)
    page.evaluate(FIRST)
    rows = []
    for name, asked in (
        ("two districts", {"district": ["红旗区", "卫滨区"]}),
        ("a department", {"department": ["部门8"]}),
        ("all again", {}),
    ):
        took, count = page.evaluate(FILTER, asked)
        rows.append((f"filter to painted, points alone: {name} ({count:,})", f"{took:.0f} ms"))
    return rows + told("ground and points alone", _map.drag(page, SECONDS, SPEED))


def scattered(count: int) -> tuple[np.ndarray, np.ndarray]:
    chance = np.random.default_rng(7)
    spread = np.where(chance.random(count) < 0.6, 0.06, 0.35)
    return 113.9 + chance.normal(0, 1, count) * spread, 35.3 + chance.normal(0, 1, count) * spread * 0.7


def tenfold(count: int) -> APIRouter:
    """As many components in the pack alone: what they cost a browser."""
    lon, lat = scattered(count)
    body = pack.pack(np.sort(morton.key_of(*morton.steps_of(lon, lat))), np.ones(count, np.uint8))
    kind = {"number": 1, "code": "0103", "main": "公用设施", "sub": "井盖", "count": count}
    about = {"version": "v1", "total": count, "made_at": 1, "classes": [kind]} | dict.fromkeys(
        ("districts", "departments", "states", "marks", "sources"), []
    )
    router = APIRouter()
    router.add_api_route("/api/v1/components", lambda: about)
    router.add_api_route("/api/v1/components/pack", lambda: Response(body, headers={"ETag": '"v1"'}))
    return router


def peer() -> FastAPI:
    """The same points by `dl.GeoJSON` with clustering, compressed as a web server would."""
    lon, lat = scattered(made.COUNT)
    one = '{"type":"Feature","properties":{},"geometry":{"type":"Point","coordinates":[%.6f,%.6f]}}'
    features = ",".join(one % place for place in zip(lon.tolist(), lat.tolist(), strict=True))
    body = gzip.compress(f'{{"type":"FeatureCollection","features":[{features}]}}'.encode(), 1)
    server = FastAPI()
    headers = {"content-encoding": "gzip"}
    server.add_api_route("/points.json", lambda: Response(body, headers=headers, media_type="application/json"))
    app = Dash("peer", server=server, backend="fastapi", add_log_handler=False)
    shown = dash_leaflet.GeoJSON(url="/points.json", cluster=True, superClusterOptions={"radius": 60})
    app.layout = html.Div(dash_leaflet.Map([shown], center=[35.3, 113.9], zoom=12, style={"width": "100vw", "height": "100vh"}))
    for prepare in app.backend._before_request_funcs:
        prepare()
    return server


def main() -> int:
    rows: Rows = []
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as api:
        home = Path(folder)
        (home / "big").mkdir()
        made.written(home / "big")

        asked: list[Any] = []  # for the peer's points

        def opened(at: str, cold: bool = False) -> tuple[Any, Page]:
            browser = _map.chromium(api)
            page = browser.new_page(viewport=dict(zip(("width", "height"), _map.SIZE, strict=True)), bypass_csp=True)
            page.on("request", lambda request: request.url.endswith("/points.json") and asked.append(request))
            if cold:
                page.add_init_script(f"({COLD})()")
            page.goto(at)
            return browser, page

        with _map.served(home, _map.components(home / "big")) as (at, gate):
            colds: list[float] = []
            for turn in range(STARTS):
                browser, page = opened(at, cold=True)
                colds.append(started(page))
                if turn < STARTS - 1:
                    browser.close()
            rows.append(
                (
                    "cold start: a browser's first navigation to all layers painted, middle of 4",
                    f"{np.median(colds[1:]):.0f} ms",
                )
            )
            rows.append(("the same of the hall's first page, which has the demo's tiles built meanwhile", f"{colds[0]:.0f} ms"))
            found, first = all_layers(page, browser, gate)
            rows += found
            browser.close()
        with _map.served(home, _map.components(home / "big"), crowd=False) as (at, _):
            browser, page = opened(at)
            rows += points_alone(page)
            browser.close()
        if os.environ.get("HALL_BENCH_PEER") != "0":
            with address.serve(peer()) as at:
                browser, page = opened(at)
                took = page.evaluate(PEER) - asked[0].timing["startTime"]
                rows.append(
                    (
                        "peer: dl.GeoJSON clustering of the same points, request to painted",
                        f"{took:.0f} ms, {took / first:.0f} times ours",
                    )
                )
                browser.close()
        if os.environ.get("HALL_BENCH_TEN") != "0":
            with _map.served(home, tenfold(10 * made.COUNT), crowd=False) as (at, _):
                browser, page = opened(at)
                _map.ready(page)
                rows.append(
                    (f"ten times as many ({10 * made.COUNT:,}): switched on to painted", f"{page.evaluate(FIRST):.0f} ms")
                )
                rows += told("ten times as many points alone", _map.drag(page, SECONDS, SPEED))
                rows.append(("renderer memory with them (PSS)", f"{_map.memory(browser):.0f} MiB"))
                browser.close()
    print(f"{made.COUNT:,} components, {_map.SIZE[0]} by {_map.SIZE[1]}\n\n| what | figure |\n|---|---|")
    print("\n".join(f"| {name} | {figure} |" for name, figure in rows))
    return 0


if __name__ == "__main__":
    sys.exit(main())
