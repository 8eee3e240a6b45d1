"""What the pumps of the deepest underpasses say of themselves in a storm: an overload while the water stands high, cleared when
it is gone. Alarms of a system of its own, as a pump station's control makes them; they join the alarms of the gauges there.
"""

from __future__ import annotations

from collections.abc import Iterator

from feeds.demo.chance import rng
from feeds.demo.city import City, Site
from feeds.demo.plane import to_degrees
from feeds.demo.story import MINUTE, Storm
from feeds.demo.water import Water
from hall.core.model import SuppliedAlarm

STATIONS = 3
#: depths at which a pump trips, and at which it can be started again (m)
_TRIPS, _RESTS = 0.15, 0.06


class Pumping:
    """`gauges`: the feed whose measuring points stand where the pumps are."""

    def __init__(self, city: City, water: Water, gauges: str = "gauges") -> None:
        self.water, self.gauges = water, gauges
        under = (site for site in city.sites if site.kind == "underpass")
        self.sites = sorted(under, key=lambda site: (-site.weak, site.id))[:STATIONS]

    def telling(self, storm: Storm, feed: str) -> Iterator[tuple[int, SuppliedAlarm]]:
        """Every line of one storm, by pump, with its moment (ms)."""
        for site in self.sites:
            wet = self.water.first_reach(storm, site, _TRIPS)
            if wet is None:
                continue
            chance = rng(storm.key, storm.start, site.id, "pump")
            tripped = wet + chance.randrange(20_000, 2 * MINUTE)
            over = max(tripped + 4 * MINUTE, self.water.last_above(storm, site, _RESTS) + chance.randrange(MINUTE, 3 * MINUTE))
            yield tripped, self._line(site, feed, True)
            yield over, self._line(site, feed, False)

    def _line(self, site: Site, feed: str, active: bool) -> SuppliedAlarm:
        lon, lat = to_degrees(site.at)
        return SuppliedAlarm(
            feed=feed, alarm_id=f"{site.id}-P1-OL", active=active, site=f"{self.gauges}/{site.id}", kind="pump_overload",
            label={"zh-CN": "水泵过载停机", "en": "pump stopped by overload"}, severity=3, severity_label="重要",
            text="1#泵 过载保护动作" if active else "1#泵 恢复", family="pump_station", name=site.name, lon=lon, lat=lat,
        )  # fmt: skip
