"""500 commands at once by 20 operators, until a second operator's screen shows all of them; single and in batches of 25.

Beside it the peer's way to tell on the same burst (tests/bench/_desk.py).
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import tempfile
import time
from pathlib import Path

from tests.bench._desk import PEER_BURST_S, Browser, Peer, desk
from tests.journeys.shift.link import Seat

COMMANDS, GOAL_S = 500, 1.0


async def shown(watcher: Seat, wanted: dict[str, int]) -> None:
    """Returns when the watcher's screen has every file at its revision or newer."""

    def complete() -> bool:
        return all(watcher.docs[name]["data"]["revision"] >= revision for name, revision in wanted.items())

    await watcher.until(complete, 60, "every change is shown")


def revisions(watcher: Seat, subjects: list[str]) -> dict[str, int]:
    return {name: watcher.docs[name]["data"]["revision"] for name in subjects}


async def in_batches(people: list[Seat], watcher: Seat, subjects: list[str], move: str) -> tuple[float, float]:
    """Each operator sends his share as one batch; seconds until all are acknowledged, and until all are shown."""
    now, each = revisions(watcher, subjects), len(subjects) // len(people)

    async def send(seat: Seat, share: list[str]) -> None:
        made = [
            {"id": f"burst-{move}-{name}-{now[name]}", "subject": name, "move": move, "revision": now[name]} for name in share
        ]
        answer = await seat.http.post("/api/v1/commands", json={"commands": made}, timeout=60)
        refused = [result for result in answer.json()["results"] if not result.get("outcome")]
        assert not refused, refused[:2]

    began = time.monotonic()
    seen = asyncio.create_task(shown(watcher, {name: revision + 1 for name, revision in now.items()}))
    await asyncio.gather(*(send(seat, subjects[n * each : (n + 1) * each]) for n, seat in enumerate(people)))
    acknowledged = time.monotonic() - began
    await seen
    return acknowledged, time.monotonic() - began


async def one_by_one(browsers: list[Browser], watcher: Seat, subjects: list[str], move: str) -> tuple[float, float]:
    """500 requests at once, each with the whole case in its answer."""
    now = revisions(watcher, subjects)

    async def send(browser: Browser, name: str) -> None:
        body = {"id": f"burst-{move}-{name}-{now[name]}", "move": move, "revision": now[name]}
        status, answer = await browser.post(f"/api/v1/cases/{name.partition('/')[2]}/commands", body)
        assert status == 200, answer[:500]

    began = time.monotonic()
    seen = asyncio.create_task(shown(watcher, {name: revision + 1 for name, revision in now.items()}))
    await asyncio.gather(*(send(browsers[n % len(browsers)], name) for n, name in enumerate(subjects)))
    acknowledged = time.monotonic() - began
    await seen
    return acknowledged, time.monotonic() - began


async def polled(peer: Peer) -> float:
    began = time.monotonic()
    peer.tell([began] * COMMANDS)
    await peer.poll(COMMANDS)
    return time.monotonic() - began


async def measure(folder: Path, runs: int, with_peer: bool) -> None:
    async with desk(folder) as (_, _, people), contextlib.AsyncExitStack() as stack:
        watcher, subjects = people[1], sorted(people[1].present("file"))[:COMMANDS]
        batches, singles = [], []
        browsers = [await stack.enter_async_context(Browser(seat)) for seat in people]
        for _ in range(runs):
            # who claims in a batch releases one by one: both ways move the same cases, and leave them as they were
            batches.append(await in_batches(people, watcher, subjects, "claim"))
            await in_batches(people, watcher, subjects, "release")
            singles.append(await one_by_one(browsers, watcher, subjects, "claim"))
            await one_by_one(browsers, watcher, subjects, "release")
    peer = await polled(Peer(folder)) if with_peer else None
    report(batches, singles, peer)


def report(batches: list[tuple[float, float]], singles: list[tuple[float, float]], peer: float | None) -> None:
    print(f"{COMMANDS} commands at once by 20 operators, {len(batches)} times; seconds, best / worst\n")
    print("| way | all acknowledged (durable) | all shown to a second operator |\n|---|---|---|")
    for name, runs in (("20 batches of 25", batches), ("500 requests over 120 connections", singles)):
        cells = [f"{min(times):.2f} / {max(times):.2f}" for times in zip(*runs, strict=True)]
        print(f"| {name} | {cells[0]} | {cells[1]} |")
    if peer is not None:
        print(f"| the peer's way: a table asked every 3 s, 50 rows | - | {peer:.1f} |")
    worst = max(shown for _, shown in [*batches, *singles])
    print(f"\nShown complete within {GOAL_S:g} s: {'met' if worst <= GOAL_S else 'NOT met'}; ", end="")
    print(f"TicketsCAD v4 was measured to need {PEER_BURST_S} s, **{PEER_BURST_S / worst:.0f} times** as long.")


def main() -> int:
    options = argparse.ArgumentParser(prog="python -m tests.bench.burst")
    options.add_argument("--runs", type=int, default=5)
    options.add_argument("--no-peer", action="store_true")
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory(prefix="hall-burst-") as folder:
        asyncio.run(measure(Path(folder), chosen.runs, not chosen.no_peer))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
