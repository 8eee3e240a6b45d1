"""What screens are told about each source: `feed/<name>`, at least every two seconds of real time."""

from __future__ import annotations

from typing import Any

from feeds.rim import FeedRim
from hall.core.clock import monotonic
from hall.core.model import FeedStatus

#: a source is stale when it was silent this many times as long as expected, plus a second for the way
PATIENCE = 1.5
COUNTERS = ("received", "accepted", "duplicates", "late", "parked", "dropped")


def state_of(rim: FeedRim, rate: float) -> str:
    """lost | ended | waiting | stale | live; in a replay the expected seconds pass `rate` times as fast."""
    life = rim.life
    if life.error or life.lost:
        return "lost"
    if life.over:
        return "ended"
    if life.seen_real is None:
        return "waiting"
    patience = rim.feed.expected_seconds / max(rate, 1.0) * PATIENCE + 1.0
    return "stale" if monotonic() - life.seen_at > patience else "live"


def status_of(rim: FeedRim, lag_ms: int | None, before: dict[str, Any]) -> FeedStatus:
    """The feed's status document; `before` are the counters of earlier runs."""
    counts = {
        "received": rim.received,
        "accepted": rim.total.accepted,
        "duplicates": rim.total.duplicates,
        "late": rim.total.late,
        "parked": rim.total.parked,
        "dropped": rim.parking.dropped,
    }
    return FeedStatus(
        name=rim.feed.name,
        label=rim.feed.label,
        kind=rim.feed.kind,
        state=state_of(rim, rim.clock.state.rate),
        expected_seconds=rim.feed.expected_seconds,
        last_seen=rim.life.seen_city,
        last_seen_real=rim.life.seen_real,
        lag_ms=lag_ms,
        error=rim.life.error or rim.life.lost or rim.life.note,
        demo=rim.decoding.transport.demo or rim.config.city.demo,
        **{name: counts[name] + int(before.get(name, 0)) for name in COUNTERS},
    )
