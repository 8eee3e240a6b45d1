"""Citizens' reports of water on the street that speak of what a gauge saw, too. Pure.

One alarm may have many such cases; a case goes with the nearest alarm that fits, by place and time.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import NamedTuple

from dispatch.alarmlife.model import AlarmState
from dispatch.alarmlife.settings import MINUTE, Ponding
from hall.core.model import CASE_ENDED, Case

METRES_PER_DEGREE = 111_195.0


class Report(NamedTuple):
    """A case of ponding: where (WGS-84) and when it was reported, city ms."""

    file: str
    at: int
    lon: float
    lat: float


class Wet(NamedTuple):
    """An alarm of water: from `since` until `until` (None: it goes on)."""

    subject: str
    alarm_id: str
    since: int
    until: int | None
    lon: float
    lat: float


def report_of(subject: str, case: Case | None, time: int, figures: Ponding) -> Report | None:
    """The case as a report of ponding; None where it is none, has no place, or is over."""
    if case is None or case.lon is None or case.lat is None or case.state in CASE_ENDED:
        return None
    if not {case.subclass_name, case.class_name} & set(figures.classes):
        return None
    return Report(f"file/{subject.partition('/')[2]}", case.stages.reported or time, case.lon, case.lat)


def wet_of(subject: str, alarm: AlarmState, figures: Ponding) -> Wet | None:
    """The alarm as water that somebody may have reported; None where it measures something else or has left the board."""
    if alarm.ended or alarm.lon is None or alarm.lat is None or alarm.since is None or alarm.doubtful:
        return None
    if alarm.severity < figures.severity_least:
        return None
    if alarm.quantity not in figures.quantities or (figures.kinds and alarm.kind not in figures.kinds):
        return None
    return Wet(subject, alarm.alarm_id, alarm.since, None if alarm.active else alarm.returned, alarm.lon, alarm.lat)


def metres(report: Report, wet: Wet) -> float:
    """Between the two; plane, which is exact enough for a few hundred metres."""
    east = (report.lon - wet.lon) * math.cos(math.radians(wet.lat))
    return math.hypot(east, report.lat - wet.lat) * METRES_PER_DEGREE


def fits(report: Report, wet: Wet, figures: Ponding) -> float | None:
    """How far apart they are (m) where they speak of the same water; None where they do not."""
    if abs(report.lat - wet.lat) * METRES_PER_DEGREE > figures.metres:  # most are out by this alone
        return None
    early = wet.since - report.at > figures.before_minutes * MINUTE
    late = wet.until is not None and report.at - wet.until > figures.after_minutes * MINUTE
    if early or late:
        return None
    apart = metres(report, wet)
    return apart if apart <= figures.metres else None


def nearest(report: Report, wets: Iterable[Wet], figures: Ponding) -> tuple[Wet, float] | None:
    """The alarm that a report goes with, and how far it is."""
    found = [(apart, wet) for wet in wets if (apart := fits(report, wet, figures)) is not None]
    if not found:
        return None
    apart, wet = min(found, key=lambda one: (one[0], one[1].subject))
    return wet, apart
