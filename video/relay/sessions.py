"""Whether people and walls may still watch: the sign-in that a ticket names is looked up again while pictures flow."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import msgspec

from hall.core.bus import Bus
from hall.core.clock import real_ms


class _Kept(msgspec.Struct):
    """The part of a kept session that says whether it still holds; walls have no generation."""

    name: str = ""
    generation: int = 0


async def ended(bus: Bus, keys: Iterable[str]) -> set[str]:
    """Those of `keys` (`session:…`, `wall-token:…`, as tickets name them) that hold no more: signed out, expired, unpaired, or
    a person who was changed or removed since, a console that is locked. Raises BusLost: then nobody is sent away."""
    wanted = sorted(set(keys))
    if not wanted:
        return set()
    kept = await bus.call("MGET", *(bus.key(_bare(bus, key)) for key in wanted))
    gone = {key for key, value in zip(wanted, kept, strict=True) if value is None}
    people: dict[str, _Kept] = {}
    for key, value in zip(wanted, kept, strict=True):
        if value is not None and _bare(bus, key).startswith("session:"):
            try:
                people[key] = msgspec.json.decode(value, type=_Kept)
            except msgspec.DecodeError:
                gone.add(key)
    if people:
        names = [hashlib.sha256(person.name.encode("utf-8", "replace")).hexdigest() for person in people.values()]
        now = await bus.call("MGET", *(bus.key("generation", name) for name in names))
        gone |= {key for (key, person), count in zip(people.items(), now, strict=True) if int(count or 0) != person.generation}
        gone |= await _locked(bus, people)
    return gone


async def _locked(bus: Bus, keys: Iterable[str]) -> set[str]:
    """Those sign-ins whose console is locked, or has been silent for longer than it may be (hall/access.py keeps both)."""
    wanted = list(keys)
    names = [_bare(bus, key).partition(":")[2] for key in wanted]
    kept = await bus.call("MGET", *(bus.key(what, name) for name in names for what in ("session-lock", "session-idle")))
    found = set()
    for key, lock, idle in zip(wanted, kept[::2], kept[1::2], strict=True):
        active, limit = map(int, idle.split()) if idle else (0, 0)
        if lock is not None or (limit and real_ms() - active > limit):
            found.add(key)
    return found


def _bare(bus: Bus, key: str) -> str:
    return key.removeprefix(f"{bus.prefix}:")
