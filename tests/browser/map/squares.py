"""A city of one square for each zoom of the alignment test, and all that the hall can tell of it at that place."""

from __future__ import annotations

import json
import math
from pathlib import Path
from urllib.parse import urlsplit

import msgspec
import numpy as np

from dispatch.heat.columns import HeatColumns, Reported
from feeds.components import morton, pack
from feeds.rasters import depth
from hall.core import config
from hall.core.clock import real_ms
from hall.core.raster import DEPTH_BREAKS, DEPTH_STEP, EARTH, Grid, x_of, y_of
from hall.map.build import Order, build
from tests.browser.map import scenery
from tests.browser.map.heated import Heated
from tests.browser.map.measured import Measured

ZOOMS = (10, 13, 16, 18)
SIDE = 48  # CSS pixels of the square at its own zoom
PLACES = {zoom: (113.92 + 0.4 * n + 0.0123, 35.30 + 0.07 * n + 0.0071) for n, zoom in enumerate(ZOOMS)}
CITY = """
[city]
name = {en = "Squares"}
centre = [113.92, 35.30]
boundary = "districts.geojson"
boundary_name = "code"
cells = "cells.geojson"
cells_code = "code"
basemap = ["basemap.geojson"]
[map.tiles]
squares = "squares.mbtiles"
[map.boundaries.provinces]
file = "provinces.geojson"
level = 4
name = "code"
[map.sources.other]
url = "%s/gcj/{z}/{x}/{y}"
crs = "GCJ-02"
tone = "plain"
"""


def away(zoom: int, x: float, y: float) -> tuple[float, float]:
    """What lies so many CSS px right of and below a zoom's place."""
    lon, lat = PLACES[zoom]
    unit = 1 / (256 * 2**zoom)
    middle = math.asinh(math.tan(math.radians(lat)))
    return lon + 360 * x * unit, math.degrees(math.atan(math.sinh(middle - 2 * math.pi * y * unit)))


def metres(zoom: int, px: float) -> float:
    """On the ground at a zoom's place."""
    return px * 2 * math.pi * EARTH * math.cos(math.radians(PLACES[zoom][1])) / (256 * 2**zoom)


def square(zoom: int, half: float = SIDE / 2) -> dict:
    """An area about its place that is SIDE px wide and high at that zoom."""
    corners = ((-half, half), (half, half), (half, -half), (-half, -half), (-half, half))
    return {"type": "Polygon", "coordinates": [[list(away(zoom, x, y)) for x, y in corners]]}


def city(folder: Path, server: str):
    """Its configuration: the basemap as GeoJSON and as tiles built from it, districts, cells, provinces, pictures of a service."""
    for name, properties in (("basemap", {"layer": "water"}), ("districts", {}), ("cells", {}), ("provinces", {})):
        rows = [{"type": "Feature", "properties": {"code": str(zoom)} | properties, "geometry": square(zoom)} for zoom in ZOOMS]
        (folder / f"{name}.geojson").write_text(json.dumps({"type": "FeatureCollection", "features": rows}))
    build(Order(folder / "basemap.geojson", folder / "squares.mbtiles"), lambda what, part: None)
    (folder / "hall.toml").write_text(CITY % server)
    return config.load(folder / "hall.toml")


class Told:
    """The documents (`rows`) of each zoom's place, and what the hall answers about them: `route(page)`."""

    def __init__(self, found: config.HallConfig) -> None:
        self.rasters: dict[str, bytes] = {}
        self.rows = {zoom: [*self._things(zoom), *self._fields(zoom)] for zoom in ZOOMS}
        self.measured = Measured(found, [row for rows in self.rows.values() for row in rows if row[0].startswith("case/")])
        self.heated = Heated(0)
        self.heated.columns = HeatColumns()
        spots = [away(zoom, x - 5.5, y - 5.5) for zoom in ZOOMS for x in range(12) for y in range(12)]
        now = real_ms() - 3_600_000
        self.heated.columns.put([Reported(n, "closed", "x", "", "", now, *spot) for n, spot in enumerate(spots, 1)])

    def route(self, page) -> None:
        page.route("**/api/v1/components**", components)
        page.route("**/api/v1/rasters/**", lambda route: route.fulfill(body=self.rasters[route.request.url.rpartition("/")[2]]))
        page.route("**/api/v1/measures**", self.measured.answer)
        page.route("**/api/v1/heat**", self.heated.answer)

    def _things(self, zoom: int) -> list[tuple]:
        lon, lat = PLACES[zoom]
        place, now = {"lon": lon, "lat": lat}, real_ms()
        name = str(zoom)
        gauge = {"feed": "gauges", "name": "g", "quantity": "water_depth", "thresholds": []} | place
        lines = [{"value": 0.2, "severity": 2}]
        case = {"feed": "cases", "severity": 1, "cell": name, "district": name} | place
        camera = {"feed": "cameras", "name": "c", "state": "online"} | place
        looks = {"bearing_deg": 0, "fov_deg": 90, "range_m": metres(zoom, 40)}
        unit = {"feed": "crews", "name": "", "kind": "vehicle"} | place
        area = {"feed": "warnings", "warning_id": "w", "status": "Actual", "event": "x", "severity": 2, "headline": {"en": "x"},
                "areas": [{"polygons": square(zoom)["coordinates"]}]}  # fmt: skip
        reading = {"feed": "gauges", "sensor_id": f"tube{zoom}", "quantity": "water_depth", "value": 0.3, "unit": "m"}
        alarm = {"feed": "gauges", "severity": 1, "active": True, "since": now} | place
        shapes = {
            "area": ("polygon", square(zoom)),
            "line": ("line", {"type": "LineString", "coordinates": [away(zoom, -24, 24), away(zoom, 24, -24)]}),
            "circle": ("circle", {"type": "Point", "coordinates": [lon, lat]}),
            "arrow": ("arrow", {"type": "LineString", "coordinates": [away(zoom, 0, -30), (lon, lat)]}),
            "point": ("point", {"type": "Point", "coordinates": [lon, lat]}),
        }
        return [
            (f"case/cases/{zoom}", case | {"case_id": f"K{zoom}"}),
            (f"case/cases/second{zoom}", case | {"case_id": f"S{zoom}"}),
            (f"sensor/gauges/g{zoom}", gauge | {"sensor_id": f"g{zoom}"}),
            (f"sensor/gauges/tube{zoom}", gauge | {"sensor_id": f"tube{zoom}", "thresholds": lines}),
            (f"observation/gauges/tube{zoom}/water_depth", reading),
            (f"alarm/gauges/alarm{zoom}", alarm),
            (f"channel/cameras/blind{zoom}", camera | {"channel_id": f"blind{zoom}"}),
            (f"channel/cameras/sees{zoom}", camera | looks | {"channel_id": f"sees{zoom}"}),
            (f"depot/d{zoom}", {"depot_id": f"d{zoom}", "name": "", "kind": "depot"} | place),
            (f"closure/k{zoom}", {"closure_id": f"k{zoom}", "name": "k", "state": "confirmed", "since": now} | place),
            (f"incident/i{zoom}", {"incident_id": f"i{zoom}", "title": "i", "state": "open", "grade": "II"} | place),
            (f"position/crews/still{zoom}", unit | {"unit_id": f"still{zoom}"}),
            (f"position/crews/crew{zoom}", unit | {"unit_id": f"crew{zoom}", "kind": "crew"}),
            (f"position/crews/foot{zoom}", unit | {"unit_id": f"foot{zoom}", "kind": "crew", "heading_deg": 90}),
            (f"position/crews/north{zoom}", unit | {"unit_id": f"north{zoom}", "heading_deg": 0}),
            (f"position/crews/east{zoom}", unit | {"unit_id": f"east{zoom}", "heading_deg": 90}),
            (f"position/crews/about{zoom}", unit | {"unit_id": f"about{zoom}", "accuracy_m": metres(zoom, 40)}),
            (f"position/crews/trail{zoom}", unit | {"unit_id": f"trail{zoom}"}),
            ("warning/warnings/w", area),
            *(
                scenery.drawn(f"{one}{zoom}", kind=kind, geometry=geometry, title="", radius_m=metres(zoom, 24))
                for one, (kind, geometry) in shapes.items()
            ),
        ]

    def _fields(self, zoom: int) -> list[tuple]:
        """Rain: 5 x 5 pixels, it rains in the middle one. Depths as their supplier may tell them, an area or a grid, as the feeds room reads them."""
        lon, lat = PLACES[zoom]

        def document(product: str, side: float, count: int, **more) -> tuple[Grid, tuple]:
            pixel = side * 2 * math.pi * EARTH / (256 * 2**zoom)
            grid = Grid(x_of(lon) - count / 2 * pixel, y_of(lat) + count / 2 * pixel, pixel, count, count)
            now = real_ms()
            version = f"{product}{zoom}"
            frame = {"time": now - 60_000, "start": 0, "run": now, "version": version, "most": 30.0, "covered": 1.0}
            data = {"feed": "f", "product": product, "grid": msgspec.to_builtins(grid), "bounds": grid.bounds(), "frames": [frame],
                    "stale_seconds": 600, "label": {}} | more  # fmt: skip
            return grid, (f"raster/f/{product}", data)

        _, rain = document("rain", SIDE / 3, 5, step=0.004, breaks=[0.1, 1.6, 7.0, 15.0, 40.0, 50.0])
        self.rasters[f"rain{zoom}"] = bytes(88 if n == 12 else 1 for n in range(25))
        water = {"quantity": "water_depth", "unit": "m", "step": DEPTH_STEP, "breaks": list(DEPTH_BREAKS)}
        grid, areas = document("areas", 4, 20, **water)
        (_, ascii_grid) = document("grid", 4, 20, **water)
        feature = {"type": "Feature", "properties": {"depth_m": 0.8}, "geometry": square(zoom)}
        collection = {"type": "FeatureCollection", "time": "2026-01-01T00:00:00Z", "features": [feature]}
        side = grid.pixel * 12
        lines = [
            f"ncols 3\nnrows 3\nxllcorner {x_of(lon) - 1.5 * side!r}\nyllcorner {y_of(lat) - 1.5 * side!r}\ncellsize {side!r}"
        ]
        text = "\n".join([*lines, "0 0 0", "0 0.8 0", "0 0 0"])
        for version, body, name, crs in (
            (f"areas{zoom}", json.dumps(collection), "depth.geojson", "EPSG:4326"),
            (f"grid{zoom}", text, "depth_20260101T0000Z.asc", "EPSG:3857"),
        ):
            (read,) = depth.frames(body.encode(), name, grid, depth.About(crs=crs))
            self.rasters[version] = read.codes
        return [rain, areas, ascii_grid, ("kpi/cells", {"as_of": real_ms(), "rows": {str(zoom): [1, 2]}})]


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
