"""RTSP channels taken in per core: marginal CPU of the product's own client, from packets to whole pictures on the relay's
tracks (numbered, group kept, nobody watching), beside PyAV (FFmpeg's client, demuxing only) in the same run; and the CPU of
one look at a camera (`visit`).

720p25, 2 Mbit/s, GOP 2 s. The cameras are another process. Run: `chrt -r 10 python -m tests.bench video_ingest`.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import av
import uvloop

from video.media import SourceRequest
from video.relay.gop import Budget
from video.relay.producer import Attempt
from video.relay.track import Track
from video.rtsp import RtspSource, visit

STEPS, PEER_STEPS = (40, 140, 240), (4, 12)
SETTLE, MEASURE = 4.0, 10.0  # seconds
VISITS, AT_ONCE = 400, 30


@contextlib.contextmanager
def cameras(count: int, *more: str) -> Iterator[list[str]]:
    """Addresses of so many cameras, whose pictures are due at scattered moments."""
    command = [sys.executable, "-m", "tests.video.cameras", "--mounts", str(count), "--scatter", "--width", "1280", "--height", "720",
               "--kbit", "2000", "--gop", "50", "--noise", "30", *more]  # fmt: skip
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=Path(__file__).parents[2], text=True)
    try:
        yield json.loads(process.stdout.readline())["urls"]
    finally:
        process.stdin.close()
        process.wait(10)


def cpu() -> float:
    """Seconds that this process has been on a CPU, all its threads."""
    return sum(int(p.read_text().split()[0]) for p in Path("/proc/self/task").glob("*/schedstat")) / 1e9


def request(url: str) -> SourceRequest:
    return SourceRequest(subject="channel/bench/c", url=url)


async def ingest(urls: list[str]) -> list[tuple[int, float, float, int]]:
    """(channels, cores used, pictures per second, damages) at each step."""
    found, tasks, tracks, budget = [], [], [], Budget(4 << 30, 8 << 20)
    for step in STEPS:
        while len(tasks) < step:
            tracks.append(Track(f"channel/bench/{len(tasks)}", "main", len(tasks), budget))
            tasks.append(asyncio.create_task(RtspSource(request(urls[len(tasks)])).run(Attempt(tracks[-1]))))
            await asyncio.sleep(0.01)
        await asyncio.sleep(SETTLE)
        before, began, used = sum(t.counters["pictures"] for t in tracks), time.monotonic(), cpu()
        await asyncio.sleep(MEASURE)
        seconds, shown = time.monotonic() - began, sum(t.counters["pictures"] for t in tracks) - before
        found.append((step, (cpu() - used) / seconds, shown / seconds, sum(t.counters["damaged"] for t in tracks)))
    assert not any(task.done() for task in tasks), [t.exception() for t in tasks if t.done()]
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    return found


def demuxed(urls: list[str]) -> list[tuple[int, float, float]]:
    """The same by PyAV, one thread per channel; pictures are counted and not decoded."""
    stop, counts, found, threads = threading.Event(), [0] * len(urls), [], []

    def run(index: int) -> None:
        with av.open(
            urls[index], options={"rtsp_transport": "tcp", "analyzeduration": "100000"}, timeout=(10, 10)
        ) as container:
            for packet in container.demux(video=0):
                counts[index] += bool(packet.size)
                if stop.is_set():
                    return

    for step in PEER_STEPS:
        while len(threads) < step:
            threads.append(threading.Thread(target=run, args=(len(threads),), daemon=True))
            threads[-1].start()
        time.sleep(SETTLE + 2)
        before, began, used = sum(counts), time.monotonic(), cpu()
        time.sleep(MEASURE)
        seconds = time.monotonic() - began
        found.append((step, (cpu() - used) / seconds, (sum(counts) - before) / seconds))
    stop.set()
    for thread in threads:
        thread.join(10)
    return found


async def visits(urls: list[str]) -> tuple[float, float]:
    """CPU ms per visit, and visits per second that this process did, `AT_ONCE` at a time."""
    pending, used, began = iter(range(VISITS)), cpu(), time.monotonic()

    async def worker() -> None:
        for index in pending:
            assert (await visit(request(urls[index % len(urls)]))).key

    await asyncio.gather(*(worker() for _ in range(AT_ONCE)))
    return (cpu() - used) / VISITS * 1000, VISITS / (time.monotonic() - began)


def marginal(rows) -> float:
    """Cores per further channel, first to last step."""
    return (rows[-1][1] - rows[0][1]) / (rows[-1][0] - rows[0][0])


def main() -> None:
    with cameras(STEPS[-1]) as urls:
        own = uvloop.run(ingest(urls))
        peer = demuxed(urls[: PEER_STEPS[-1]])
    with cameras(60, "--starts-with-key", "--gop", "25") as urls:
        each, rate = uvloop.run(visits(urls))
    ours, theirs = marginal(own), marginal(peer)
    print("| what | % of a core per further channel | channels per core |")
    print("|---|---|---|")
    print(f"| **own RTSP client, onto the relay's tracks** | {ours * 100:.3f} | **{1 / ours:,.0f}** |")
    print(f"| PyAV (FFmpeg), demuxing only | {theirs * 100:.2f} | {1 / theirs:,.0f} |\n")
    print("| channels | cores | pictures/s | damages |")
    print("|---|---|---|---|")
    for channels, cores, shown, damages in own:
        print(f"| {channels} | {cores:.3f} | {shown:,.0f} | {damages} |")
    print(
        f"\nOne look (connect, first key picture, away): {each:.2f} ms of CPU, {1000 / each:,.0f} per core and second;", end=" "
    )
    print(f"{rate:.0f}/s were done, {AT_ONCE} at a time, cameras with a key picture each second.")
    print(f"Goal 500 channels per core: {'met' if 1 / ours >= 500 else 'NOT met'}; goal 150 looks/s: {'met' if 1000 / each >= 150 else 'NOT met'}.")  # fmt: skip


if __name__ == "__main__":
    main()
