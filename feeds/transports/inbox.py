"""`push://`: what suppliers pushed over HTTP or WebSocket into the bus queue `inbox:<feed>` (hall/app/ingest.py).

An entry leaves the queue only when everything it gave is on the bus. The cursor travels in the same transaction, so
after a crash between the two an entry is removed without being taken twice.
"""

from __future__ import annotations

import msgspec

from feeds.source import Outcome, Rim, Transport
from hall.core.board import START
from hall.core.bus import entry_id
from hall.core.config import FeedConfig

#: how long the outcome of a waited-for entry stays readable
OUTCOME_SECONDS = 30


async def run(feed: FeedConfig, rim: Rim) -> None:
    """Empties the inbox for ever; raises BusLost."""
    known = await rim.load_cursor()
    done = entry_id(known) if known else START
    rim.connected()
    while True:
        entries = await rim.bus.queue_read("inbox", feed.name, count=16, block_ms=1000)
        outcomes = {}
        for at, fields in entries:
            if at > done and "body" in fields:
                outcome = await rim.bytes(fields["body"], fields.get("type", b"").decode("utf-8", "replace"))
                if "wait" in fields:
                    outcomes[at] = outcome
                rim.cursor(f"{at[0]}-{at[1]}".encode())
        if entries:
            await rim.durable()
            done = max(done, entries[-1][0])
            await _tell(outcomes, feed, rim)
            await rim.bus.queue_remove([at for at, _ in entries], "inbox", feed.name)


async def _tell(outcomes: dict[tuple[int, int], Outcome], feed: FeedConfig, rim: Rim) -> None:
    """Leaves each outcome where the request that waits for it looks."""
    for (ms, seq), outcome in outcomes.items():
        encoded = msgspec.json.encode(outcome)
        await rim.bus.set(encoded, "outcome", feed.name, f"{ms}-{seq}", ttl_seconds=OUTCOME_SECONDS)


TRANSPORT = Transport("inbox", ("push",), run, options=())
