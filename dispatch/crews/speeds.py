"""How fast crews get on, as hall.toml says it; apart from the routing, which alone needs numpy."""

from __future__ import annotations

import msgspec


class Straight(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """The way where no road is known: straight line x `factor` at `kmh`."""

    factor: float = 1.4
    kmh: float = 30.0


class RoadSpeeds(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """`share` of the permitted speed that a crew makes through town; `reach_m` how far from a road it may stand, and `kmh_off`
    how fast it gets to it."""

    share: float = 0.75
    reach_m: float = 400.0
    kmh_off: float = 10.0
