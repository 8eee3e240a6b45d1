"""From a camera's RTSP through relay and socket to the glass of a Chromium page, read from the number burnt into the pictures.

Fake cameras (tests/video/cameras) send picture k at wall time k / fps; the page looks at its canvases once per frame of the
screen and notes how old each new number is. Chromium decodes in software and paints without a GPU here.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
from playwright.sync_api import Browser, Page, sync_playwright

from hall.core.clock import monotonic
from tests.browser.video.camerahall import GLASS_JS, camera_hall, phase, quantile
from tests.browser.video.conftest import FLAGS
from tests.video.cameras import Recipe, Threaded

SMALL = Recipe(width=640, height=360, kbit_s=800)
LARGE = Recipe(width=1280, height=720, kbit_s=2000, gop=50)
MANY, TILES, COLD = 100, 16, 4
RECIPES = {f"s{n:03d}": SMALL for n in range(MANY)} | {"large": LARGE}
PLAYING = "count => hall.video.tiles().filter(t => t.condition === 'live').length >= count"
#: ms from the question to the first painted picture, and the same without the ticket's way
JOIN = """subject => new Promise(done => {
  const tile = new hall.video.Tile({why: 'bench', kind: 'live'});
  tile.node.style.cssText = 'position:fixed;left:0;top:0;width:1280px;height:720px;z-index:99';
  document.body.append(tile.node);
  const began = performance.now();
  tile.onfirst = () => { const took = performance.now() - began; setTimeout(() => { tile.remove(); setTimeout(() => done(took), 2300) }, 300) };
  tile.show(subject, {quality: 'main'});
})"""
THUMBS = """subjects => {
  const board = document.createElement('div');
  board.style.cssText = 'position:fixed;inset:0;z-index:98;display:grid;grid-template-columns:repeat(10,1fr);grid-auto-rows:1fr';
  document.body.append(board);
  window.thumbs = subjects.map(subject => { const tile = new hall.video.Tile({why: 'bench', kind: 'live'}); board.append(tile.node);
    tile.show(subject, {quality: 'main', only: 'keys'}); return tile });
}"""


def cpu_of(browser_pid: int) -> float:
    """Seconds of processor that a browser and its processes had so far, from the scheduler's own count."""
    total = 0.0
    for process in [psutil.Process(browser_pid), *psutil.Process(browser_pid).children(recursive=True)]:
        for task in Path(f"/proc/{process.pid}/task").glob("*/schedstat"):
            try:
                total += int(task.read_text().split()[0]) / 1e9
            except OSError:
                continue
    return total


def chromium_pid() -> int:
    """The browser that this process started through playwright's driver."""
    for child in psutil.Process().children(recursive=True):
        if "chromium" in child.name() and "--type=" not in " ".join(child.cmdline()):
            return child.pid
    raise RuntimeError("no browser")


@contextmanager
def wall(browser: Browser, url: str, size: tuple[int, int] = (1920, 1080)) -> Iterator[Page]:
    page = browser.new_page(viewport={"width": size[0], "height": size[1]})
    page.add_init_script(GLASS_JS)
    page.goto(f"{url}/wall/video")
    page.wait_for_function("() => window.hall && hall.video && hall.video.grid && hall.store.ready")
    yield page
    page.close()


def glass(page: Page, cells: list[str], layout: int, seconds: float) -> tuple[list[float], float]:
    """Ages of pictures on the glass, ms, and the browser's cores meanwhile."""
    page.evaluate("([layout, cells]) => hall.video.grid.set({layout, cells}, true)", [layout, cells])
    page.wait_for_function(PLAYING, arg=len(cells), timeout=60_000)
    page.wait_for_timeout(3000)
    phases = {f"channel/cameras/{name}": phase(index) for index, name in enumerate(RECIPES)}
    page.evaluate("phases => watchGlass(() => hall.video.tiles(), 25, 4, phases)", phases)
    page.evaluate("() => glass()")
    pid, began = chromium_pid(), monotonic()
    before = cpu_of(pid)
    page.wait_for_timeout(seconds * 1000)
    cores = (cpu_of(pid) - before) / (monotonic() - began)
    return page.evaluate("() => { window.glassDone = true; return glass() }"), cores


def joins(page: Page, subject: str, cameras: Threaded, count: int) -> tuple[list[float], list[float]]:
    """First pictures of a source that did not run, and of one that runs: ms."""
    cold = []
    for turn in range(COLD):
        while cameras.camera.listeners(subject.rpartition("/")[2]):  # it goes on for a while after its last viewer
            page.wait_for_timeout(300)
        page.wait_for_timeout(530 * turn)  # not always at the same distance from a key picture
        cold.append(page.evaluate(JOIN, subject))
    keep = "subject => { window.keeper = new hall.video.Tile({why: 'keeper'}); keeper.show(subject, {quality: 'main', only: 'keys'}) }"
    page.evaluate(keep, subject)  # the source goes on; its pictures go elsewhere
    page.wait_for_timeout(2500)
    return cold, [page.evaluate(JOIN, subject) for _ in range(count)]


def thumbnails(page: Page, subjects: list[str], seconds: float) -> dict[str, float]:
    page.evaluate("cell => hall.video.grid.set({layout: 1, cells: [cell]}, true)", subjects[0])
    page.evaluate(THUMBS, subjects)
    page.wait_for_function("() => thumbs.every(t => t.condition === 'live')", timeout=90_000)
    pid = chromium_pid()
    before, began, shown = cpu_of(pid), monotonic(), page.evaluate("() => hall.video.keys.figures.decoded")
    page.wait_for_timeout(seconds * 1000)
    took = monotonic() - began
    figures = page.evaluate("() => hall.video.keys.figures")
    return {
        "decoders": figures["decoders"],
        "errors": figures["errors"],
        "fps": (figures["decoded"] - shown) / took,
        "cores": (cpu_of(pid) - before) / took,
    }


def memory(page: Page, rounds: int) -> list[float]:
    """Used heap in MiB after each round of changing layouts and letting all pictures go."""
    found = []
    client = page.context.new_cdp_session(page)
    for _ in range(rounds):
        for layout in (4, 16, 1, 9):
            page.evaluate("layout => hall.video.grid.set({layout}, true)", layout)
            page.wait_for_timeout(1200)
        client.send("HeapProfiler.collectGarbage")
        found.append(client.send("Runtime.getHeapUsage")["usedSize"] / 2**20)
    return found


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--seconds", type=float, default=12)
    options.add_argument("--joins", type=int, default=9)
    chosen = options.parse_args()
    with (
        tempfile.TemporaryDirectory() as folder,
        camera_hall(Path(folder), RECIPES) as (hall, cameras, subjects),
        sync_playwright() as api,
    ):
        browser = api.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS, ignore_default_args=["--headless"])
        with wall(browser, hall.url) as page:
            page.evaluate("cell => hall.video.grid.set({layout: 1, cells: [cell]}, true)", subjects[0])
            cold, warm = joins(page, subjects[-1], cameras, chosen.joins)
            full, full_cores = glass(page, subjects[-1:], 1, chosen.seconds)
            tiles, tile_cores = glass(page, subjects[:TILES], TILES, chosen.seconds)
            heap = memory(page, 4)
            thumbs = thumbnails(page, subjects[:MANY], chosen.seconds)
            reconnects = page.evaluate("() => hall.video.wire.reconnects")
        browser.close()
    print("| what | measured | goal |\n|---|---|---|")
    print(
        f"| glass, one picture 1280x720, p50 / p95 | {quantile(full, 0.5):.0f} / {quantile(full, 0.95):.0f} ms of {len(full)} pictures; Chromium {full_cores:.2f} cores | 25 / 60 ms |"
    )
    print(
        f"| glass, {TILES} tiles 640x360 on one socket, p50 / p95 | {quantile(tiles, 0.5):.0f} / {quantile(tiles, 0.95):.0f} ms of {len(tiles)} pictures; Chromium {tile_cores:.2f} cores | 50 ms |"
    )
    print(
        f"| first picture of a running source, p50 / worst of {len(warm)} | {statistics.median(warm):.0f} / {max(warm):.0f} ms | 150 ms |"
    )
    print(
        f"| first picture, source not running (GOP 2 s), p50 / worst of {len(cold)} | {statistics.median(cold):.0f} / {max(cold):.0f} ms | 2,500 ms |"
    )
    print(
        f"| {MANY} thumbnails, key pictures | {thumbs['decoders']:.0f} decoder, {thumbs['errors']:.0f} errors, {thumbs['fps']:.0f} pictures/s; Chromium {thumbs['cores']:.2f} cores | 1 decoder |"
    )
    print(f"| heap after rounds of changed layouts | {', '.join(f'{value:.1f}' for value in heap)} MiB | flat |")
    print(f"\nReconnects meanwhile: {reconnects}.")


if __name__ == "__main__":
    main()
