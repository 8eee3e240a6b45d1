"""What stages hand on: findings of single rules, a site as it stands, and the edges of its alarm. Times are city ms."""

from __future__ import annotations

from typing import Any

import msgspec


class Finding(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What one rule says of one scope: its condition holds (`active`) since `time`, or no longer. `key` names rule and
    scope."""

    key: str
    rule: str
    site: str
    active: bool
    time: int
    severity: int = 0
    family: str = ""
    labels: dict[str, str] = {}  # what the line says, by language; the site's name is put before it
    respond_seconds: float = 1800.0
    latch: bool = False
    advice: tuple[str, ...] = ()
    sensor: str = ""  # <feed>/<sensor> it was measured at
    quantity: str = ""
    kind: str = ""  # of the rule
    value: float | None = None
    unit: str = ""
    threshold: float | None = None
    cause: str = ""  # subject of the observation
    doubts: tuple[str, ...] = ()
    confidence: float | None = None
    picture: str = ""
    forecast: dict[str, Any] | None = None
    station: str = ""
    name: str = ""
    lon: float | None = None
    lat: float | None = None
    district: str = ""
    supplied: dict[str, Any] = {}  # what a supplier's own system said: {feed, id, device, kind, word, text, picture, at}
    condition_only: bool = False  # severity 0: other rules build on it, it is no alarm itself


class Standing(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A site as it stands at `time`: every finding that holds, worst first. Later stages fill in what they know."""

    site: str
    time: int
    findings: list[Finding] = []
    since: int | None = None
    latched: bool = False
    last: Finding | None = None  # the finding that ended, where none holds any more
    hidden_by: str = ""
    hidden_why: dict[str, Any] = {}
    group: str = ""
    family: str = ""  # what it is gathered with
    group_was: list[str] = []  # groups it was in before they went into `group`
    priority: int = 0
    chattering: bool = False
    fleeting: bool = False

    @property
    def active(self) -> bool:
        return bool(self.findings)


class Edge(msgspec.Struct, kw_only=True):
    """A change of a site's alarm, for the ledger: `data` are the fields of the alarm document that the machine knows."""

    site: str
    move: str  # raise | change | return
    time: int
    id: str
    data: dict[str, Any]
