"""Acting at a wall: a person's name lent to one screen for minutes. What is kept of it on the bus, and who may be believed.

The session belongs to one browser (a cookie of its own) at one wall (the sum of that wall's secret is kept beside it): neither
alone is worth anything. It is no sign-in: only the addresses of `rules.at_wall` take it, no page does.
"""

from __future__ import annotations

import secrets
from typing import Any

import msgspec

from hall import access
from hall.access import Identity, digest
from hall.core.bus import Bus
from hall.core.clock import real_ms
from hall.core.config import HallConfig
from hall.core.errors import Refused

COOKIE = "hall_acting"
WAITING_COOKIE = "hall_pairing"
CODE_SECONDS = 120
GRANT_SECONDS = 60
#: wrong PINs: of one person within a quarter of an hour, within a day; at one wall within a quarter of an hour
WINDOW_SECONDS, DAY_SECONDS = 15 * 60, 24 * 3600
PER_PERSON, PER_PERSON_A_DAY, PER_WALL = 5, 15, 20
CONFIRMS, CODES = 10, 120


class Settings(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """`[dispatch.shows]` of hall.toml. Minutes without a deed until acting ends, and the longest it lasts with deeds."""

    acting_minutes: float = 5.0
    acting_longest_minutes: float = 60.0


class Acting(msgspec.Struct, kw_only=True, omit_defaults=True):
    """Who acts where, until when (real ms)."""

    name: str
    role: str
    unit: str = ""
    districts: tuple[str, ...] = ()
    display: str = ""
    generation: int = 0
    wall: str = ""
    place: str = ""  # sum of the wall's secret; that of nothing for a screen of the demo
    began: int = 0
    until: int = 0

    @property
    def identity(self) -> Identity:
        return Identity(
            self.name,
            self.role,
            unit=self.unit,
            districts=self.districts,
            desk=f"wall:{self.wall}",
            display=self.display,
        )


class Waiting(msgspec.Struct):
    """A code that a wall shows; `screen` is the sum of that browser's own secret."""

    wall: str
    screen: str


def settings_of(config: HallConfig) -> Settings:
    """Raises ConfigError naming the key."""
    try:
        return msgspec.convert(config.dispatch.get("shows", {}), Settings)
    except msgspec.ValidationError as error:
        raise config.error("dispatch.shows", str(error)) from None


async def begin(bus: Bus, person: Any, wall: str, wall_secret: str, settings: Settings) -> tuple[str, Acting]:
    """Lets `person` (name, role, unit, districts, display) act at a wall; returns the secret for the cookie."""
    now, secret = real_ms(), secrets.token_urlsafe(32)
    made = Acting(
        name=person.name,
        role=person.role,
        unit=person.unit,
        districts=tuple(person.districts),
        display=person.display,
        generation=await access.generation(bus, person.name),
        wall=wall,
        place=digest(wall_secret),
        began=now,
    )
    await _keep(bus, secret, made, now, settings)
    return secret, made


async def look(bus: Bus, secret: str, wall_secret: str, renew: Settings | None = None) -> Acting | None:
    """Who acts in this browser at this wall; with `renew` his time begins anew. None when nobody does (any more)."""
    if not secret or len(secret) > 200:
        return None
    kept = await bus.get("acting", digest(secret))
    found = None if kept is None else msgspec.json.decode(kept, type=Acting)
    now = real_ms()
    if found is None or found.place != digest(wall_secret) or found.until <= now:
        return None
    if found.generation != await access.generation(bus, found.name):
        return None
    if renew is not None:
        await _keep(bus, secret, found, now, renew)
    return found


async def _keep(bus: Bus, secret: str, acting: Acting, now: int, settings: Settings) -> None:
    last = acting.began + round(settings.acting_longest_minutes * 60_000)
    acting.until = min(now + round(settings.acting_minutes * 60_000), last)
    ttl = max(1, -(-(acting.until - now) // 1000))
    await bus.set(msgspec.json.encode(acting), "acting", digest(secret), ttl_seconds=ttl)


async def end(bus: Bus, secret: str) -> None:
    await bus.delete("acting", digest(secret))


# -- by phone: the wall shows a code, the person confirms it where he is signed in -------------------------------------------


async def show_code(bus: Bus, wall: str) -> tuple[str, str]:
    """A code for people, and the secret of the browser that shows it."""
    code, screen = f"{secrets.randbelow(10**8):08d}", secrets.token_urlsafe(24)
    kept = msgspec.json.encode(Waiting(wall, digest(screen)))
    if not await bus.set(kept, "acting-code", digest(code), ttl_seconds=CODE_SECONDS, only_new=True):
        return await show_code(bus, wall)
    await bus.set(kept, "acting-wait", digest(screen), ttl_seconds=CODE_SECONDS + GRANT_SECONDS)
    return code, screen


async def code_of(bus: Bus, code: str) -> Waiting | None:
    """The wall that shows this code now."""
    kept = await bus.get("acting-code", digest(code))
    return None if kept is None else msgspec.json.decode(kept, type=Waiting)


async def grant(bus: Bus, code: str, identity: Identity) -> Waiting | None:
    """`identity` confirms a code, once; None when no wall shows it any more."""
    kept = await bus.call("GETDEL", bus.key("acting-code", digest(code)))
    if kept is None:
        return None
    waiting = msgspec.json.decode(kept, type=Waiting)
    await bus.set(msgspec.json.encode(identity), "acting-grant", waiting.screen, ttl_seconds=GRANT_SECONDS)
    return waiting


async def granted(bus: Bus, screen: str) -> tuple[str, Identity | None]:
    """`waiting`, `over`, or `granted` with who confirmed; a grant is given out once."""
    kept = await bus.call("GETDEL", bus.key("acting-grant", digest(screen)))
    if kept is not None:
        return "granted", msgspec.json.decode(kept, type=Identity)
    return ("waiting" if await bus.get("acting-wait", digest(screen)) else "over"), None


# -- bounds ------------------------------------------------------------------------------------------------------------------


async def count_pin(bus: Bus, name: str, wall: str) -> None:
    """Counts one attempt before the PIN is looked at; raises Refused 429 with the minutes to wait."""
    limits = (
        (("attempts", "pin", digest(name)), WINDOW_SECONDS, PER_PERSON),
        (("attempts", "pin-day", digest(name)), DAY_SECONDS, PER_PERSON_A_DAY),
        (("attempts", "pin-wall", digest(wall)), WINDOW_SECONDS, PER_WALL),
    )
    for parts, seconds, most in limits:
        await _count(bus, parts, seconds, most)


async def count_confirm(bus: Bus, name: str) -> None:
    await _count(bus, ("attempts", "pair", digest(name)), WINDOW_SECONDS, CONFIRMS)


async def count_codes(bus: Bus, wall: str) -> None:
    await _count(bus, ("attempts", "pair-wall", digest(wall)), WINDOW_SECONDS, CODES)


async def _count(bus: Bus, parts: tuple[str, ...], seconds: int, most: int) -> None:
    if await bus.increment(*parts, ttl_seconds=seconds) > most:
        left = int(await bus.call("TTL", bus.key(*parts)))
        raise Refused("too-many-attempts", str(max(1, -(-left // 60))), 429)


async def forgive(bus: Bus, name: str) -> None:
    """The right PIN ends the short count; the day's keeps what was tried before."""
    await bus.delete("attempts", "pin", digest(name))
