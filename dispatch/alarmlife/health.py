"""How heavy the alarms lie on one operator, against the targets of ISA-18.2 / IEC 62682 and EEMUA 191. Pure."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import msgspec

from dispatch.alarmlife.settings import HOUR, MINUTE, LifeSettings
from dispatch.alarmlife.stages import Row
from dispatch.alarmlife.windows import Flood, Window

DAY = 24 * HOUR
LISTED, PUT_AWAY = 10, 50


class Load(NamedTuple):
    """What was announced and answered within a day; `answers` are (when, ms it took)."""

    day: Window
    buckets: Mapping[int, int]
    flood: Flood
    districts: Mapping[str, Flood]
    answers: list[tuple[int, int]]
    recent: Mapping[str, int]


def health_document(rows: Iterable[Row], load: Load, settings: LifeSettings, now: int) -> dict[str, Any]:
    """`kpi/alarms`: docs/ALARMS.md has its shape. Shares are parts of 1, moments city ms."""
    found = list(rows)
    standing = [row for row in found if row.standing]
    return {
        "as_of": now,
        "rate": _rate(load, settings, now),
        "buckets": _buckets(load, settings, now),
        "flood": _flood(load, settings, now),
        "counts": _counts(found, standing),
        "oldest": _oldest(standing),
        "stale": _stale(standing, settings, now),
        "chattering": _chattering(standing, load),
        "top": _top(found, load, settings),
        "split": _split(load),
        "away": _away(found),
        "answered": _answered(load.answers),
        "targets": msgspec.to_builtins(settings.targets),
        "desk": {"case_classes": settings.case_classes, "shelf_hours_most": settings.shelf_hours_most},
    }


def _rate(load: Load, settings: LifeSettings, now: int) -> dict[str, Any]:
    window = settings.flood.window
    return {
        "window_minutes": settings.flood.window_minutes,
        "now": load.day.since(now - window),
        "hour": load.day.since(now - HOUR),
        "day": len(load.day),
        "mean": round(len(load.day) * window / DAY, 3),
        "peak": max(load.buckets.values(), default=0),
    }


def _buckets(load: Load, settings: LifeSettings, now: int) -> dict[str, Any]:
    """Announcements per window of the clock over a day, oldest first; the last one is not over."""
    step = settings.flood.window
    last = now // step
    first = last - DAY // step + 1
    return {"start": first * step, "step": step, "values": [load.buckets.get(n, 0) for n in range(first, last + 1)]}


def _flood(load: Load, settings: LifeSettings, now: int) -> dict[str, Any]:
    return {
        "since": load.flood.since,
        "share": round(load.flood.share(now), 4),
        "begins": settings.flood.begins,
        "ends_below": settings.flood.ends_below,
        "districts": {name: flood.since for name, flood in sorted(load.districts.items()) if flood.since is not None},
    }


def _counts(rows: list[Row], standing: list[Row]) -> dict[str, int]:
    states = Counter(row.alarm.state for row in rows)
    away = Counter(row.away for row in rows if row.standing or row.away != "hidden")
    return {
        "active": sum(row.alarm.active for row in standing),
        "unacknowledged": sum(row.asking for row in standing),
        **{state: states[state] for state in ("returned", "latched", "over")},
        **{how: away[how] for how in ("hidden", "shelved", "out_of_service")},
        "chattering": sum(row.chattering for row in standing),
        "doubtful": sum(row.alarm.doubtful for row in standing),
    }


def _oldest(standing: list[Row]) -> dict[str, Any] | None:
    asking = [row for row in standing if row.asking]
    return _line(min(asking, key=lambda row: (row.alarm.announced or row.alarm.since or 0, row.site))) if asking else None


def _stale(standing: list[Row], settings: LifeSettings, now: int) -> dict[str, Any]:
    """Alarms that have been on for longer than a day: nobody can do anything about them, or nobody did."""
    before = now - round(settings.targets.standing_hours * HOUR)
    old = sorted((row for row in standing if row.alarm.active and (row.alarm.since or now) <= before), key=_age)
    return {"count": len(old), "rows": [_line(row) for row in old[:LISTED]]}


def _age(row: Row) -> tuple[int, str]:
    return row.alarm.since or 0, row.site


def _chattering(standing: list[Row], load: Load) -> dict[str, Any]:
    found = sorted((row for row in standing if row.chattering), key=lambda row: (-load.recent.get(row.site, 0), row.site))
    return {"count": len(found), "rows": [{**_line(row), "times": load.recent.get(row.site, 0)} for row in found[:LISTED]]}


def _top(rows: list[Row], load: Load, settings: LifeSettings) -> dict[str, Any]:
    """The busiest sites' share of all announcements of a day."""
    names = {row.site: row for row in rows}
    busiest = sorted(load.day.sites.items(), key=lambda item: (-item[1], item[0]))[: settings.targets.top_sites]
    told = len(load.day)
    lines = [{**(_line(names[site]) if site in names else {"site": site}), "times": times} for site, times in busiest]
    return {"share": round(sum(times for _, times in busiest) / told, 4) if told else None, "of": told, "rows": lines}


def _split(load: Load) -> dict[str, Any]:
    told = len(load.day)
    shares = {name: load.day.priorities.get(n, 0) for n, name in ((1, "high"), (2, "medium"), (3, "low"))}
    return {"of": told, **{name: round(count / told, 4) if told else None for name, count in shares.items()}}


def _away(rows: list[Row]) -> list[dict[str, Any]]:
    """Everything that is kept from the list, with why: the newest first."""
    found = [row for row in rows if row.away and (row.standing or row.away != "hidden")]
    found.sort(key=lambda row: (-(row.alarm.since or 0), row.site))
    return [{**_line(row), "how": row.away, "why": row.why} for row in found[:PUT_AWAY]]


def _answered(answers: list[tuple[int, int]]) -> dict[str, Any]:
    """How long announcements waited for an answer."""
    took = sorted(span for _, span in answers)
    if not took:
        return {"of": 0, "median_minutes": None, "p90_minutes": None}
    p90 = took[min(len(took) - 1, round(0.9 * (len(took) - 1)))]
    return {"of": len(took), "median_minutes": _minutes(statistics.median(took)), "p90_minutes": _minutes(p90)}


def _minutes(ms: float) -> float:
    return round(ms / MINUTE, 1)


def _line(row: Row) -> dict[str, Any]:
    alarm = row.alarm
    return {"site": row.site, "name": alarm.name, "label": alarm.label, "severity": alarm.severity, "since": alarm.since}
