"""Every layer of the map lies on the basemap, by painted pixels: one square (or point) of the ground, drawn by each in turn.

A layer is what a sheet has with it and has not without it. The middle of that difference is compared with where Leaflet says the
place is, at four zooms and on screens of one and two pixels per CSS pixel.
"""

from __future__ import annotations

import json
import math
from urllib.parse import urlsplit

import msgspec
import numpy as np
import pytest

from feeds.components import morton, pack
from hall.core import config
from hall.core.clock import real_ms
from hall.core.raster import EARTH, Grid, x_of, y_of
from hall.map.build import Order, build
from tests.browser.map import mappage, scenery

pytestmark = pytest.mark.browser

ZOOMS = (10, 13, 16, 18)
SIDE = 48  # CSS pixels of the square at its own zoom
WITHIN = 1.5  # CSS pixels that a layer may lie beside its place
PLACES = {zoom: (113.92 + 0.4 * n + 0.0123, 35.30 + 0.07 * n + 0.0071) for n, zoom in enumerate(ZOOMS)}

#: the middle of what differs about a place between two pictures of a sheet, and where Leaflet has the place; CSS px of the frame
MIDDLE = """([before, lon, lat]) => {
  const { stage, map } = part, { canvas, frame } = stage.on(window.sheet), { ratio } = frame;
  const at = map.project([lat, lon]).subtract(map.getPixelOrigin()).subtract(frame.corner);
  const reach = Math.round(52 * ratio), [left, top] = [Math.round(at.x * ratio) - reach, Math.round(at.y * ratio) - reach];
  const copy = new OffscreenCanvas(2 * reach, 2 * reach).getContext('2d');
  const read = () => (copy.drawImage(canvas, -left, -top), copy.getImageData(0, 0, 2 * reach, 2 * reach).data);
  if (before) return void (window.without = read());
  const [now, then] = [read(), window.without];
  let [sum, x, y] = [0, 0, 0];
  for (let i = 0; i < now.length; i += 4) {
    let weight = 0;
    for (let k = 0; k < 4; k += 1) weight += Math.abs(now[i + k] - then[i + k]);
    sum += weight;
    x += weight * ((i / 4) % (2 * reach) + 0.5);
    y += weight * (Math.floor(i / 8 / reach) + 0.5);
  }
  return [sum, (left + x / sum) / ratio - at.x, (top + y / sum) / ratio - at.y];
}"""

#: layer -> [sheet, with it, without it]
LAYERS = {
    "tiles": ["ground", "g.shown.basemap = true", "g.shown.basemap = false"],
    "geojson": ["ground", "g.shown.basemap = true, g.layers = null, g.tiled = false", "g.shown.basemap = false"],
    "districts": ["ground", "g.shown.districts = true", "g.shown.districts = false"],
    "cells": ["ground", "g.shown.cells = true", "g.shown.cells = false"],
    "warnings": ["ground", "g.shown.warnings = true", "g.shown.warnings = false"],
    "radar": ["ground", "g.radar.wanted = true", "g.radar.wanted = false"],
    "cases": ["things", "part.things.shown.cases = true", "part.things.shown.cases = false"],
    **{
        name: ["things", f"part.things.shown.{name} = true", f"part.things.shown.{name} = false"]
        for name in ("gauges", "cameras", "depots")
    },
    "vehicles": ["movers", "part.movers.shown.vehicles = true", "part.movers.shown.vehicles = false"],
    "shapes": ["ground", "layers.get('shapes').choose(true)", "layers.get('shapes').choose(false)"],
    "components": ["components", "delete part.components.draw", "part.components.draw = () => 0"],
}
BARE = """() => {
  window.g = part.ground, window.layers = window.layers || g.layers;
  g.layers = layers;
  for (const name of Object.keys(g.shown)) g.shown[name] = false;
  g.radar.wanted = false;
  for (const name of Object.keys(part.things.shown)) part.things.shown[name] = false;
  part.movers.shown.vehicles = false;
  part.movers.drawNames = () => 0; // the symbol is the place, not its words beside it
  layers.get('shapes').choose(false);
}"""
VIEW = """([lat, lon, zoom]) => {
  part.ground.radar.choose(true);
  part.map.setView([lat, lon], zoom, {animate: false});
}"""
PAINT = "() => { g.stillFrame = null; part.stage.dirty(...part.stage.sheets.keys()); part.stage.paint(); }"


def square(zoom: int) -> list[list[float]]:
    """A ring about its place that is SIDE px wide and high at that zoom."""
    lon, lat = PLACES[zoom]
    half = SIDE / 2 / (256 * 2**zoom)
    middle = math.asinh(math.tan(math.radians(lat)))
    north, south = (math.degrees(math.atan(math.sinh(middle + sign * 2 * math.pi * half))) for sign in (1, -1))
    west, east = lon - 360 * half, lon + 360 * half
    return [[west, south], [east, south], [east, north], [west, north], [west, south]]


@pytest.fixture(scope="module")
def squares(tmp_path_factory):
    """A city of four squares: basemap as GeoJSON and as tiles built from it, districts and cells."""
    folder = tmp_path_factory.mktemp("squares")

    def write(name, **properties):
        rows = [{"type": "Feature", "properties": {"code": str(zoom), **properties},
                 "geometry": {"type": "Polygon", "coordinates": [square(zoom)]}} for zoom in ZOOMS]  # fmt: skip
        (folder / name).write_text(json.dumps({"type": "FeatureCollection", "features": rows}))

    write("basemap.geojson", layer="water")
    write("districts.geojson")
    write("cells.geojson")
    build(Order(folder / "basemap.geojson", folder / "squares.mbtiles"), lambda what, part: None)
    (folder / "hall.toml").write_text(
        '[city]\nname = {en = "Squares"}\ncentre = [113.92, 35.30]\nboundary = "districts.geojson"\n'
        'cells = "cells.geojson"\ncells_code = "code"\nbasemap = ["basemap.geojson"]\n'
        '[map.tiles]\nsquares = "squares.mbtiles"\n'
    )
    return config.load(folder / "hall.toml")


def documents(zoom: int) -> tuple[list[tuple], bytes]:
    """What stands at a zoom's place, and the pixels of its rain field: 5 x 5, it rains in the middle one."""
    lon, lat = PLACES[zoom]
    pixel = SIDE / 3 * 2 * math.pi * EARTH / (256 * 2**zoom)
    grid = Grid(x_of(lon) - 2.5 * pixel, y_of(lat) + 2.5 * pixel, pixel, 5, 5)
    frame = {"time": real_ms() - 60_000, "start": 0, "run": real_ms(), "version": f"v{zoom}", "most": 30.0, "covered": 1.0}
    field = {"feed": "rv", "product": "rain", "grid": msgspec.to_builtins(grid), "bounds": grid.bounds(), "step": 0.004,
             "breaks": [0.1, 1.6, 7.0, 15.0, 40.0, 50.0], "frames": [frame], "stale_seconds": 600, "label": {}}  # fmt: skip
    case = {"feed": "cases", "case_id": f"K{zoom}", "severity": 1, "lon": lon, "lat": lat}
    area = {"feed": "warnings", "warning_id": "w", "status": "Actual", "event": "x", "severity": 2, "headline": {"en": "x"},
            "areas": [{"polygons": [square(zoom)]}]}  # fmt: skip
    cells = {"as_of": real_ms(), "rows": {str(zoom): [1, 2]}}
    place = {"lon": lon, "lat": lat}
    gauge = {"feed": "gauges", "sensor_id": f"g{zoom}", "name": "g", "quantity": "water_depth", "thresholds": []} | place
    camera = {"feed": "cameras", "channel_id": f"c{zoom}", "name": "c", "state": "online"} | place
    depot = {"depot_id": f"d{zoom}", "name": "", "kind": "depot"} | place
    unit = {"feed": "crews", "unit_id": f"u{zoom}", "name": "", "kind": "vehicle"} | place
    shape = scenery.drawn(f"s{zoom}", geometry={"type": "Polygon", "coordinates": [square(zoom)]})
    points = [
        (f"sensor/gauges/g{zoom}", gauge),
        (f"channel/cameras/c{zoom}", camera),
        (f"depot/d{zoom}", depot),
        (f"position/crews/u{zoom}", unit),
    ]
    rows = [
        shape,
        *points,
        ("raster/rv/rain", field),
        (f"case/cases/{zoom}", case),
        ("warning/warnings/w", area),
        ("kpi/cells", cells),
    ]
    return rows, bytes(88 if n == 12 else 1 for n in range(25))


def components(route) -> None:
    """One component at each place."""
    if urlsplit(route.request.url).path.endswith("/pack"):
        lon, lat = (np.array(one) for one in zip(*PLACES.values(), strict=True))
        key = np.sort(morton.key_of(*morton.steps_of(lon, lat)))
        return route.fulfill(body=pack.pack(key, np.ones(len(key), int)), headers={"etag": '"v1"'})
    kinds = [{"number": 1, "code": "0103", "main": "公用设施", "sub": "井盖", "count": len(PLACES)}]
    return route.fulfill(
        json={"version": "v1", "total": len(PLACES), "made_at": real_ms(), "classes": kinds, "states": [], "districts": [],
              "departments": [], "marks": [], "sources": []}
    )  # fmt: skip


@pytest.mark.parametrize("ratio", [1, 2])
def test_every_layer_lies_on_the_basemap(chromium, squares, tmp_path, monkeypatch, ratio):
    monkeypatch.setenv("HALL_DATA_DIR", str(tmp_path / "var"))
    found = {zoom: documents(zoom) for zoom in ZOOMS}
    with mappage.serve(squares) as (address, gate):
        gate.put(*scenery.alive(), *(row for rows, _ in found.values() for row in rows))
        page = chromium.new_page(viewport={"width": 700, "height": 500}, device_scale_factor=ratio)
        page.set_default_timeout(60_000)  # a busy machine is slow
        page.route("**/api/v1/components**", components)
        rain = lambda route: route.fulfill(body=found[int(route.request.url.rpartition("/v")[2])][1])  # noqa: E731
        page.route("**/api/v1/rasters/**", rain)
        page.goto(address)
        page.wait_for_function("hall.maps && hall.maps['city-map'] && document.querySelector('[data-count-cases]')")
        page.evaluate("() => { window.part = [...hall.citymap.live][0]; part.touched = true; part.components.choose(true); }")
        page.wait_for_function("part.components.pack && part.ground.tiled && part.stage.sheets.has('components')")
        beside = {}
        for zoom, (lon, lat) in PLACES.items():
            gate.put(*found[zoom][0])
            view = [lat + 30 / 2**zoom, lon - 17.3 / 2**zoom, zoom]
            page.evaluate(VIEW, view)
            page.wait_for_function(
                "zoom => part.ground.tiles.store.whole && part.ground.radar.codes.has(`v${zoom}`) && part.ground.rows[zoom]"
                " && part.movers.units.has(`position/crews/u${zoom}`) && part.things.depots.has(`depot/d${zoom}`)"
                " && part.stage.frame.zoom === zoom && part.stage.lower.frame.zoom === zoom",
                arg=zoom,
            )
            for layer, (sheet, shown, hidden) in LAYERS.items():
                page.evaluate(f"() => {{ window.sheet = '{sheet}'; ({BARE})(); {hidden}; ({PAINT})(); }}")
                page.evaluate(MIDDLE, [True, lon, lat])
                page.evaluate(f"() => {{ {shown}; ({PAINT})(); }}")
                painted, x, y = page.evaluate(MIDDLE, [False, lon, lat])
                assert painted > 400, f"{layer} at zoom {zoom} is not painted"
                beside[layer, zoom] = (round(x, 2), round(y, 2))
        page.close()
    assert not {key: by for key, by in beside.items() if max(map(abs, by)) > WITHIN}, beside
