"""A whole hall with fake RTSP cameras before it and Chromium behind it: the way of a picture from lens to glass."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from tests.push import push, write_city
from tests.running import RunningHall
from tests.video.cameras import Mount, Recipe, Threaded, make, running
from tests.video.cameras.clip import READ_JS

LOOPBACK = "\n[video]\nallow_loopback = true\n[video.health]\nenabled = false\n"
#: JavaScript: `watchGlass(tiles)` notes the age of each new number at the moment it is first seen on a tile's canvas, ms;
#: `glass()` gives what was noted and begins anew. `phases`: channel -> seconds.
#: Looks once per frame of the screen, as an eye would.
GLASS_JS = (
    READ_JS
    + """
window.watchGlass = function (choose, fps, seconds, phases) {
  const noted = [], last = new Map();
  window.glassDone = false;
  const look = () => {
    if (window.glassDone) return;
    requestAnimationFrame(look);
    for (const tile of choose()) {
      const canvas = tile.view && tile.view.canvas;
      if (!canvas || !canvas.width) continue;
      const number = readNumber(tile.view.context, 0, 0, canvas.width);
      if (number === null || number === last.get(tile)) continue;
      last.set(tile, number);
      const due = number / fps + ((phases || {})[tile.channel] || 0);
      const age = (((Date.now() / 1000 - due) % seconds) + seconds) % seconds;
      noted.push(1000 * (age > seconds / 2 ? age - seconds : age));
    }
  };
  requestAnimationFrame(look);
  window.glass = () => noted.splice(0);
};
"""
)


def phase(index: int) -> float:
    """Seconds after the full tick at which a camera sends: cameras of a city do not all send at the same moment."""
    return index % 16 * 0.0023


@contextlib.contextmanager
def camera_hall(
    folder: Path, recipes: dict[str, Recipe], more: str = "", turned: dict[str, str] | None = None, **mount
) -> Iterator[tuple[RunningHall, Threaded, list[str]]]:
    """`(hall, cameras, subjects)`: one channel per name in `recipes`, each played by a fake camera on loopback. `more` is put
    at the end of hall.toml; `turned`: the ONVIF address of those that turn."""
    config = write_city(folder / "hall.toml", {"cameras": "channel"}, 3600, extra=LOOPBACK + more)
    mounts = {
        name: Mount(clip=make(recipe), phase=phase(index), **mount) for index, (name, recipe) in enumerate(recipes.items())
    }
    with running(mounts) as cameras, RunningHall(folder / "var", config) as hall:
        rows = [
            {"channel_id": name, "name": f"摄像机 {name}", "owner": "测试", "state": "online", "lon": 113.9, "lat": 35.3,
             "stream_url": cameras.camera.url(name), "time": 1_700_000_000_000}
            | ({"ptz_url": turned[name]} if name in (turned or {}) else {})
            for name in recipes
        ]  # fmt: skip
        push(hall.url, "cameras", rows)
        yield hall, cameras, [f"channel/cameras/{name}" for name in recipes]


def quantile(values: list[float], part: float) -> float:
    found = sorted(values)
    return found[min(len(found) - 1, int(len(found) * part))]
