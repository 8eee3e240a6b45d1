"""Who somebody is and what they may do: the one place that web and gate ask.

A browser proves itself by the cookie `hall_session`, whose value is the secret of a session (a signed-in person) or of a
paired wall (an unattended screen). Only SHA-256 sums of secrets are kept, on the bus. Who may what: hall/roles.py.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import secrets
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import msgspec

from hall.core.bus import Bus
from hall.core.clock import real_ms
from hall.roles import MATRIX, ROLES, TOKEN_ROLES, TOPICS, may, topics_for

__all__ = ["MATRIX", "ROLES", "TOKEN_ROLES", "TOPICS", "may", "topics_for"]  # asked for here by web and gate

COOKIE = "hall_session"
SESSION_SECONDS = 12 * 3600
LINK_SECONDS = 3600
TOKEN_WATCH_SECONDS = 24 * 3600


class Identity(msgspec.Struct, frozen=True):
    """Somebody known: a person, a paired wall (`wall` names it), a field link's holder, another system, or a screen of the
    demo on this machine. It carries what commands need to know of him, so that none has to look it up.
    """

    name: str
    role: str
    wall: str = ""
    unit: str = ""  # department he speaks for
    districts: tuple[str, ...] = ()  # empty: the whole city
    crew: str = ""
    case: str = ""  # file subject that a field link is bound to; empty: all tasks of the crew
    kind: str = "person"  # person | crew | supplier
    desk: str = ""  # where he acts, when the session itself says so (a wall)
    display: str = ""
    locked: bool = False  # his console locked itself, or he locked it: until he unlocks it nothing is done in his name


#: what a browser on the demo's own machine is when it shows no other proof
DEMO_SCREEN = Identity("demo-screen", "wall")


_LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})
_FORWARDED = ("Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-IP", "Via")


class Session(msgspec.Struct, omit_defaults=True):
    """What is kept of a sign-in; `generation` falls behind when the user is changed, which ends the session."""

    name: str
    role: str
    generation: int
    made: int  # real ms
    unit: str = ""
    districts: tuple[str, ...] = ()
    crew: str = ""
    case: str = ""
    kind: str = "person"
    desk: str = ""
    display: str = ""


class ApiToken(msgspec.Struct, omit_defaults=True):
    """What is kept of a machine client's token."""

    name: str
    role: str
    unit: str
    districts: tuple[str, ...]
    made_by: str
    made: int  # real ms


class WallToken(msgspec.Struct):
    """What is kept of a paired wall."""

    wall: str
    made_by: str
    made: int  # real ms


def host_of(address: str) -> str:
    """Host without its port, lower case: `[::1]:8051` gives `::1`. Empty for nonsense."""
    try:
        return (urlsplit(f"//{address}").hostname or "").lower()
    except ValueError:
        return ""


def is_loopback(address: str) -> bool:
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    mapped = getattr(found, "ipv4_mapped", None)
    return (mapped or found).is_loopback


def on_this_machine(peer: str, headers: Mapping[str, str]) -> bool:
    """A peer on loopback that was not forwarded by a proxy and means this machine by its loopback name.

    The name matters: a foreign page whose name was made to resolve to 127.0.0.1 comes from loopback too. Both doors, web
    and gate, ask here.
    """
    forwarded = any(headers.get(name) for name in _FORWARDED)
    return is_loopback(peer) and not forwarded and host_of(headers.get("Host", "")) in _LOOPBACK_NAMES


def digest(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()


def csrf_token(secret: str) -> str:
    """The token a page sends back with every change; derived from the cookie's secret, which no script can read."""
    return hmac.new(secret.encode("utf-8", "replace"), b"hall-csrf", hashlib.sha256).hexdigest()


async def identify(bus: Bus, session: str | None, token: str | None, *, demo_loopback: bool) -> Identity | None:
    """Who shows this cookie value or `?token=`; None when nobody known. Raises BusLost when it cannot be looked up.

    `demo_loopback` is true only for a connection from this machine in demo mode: then nobody becomes a wall's screen.
    """
    for secret in (session, token):
        if not secret or len(secret) > 200:
            continue
        found = await _person(bus, secret) if secret is session else None
        found = found or await _paired_wall(bus, secret)
        if found:
            return found
    return DEMO_SCREEN if demo_loopback else None


async def _person(bus: Bus, secret: str) -> Identity | None:
    key = digest(secret)
    stored, lock, idle = await bus.call("MGET", *(bus.key(name, key) for name in ("session", "session-lock", "session-idle")))
    if stored is None:
        return None
    session = msgspec.json.decode(stored, type=Session)
    if session.generation != await generation(bus, session.name) or session.role not in ROLES:
        return None
    return Identity(
        session.name,
        session.role,
        unit=session.unit,
        districts=session.districts,
        crew=session.crew,
        case=session.case,
        kind=session.kind,
        desk=session.desk,
        display=session.display,
        locked=lock is not None or _idle_too_long(idle),
    )


def _idle_too_long(kept: bytes | None) -> bool:
    """Whether a console that said how long it may stand idle has been silent for longer: also one whose page died."""
    if kept is None:
        return False
    active, limit = map(int, kept.split())
    return real_ms() - active > limit


async def _paired_wall(bus: Bus, secret: str) -> Identity | None:
    stored = await bus.get("wall-token", digest(secret))
    if stored is None:
        return None
    wall = msgspec.json.decode(stored, type=WallToken).wall
    return Identity(f"wall:{wall}", "wall", wall)


async def generation(bus: Bus, name: str) -> int:
    """Grows whenever a user is changed: what was made under a lower one holds no longer."""
    return int(await bus.get("generation", digest(name)) or 0)


async def open_session(bus: Bus, name: str, role: str, ttl_seconds: int = SESSION_SECONDS, **more: Any) -> str:
    """Signs somebody in; returns the secret for the cookie. `more`: the other fields of Session (unit, districts, crew ...)."""
    secret = secrets.token_urlsafe(32)
    session = Session(name, role, await generation(bus, name), real_ms(), **more)
    await bus.set(msgspec.json.encode(session), "session", digest(secret), ttl_seconds=ttl_seconds)
    return secret


async def close_session(bus: Bus, secret: str) -> None:
    for kept in ("session", "session-lock", "session-idle"):
        await bus.delete(kept, digest(secret))


async def lock_session(bus: Bus, secret: str) -> None:
    """Until `session_active` nothing but unlocking is done with this session."""
    await bus.set(str(real_ms()).encode(), "session-lock", digest(secret), ttl_seconds=SESSION_SECONDS)


async def session_active(bus: Bus, secret: str, limit_ms: int, *, unlock: bool = False) -> None:
    """Somebody works at this console now; without another such word for `limit_ms` it counts as locked. 0: never."""
    key = digest(secret)
    if limit_ms:
        await bus.set(f"{real_ms()} {limit_ms}".encode(), "session-idle", key, ttl_seconds=SESSION_SECONDS)
    elif unlock:
        await bus.delete("session-idle", key)
    if unlock:
        await bus.delete("session-lock", key)


async def end_sessions(bus: Bus, name: str) -> None:
    """Ends every session of a user: called when password or role changes or the user is removed."""
    await bus.call("INCR", bus.key("generation", digest(name)))


async def pair_wall(bus: Bus, wall: str, made_by: str) -> str:
    """Makes a token for an unattended screen of `wall`; it holds until it is taken back."""
    token = secrets.token_urlsafe(32)
    kept = msgspec.json.encode(WallToken(wall, made_by, real_ms()))
    await bus.set(kept, "wall-token", digest(token))
    await bus.hash_set({digest(token): kept}, "wall-tokens")
    return token


async def paired_walls(bus: Bus) -> dict[str, WallToken]:
    """Every paired screen by the sum of its token."""
    return {key: msgspec.json.decode(kept, type=WallToken) for key, kept in (await bus.hash_all("wall-tokens")).items()}


async def unpair_wall(bus: Bus, token_digest: str) -> bool:
    """Takes a token back by its sum; False when there was none."""
    await bus.delete("wall-token", token_digest)
    return bool(await bus.call("HDEL", bus.key("wall-tokens"), token_digest))


async def make_token(bus: Bus, name: str, role: str, unit: str, districts: tuple[str, ...], made_by: str) -> str:
    """Makes a machine client's token; it holds until it is taken back."""
    token = secrets.token_urlsafe(32)
    kept = msgspec.json.encode(ApiToken(name, role, unit, districts, made_by, real_ms()))
    await bus.hash_set({digest(token): kept}, "api-tokens")
    return token


async def tokens(bus: Bus) -> dict[str, ApiToken]:
    """Every machine client's token by its sum."""
    return {key: msgspec.json.decode(kept, type=ApiToken) for key, kept in (await bus.hash_all("api-tokens")).items()}


async def token_watches(bus: Bus, name: str) -> str:
    """The bus key (without prefix) that holds while a machine client of this name may watch; made anew for a day."""
    await bus.set(b"1", "token-watch", digest(name), ttl_seconds=TOKEN_WATCH_SECONDS)
    return f"token-watch:{digest(name)}"


async def revoke_token(bus: Bus, token_digest: str) -> bool:
    """Takes a token back by its sum, which ends what is watched with it; False when there was none."""
    kept = await bus.hash_get(token_digest, "api-tokens")
    if kept is not None:
        await bus.delete("token-watch", digest(f"token:{msgspec.json.decode(kept, type=ApiToken).name}"))
    return bool(await bus.call("HDEL", bus.key("api-tokens"), token_digest))


async def identify_token(bus: Bus, token: str) -> Identity | None:
    """Whose machine client shows this token; None when nobody's. Raises BusLost."""
    if not token or len(token) > 200:
        return None
    kept = await bus.call("HGET", bus.key("api-tokens"), digest(token))
    if kept is None:
        return None
    found = msgspec.json.decode(kept, type=ApiToken)
    if found.role not in TOKEN_ROLES:
        return None
    return Identity(f"token:{found.name}", found.role, unit=found.unit, districts=found.districts, kind="supplier")


async def make_link_code(bus: Bus, name: str, role: str) -> str:
    """A code that signs one browser in once, within an hour."""
    code = secrets.token_urlsafe(24)
    kept = msgspec.json.encode(Identity(name, role))
    await bus.set(kept, "enter", digest(code), ttl_seconds=LINK_SECONDS)
    return code


async def use_link_code(bus: Bus, code: str) -> Identity | None:
    """The identity a code stands for; the code is gone with this call, whoever asks at the same time gets None."""
    stored = await bus.call("GETDEL", bus.key("enter", digest(code)))
    return None if stored is None else msgspec.json.decode(stored, type=Identity)
