"""The gate: reduces the bus into the current picture and fans it out to every screen. docs/PROTOCOL.md has the wire format."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import uuid

import msgspec

from hall.core.board import LANES, Board
from hall.core.clock import ClockState, monotonic
from hall.core.errors import BusLost
from hall.core.process import Process
from hall.gate.follower import Follower, load
from hall.gate.hub import Hub
from hall.gate.keeper import Keeper
from hall.gate.screens import Screens
from hall.gate.server import Gate

log = logging.getLogger("hall.gate")
BEAT_SECONDS = 1.0
CLOCK_STEP_MS = 1_000  # less is a clock being kept right


async def serve(process: Process) -> None:
    """Runs a gate until cancelled."""
    name = uuid.uuid4().hex[:8]
    board, gaps, epoch = await _load(process)
    # The picture lives as long as the process: the collector need not look through it again and again.
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)
    work = asyncio.Event()
    hub = Hub(board, process.counters, epoch, work.set, {"channel": process.config.video.channels_on_stream})
    follower = Follower(process.bus, hub, process.counters)
    for gap in gaps:
        follower.say_gap(*gap)
    keeper = Keeper(process.bus, board, name, epoch)
    screens = Screens(process, hub, keeper, name)
    gate = Gate(process, hub, follower, screens, name)
    server = await gate.open()
    for lane in LANES:
        process.spawn(follower.run(lane), f"follow {lane}")
    process.spawn(keeper.run(), "keeper")
    process.spawn(screens.sweep(), "sweep")
    process.spawn(gate.recheck(), "recheck")
    process.spawn(_tell_clock(process), "clock")
    log.info(
        "gate %s on %s:%s, %d topics known", name, process.settings.host, process.settings.gate_port, len(board.state_topics)
    )
    try:
        await _tick(hub, follower, process.settings.tick_seconds, work)
    finally:
        await gate.close(server)


async def _load(process: Process) -> tuple[Board, list, str]:
    """The picture as the bus has it, the gaps in it, and the name of this bus's data."""
    while True:
        board = Board()
        try:
            await process.bus.set(uuid.uuid4().hex[:6], "epoch", only_new=True)
            epoch = await process.bus.get("epoch")
            return board, await load(process.bus, board), (epoch or b"").decode()
        except BusLost as error:
            log.warning("the bus was lost while loading, trying again: %s", error)
            await asyncio.sleep(0.2)


async def _tick(hub: Hub, follower: Follower, every: float, work: asyncio.Event) -> None:
    """Flushes when something changed, once per `every` seconds, and beats each second.

    A change that comes after a quiet moment goes out at once. A late flush does not push the next ones back: packs that
    come once per tick would otherwise wait out most of a tick for good.
    """
    due = next_beat = monotonic()
    while True:
        patience = every if hub.somebody_is_behind else max(0.0, next_beat - monotonic())
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(patience):
                await work.wait()
        await asyncio.sleep(max(0.0, due - monotonic()))
        work.clear()
        now = monotonic()
        if hub.tick(now):
            due = max(due + every, now + every / 4)
        if now >= next_beat:
            next_beat = now + BEAT_SECONDS
            hub.beat(follower.bus_age_ms, now)


async def _tell_clock(process: Process) -> None:
    """Publishes how city time runs, at the start and whenever it changes; a replay is anchored anew when the machine's
    clock was set."""
    told: ClockState | None = None
    while True:
        state, drift = process.clock.state, process.clock.drift()
        if abs(drift) > CLOCK_STEP_MS:
            state = msgspec.structs.replace(state, anchor_real=state.anchor_real + drift)
            with contextlib.suppress(BusLost):
                await process.bus.set(msgspec.json.encode(state), "clock")
                process.clock.state = state
        if state != told:
            with contextlib.suppress(BusLost):
                process.bulk.put(process.event("clock/city", state))
                told = state
        await asyncio.sleep(0.1)
