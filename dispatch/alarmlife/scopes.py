"""The load on operators who answer for some districts: a flood of their own, however it goes in the rest of the city. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from dispatch.alarmlife.settings import HOUR
from dispatch.alarmlife.stages import Row
from dispatch.alarmlife.windows import Flood, Told, Window

#: the districts that somebody answers for, in order; what lies in no known district is everybody's
Scope = tuple[str, ...]
SCOPES = 100


class Scopes:
    """`figures` are those of Flood. A scope that is followed from now on is worked out from the day's announcements."""

    def __init__(self, figures: tuple[int, int, int, int]) -> None:
        self._figures = figures
        self._scopes: dict[Scope, tuple[Flood, Window]] = {}

    def follow(self, asked: Iterable[Scope], day: Window) -> None:
        """These and no others, in order and SCOPES at most."""
        wanted = sorted({tuple(sorted(set(one))) for one in asked if one})[:SCOPES]
        for scope in [scope for scope in self._scopes if scope not in wanted]:
            del self._scopes[scope]
        for scope in wanted:
            if scope not in self._scopes:
                flood, window = self._scopes[scope] = Flood(*self._figures), Window(day.span)
                for told in day:
                    if _of(told.district, scope):
                        flood.take(told.at)
                        window.take(told)

    def take(self, told: Told) -> None:
        for scope, (flood, window) in self._scopes.items():
            if _of(told.district, scope):
                flood.take(told.at)
                window.take(told)

    def documents(self, rows: Iterable[Row], now: int) -> list[dict[str, Any]]:
        """One line each: {districts, since, share, rate {now, hour, day}, active, unacknowledged}."""
        if not self._scopes:
            return []
        active, asking = _counted(rows)
        made = []
        for scope, (flood, window) in self._scopes.items():
            flood.advance(now)
            window.advance(now)
            names = (*scope, "")
            rate = {"now": window.since(now - self._figures[0]), "hour": window.since(now - HOUR), "day": len(window)}
            made.append({
                "districts": list(scope), "since": flood.since, "share": round(flood.share(now), 4), "rate": rate,
                "active": sum(active.get(name, 0) for name in names),
                "unacknowledged": sum(asking.get(name, 0) for name in names),
            })  # fmt: skip
        return made


def _of(district: str, scope: Scope) -> bool:
    return not district or district in scope


def _counted(rows: Iterable[Row]) -> tuple[dict[str, int], dict[str, int]]:
    """Standing alarms by district: those that are on, those that wait for an answer."""
    active: dict[str, int] = {}
    asking: dict[str, int] = {}
    for row in rows:
        if row.standing:
            name = row.alarm.district
            active[name] = active.get(name, 0) + row.alarm.active
            asking[name] = asking.get(name, 0) + row.asking
    return active, asking
