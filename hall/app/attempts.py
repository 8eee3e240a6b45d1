"""Limits of sign-in attempts, counted on the bus so that a restart forgets none."""

from __future__ import annotations

from hall.access import digest
from hall.core.bus import Bus
from hall.core.errors import Refused

WINDOW_SECONDS = 15 * 60
PER_NAME = 8
PER_ADDRESS = 40


async def count_attempt(bus: Bus, name: str, address: str) -> None:
    """Counts one attempt before the password is looked at; raises Refused 429 that says how long to wait."""
    for kind, value, limit in (("address", address, PER_ADDRESS), ("name", name, PER_NAME)):
        parts = ("attempts", kind, digest(value))
        if await bus.increment(*parts, ttl_seconds=WINDOW_SECONDS) > limit:
            left = int(await bus.call("TTL", bus.key(*parts)))
            raise Refused("too-many-attempts", str(max(1, -(-left // 60))), 429)


async def forgive(bus: Bus, name: str) -> None:
    """A right password ends the count of its name; the address keeps its own."""
    await bus.delete("attempts", "name", digest(name))
