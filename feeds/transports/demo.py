"""`demo://cases`, `demo://gauges` ...: the demo city's story told at city time (feeds/demo).

The cursor is the moment up to which the story was told; it travels with the documents, so a killed process goes on
where it stopped: nothing twice, nothing left out.
"""

from __future__ import annotations

import asyncio

from feeds.demo import SEED
from feeds.demo.tellers import TELLERS
from feeds.demo.world import world_of
from feeds.source import Rim, Transport
from hall.core.config import FeedConfig

_TICK_SECONDS = 0.5
CLOCK_STEP_MS = 2_000  # further back than any correction of a clock that is right


async def run(feed: FeedConfig, rim: Rim) -> None:
    """Tells one thread of the story until cancelled."""
    what = feed.url.partition("://")[2].strip("/")
    if what not in TELLERS:
        raise rim.wrong("url", f"demo://{what}: there are {', '.join(sorted(TELLERS))}")
    seed = feed.options.get("seed", SEED)
    if not isinstance(seed, int):
        raise rim.wrong("options.seed", "give a whole number")
    world = await world_of(rim.bus, seed, rim.clock.now())
    teller = TELLERS[what](world, feed.name)
    rim.connected()
    stored = await rim.load_cursor()
    now = rim.clock.now()
    told = int(stored) if stored else None
    await teller.resume(rim, now)
    if told is None or told > now:
        await teller.begin(rim, now)
        told = now
    rim.cursor(str(told).encode())
    while True:
        now = rim.clock.now()
        if now < told - CLOCK_STEP_MS:
            told = now  # the clock was set back: the story is told from there, not waited for
        if now > told:
            await teller.tell(rim, told, now)
            rim.cursor(str(now).encode())
            told = now
            rim.seen()
            await world.remember(rim.bus, now)
        await asyncio.sleep(_TICK_SECONDS)


TRANSPORT = Transport(name="demo", schemes=("demo",), run=run, demo=True, options=("seed",))
