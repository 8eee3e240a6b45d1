"""Limits of sign-in attempts, counted on the bus so that a restart forgets none."""

from __future__ import annotations

import ipaddress

from hall.access import digest
from hall.core.bus import Bus
from hall.core.errors import Refused

WINDOW_SECONDS = 15 * 60
#: for one name from one address: who mistypes, or guesses at one person's password
PER_NAME = 8
#: from one address: less than PER_NAME_ANYWHERE, so that nobody locks another's name from a single machine
PER_ADDRESS = 40
PER_NAME_ANYWHERE = 100


def _place(address: str) -> str:
    """What one machine cannot change about its address: of IPv6 the network, since it has the rest at will."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if found.version == 4 or found.ipv4_mapped:
        return str(getattr(found, "ipv4_mapped", None) or found)
    return str(ipaddress.ip_network((found, 64), strict=False))


def _pair(name: str, address: str) -> str:
    return f"{address}\n{name}"


async def count_attempt(bus: Bus, name: str, address: str) -> None:
    """Counts one attempt before the password is looked at; raises Refused 429 that says how long to wait."""
    address = _place(address)
    limits = (
        ("address", address, PER_ADDRESS),
        ("pair", _pair(name, address), PER_NAME),
        ("name", name, PER_NAME_ANYWHERE),
    )
    for kind, value, limit in limits:
        parts = ("attempts", kind, digest(value))
        if await bus.increment(*parts, ttl_seconds=WINDOW_SECONDS) > limit:
            left = int(await bus.call("TTL", bus.key(*parts)))
            raise Refused("too-many-attempts", str(max(1, -(-left // 60))), 429)


async def forgive(bus: Bus, name: str, address: str) -> None:
    """A right password ends the count of its name at this address; what others tried keeps its count."""
    await bus.delete("attempts", "pair", digest(_pair(name, _place(address))))
