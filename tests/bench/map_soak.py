"""What the map's renderer holds while somebody pans and zooms without end and 5,000 units move: memory after each round, told minute by minute.

Five minutes of ten with heat of a million past cases in place of cells and rain. Beside it the JavaScript heap with its garbage, and the map's canvases with their pixels. `HALL_BENCH_MINUTES=60 python -m tests.bench map_soak`
(2 without), or `python -m tests.bench.map_soak 60`, which records nothing. `HALL_BENCH_COMPONENTS` makes it smaller; `HALL_BENCH_DUMPS`,
a folder, gets every five minutes what each allocator of the browser holds. The browser is driven without Playwright (see `_cdp`).
"""

from __future__ import annotations

import os
import random
import sys
import tempfile
import time
from pathlib import Path

from tests.bench import _cdp, _map
from tests.bench import components as made

SPEED = 1_500  # px/s
#: [how many, MiB of pixels] of the page's canvases and of those that the map draws on behind them
CANVASES = f"""() => {{ const view = {_map.MAP}, {{stage}} = view, isOne = one => one instanceof HTMLCanvasElement || one instanceof OffscreenCanvas;
  const holders = [...stage.glasses(), stage.pieces, ...stage.pieces.all.values(), ...stage.pieces.spare, view.ground, view.components];
  const all = new Set([...document.querySelectorAll('canvas'), ...holders.flatMap(one => Object.values(one).filter(isOne))]);
  return [all.size, [...all].reduce((sum, {{width, height}}) => sum + width * height * 4, 0) / 2 ** 20]; }}"""
HEAD = "| minute | rounds of pan and zoom | renderer, MiB (PSS) | JavaScript heap, MiB | canvases | MiB of them |\n|---|---|---|---|---|---|"


def round_trip(page: _cdp.Page, chance: random.Random) -> None:
    """Drags, goes in and out by the wheel, home again."""
    _map.drag(page, 4, SPEED)
    for turns in (-1, -1, -1, 1, 1, 1):
        page.mouse.move(chance.uniform(800, 3000), chance.uniform(500, 1600))
        page.mouse.wheel(0, 240 * turns)
        page.wait_for_timeout(500)  # as somebody turns a wheel: the next turn is answered after the last
    page.evaluate("hall.map.home()")


def coloured(page: _cdp.Page, minute: int) -> None:
    """Heat comes for the second half of ten minutes, and goes."""
    if minute % 5 == 0:
        asked = "{period: 'month'}" if minute % 10 else "null"
        page.evaluate(f"{_map.MAP}.layers.get('heat').set({asked}); 0")


def told(minute: int, sizes: list[float], page: _cdp.Page) -> None:
    found = page.metrics()
    count, pixels = page.evaluate(CANVASES)
    span = f"{min(sizes):.0f} to {max(sizes):.0f}" if len(sizes) > 1 else f"{sizes[0]:.0f}"
    rounds = len(sizes) if minute else 0
    print(f"| {minute} | {rounds} | {span} | {found['JSHeapUsedSize'] / 2**20:.0f} | {count} | {pixels:.0f} |", flush=True)


def main() -> int:
    minutes = int(sys.argv[1] if len(sys.argv) > 1 else os.environ.get("HALL_BENCH_MINUTES", "2"))
    chance = random.Random(3)
    held: list[list[float]] = []  # by minute
    dumps = os.environ.get("HALL_BENCH_DUMPS")
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        (home / "big").mkdir()
        made.written(home / "big")
        with (
            _map.served(home, _map.components(home / "big")) as (at, gate),
            _map.moving(gate),
            _cdp.chromium(_map.FLAGS, _map.SIZE) as page,
        ):
            page.goto(at)
            _map.ready(page)
            page.evaluate(f"{_map.MAP}.toggle('components', true); hall.maps['city-map'].scrollWheelZoom.enable(); 0")
            page.wait_for_function(f"{_map.MAP}.components.pack")
            print(f"{made.COUNT:,} components, {_map.SIZE[0]} by {_map.SIZE[1]}, {minutes} min\n\n{HEAD}", flush=True)
            told(0, [_map.held(page.renderers())], page)
            begun = time.monotonic()
            for minute in range(1, minutes + 1):
                sizes: list[float] = []
                coloured(page, minute)
                while not sizes or time.monotonic() < begun + 60 * minute:
                    round_trip(page, chance)
                    sizes.append(_map.held(page.renderers()))
                held.append(sizes)
                told(minute, sizes, page)
                if dumps and minute % 5 == 0:
                    page.dump(Path(dumps) / f"{minute:02}.json")
    first = max(1, minutes // 3)
    later = [size for sizes in held[first - 1 :] for size in sizes]
    print(f"\nfrom minute {first} on: {min(later):.0f} to {max(later):.0f} MiB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
