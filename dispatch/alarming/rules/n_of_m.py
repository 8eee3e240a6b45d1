"""So many of those that could say it do say it: eight silent sensors of one station, three wet gauges of a district."""

from __future__ import annotations

from collections.abc import Iterable

from dispatch.alarming.findings import Finding
from dispatch.alarming.kind import Kind, Live, Settings

PER = ("city", "district", "station", "feed")


class NOfM(Settings, kw_only=True, frozen=True):
    """On while at least `count` sensors per `per` are found by one of the rules `of`; off below `count_off`. `share`: of
    all sensors that the hall knows there (0 to 1), as well."""

    of: tuple[str, ...]
    count: int
    count_off: int | None = None
    share: float = 0.0
    per: str = "district"


class Derived:
    """State: who is found per scope, which scopes are on since when."""

    def __init__(self, live: Live) -> None:
        self.live = live
        self.found: dict[str, dict[str, str]] = {}  # scope -> key of the finding -> sensor
        self.active: dict[str, int] = {}  # scope -> since

    def take(self, finding: Finding, ground: object) -> Iterable[Finding]:
        own = self.live.now
        scope = scope_of(finding, own.per, ground)
        if not scope:
            return
        found = self.found.setdefault(scope, {})
        if finding.active:
            found[finding.key] = finding.sensor or finding.site
        else:
            found.pop(finding.key, None)
        number, all_of = len(set(found.values())), ground.number_of(own.per, scope) if own.share else 0
        need = own.count if scope not in self.active else own.count if own.count_off is None else own.count_off
        on = number >= need and (not own.share or number >= own.share * all_of)
        if not found:
            del self.found[scope]
        if on == (scope in self.active):
            return
        if on:
            self.active[scope] = finding.time
        else:
            del self.active[scope]
        yield self._made(finding, scope, on, number)

    def _made(self, finding: Finding, scope: str, on: bool, number: int) -> Finding:
        rule, own = self.live.rule, self.live.now
        place = own.per in ("station", "district")
        return rule.finding(
            key=f"{rule.name}|{scope}", site=f"{own.per}/{scope}/{rule.name}", active=on, time=finding.time,
            value=float(number),
            threshold=float(own.count), name=scope, cause=finding.cause, station=scope if own.per == "station" else "",
            lon=finding.lon if place else None, lat=finding.lat if place else None,
            district=scope if own.per == "district" else finding.district if own.per == "station" else "",
        )  # fmt: skip

    def dump(self) -> list:
        return [self.found, self.active]

    def load(self, kept: list) -> None:
        self.found, self.active = kept


def scope_of(finding: Finding, per: str, ground: object) -> str:
    """Name of the scope a finding lies in; "" where it lies in none."""
    if per == "city":
        return "city"
    if per == "feed":
        return finding.site.partition("/")[0] if not finding.sensor else finding.sensor.partition("/")[0]
    return finding.district if per == "district" else finding.station


def _check(settings: NOfM) -> Iterable[tuple[str, str]]:
    if settings.per not in PER:
        yield "per", f"one of {', '.join(PER)}"
    if not settings.of:
        yield "of", "names of rules"
    if settings.count < 1:
        yield "count", "at least 1"
    if not 0 <= settings.share <= 1:
        yield "share", "from 0 to 1"
    if settings.count_off is not None and settings.count_off > settings.count:
        yield "count_off", "not more than count"


RULE = Kind("n_of_m", "derived", NOfM, Derived, needs_quantity=False, check=_check)
