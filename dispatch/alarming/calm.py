"""Stages 7 and 8: how urgent it is, and what keeps an alarm that comes and goes from storming.

A chattering alarm is held active and marked until its site kept still; it is never hidden. The first rises pass as they are.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from dispatch.alarming.findings import Standing
from dispatch.alarming.ground import Ground, Stage


class Rank(Stage):
    """Priority from severity and the time there is to respond. No state."""

    name = "rank"

    def step(self, item: Standing, now: int) -> Iterable[Standing]:
        if item.findings:
            worst = item.findings[0]
            seconds = min(one.respond_seconds for one in item.findings if one.severity == worst.severity)
            item.priority = self.ground.rules.tables.ranking.of(worst.severity, seconds)
        return (item,)


class Restless(msgspec.Struct, omit_defaults=True):
    """One site: moments of its last rises, whether its condition holds, its newest change, whether it is chattering; the
    standing that is shown while it is held, and the one that waits."""

    rises: list[int] = []
    active: bool = False
    since: int = 0
    changed: int = 0
    chattering: bool = False
    shown: Standing | None = None
    waits: Standing | None = None


class Calm(Stage):
    name = "calm"

    def __init__(self, ground: Ground, number: int) -> None:
        super().__init__(ground, number)
        self._own = ground.rules.tables.calming
        self._sites: dict[str, Restless] = {}

    def step(self, item: Standing, now: int) -> Iterable[Standing]:
        site = self._sites.get(item.site)
        if site is None:
            site = self._sites[item.site] = Restless()
        if item.active and not site.active:
            self._rises(site, item)
        elif site.active and not item.active:
            site.active, site.changed = False, item.time
            item.fleeting = item.time - site.since < self._own.fleeting_seconds * 1000
        if not site.chattering:
            self._tidy(item, site)
            return (item,)
        if item.active:
            item.chattering, item.since = True, site.shown.since if site.shown else item.since
            site.shown, site.waits = item, None
            return (item,)
        site.waits = item
        return ()

    def _rises(self, site: Restless, item: Standing) -> None:
        floor = item.time - int(self._own.minutes * 60_000)
        site.rises = [moment for moment in site.rises if moment > floor] + [item.time]
        site.active, site.changed, site.since = True, item.time, item.time
        if len(site.rises) >= self._own.times and not site.chattering:
            site.chattering = True
            self.ground.wake(item.time + self._quiet(), self.number, item.site)

    def _quiet(self) -> int:
        return int(self._own.quiet_minutes * 60_000)

    def _tidy(self, item: Standing, site: Restless) -> None:
        """A site that returned keeps its rises only as long as they count; one wake takes it away."""
        if not item.active:
            self.ground.wake(item.time + int(self._own.minutes * 60_000), self.number, item.site)

    def fall(self, key: str, due: int) -> Iterable[Standing]:
        site = self._sites.get(key)
        if site is None:
            return ()
        if not site.chattering:
            if not site.active and due - site.changed >= self._own.minutes * 60_000:
                del self._sites[key]
            return ()
        if due < site.changed + self._quiet():
            self.ground.wake(site.changed + self._quiet(), self.number, key)
            return ()
        site.chattering, site.rises = False, []
        told, site.waits, shown, site.shown = site.waits, None, site.shown, None
        if told is not None:
            self._tidy(told, site)
            return (msgspec.structs.replace(told, time=due),)
        return (msgspec.structs.replace(shown, time=due, chattering=False),) if shown is not None else ()

    def dump(self) -> Any:
        return {name: msgspec.structs.replace(site) for name, site in self._sites.items()}

    def load(self, kept: Any) -> None:
        self._sites = msgspec.convert(kept, dict[str, Restless])
        for name, site in self._sites.items():
            if site.chattering:
                self.ground.wake(site.changed + self._quiet(), self.number, name)
            elif not site.active:
                self.ground.wake(site.changed + int(self._own.minutes * 60_000), self.number, name)
