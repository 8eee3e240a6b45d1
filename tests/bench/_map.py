"""What the benches of the map share: a page with every layer over the bench's components, a hand that drags, the renderer's memory."""

from __future__ import annotations

import contextlib
import json
import math
import os
import random
import threading
import time
import urllib.request
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from fastapi import APIRouter, Response
from playwright.sync_api import Browser, Page, Playwright

from dispatch.casebook import Casebook
from dispatch.heat.columns import Question
from dispatch.heat.index import HeatIndex
from feeds.components.asking import Inventory
from feeds.demo import prepare
from hall.app.components import Components
from hall.app.heat import Heat
from hall.core import config
from hall.core.clock import real_ms
from tests.bench import _cdp, heat
from tests.browser.map import mappage, scenery
from tests.browserflags import DISABLED
from tests.video.catalogue.cameras import Told, camera
from video.catalogue.grids import grid
from video.catalogue.index import Query
from video.catalogue.scope import ALL

SIZE = (3840, 2160)
UNITS = 5_000
CHANNELS = 100_000
CASES = 1_000_000  # past ones
SIGNS = 20  # closed places, pump stations, incidents, drawn shapes: each
MAP = "[...hall.citymap.live][0]"
FRAMES = "const frame = () => new Promise(done => requestAnimationFrame(done)); const settled = async () => { await frame(); await frame(); };"
#: until the components that are wanted are on the glass that people see, in a frame that is over
SHOWN = f"""const shown = async () => {{ const {{stage}} = {MAP};
  do await frame(); while (stage.marked.has('components') || !stage.sheets.has('components') || stage.lower.still.width); await frame(); }};"""
FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    DISABLED,
)
#: counts frames, and in each measures how deep nothing is drawn at an edge of the view, as a share of it: on the lower and on the upper glass
WATCH = f"""() => {{ const view = {MAP}, {{stage, map}} = view, seen = window.watched = {{frames: 0, last: 0, longest: 0, ground: 0, symbols: 0}};
  const boxOf = frame => {{ const c = map.layerPointToContainerPoint(frame.corner); return [c.x, c.y, c.x + frame.width, c.y + frame.height]; }};
  const bare = frames => {{ const s = stage.seen(), boxes = frames.map(boxOf), wide = s.right - s.left - 1, high = s.bottom - s.top - 1; let worst = 0;
    const drawn = (x, y) => boxes.some(b => x >= b[0] && x <= b[2] && y >= b[1] && y <= b[3]);
    for (let i = 0; i <= 20; i += 1) for (const at of [d => [d, i / 20], d => [1 - d, i / 20], d => [i / 20, d], d => [i / 20, 1 - d]]) {{
      let depth = 0; while (depth < 1 && !drawn(...(([x, y]) => [s.left + 0.5 + x * wide, s.top + 0.5 + y * high])(at(depth)))) depth += 0.005;
      depth = Math.min(depth, i / 20, 1 - i / 20); if (depth > worst) worst = depth; }} return worst; }};
  const look = now => {{ if (window.watched !== seen) return; seen.frames += 1; if (seen.last) seen.longest = Math.max(seen.longest, now - seen.last); seen.last = now;
    seen.ground = Math.max(seen.ground, bare([stage.lower.frame, ...[...stage.pieces.all.values()].map(p => p.frame)]));
    seen.symbols = Math.max(seen.symbols, bare([stage.upper.frame])); requestAnimationFrame(look); }};
  requestAnimationFrame(look); }}"""


def components(root: Path) -> APIRouter:
    """The hall's own answers about the components under `root`."""
    return Components(Inventory(root), SimpleNamespace(of_component=lambda *_: [], around=lambda *_: [])).router  # type: ignore[arg-type]


def cameras(count: int) -> APIRouter:
    """The real catalogue with so many channels, asked as a page asks the hall."""
    chance, told = random.Random(5), Told()
    for number in range(count):
        told.tell(camera(number, chance))
    router = APIRouter(prefix="/api/v1/channels")

    def asked(box: str) -> Query:
        return Query(box=tuple(map(float, box.split(","))))  # type: ignore[arg-type]

    def search(box: str, limit: int, cursor: str = "", since: str = "") -> Any:
        return told.catalogue.search(asked(box), ALL, cursor, limit, since)

    def counted(box: str, level: int) -> dict[str, Any]:
        return grid(told.catalogue.index, asked(box), ALL, level) | {"as_of": real_ms()}

    router.add_api_route("", search)
    router.add_api_route("/grid", counted)
    return router


def past(home: Path, count: int) -> APIRouter:
    """The real index of so many past cases."""
    heat.fill(home / "cases.db", count, real_ms()).close()
    index = HeatIndex(Casebook.open_reader(home / "cases.db"))
    while index.step() or index.share < 1:
        pass
    return Heat(index, Question).router


@contextlib.contextmanager
def served(home: Path, router: APIRouter, crowd: bool = True) -> Iterator[tuple[str, mappage.Gate]]:
    """`(address, gate)` of the city's map; `crowd`: with cases, gauges, 100,000 cameras, all cells live, a warning, rain by radar, closed
    places, pump stations, incidents, drawn shapes and 5,000 units on it, and heat of 1 million past cases to be chosen."""
    os.environ["HALL_DATA_DIR"] = str(home / "var")
    chance = random.Random(20210720)
    radar, pixels = scenery.rain()
    rasters = APIRouter()
    rasters.get("/api/v1/rasters/{rest:path}")(lambda rest: Response(pixels, media_type="application/octet-stream"))
    more = [cameras(CHANNELS), past(home, CASES)] if crowd else []
    with mappage.serve(config.load(prepare(home / "city")), [router, rasters, *more]) as (address, gate):
        gate.put(*scenery.alive())
        if crowd:
            gate.told = {"op": "told", "kind": "left-out", "topics": {"channel": CHANNELS}}
            gate.put(*scenery.cases(chance, 400), *scenery.gauges(chance, 120), scenery.warning())
            gate.put(*scenery.units(chance, UNITS))
            gate.put(*scenery.signs(chance, SIGNS), radar, scenery.cells(codes(address), chance))
        with each_second(lambda: gate.put(*scenery.alive())):  # a stale map is greyed, which costs ten times as much
            yield address, gate


def codes(address: str) -> list[str]:
    with urllib.request.urlopen(f"{address}api/v1/geography/cells.json") as answer:
        return [feature["properties"]["code"] for feature in json.load(answer)["features"]]


@contextlib.contextmanager
def each_second(work: Callable[[], None]) -> Iterator[None]:
    stopped = threading.Event()

    def repeat() -> None:
        while not stopped.wait(1):
            work()

    thread = threading.Thread(target=repeat, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stopped.set()
        thread.join()


@contextlib.contextmanager
def moving(gate: mappage.Gate) -> Iterator[None]:
    """Meanwhile all 5,000 units say once a second where they are."""
    chance = random.Random(2)
    with each_second(lambda: gate.put(*scenery.units(chance, UNITS))):
        yield


def chromium(api: Playwright) -> Browser:
    """Software rendering."""
    return api.chromium.launch(executable_path="/usr/bin/chromium", args=[*FLAGS], ignore_default_args=["--headless"])


def ready(page: Page | _cdp.Page) -> None:
    page.wait_for_function(
        f"hall.maps && hall.maps['city-map'] && hall.citymap.live && hall.citymap.live.size && {MAP}.stage && document.querySelector('[data-count-cases]')"
    )
    page.evaluate("Promise.all(['basemap', 'districts', 'cells'].map(hall.citymap.geography)).then(() => 0)")
    page.wait_for_function(f"!{MAP}.pace.soon")


def drag(page: Page | _cdp.Page, seconds: float, speed: float) -> dict[str, float]:
    """A hand that drags to and fro over three quarters of the screen at `speed` px/s, pressed all the time: frames a second, the longest
    frame (ms), how deep nothing was drawn at an edge (share of the view) of the ground and of the symbols."""
    wide, high = SIZE[0] * 0.75, SIZE[1] * 0.5
    begun = time.monotonic()

    def place(now: float) -> tuple[float, float]:
        gone = now * speed
        along = wide - abs(gone % (2 * wide) - wide)
        return SIZE[0] * 0.12 + along, SIZE[1] * 0.5 + high / 2 * math.sin(gone / wide)

    page.mouse.move(*place(0))
    page.mouse.down()
    page.evaluate(WATCH)
    while (now := time.monotonic() - begun) < seconds:
        page.mouse.move(*place(now))
        time.sleep(0.008)  # a mouse tells 125 times a second
    found = page.evaluate(
        "() => { const {frames, longest, ground, symbols} = watched; watched = null; return {frames, longest, ground, symbols}; }"
    )
    page.mouse.up()
    page.wait_for_function(f"!{MAP}.stage.moving && !{MAP}.stage.pending")
    return found | {"rate": found["frames"] / now}


def memory(browser: Browser) -> float:
    """MiB that the renderers hold (their proportional set size)."""
    processes = browser.new_browser_cdp_session().send("SystemInfo.getProcessInfo")["processInfo"]
    return held(one["id"] for one in processes if one["type"] == "renderer")


def held(pids: Iterable[int]) -> float:
    """MiB of these processes."""
    return sum(_pss(pid) for pid in pids) / 1024


def _pss(pid: int) -> int:
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1])
    return 0
