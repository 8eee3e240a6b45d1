"""One compiled rule, and which sensors it is for. Figures are in canonical units. Pure."""

from __future__ import annotations

from typing import Any

import msgspec

from dispatch.alarming.findings import Finding
from dispatch.alarming.ground import Place


class Where(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Sensors a rule is for: each key that is given must name the sensor's own; `kind = [""]` are sensors without one."""

    kind: str | list[str] | None = None
    feed: str | list[str] | None = None
    sensor: str | list[str] | None = None  # <feed>/<sensor_id>
    site: str | list[str] | None = None
    district: str | list[str] | None = None
    station: str | list[str] | None = None
    owner: str | list[str] | None = None

    def holds(self, place: Place) -> bool:
        for name in ("kind", "feed", "sensor", "site", "district", "station", "owner"):
            wanted = getattr(self, name)
            if wanted is not None and getattr(place, name) not in ([wanted] if isinstance(wanted, str) else wanted):
                return False
        return True


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """`settings`: the kind's own figures; `levels`: other ones at a response level. `source`: own | thresholds | city |
    default."""

    name: str
    kind: Any  # a Kind
    settings: Any
    quantity: str = ""
    where: Where = Where()
    severity: int = 0
    labels: dict[str, str] = {}
    respond_seconds: float = 1800.0
    latch: bool = False
    advice: tuple[str, ...] = ()
    family: str = ""
    source: str = "city"
    levels: dict[str, Any] = {}
    shown: str = ""  # name on the alarm, where it is not `name`

    def finding(self, *, key: str, site: str, active: bool, time: int, **facts: Any) -> Finding:
        return Finding(
            key=key,
            rule=self.shown or self.name,
            site=site,
            active=active,
            time=time,
            severity=self.severity,
            family=self.family,
            labels=self.labels,
            respond_seconds=self.respond_seconds,
            latch=self.latch,
            advice=self.advice,
            kind=self.kind.name,
            condition_only=self.severity == 0,
            **facts,
        )
