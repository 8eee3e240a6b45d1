"""What the proofs put before the engine: rules of their own, readings of real files, and the edges that come out."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from dispatch.alarming import Engine
from dispatch.alarming.episodes import Episode, episodes
from dispatch.alarming.inputs import Input, Reading, SensorSeen
from dispatch.alarming.rulebook import Rulebook, rules_of
from dispatch.alarming.trial import run
from hall.core.model import Sensor
from tests.conftest import ROOT
from tests.proof.floods import INCH_METRES, Profile

FEED = "floodnet"


def real_data() -> Path:
    """Folder of the real input, for runs outside pytest; raises SystemExit where there is none."""
    folder = (ROOT / os.environ.get("HALL_REAL_DATA", "../shared/data")).resolve()
    if not (folder / "SHA256SUMS").exists():
        raise SystemExit("real input is not present: set HALL_REAL_DATA")
    return folder


def rulebook(*rules: dict[str, Any], **tables: Any) -> Rulebook:
    """These rules alone, without the default set."""
    return rules_of({"rules": list(rules), **tables}, defaults=False)


def street_gauges(rows: list[Profile], kind: str = "road") -> list[Input]:
    """One measuring point for each site of the profiles."""
    first = min(row.start for row in rows)
    return [
        SensorSeen(sensor=Sensor(feed=FEED, sensor_id=site, kind=kind, quantity="water_depth"), time=first, at=first)
        for site in sorted({row.site for row in rows})
    ]


def readings(rows: Iterable[Profile]) -> list[Reading]:
    """Every sample, in the order of time."""
    made = [
        Reading(feed=FEED, sensor=row.site, quantity="water_depth", value=round(inches * INCH_METRES, 6), time=time)
        for row in rows
        for time, inches in zip(row.times.tolist(), row.inches.tolist(), strict=True)
    ]
    return sorted(made, key=lambda one: one.time)


def edges_of(rules: Rulebook, inputs: Iterator[Input] | list[Input]) -> list[Any]:
    return run(Engine(rules), iter(inputs))


def alarms_of(rules: Rulebook, rows: list[Profile], kind: str = "road") -> list[Episode]:
    """The alarms of a whole history of street floods; `site` as the supplier names it."""
    found = episodes(edges_of(rules, [*street_gauges(rows, kind), *readings(rows)]))
    for alarm in found:
        alarm.site = alarm.site.removeprefix(f"{FEED}/")
    return found
