"""What each of the demo's feeds says, and when. A teller hands ready documents to the rim, as any transport does.

`begin(rim, now)` tells the past at the very first start, `resume(rim, now)` what every start repeats, and
`tell(rim, after, now)` all that happened in (after, now]; the same window is told in the same words every time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator

from feeds.demo import radar
from feeds.demo.cameras import SLOT, directory
from feeds.demo.chance import unit
from feeds.demo.city import Site
from feeds.demo.plane import to_degrees
from feeds.demo.pumping import Pumping
from feeds.demo.story import AFTERMATH, DAY, HOUR, MINUTE
from feeds.demo.warnings import Warnings
from feeds.demo.world import World
from feeds.source import Ready, Rim
from hall.core.model import Observation, Position, Sensor, Threshold

_BACKFILL = 3 * HOUR
_GAP = 5 * MINUTE  # a longer silence is filled at one reading a minute


class Teller:
    def __init__(self, world: World, feed: str) -> None:
        self.world, self.feed = world, feed

    async def begin(self, rim: Rim, now: int) -> None: ...

    async def resume(self, rim: Rim, now: int) -> None: ...

    async def tell(self, rim: Rim, after: int, now: int) -> None:
        raise NotImplementedError


class CaseTeller(Teller):
    async def begin(self, rim: Rim, now: int) -> None:
        """Eight days of history: what ended more than a day ago goes to the archive, the rest is live."""
        known = self.world.cases.known(now)
        over = [plan for plan in known if plan.ended is not None and plan.ended < now - DAY]
        await rim.archives(Ready(plan.document(self.feed, plan.ended), plan.ended) for plan in over)
        live = [plan for plan in known if plan.ended is None or plan.ended >= now - DAY]
        latest = ((plan, max(at for at, _ in plan.steps if at <= now)) for plan in live)
        await rim.docs(Ready(plan.document(self.feed, at), at) for plan, at in latest)

    async def tell(self, rim: Rim, after: int, now: int) -> None:
        for at, plan in self.world.cases.steps(after, now):
            await rim.doc(plan.document(self.feed, at), at)


Reading = tuple[Site, str, str, float]


class SensorTeller(Teller):
    """Readings every `period` ms, each place at its own second; `wet_period` while a storm's water is about."""

    kinds: tuple[str, ...] = ()
    quantity, unit_name = "water_depth", "m"
    period = wet_period = MINUTE

    def __init__(self, world: World, feed: str) -> None:
        super().__init__(world, feed)
        self.sites = [site for site in world.city.sites if site.kind in self.kinds]
        self.spots = {site.id: to_degrees(site.at) for site in self.sites}

    def values(self, site: Site, time: int) -> dict[str, tuple[float, str]]:
        raise NotImplementedError

    def thresholds(self, site: Site) -> list[Threshold]:
        return []

    async def resume(self, rim: Rim, now: int) -> None:
        for site in self.sites:
            lon, lat = self.spots[site.id]
            sensor = Sensor(
                feed=self.feed, sensor_id=site.id, name=site.name, quantity=self.quantity, unit=self.unit_name,
                kind=site.kind, lon=lon, lat=lat, state="online", thresholds=self.thresholds(site),
                extra={"name_en": site.english},
            )  # fmt: skip
            await rim.doc(sensor, self.world.story.anchor)

    async def begin(self, rim: Rim, now: int) -> None:
        await rim.docs(self._minutes(now - _BACKFILL, now))

    async def tell(self, rim: Rim, after: int, now: int) -> None:
        if now - after > _GAP:
            await rim.docs(self._minutes(max(after, now - _BACKFILL), now))
        await rim.docs(self._due(after, now))

    def _minutes(self, after: int, now: int) -> Iterator[Ready]:
        for time in range(after // MINUTE * MINUTE + MINUTE, now - MINUTE, MINUTE):
            for site in self.sites:
                yield from self._readings(site, time)

    def _due(self, after: int, now: int) -> Iterator[Ready]:
        """The newest reading of each place that fell due in the window."""
        for site in self.sites:
            phase = int(unit(site.id, "phase") * self.wet_period)
            time = _last(now, self.wet_period, phase)
            if self.wet_period != self.period and not self.world.water.wet(site, time):
                time = _last(now, self.period, phase)
            if time > after:
                yield from self._readings(site, time)

    def _readings(self, site: Site, time: int) -> Iterator[Ready]:
        lon, lat = self.spots[site.id]
        for quantity, (value, unit_name) in self.values(site, time).items():
            yield Ready(
                Observation(
                    feed=self.feed, sensor_id=site.id, quantity=quantity, value=value, unit=unit_name, lon=lon, lat=lat
                ),
                time,
            )


def _last(now: int, period: int, phase: int) -> int:
    return (now - phase) // period * period + phase


class GaugeTeller(SensorTeller):
    kinds = ("road", "underpass")
    period, wet_period = 30_000, 10_000

    def values(self, site: Site, time: int) -> dict[str, tuple[float, str]]:
        return {"water_depth": (self.world.water.depth(site, time), "m")}


class RainTeller(SensorTeller):
    kinds = ("rain",)
    quantity, unit_name = "rain_1h", "mm"

    def values(self, site: Site, time: int) -> dict[str, tuple[float, str]]:
        water = self.world.water
        return {
            "rain_10min": (water.rain_sum(site, time, 10), "mm"),
            "rain_1h": (water.rain_sum(site, time, 60), "mm"),
            "rain_rate": (water.rain_rate(site, time), "mm/h"),
        }


class RiverTeller(SensorTeller):
    kinds = ("river",)
    quantity = "water_level"

    def values(self, site: Site, time: int) -> dict[str, tuple[float, str]]:
        return {"water_level": (self.world.water.stage(site, time), "m")}

    def thresholds(self, site: Site) -> list[Threshold]:
        return [Threshold(value=3.0, severity=2, label="警戒水位"), Threshold(value=3.6, severity=4, label="保证水位")]


class CrewTeller(Teller):
    period = 5_000

    async def tell(self, rim: Rim, after: int, now: int) -> None:
        await rim.docs(self._due(after, now))

    def _due(self, after: int, now: int) -> Iterator[Ready]:
        for crew in self.world.flooding.fleet:
            time = _last(now, self.period, int(unit(crew.id, "phase") * self.period))
            if time <= after:
                continue
            fix = self.world.flooding.fix(crew, time)
            noise = [6.0 * (unit(crew.id, axis, time) - 0.5) if fix.speed else 0.0 for axis in "xy"]
            lon, lat = to_degrees((fix.at[0] + noise[0], fix.at[1] + noise[1]))
            yield Ready(Position(
                feed=self.feed, unit_id=crew.id, name=crew.name, kind=crew.kind, state=fix.state, lon=lon, lat=lat,
                speed_mps=round(fix.speed, 1), heading_deg=None if fix.heading is None else round(fix.heading, 0),
                accuracy_m=round(4 + 8 * unit(crew.id, time // MINUTE), 0), extra={"case": fix.case_id} if fix.case_id else {},
            ), time)  # fmt: skip


class CameraTeller(Teller):
    def __init__(self, world: World, feed: str) -> None:
        super().__init__(world, feed)
        self.cameras = directory(world.city)

    async def resume(self, rim: Rim, now: int) -> None:
        slot = now // SLOT * SLOT
        for camera in self.cameras:
            await rim.stream_url(f"channel/{self.feed}/{camera.id}", f"test://{camera.id}")
        await rim.docs(Ready(camera.document(self.feed, slot), slot) for camera in self.cameras)

    async def tell(self, rim: Rim, after: int, now: int) -> None:
        slot = now // SLOT * SLOT
        if slot > after:
            changed = (camera for camera in self.cameras if camera.online(slot) != camera.online(after))
            await rim.docs(Ready(camera.document(self.feed, slot), slot) for camera in changed)


class WarningTeller(Teller):
    def __init__(self, world: World, feed: str) -> None:
        super().__init__(world, feed)
        self.warnings = Warnings(world.city)

    async def begin(self, rim: Rim, now: int) -> None:
        """Only what is in force: a warning that is over is not news."""
        for storm in self.world.story.storms(now - 2 * HOUR, now + 5 * MINUTE):
            said = [step for step in self.warnings.telling(storm, self.feed) if step[0] <= now]
            if said and said[-1][1] is not None:
                await rim.doc(said[-1][1], said[-1][0])

    async def tell(self, rim: Rim, after: int, now: int) -> None:
        for storm in self.world.story.storms(after - 2 * HOUR, now + 5 * MINUTE):
            for at, document in self.warnings.telling(storm, self.feed):
                if after < at <= now and document is not None:
                    await rim.doc(document, at)
                elif after < at <= now:
                    await rim.gone(self.warnings.subject(storm, self.feed), at)


class PumpTeller(Teller):
    def __init__(self, world: World, feed: str) -> None:
        super().__init__(world, feed)
        self.pumping = Pumping(world.city, world.water)

    def _lines(self, after: int, now: int) -> Iterator[Ready]:
        storms = self.world.story.storms(after - AFTERMATH, now)
        found = [line for storm in storms for line in self.pumping.telling(storm, self.feed) if after < line[0] <= now]
        return (Ready(doc, at) for at, doc in sorted(found, key=lambda line: line[0]))

    async def begin(self, rim: Rim, now: int) -> None:
        await rim.docs(self._lines(now - AFTERMATH, now))

    async def tell(self, rim: Rim, after: int, now: int) -> None:
        await rim.docs(self._lines(after, now))


class RadarTeller(Teller):
    async def begin(self, rim: Rim, now: int) -> None:
        await self.tell(rim, now - HOUR, now)

    async def tell(self, rim: Rim, after: int, now: int) -> None:
        """Composites every three minutes; after a long silence those of the last two hours."""
        if moments := radar.due(after, now, most=2 * HOUR // radar.PERIOD):
            await rim.bytes(await asyncio.to_thread(radar.tar_of, self.world.story, moments), "application/x-odim")


TELLERS: dict[str, Callable[[World, str], Teller]] = {
    "cases": CaseTeller, "gauges": GaugeTeller, "rain": RainTeller, "river": RiverTeller, "crews": CrewTeller,
    "cameras": CameraTeller, "warnings": WarningTeller, "pumps": PumpTeller,
    "radar": RadarTeller,
}  # fmt: skip
