"""WebRTC in Chromium on this machine: glass to glass from the clock burnt into the pictures, and the first picture.

One channel 720p25 at 2 Mbit/s, key picture every 2 s, our relay's hub and egress in a process of its own; Chromium without any
switch for WebRTC, software decoding. `latency` is from when the camera's picture was due to when the page was told it is on the
screen; `first picture` from the click to the first picture shown, of warm joins (somebody watches already) and cold ones (the
source has to start: up to a key picture's distance).

Run: `python -m tests.bench.video_webrtc_glass [warm joins] [cold joins] [seconds]`; beside other work with `chrt -r 10` before it.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

from tests.bench.video_peers import clip
from tests.video.cameras import latency
from tests.video.webrtc import pages

ROOT = Path(__file__).parent.parent.parent
LINGER = 0.5  # seconds, a little more than the stage's: after it the source has stopped


def share(values: list[float], of: float) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * of))]


async def measure(warm: int, cold: int, seconds: float) -> dict[str, list[float]]:
    server = subprocess.Popen(
        [sys.executable, "-m", "tests.bench.video_peers.ours", "127.0.0.1"], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    found: dict[str, list[float]] = {"latency": [], "warm": [], "cold": []}
    try:
        url, ticket = server.stdout.readline().split()
        channel = f"{url}/whep/channel/cams/a"
        async with pages.browser() as chromium:

            async def join() -> tuple:
                page = await pages.at(chromium, url, pages.BY_HAND)
                answer = await page.evaluate("([u, t]) => play(u, t)", [channel, ticket])
                assert answer["status"] == 201, answer
                return page, answer["first_ms"]

            async def leave(page) -> None:
                await page.evaluate("fetch(place, {method: 'DELETE'}).then(() => pc.close())")
                await page.close()

            for number in range(cold):
                await asyncio.sleep(LINGER + number * 0.37)  # the joins meet the source at different moments
                page, first = await join()
                found["cold"].append(first)
                await leave(page)
            watching, _ = await join()
            for number in range(warm):
                await asyncio.sleep(0.3 + number * 0.23 % 2)
                page, first = await join()
                found["warm"].append(first)
                await leave(page)
            await watching.evaluate("numbers.length = 0")
            await asyncio.sleep(seconds)
            seen = await watching.evaluate("numbers")
            found["latency"] = [latency(n, at, clip.clip()) * 1000 for n, at in seen if n is not None]
    finally:
        server.terminate()
        server.wait(10)
    return found


def main() -> None:
    warm, cold, seconds = (int(word) for word in (*sys.argv[1:], *("12", "6", "15")[len(sys.argv) - 1 :]))
    clip.clip()
    found = asyncio.run(measure(warm, cold, seconds))
    print("WebRTC in Chromium, 720p25 2 Mbit/s, key picture every 2 s\n")
    print("| what | n | p50 ms | p95 ms | most ms |\n|---|---|---|---|---|")
    for name, label in (("latency", "glass to glass"), ("warm", "first picture, warm"), ("cold", "first picture, cold")):
        values = found[name]
        print(f"| {label} | {len(values)} | {share(values, 0.5):.1f} | {share(values, 0.95):.1f} | {max(values):.0f} |")


if __name__ == "__main__":
    main()
