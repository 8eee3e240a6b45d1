"""Every gauge site the hall hears of: its sensor document, where each quantity stands, its current alarm.

Pure state around `dispatch.alarms`; after a restart it is filled from the board's own sensor and alarm documents.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from dispatch.alarms import Gauge, Line, alarm_of, judge, lines
from hall.core.config import GaugeRule
from hall.core.model import Alarm, Observation, Sensor


class Sites:
    """`rules` are the city's thresholds, `language` the one their labels are written in on an alarm.

    At most `bound` sites are watched; readings of further ones are counted in `refused`.
    """

    def __init__(self, rules: Iterable[GaugeRule], language: str, bound: int = 20_000) -> None:
        self._rules, self._language, self._bound = tuple(rules), language, bound
        self._quantities = {rule.quantity for rule in self._rules}
        self._sensors: dict[str, Sensor] = {}
        self._gauges: dict[str, dict[str, Gauge]] = {}
        self._scales: dict[str, dict[str, tuple[Line, ...]]] = {}
        self._alarms: dict[str, Alarm] = {}
        self.refused = 0

    @property
    def active(self) -> int:
        return sum(alarm.active for alarm in self._alarms.values())

    def sensor(self, subject: str, sensor: Sensor | None, time: int = 0) -> tuple[str, Alarm] | None:
        """A sensor document came (None: it is gone). The new lines hold from the next reading on. Where the measuring point is
        gone nothing can ever say that all is well again: its alarm, which is returned here, ends at `time`."""
        site = subject.partition("/")[2]
        self._scales.pop(site, None)
        if sensor is not None:
            self._sensors[site] = sensor
            return None
        self._sensors.pop(site, None)
        self._gauges.pop(site, None)
        known = self._alarms.get(site)
        if known is None or not known.active:
            return None
        self._alarms[site] = msgspec.structs.replace(known, active=False, severity=0, returned=time)
        return site, self._alarms[site]

    def restore(self, site: str, alarm: Alarm, time: int) -> None:
        """An alarm the board still has from before a restart; `time` is its event's."""
        quantity = alarm.rule.partition("/")[2]
        gauge = Gauge(alarm.severity, time, alarm.since if alarm.active else None, alarm.value, time)
        self._gauges.setdefault(site, {})[quantity] = gauge
        self._alarms[site] = alarm

    def reading(self, reading: Observation, time: int) -> tuple[str, Alarm] | None:
        """Judges one reading; returns the site and its alarm when it must be told."""
        if reading.value is None:
            return None
        site = f"{reading.feed}/{reading.sensor_id}"
        scale = self._scale(site, reading.quantity)
        gauges = self._gauges.get(site)
        if not scale and (gauges is None or reading.quantity not in gauges):
            return None
        if gauges is None:
            if len(self._gauges) >= self._bound:
                self.refused += 1
                return None
            gauges = self._gauges[site] = {}
        before = gauges.get(reading.quantity, Gauge())
        gauges[reading.quantity], tell = judge(before, reading.value, time, scale)
        if not tell:
            return None
        known = self._alarms.get(site)
        started = known.since if known is not None and known.active else None
        alarm = alarm_of(gauges, self._scales[site], reading, self._sensors.get(site), time, started)
        if known is not None and known.active and known.alarm_id == alarm.alarm_id:
            alarm.acknowledged = known.acknowledged
        self._alarms[site] = alarm
        return site, alarm

    def acknowledged(self, site: str, alarm: Alarm | None) -> None:
        """An alarm document of somebody else came: its acknowledgement is kept while the alarm lasts."""
        known = self._alarms.get(site)
        if known is not None and alarm is not None and known.alarm_id == alarm.alarm_id:
            self._alarms[site] = msgspec.structs.replace(known, acknowledged=alarm.acknowledged)

    def forget_returned(self, before: int) -> list[tuple[str, int]]:
        """Sites whose alarm returned to normal before the moment `before`, with when: their alarm leaves the board."""
        found = [(site, a.returned) for site, a in self._alarms.items() if not a.active and (a.returned or 0) < before]
        for site, _ in found:
            del self._alarms[site]
        return found

    def _scale(self, site: str, quantity: str) -> tuple[Line, ...]:
        known = self._scales.setdefault(site, {}) if site in self._sensors or quantity in self._quantities else {}
        if quantity not in known:
            known[quantity] = lines(self._sensors.get(site), quantity, self._rules, self._language)
        return known[quantity]
