"""An engine fed with readings, and the alarms that its edges leave: what the ledger would keep of them."""

from __future__ import annotations

from dispatch.alarming import Engine, rules_of
from dispatch.alarming.inputs import Reading, SensorGone, SensorSeen
from hall.core.config import GaugeRule
from hall.core.model import Sensor

MINUTE = 60_000
GAUGES = (
    GaugeRule(quantity="water_depth", value=0.15, severity=2, label={"en": "care"}),
    GaugeRule(quantity="water_depth", value=0.27, severity=4, label={"en": "close"}),
    GaugeRule(quantity="water_depth", kind="manhole", value=0.5, severity=3),
    GaugeRule(quantity="rain_1h", value=20.0, severity=1),
)


def rules(table=None, gauges=(), defaults=False):
    return rules_of(table or {}, gauges, ["en"], defaults=defaults)


class Told:
    """`alarms`: site -> fields of its active alarm; `edges`: all of them in order."""

    def __init__(self, book, engine=None):
        self.engine = engine or Engine(book)
        self.alarms, self.edges = {}, []

    def take(self, *inputs):
        return self._noted(self.engine.take(inputs))

    def advance(self, now):
        return self._noted(self.engine.advance(now))

    def _noted(self, edges):
        self.edges += edges
        for edge in edges:
            assert (edge.move == "raise") == (edge.site not in self.alarms), "raise, change and return alternate"
            if edge.move == "return":
                del self.alarms[edge.site]
            else:
                self.alarms[edge.site] = edge.data
        return edges

    def read(self, values, start=1, step=MINUTE, sensor="s1", quantity="water_depth", **more):
        """One reading each `step`, from `start` steps on; the severities of the site's alarm after each of them."""
        found = []
        for n, value in enumerate(values, start):
            self.take(Reading(feed="g", sensor=sensor, quantity=quantity, value=value, time=n * step, **more))
            found.append(self.severity(f"g/{sensor}"))
        return found

    def severity(self, site="g/s1"):
        return self.alarms.get(site, {}).get("severity", 0)

    def sensor(self, sensor="s1", at=0, **fields):
        return self.take(SensorSeen(sensor=Sensor(feed="g", sensor_id=sensor, **fields), time=at))

    def gone(self, sensor="s1", at=0):
        return self.take(SensorGone(feed="g", sensor=sensor, time=at))
