"""Stage 9: what is told. A standing becomes an edge where it says something new; figures that merely move do not.

The data of `raise` and `change` is the whole picture: what is left out is at its default.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any

import msgspec

from dispatch.alarming import supplied
from dispatch.alarming.findings import Edge, Finding, Standing
from dispatch.alarming.ground import Ground, Stage

#: fields that are only told with something else
_MOVING = ("value", "confidence", "picture", "lon", "lat", "threshold", "cause", "quantity", "since", "supplied")
_ADVICE = 10  # codes on one alarm


class Tell(Stage):
    name = "tell"

    def __init__(self, ground: Ground, number: int) -> None:
        super().__init__(ground, number)
        self._told: dict[str, dict[str, Any]] = {}  # site -> what was told of an active alarm
        self._languages = ground.rules.languages

    @property
    def active(self) -> int:
        return len(self._told)

    def step(self, item: Standing, now: int) -> Iterable[Edge]:
        told, time = self._told.get(item.site), min(item.time, now)
        if not item.active:
            if told is None:
                return ()
            del self._told[item.site]
            return (_edge(item.site, "return", time, self._returned(item)),)
        data = self._data(item)
        if told is not None and _same(told, data):
            return ()
        self._told[item.site] = data
        return (_edge(item.site, "raise" if told is None else "change", time, data),)

    def adopt(self, site: str, data: dict[str, Any]) -> None:
        """What the ledger has told of an active alarm, after the engine's state was lost."""
        self._told[site] = {key: value for key, value in data.items() if _says(value)}

    def sites(self) -> dict[str, dict[str, Any]]:
        return self._told

    def _data(self, item: Standing) -> dict[str, Any]:
        worst = item.findings[0]
        forecast = next((one for one in item.findings if one.forecast), None)
        labels = self._labels(worst)
        place = self.ground.places.get(worst.sensor)
        made = {
            "rule": worst.rule,
            "rules": list(dict.fromkeys(one.rule for one in item.findings)),
            "label": labels.get(self._languages[0], "") if self._languages else worst.name,
            "labels": labels,
            "severity": worst.severity,
            "priority": item.priority,
            "respond_seconds": worst.respond_seconds,
            "value": worst.value,
            "unit": worst.unit,
            "threshold": worst.threshold,
            "quantity": worst.quantity,
            "cause": worst.cause,
            "kind": place.kind if place is not None else "",
            "name": worst.name,
            "lon": worst.lon,
            "lat": worst.lat,
            "district": worst.district,
            "since": item.since,
            "group": item.group,
            "group_was": list(item.group_was),
            "family": item.family,
            "hidden_by": item.hidden_by,
            "hidden_why": item.hidden_why,
            "doubtful": bool(worst.doubts),
            "doubts": list(worst.doubts),
            "chattering": item.chattering,
            "latched": item.latched,
            "forecast": _forecast(forecast),
            "advice": list(dict.fromkeys(code for one in item.findings for code in one.advice))[:_ADVICE],
            "confidence": worst.confidence,
            "picture": worst.picture,
            "supplied": supplied.first(item.findings),
        }
        return {key: value for key, value in made.items() if _says(value)}

    def _labels(self, worst: Finding) -> dict[str, str]:
        words = {tongue: worst.labels.get(tongue) or worst.labels.get("", "") for tongue in self._languages}
        return {tongue: " · ".join(filter(None, [worst.name, said])) for tongue, said in words.items()}

    def _returned(self, item: Standing) -> dict[str, Any]:
        last = item.last
        made = {"value": last.value if last else None, "latched": item.latched}
        made |= {"fleeting": item.fleeting, "confidence": last.confidence if last else None}
        return {key: value for key, value in made.items() if value is not None and value is not False}

    def dump(self) -> Any:
        return dict(self._told)

    def load(self, kept: Any) -> None:
        self._told = kept


def _says(value: Any) -> bool:
    """Whether a field is not at its default; 0 is a figure."""
    return value is not None and value is not False and value not in ("", [], {})


def _forecast(finding: Finding | None) -> dict[str, Any] | None:
    if finding is None:
        return None
    return {**finding.forecast, "value": finding.threshold, "unit": finding.unit}


def _same(told: dict[str, Any], data: dict[str, Any]) -> bool:
    if supplied.news(told.get("supplied", {}), data.get("supplied", {})):
        return False
    return all(told.get(key) == data.get(key) for key in told.keys() | data.keys() if key not in _MOVING)


def _edge(site: str, move: str, time: int, data: dict[str, Any]) -> Edge:
    """Its id says what caused it, so that an edge found again after a restart is the same command."""
    content = msgspec.json.encode([site, move, time, data], order="deterministic")
    mark = hashlib.blake2b(content, digest_size=12).hexdigest()
    return Edge(site=site, move=move, time=time, id=f"alarm-{move}-{time}-{mark}", data=data)
