"""Threshold alarms on gauges: deadband, delay, one alarm per site. Pure: `(state, reading) -> (state, alarm or None)`.

The lines come from the sensor's own document, else from the city's `[[thresholds]]` of the same quantity and kind. A
level counts when it is reached; it is left when the reading falls the deadband below it. Raising, worsening, easing and
returning each need `READINGS` consecutive readings that agree, so one splash or one gap is no alarm.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from hall.core.config import GaugeRule
from hall.core.model import Alarm, Observation, Sensor

DEADBAND = 0.10  # share of the line's value
READINGS = 2
#: an active alarm's value is told again when it changed and this much city time passed (ms)
REFRESH = 10_000


class Line(NamedTuple):
    """A threshold; `off` is where it is left again."""

    value: float
    severity: int
    label: str
    off: float


class Gauge(NamedTuple):
    """Where one quantity of one site stands; `recent` are its last `READINGS` values."""

    severity: int = 0
    time: int = -1  # of the newest reading
    since: int | None = None
    value: float | None = None
    told: int = 0
    recent: tuple[float, ...] = ()


def lines(sensor: Sensor | None, quantity: str, rules: Iterable[GaugeRule], language: str) -> tuple[Line, ...]:
    """The lines that hold for `quantity` of a sensor, mildest first."""
    found = []
    if sensor is not None and sensor.quantity == quantity:
        found = [(line.value, line.severity, line.label) for line in sensor.thresholds]
    if not found:
        kind = sensor.kind if sensor is not None else ""
        same = [rule for rule in rules if rule.quantity == quantity]
        chosen = [rule for rule in same if rule.kind and rule.kind == kind] or [rule for rule in same if not rule.kind]
        found = [(rule.value, rule.severity, rule.label.get(language, "")) for rule in chosen]
    found = sorted((line for line in found if line[1] > 0), key=lambda line: (line[1], line[0]))
    return tuple(Line(*line, line[0] - _deadband(line[0], [other[0] for other in found])) for line in found)


def _deadband(value: float, all_values: list[float]) -> float:
    """A tenth of the line's value, but never past half the way to the nearest other line: a river's level is measured
    from the sea, so a tenth of it would never be left."""
    gaps = [abs(other - value) / 2 for other in all_values if other != value]
    return min([abs(value) * DEADBAND, *gaps])


def level(value: float, held: int, scale: tuple[Line, ...]) -> int:
    """The severity of a reading while `held` is in force."""
    reached = (line.severity for line in scale if value >= (line.off if line.severity <= held else line.value))
    return max(reached, default=0)


def judge(gauge: Gauge, value: float, time: int, scale: tuple[Line, ...]) -> tuple[Gauge, bool]:
    """The gauge after a reading, and whether its alarm must be told. Readings not newer than the last change nothing."""
    if time <= gauge.time:
        return gauge, False
    recent = (*gauge.recent, value)[-READINGS:]
    found = [level(past, gauge.severity, scale) for past in recent]
    if len(found) == READINGS and not min(found) <= gauge.severity <= max(found):
        severity = min(found) if min(found) > gauge.severity else max(found)
        since = gauge.since if gauge.severity else time
        return Gauge(severity, time, since, value, time, recent), True
    tell = gauge.severity > 0 and value != gauge.value and time - gauge.told >= REFRESH
    return gauge._replace(time=time, value=value, told=time if tell else gauge.told, recent=recent), tell


def crossed(severity: int, scale: tuple[Line, ...]) -> Line | None:
    """The line that stands for a severity."""
    return next((line for line in scale if line.severity == severity), None)


def alarm_of(
    gauges: dict[str, Gauge],
    scales: dict[str, tuple[Line, ...]],
    reading: Observation,
    sensor: Sensor | None,
    time: int,
    started: int | None = None,
) -> Alarm:
    """The site's one alarm: its worst quantity, told because of `reading` at `time`. `started` is when the site's alarm
    began, when another quantity began it."""
    active = [(gauge.severity, quantity) for quantity, gauge in gauges.items() if gauge.severity > 0]
    severity, quantity = max(active, default=(0, reading.quantity))
    gauge, line = gauges[quantity], crossed(severity, scales.get(quantity, ()))
    judged = reading.extra if quantity == reading.quantity else {}
    since = started if started is not None else gauge.since
    place = sensor if sensor is not None else reading
    site = f"{reading.feed}/{reading.sensor_id}"
    return Alarm(
        alarm_id=f"{site}@{since}",
        rule=f"threshold/{quantity}",
        cause=f"observation/{site}/{quantity}",
        label=" · ".join(filter(None, [(sensor.name if sensor else "") or reading.sensor_id, line.label if line else ""])),
        severity=severity,
        active=severity > 0,
        since=since,
        returned=None if severity else time,
        value=gauge.value,
        unit=reading.unit or (sensor.unit if sensor else ""),
        threshold=line.value if line else None,
        confidence=_confidence(judged),
        picture=_picture(judged),
        lon=place.lon,
        lat=place.lat,
        district=place.district,
    )


def _confidence(extra: dict[str, Any]) -> float | None:
    """How sure an analyser was of the reading, 0..1; None where nobody said."""
    found = extra.get("confidence")
    known = isinstance(found, (int, float)) and not isinstance(found, bool) and 0 <= found <= 1
    return round(float(found), 3) if known else None


def _picture(extra: dict[str, Any]) -> str:
    """Address of the picture behind the reading; only the hall's own, so that no supplier leads a screen elsewhere."""
    found = extra.get("picture")
    return found if isinstance(found, str) and found.startswith("/video/poster/analysis/") and len(found) <= 500 else ""
