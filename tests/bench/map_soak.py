"""What the map's renderer holds while somebody pans and zooms without end and 5,000 units move: memory by minute.

`python -m tests.bench.map_soak [MINUTES]` (2 without). `HALL_BENCH_COMPONENTS` makes it smaller.
"""

from __future__ import annotations

import random
import sys
import tempfile
import time
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from tests.bench import _map
from tests.bench import components as made

SPEED = 1_500  # px/s


def round_trip(page: Page, chance: random.Random, until: float) -> int:
    """Drags, goes in and out by the wheel, home again; how many rounds."""
    rounds = 0
    while time.monotonic() < until:
        _map.drag(page, 4, SPEED)
        for turns in (-1, -1, -1, 1, 1, 1):
            page.mouse.move(chance.uniform(800, 3000), chance.uniform(500, 1600))
            page.mouse.wheel(0, 240 * turns)
            page.wait_for_timeout(500)  # as somebody turns a wheel: the next turn is answered after the last
        page.evaluate("hall.map.home()")
        rounds += 1
    return rounds


def main() -> int:
    minutes = int(sys.argv[1]) if len(sys.argv) > 1 else 2
    chance, held = random.Random(3), []
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as api:
        home = Path(folder)
        (home / "big").mkdir()
        made.written(home / "big")
        with _map.served(home, _map.components(home / "big")) as (at, gate), _map.moving(gate):
            browser = _map.chromium(api)
            page = browser.new_page(viewport=dict(zip(("width", "height"), _map.SIZE, strict=True)), bypass_csp=True)
            page.goto(at)
            _map.ready(page)
            page.evaluate(f"{_map.MAP}.toggle('components', true); hall.maps['city-map'].scrollWheelZoom.enable()")
            page.wait_for_function(f"{_map.MAP}.components.pack")
            held.append((0, 0, _map.memory(browser)))
            for minute in range(1, minutes + 1):
                rounds = round_trip(page, chance, time.monotonic() + 60)
                held.append((minute, rounds, _map.memory(browser)))
            browser.close()
    print(
        f"{made.COUNT:,} components, {_map.SIZE[0]} by {_map.SIZE[1]}, {minutes} min\n\n| minute | rounds of pan and zoom | renderer, MiB (PSS) |\n|---|---|---|"
    )
    print("\n".join(f"| {minute} | {rounds} | {size:.0f} |" for minute, rounds, size in held))
    later = [size for minute, _, size in held if minute >= max(1, minutes // 3)]
    print(f"\nfrom minute {max(1, minutes // 3)} on: {min(later):.0f} to {max(later):.0f} MiB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
