"""What the dispatch process knows of signals, rain, depths and calls, kept up event by event. Asks no clock; bounded."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from dispatch.part import POOR
from dispatch.plans.model import HOUR
from dispatch.plans.proposing import Depth, Picture, Rain, Signal
from dispatch.plans.state import Response
from dispatch.rain.gauge import Gauges
from hall.core.model import PublicWarning

#: sites and calls that are watched; further ones are counted as refused
SITES, CALLS = 20_000, 10_000
#: statuses of a warning that mean something here: tests and drafts do not
_STATUSES = ("Actual", "Exercise")
_CALLS_KEPT = 24 * HOUR


class _Reading(msgspec.Struct):
    value: float | None = None
    quality: str = ""


class _Stages(msgspec.Struct):
    reported: int | None = None


class _Call(msgspec.Struct):
    subclass_name: str = ""
    stages: _Stages = msgspec.field(default_factory=_Stages)
    extra: dict[str, Any] = {}


class _Alarm(msgspec.Struct):
    cause: str = ""
    severity: int = 0
    active: bool = False
    doubtful: bool = False
    hidden_by: str = ""
    out_of_service: Any = None


_reading, _call = msgspec.json.Decoder(_Reading).decode, msgspec.json.Decoder(_Call).decode
_alarm, _warning = msgspec.json.Decoder(_Alarm).decode, msgspec.json.Decoder(PublicWarning).decode


class Knowledge:
    """`classes`: minor classes of cases that are calls about ponding; `rain`: the city's gauges, kept up by dispatch/rain.
    `refused` counts what there was no room for."""

    def __init__(self, classes: Iterable[str], rain: Gauges) -> None:
        self._classes = [name.encode() for name in classes]
        self._signals: dict[str, Signal] = {}
        self._rain = rain
        self._depth: dict[str, tuple[int, float]] = {}
        self._calls: dict[str, int] = {}
        self._alarms: dict[str, tuple[int, str]] = {}  # site -> severity of its active alarm, sensor that raised it
        self._doubtful: dict[str, str] = {}  # alarm's site -> sensor whose readings are not believed
        self.refused = 0

    def hear(self, subject: str, time: int, raw: bytes) -> None:
        """One bus event; `raw` its document (`null`: gone). Raises msgspec.MsgspecError for one that is not of its kind."""
        topic, _, rest = subject.partition("/")
        gone = raw == b"null"
        if topic == "observation":
            self._observation(rest, time, b"" if gone else raw)
        elif topic == "warning":
            self._signal(subject, time, None if gone else _warning(raw))
        elif topic == "alarm":
            self._of_alarm(rest, None if gone else _alarm(raw))
        elif topic == "case":
            self._case(subject, raw)

    def picture(self, state: Response | None, now: int, fresh_ms: int, exercise: bool, met: dict[str, int]) -> Picture:
        """All of it as `propose` takes it."""
        in_force = state is not None and state.state == "in_force"
        doubted = set(self._doubtful.values())
        calls = {subject: at for subject, at in self._calls.items() if at > now - _CALLS_KEPT}
        self._calls = calls
        return Picture(
            signals=list(self._signals.values()),
            rain={site: Rain(time=g.time, mm=g.sums(now), doubtful=site in doubted) for site, g in self._rain.items()},
            depth={site: Depth(time=at, metres=m, doubtful=site in doubted) for site, (at, m) in self._depth.items()},
            cases=list(calls.values()),
            alarms={site: severity for site, (severity, sensor) in self._alarms.items() if sensor not in doubted},
            level=state.level if in_force else "",
            since=(state.since or 0) if in_force else 0,
            met=met,
            exercise=exercise,
            fresh_ms=fresh_ms,
        )

    # -- by topic --------------------------------------------------------------------------------------------------------------

    def _observation(self, rest: str, time: int, raw: bytes) -> None:
        site, _, quantity = rest.rpartition("/")
        if quantity != "water_depth":
            return
        reading = _reading(raw) if raw else _Reading()
        if reading.value is None or reading.quality.casefold() in POOR:
            return
        before = self._depth.get(site)
        if before is None and len(self._depth) >= SITES:
            self.refused += 1
        elif before is None or before[0] < time:
            self._depth[site] = (time, reading.value)

    def _signal(self, subject: str, time: int, warning: PublicWarning | None) -> None:
        before = self._signals.pop(subject, None)
        if warning is None or warning.message_type == "Cancel" or warning.status not in _STATUSES or not warning.severity:
            return
        kind = warning.extra.get("signal", {})
        same = before is not None and before.severity == warning.severity
        self._signals[subject] = Signal(
            subject=subject,
            event=warning.event[:300],
            kind=str(kind.get("kind", "") if isinstance(kind, dict) else "")[:100],
            severity=warning.severity,
            label=warning.severity_label,
            exercise=warning.status == "Exercise",
            since=before.since if same and before is not None else time,
            expires=warning.expires,
        )

    def _of_alarm(self, site: str, alarm: _Alarm | None) -> None:
        self._alarms.pop(site, None)
        self._doubtful.pop(site, None)
        if alarm is None:
            return
        sensor = alarm.cause.partition("/")[2].rpartition("/")[0]
        if alarm.doubtful:
            self._doubtful[site] = sensor
        elif alarm.active and not alarm.hidden_by and not alarm.out_of_service:
            self._alarms[site] = (alarm.severity, sensor)

    def _case(self, subject: str, raw: bytes) -> None:
        if subject in self._calls or not any(name in raw for name in self._classes):
            return  # most cases are of another class: not worth reading
        call = _call(raw)
        if call.stages.reported is None or call.subclass_name.encode() not in self._classes or call.extra.get("task"):
            return
        if len(self._calls) >= CALLS:
            self.refused += 1
            return
        self._calls[subject] = call.stages.reported
