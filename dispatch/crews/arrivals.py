"""When crews that are called will be there: by the road router, all crews of one place in one question. Pure."""

from __future__ import annotations

import msgspec
import numpy as np

from dispatch.crews.routing import Router

#: states in which a crew is on its way or about to be
COMING = frozenset({"assigned", "acknowledged", "mustered", "en_route"})
#: a moving crew's position that is older says where it was, not where it is (city ms)
OLD_MS = 120_000
#: an arrival that moved by less is not told anew: a wall shows minutes
SAME_MS = 10_000
SAME_S = 10


class Caller(msgspec.Struct, kw_only=True, frozen=True):
    """A crew that is called, and where it is: (lon, lat) WGS-84, `at` the moment of its position, None for its base."""

    crew_id: str
    to: str  # the case's file
    state: str
    lon: float
    lat: float
    at: int | None = None


class Arrival(msgspec.Struct, kw_only=True, omit_defaults=True):
    """`at`: arrival of one that is moving, city ms; `seconds`: what is left as of `as_of`. `why` it is a guess: straight
    line (no_network, place_off_network, crew_off_network, unreachable) or from an uncertain place (position_old, at_base)."""

    to: str
    at: int
    seconds: int
    metres: int
    as_of: int
    road: bool = False
    why: str = ""


def arrivals(router: Router, lon: float, lat: float, callers: list[Caller], now: int) -> dict[str, Arrival]:
    """By crew, of callers who all go to the place (lon, lat); `now` city ms. One question to the router for all."""
    routes = router.routes(lon, lat, np.array([one.lon for one in callers]), np.array([one.lat for one in callers]))
    found = {}
    for index, one in enumerate(callers):
        seconds = round(float(routes.eta_s[index]))
        moving = one.state == "en_route" and one.at is not None and now - one.at <= OLD_MS
        why = routes.why_straight(index) or _doubt(one, now)
        found[one.crew_id] = Arrival(
            to=one.to,
            at=(min(one.at, now) if moving and one.at is not None else now) + seconds * 1000,
            seconds=seconds,
            metres=round(routes.metres(index)),
            as_of=now,
            road=bool(routes.road[index]),
            why=why,
        )
    return found


def _doubt(one: Caller, now: int) -> str:
    if one.at is None:
        return "at_base"
    return "position_old" if now - one.at > OLD_MS else ""


def told_anew(before: Arrival | None, after: Arrival, moving: bool) -> bool:
    """Whether a screen that shows `before` would show something else: of who moves the moment, of others the seconds."""
    if before is None or (before.to, before.road, before.why) != (after.to, after.road, after.why):
        return True
    return abs(before.at - after.at) >= SAME_MS if moving else abs(before.seconds - after.seconds) >= SAME_S


class Turns:
    """Whose turn it is to be asked about: at once where somebody joined, after `least_ms` where one moved, after `renew_ms`
    in any case; longest ago first. Times city ms."""

    def __init__(self, least_ms: int = 10_000, renew_ms: int = 60_000) -> None:
        self.least_ms, self.renew_ms = least_ms, renew_ms
        self._asked: dict[str, tuple[int, list[Caller]]] = {}  # place -> when, who then

    def due(self, groups: dict[str, list[Caller]], now: int) -> list[str]:
        for name in self._asked.keys() - groups.keys():
            del self._asked[name]
        return sorted(
            (name for name, callers in groups.items() if self._is_due(name, callers, now)),
            key=lambda name: self._asked[name][0] if name in self._asked else -1,
        )

    def _is_due(self, name: str, callers: list[Caller], now: int) -> bool:
        if name not in self._asked:
            return True
        at, before = self._asked[name]
        since = now - at
        if since < 0 or since >= self.renew_ms:  # a clock that was set back must not stop the asking
            return True
        if {(one.crew_id, one.state) for one in callers} != {(one.crew_id, one.state) for one in before}:
            return True
        return since >= self.least_ms and [_place(one) for one in callers] != [_place(one) for one in before]

    def asked(self, name: str, callers: list[Caller], now: int) -> None:
        self._asked[name] = now, callers


def _place(one: Caller) -> tuple[float, float]:
    return one.lon, one.lat
