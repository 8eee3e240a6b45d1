"""Who may come in: origin and identity."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import parse_qs, urlsplit

from hall import access
from hall.access import host_of, on_this_machine
from hall.core.bus import Bus
from hall.core.errors import BusLost, Refused


def same_host(origin: str, host: str) -> bool:
    """Whether a page of `origin` may talk to `host`: same host, any port (page and gate have ports of their own)."""
    try:
        return bool(host) and (urlsplit(origin).hostname or "").lower() == host_of(host)
    except ValueError:
        return False


def cookie(header: str, name: str) -> str | None:
    for part in header.split(";"):
        key, _, value = part.strip().partition("=")
        if key == name:
            return value.strip('"')
    return None


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
