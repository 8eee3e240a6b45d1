"""What lasts for a time on the bus does not last longer when the machine's clock was set back."""

from __future__ import annotations

from hall.core.bus import Bus
from hall.gate.keeper import LEASE_SECONDS, Keeper


async def test_the_lease_of_a_gate_that_died_before_the_clock_was_set_back_is_taken_over(bus: Bus):
    await bus.set("dead", "lease", "keeper", ttl_seconds=3600)
    keeper = Keeper(bus, board=None, name="alive", epoch="e")
    await keeper.lease()
    assert await keeper.lease() and await bus.call("TTL", bus.key("lease", "keeper")) <= LEASE_SECONDS


async def test_a_limit_of_attempts_does_not_outlast_its_window_by_a_clock_set_back(bus: Bus):
    assert await bus.increment("tries", ttl_seconds=60) == 1
    await bus.call("EXPIRE", bus.key("tries"), 3600)  # as a clock that went back by an hour leaves it
    assert await bus.increment("tries", ttl_seconds=60) == 2
    assert 0 < await bus.call("TTL", bus.key("tries")) <= 60
