"""When the hall would have proposed level I in Zhengzhou, played minute by minute from examples/zhengzhou-2021.

Three readings of the same figures: signals and rain as the default plan weighs them; the rain alone, as if no signal had come; and
a plan in which a red signal proposes level II only. Each proposal is taken as signed at once, so that the next one shows.
"""

from __future__ import annotations

import datetime
import zoneinfo
from collections.abc import Iterator
from typing import Any, NamedTuple

import msgspec

from dispatch.plans.model import Plan
from dispatch.plans.proposing import Picture, Proposal, Rain, Signal, propose
from dispatch.plans.settings import plans_of
from dispatch.rain.gauge import Gauge
from feeds.history import Fact, History
from hall.core import config as configuration
from tests.conftest import ROOT

EXAMPLE = ROOT / "examples" / "zhengzhou-2021" / "hall.toml"
ZONE = zoneinfo.ZoneInfo("Asia/Shanghai")
MINUTE = 60_000
#: when the city's own level I began, by its flood headquarters' notice
CITY_LEVEL_I = datetime.datetime(2021, 7, 20, 16, 30, tzinfo=ZONE)


class Step(NamedTuple):
    """A proposal upward: when (ms), which level, by which codes of reasons."""

    at: int
    level: str
    why: tuple[str, ...]


class Variant(NamedTuple):
    """One way to look at the figures. `gauges`: which rain gauges are heard."""

    name: str
    signals: bool = True
    red: str = "I"
    gauges: tuple[str, ...] = ("57083", "drill-rain")
    late: bool = False  # the rain of the night and morning fell all in the hour before the worst one


VARIANTS = (
    Variant("signals and rain, default plan"),
    Variant("a red signal proposes II only; rain, two gauges", red="II"),
    Variant("rain alone, two gauges, spread evenly", signals=False),
    Variant("rain alone, two gauges, spread as late as can be", signals=False, late=True),
    Variant("rain alone, the one public gauge", signals=False, gauges=("57083",)),
)
#: the span whose rain is spread: its end, and how long before it the late variant begins
NIGHT = tuple(int(datetime.datetime(2021, 7, day, hour, tzinfo=ZONE).timestamp() * 1000) for day, hour in ((19, 20), (20, 16)))
LATE_MS = 60 * MINUTE


def facts() -> list[Fact]:
    return list(History(configuration.load(EXAMPLE)).facts())


def plan() -> Plan:
    return plans_of(configuration.load(EXAMPLE)).by_name["flood"]


def steps(told: list[Fact], variant: Variant) -> list[Step]:
    """A look at every full minute in which something new was told: nothing else can change what is proposed upward."""
    chosen = msgspec.structs.replace(plan(), signals={**plan().signals, "red": variant.red})
    gauges: dict[str, Gauge] = {name: Gauge() for name in variant.gauges}
    signals: dict[str, Signal] = {}
    timed = sorted((fact for fact in told if _counts(fact)), key=lambda fact: fact.time)
    timed = _late(timed) if variant.late else timed
    level, made, index = "", [], 0
    for now in sorted({-(-fact.time // MINUTE) * MINUTE for fact in timed}):
        while index < len(timed) and timed[index].time <= now:
            _hear(timed[index], gauges, signals if variant.signals else {})
            index += 1
        rain = {name: Rain(time=gauge.time, mm=gauge.sums(now)) for name, gauge in gauges.items() if gauge.time}
        picture = Picture(signals=list(signals.values()), rain=rain, level=level, since=now, exercise=True)
        found: Proposal = propose(chosen, picture, now)
        if found.direction == "up":
            level = found.level
            made.append(Step(now, level, tuple(sorted({said(why) for why in found.why}))))
    return made


def _counts(fact: Fact) -> bool:
    return (
        fact.subject.startswith("warning/") or getattr(fact.doc, "quantity", "") == "rain_10min" and hasattr(fact.doc, "value")
    )


def _hear(fact: Fact, gauges: dict[str, Gauge], signals: dict[str, Signal]) -> None:
    topic, doc = fact.subject.partition("/")[0], fact.doc
    if topic == "warning" and doc is None:
        signals.pop(fact.subject, None)
    elif topic == "warning":
        signals[fact.subject] = Signal(
            subject=fact.subject, event=doc.event, severity=doc.severity, exercise=doc.status == "Exercise",
            since=fact.time, expires=doc.expires,
        )  # fmt: skip
    elif topic == "observation" and doc.sensor_id in gauges and doc.quantity == "rain_10min":
        gauges[doc.sensor_id].put(doc.quantity, doc.value, fact.time)


def _late(timed: list[Fact]) -> list[Fact]:
    """The same rain, all of the night's in its last hour."""
    rain = [fact for fact in timed if getattr(fact.doc, "quantity", "") == "rain_10min" and NIGHT[0] < fact.time <= NIGHT[1]]
    total = {sensor: sum(f.doc.value for f in rain if f.doc.sensor_id == sensor) for sensor in {f.doc.sensor_id for f in rain}}
    count = LATE_MS // (10 * MINUTE)
    moved = {}
    for fact in rain:
        share = total[fact.doc.sensor_id] / count if fact.time > NIGHT[1] - LATE_MS else 0.0
        moved[id(fact)] = fact._replace(doc=msgspec.structs.replace(fact.doc, value=share))
    return [moved.get(id(fact), fact) for fact in timed]


def said(why: dict[str, Any]) -> str:
    values = why["values"]
    if why["code"] == "rain":
        return f"rain {values['mm']:g} mm in {values['hours']} h at {values['gauges']} gauge(s), line {values['line']:g}"
    return f"signal {values['colour']}" if why["code"] == "signal" else why["code"]


def clock(moment: int) -> str:
    return f"{datetime.datetime.fromtimestamp(moment / 1000, ZONE):%d July %H:%M}"


def figures() -> Iterator[str]:
    told = facts()
    yield "| plan and input | level I proposed | before the city's 16:30 | why | on the way |"
    yield "|---|---|---|---|---|"
    for variant in VARIANTS:
        found = steps(told, variant)
        top = next((step for step in found if step.level == "I"), None)
        way = "; ".join(f"{step.level} {clock(step.at)}" for step in found if step is not top)
        if top is None:
            yield f"| {variant.name} | not at all | - | - | {way} |"
            continue
        lead = (CITY_LEVEL_I.timestamp() * 1000 - top.at) / MINUTE
        yield f"| {variant.name} | {clock(top.at)} | {lead / 60:+.1f} h | {', '.join(top.why)} | {way or '-'} |"
