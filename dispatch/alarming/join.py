"""Stages 3 and 4: one alarm per site, the worst of its rules; and what is held until a person resets it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from dispatch.alarming.findings import Finding, Standing
from dispatch.alarming.ground import Ground, Stage

#: doubts that say the figure itself may be wrong: such an alarm asks for a look, whatever the figure
HARD = frozenset({"jump", "unit", "range", "clock"})


class Joined(msgspec.Struct, omit_defaults=True, gc=False):
    """One site: findings that hold, by key; since when any does."""

    findings: dict[str, Finding]
    since: int


class Join(Stage):
    name = "join"

    def __init__(self, ground: Ground, number: int) -> None:
        super().__init__(ground, number)
        self._sites: dict[str, Joined] = {}
        self._adopted: dict[str, int] = {}  # site -> since when its alarm stands, as the ledger knows it
        self._most = ground.rules.tables.lies.severity

    def steps(self, items: Iterable[Any], now: int) -> list[Standing]:
        """What one input found of a site is one change of it."""
        made: dict[str, Standing] = {}
        for item in items:
            for standing in self.step(item, now):
                made[standing.site] = standing
        return list(made.values())

    def step(self, item: Any, now: int) -> Iterable[Standing]:
        if not isinstance(item, Finding):
            return ()
        if item.doubts:
            item = self._doubted(item)
        site = self._sites.get(item.site)
        if item.active:
            if site is None:
                site = self._sites[item.site] = Joined({}, self._adopted.pop(item.site, item.time))
            site.findings[item.key] = item
            self._moves(site, item)
        elif site is not None:
            site.findings.pop(item.key, None)
            if not site.findings:
                del self._sites[item.site]
        standing = sorted(site.findings.values(), key=_order) if site is not None else []
        since = site.since if site is not None else None
        return (Standing(site=item.site, time=item.time, findings=standing, since=since, last=None if item.active else item),)

    def _moves(self, site: Joined, item: Finding) -> None:
        """What other rules found of the same quantity has moved with it: no alarm shows the figure of an hour ago."""
        for key, other in site.findings.items():
            if (
                other is not item
                and other.sensor == item.sensor
                and other.quantity == item.quantity
                and other.value != item.value
            ):
                site.findings[key] = msgspec.structs.replace(other, value=item.value)

    def _doubted(self, item: Finding) -> Finding:
        """Never closes a road by itself: a person has to look."""
        severity = min(item.severity, self._most) if HARD & set(item.doubts) else item.severity
        return msgspec.structs.replace(item, severity=severity, advice=("verify",))

    def adopt(self, site: str, since: int) -> None:
        self._adopted[site] = since

    def dump(self) -> Any:
        return {name: msgspec.structs.replace(site, findings=dict(site.findings)) for name, site in self._sites.items()}

    def load(self, kept: Any) -> None:
        self._sites = msgspec.convert(kept, dict[str, Joined])


def _order(finding: Finding) -> tuple:
    """The worst first; of equal ones the line that was reached, then what leaves least time."""
    return -finding.severity, finding.kind != "threshold", finding.respond_seconds, finding.key


class Hold(Stage):
    """A rule that latches keeps its alarm on the screens after the condition has gone, until a person resets it."""

    name = "hold"

    def __init__(self, ground: Ground, number: int) -> None:
        super().__init__(ground, number)
        self._latched: dict[str, bool] = {}

    def step(self, item: Standing, now: int) -> Iterable[Standing]:
        if item.findings:
            if any(finding.latch for finding in item.findings):
                self._latched[item.site] = True
            item.latched = item.site in self._latched
        else:
            item.latched = self._latched.pop(item.site, False)
        return (item,)

    def dump(self) -> Any:
        return dict(self._latched)

    def load(self, kept: Any) -> None:
        self._latched = kept
