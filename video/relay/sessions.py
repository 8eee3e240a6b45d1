"""Whether people and walls may still watch: the sign-in that a ticket names is looked up again while pictures flow."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import msgspec

from hall.core.bus import Bus


class _Kept(msgspec.Struct):
    """The part of a kept session that says whether it still holds; walls have no generation."""

    name: str = ""
    generation: int = 0


async def ended(bus: Bus, keys: Iterable[str]) -> set[str]:
    """Those of `keys` (`session:…`, `wall-token:…`, as tickets name them) that hold no more: signed out, expired, unpaired, or
    a person who was changed or removed since. Raises BusLost: then nobody is sent away."""
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
    return gone


def _bare(bus: Bus, key: str) -> str:
    return key.removeprefix(f"{bus.prefix}:")
