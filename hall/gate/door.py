"""Who may come in: origin, identity, and the rule for the demo on this machine."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from urllib.parse import parse_qs, urlsplit

from hall import access
from hall.core.bus import Bus
from hall.core.errors import BusLost, Refused

_LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})
_FORWARDED = ("Forwarded", "X-Forwarded-For", "X-Real-IP")


def host_of(address: str) -> str:
    """Host without its port, lower case: `[::1]:8051` gives `::1`. Empty for nonsense."""
    try:
        return (urlsplit(f"//{address}").hostname or "").lower()
    except ValueError:
        return ""


def same_host(origin: str, host: str) -> bool:
    """Whether a page of `origin` may talk to `host`: same host, any port (page and gate have ports of their own)."""
    try:
        return bool(host) and (urlsplit(origin).hostname or "").lower() == host_of(host)
    except ValueError:
        return False


def is_loopback(address: str) -> bool:
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    mapped = getattr(found, "ipv4_mapped", None)
    return (mapped or found).is_loopback


def cookie(header: str, name: str) -> str | None:
    for part in header.split(";"):
        key, _, value = part.strip().partition("=")
        if key == name:
            return value.strip('"')
    return None


def on_this_machine(peer: str, headers: Mapping[str, str]) -> bool:
    """A peer on loopback that was not forwarded by a proxy and means this machine by its loopback name.

    The name matters: a foreign page whose name was made to resolve to 127.0.0.1 comes from loopback too.
    """
    forwarded = any(headers.get(name) for name in _FORWARDED)
    return is_loopback(peer) and not forwarded and host_of(headers.get("Host", "")) in _LOOPBACK_NAMES


async def admit(bus: Bus, path: str, headers: Mapping[str, str], peer: str, *, demo: bool) -> access.Identity:
    """Identity of a handshake; raises Refused with reason `origin`, `no-identity` or `bus-lost`."""
    origin = headers.get("Origin")
    if origin and not same_host(origin, headers.get("Host", "")):
        raise Refused("origin", f"a page of {origin[:200]} may not use this gate")
    session = cookie(headers.get("Cookie", ""), access.COOKIE)
    token = parse_qs(urlsplit(path).query).get("token", [None])[0]
    try:
        found = await access.identify(bus, session, token, demo_loopback=demo and on_this_machine(peer, headers))
    except BusLost as error:
        raise Refused("bus-lost", f"identity cannot be looked up: {error}") from None
    if found is None:
        raise Refused("no-identity", "sign in, or pair this wall")
    return found
