"""The hall's answers about past cases, counted by the dispatch room itself; a field of water depths."""

from __future__ import annotations

import random
from urllib.parse import parse_qs, urlsplit

import numpy

from dispatch.heat.columns import HeatColumns, Question, Reported
from feeds.rasters.depth import encode
from hall.app.heat import _packed
from hall.core.clock import real_ms
from hall.core.raster import DEPTH_BREAKS, DEPTH_STEP, grid_over
from tests.browser.map import scenery

DAY = 86_400_000


class Heated:
    """`answer` is a playwright route handler over `count` cases of the last 60 days."""

    def __init__(self, count: int, seed: int = 4) -> None:
        chance, now = random.Random(seed), real_ms()
        spots = [(chance.gauss(scenery.CENTRE[0], 0.04), chance.gauss(scenery.CENTRE[1], 0.03)) for _ in range(25)]
        self.rows = []
        for number in range(1, count + 1):
            x, y = chance.choice(spots)
            place = (round(chance.gauss(x, 0.006), 6), round(chance.gauss(y, 0.005), 6)) if number % 20 else (None, None)
            name = chance.choice(scenery.CLASSES)[0]
            self.rows.append(Reported(number, "closed", name, "", "", now - chance.randrange(60 * DAY), *place))
        self.columns = HeatColumns()
        self.columns.put(self.rows)

    def answer(self, route) -> None:
        address = urlsplit(route.request.url)
        if address.path.endswith("/about"):
            return route.fulfill(json=self.columns.about() | {"ready": 1})
        asked = {name: values[0] for name, values in parse_qs(address.query).items()}
        classes = tuple(parse_qs(address.query).get("class", ())) or None
        box = tuple(float(part) for part in asked["bbox"].split(","))
        found = self.columns.grid(Question(int(asked["from"]), int(asked["to"]), box, int(asked["zoom"]), classes))
        return route.fulfill(
            body=_packed(found, 1), headers={"ETag": f'"{hash(address.query)}"'}, content_type="application/octet-stream"
        )


def depths(*leads: int, run: int = 0) -> tuple[tuple, bytes]:
    """A document of a field of depths with a frame for each of `leads` (minutes from now) of a run `run` minutes ago, and the
    pixels of each: a pond of 0.8 m that gets shallower outwards."""
    grid = grid_over(
        (scenery.CENTRE[0] - 0.04, scenery.CENTRE[1] - 0.03, scenery.CENTRE[0] + 0.04, scenery.CENTRE[1] + 0.03), 20, 2048
    )
    y, x = numpy.mgrid[0 : grid.height, 0 : grid.width]
    away = numpy.hypot(x - grid.width / 2, y - grid.height / 2) / 90
    depth = numpy.maximum(0.0, 0.8 - away * (1 + 0.3 * numpy.sin(x / 17) * numpy.cos(y / 23)))
    now = real_ms()
    begun = now - run * 60_000
    frames = [
        {"time": now + lead * 60_000, "start": begun, "run": begun, "version": f"d{run}.{lead}", "most": 0.8} for lead in leads
    ]
    document = {
        "feed": "model", "product": "depth", "quantity": "water_depth", "unit": "m", "step": DEPTH_STEP, "breaks": list(DEPTH_BREAKS),
        "label": {"zh-CN": "内涝模型", "en": "Flood model"}, "bounds": grid.bounds(), "frames": frames, "source": "水务局",
        "grid": {"west": grid.west, "north": grid.north, "pixel": grid.pixel, "width": grid.width, "height": grid.height},
    }  # fmt: skip
    return ("raster/model/depth", document), encode(depth.ravel()).tobytes()
