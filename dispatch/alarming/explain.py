"""Stage 5: what is the consequence of something else. A station's power failure hides the silence of its 30 sensors.

Hidden is not gone: the alarm stays, says what hides it and why, and comes up again by itself when the cause is over.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from dispatch.alarming.findings import Standing
from dispatch.alarming.ground import Ground, Stage, metres
from dispatch.alarming.tables import Cause


class Explain(Stage):
    name = "explain"

    def __init__(self, ground: Ground, number: int) -> None:
        super().__init__(ground, number)
        self._table: tuple[Cause, ...] = ground.rules.tables.causes
        self._causing = frozenset(rule for cause in self._table for rule in cause.cause)
        self._hidable = frozenset(rule for cause in self._table for rule in cause.hides)
        self._causes: dict[str, Standing] = {}  # sites whose alarm may explain others
        self._consequences: dict[str, Standing] = {}  # sites whose alarm others may explain

    def step(self, item: Standing, now: int) -> Iterable[Standing]:
        rules = {finding.rule for finding in item.findings}
        if rules and rules <= self._hidable:
            self._consequences[item.site] = item
        else:
            self._consequences.pop(item.site, None)
        item.hidden_by, item.hidden_why = self._explained(item, rules)
        yield item
        known = item.site in self._causes
        if rules & self._causing:
            self._causes[item.site] = item
        elif known:
            del self._causes[item.site]
        if known or item.site in self._causes:
            yield from self._again(item)

    def _again(self, cause: Standing) -> Iterable[Standing]:
        for site in sorted(self._consequences):
            standing = self._consequences[site]
            found = self._explained(standing, {finding.rule for finding in standing.findings})
            if found[0] != standing.hidden_by:
                told = msgspec.structs.replace(standing, time=max(standing.time, cause.time))
                told.hidden_by, told.hidden_why = found
                self._consequences[site] = told
                yield told

    def _explained(self, item: Standing, rules: set[str]) -> tuple[str, dict[str, Any]]:
        """The cause that hides it, the oldest first, and why in words."""
        if not rules or not rules <= self._hidable:
            return "", {}
        for row in self._table:
            if not rules <= set(row.hides):
                continue
            found = [other for other in self._causes.values() if other.site != item.site and self._reaches(row, other, item)]
            if found:
                cause = min(found, key=lambda other: (other.since or 0, other.site))
                values = {"cause": row.name, "name": cause.findings[0].name, "since": cause.since, "reach": row.reach}
                return cause.site, {"code": f"explained-{row.name}", "values": values}
        return "", {}

    def _reaches(self, row: Cause, cause: Standing, item: Standing) -> bool:
        if not any(finding.rule in row.cause for finding in cause.findings):
            return False
        one, other = cause.findings[0], item.findings[0]
        if row.reach == "city":
            return True
        if row.reach == "metres":
            known = None not in (one.lon, one.lat, other.lon, other.lat)
            return known and metres(one.lon, one.lat, other.lon, other.lat) <= row.metres
        mine = _scope(one, row.reach)
        return bool(mine) and mine == _scope(other, row.reach)

    def dump(self) -> Any:
        return [dict(self._causes), dict(self._consequences)]

    def load(self, kept: Any) -> None:
        self._causes, self._consequences = (msgspec.convert(one, dict[str, Standing]) for one in kept)


def _scope(finding: Any, reach: str) -> str:
    if reach == "feed":
        return finding.sensor.partition("/")[0] if finding.sensor else finding.name
    return getattr(finding, reach)
