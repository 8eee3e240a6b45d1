"""What a storm sets off: citizens report ponding near wet gauges, crews are sent, stay until it drains; trees, drains."""

from __future__ import annotations

import functools

from feeds.demo.chance import rng
from feeds.demo.city import City, Site
from feeds.demo.classes import DRAIN, PONDING, TREE
from feeds.demo.crews import Fix, Mission, Unit, arrival_estimate, fleet, mission
from feeds.demo.plans import MINUTE, Places, Plan, ordinary, unit_for
from feeds.demo.story import AFTERMATH, Storm
from feeds.demo.water import Water
from feeds.demo.working import case_date, deadline

#: depth that makes people call
_CALL_DEPTH = 0.11
_DRAINED = 0.03
_CALLERS = ("12345热线", "公众号", "视频抓拍", "12345热线", "110联动")


class Flooding:
    """Cases and missions of each storm, decided together: a case is handled when its crew is there, closed when dry."""

    def __init__(self, city: City, water: Water) -> None:
        self.city, self.water = city, water
        self.places = Places(city)
        self.fleet = fleet(city)
        self.gauges = [site for site in city.sites if site.kind in ("road", "underpass")]
        self._told = functools.lru_cache(maxsize=24)(self._tell)

    def plans(self, storm: Storm) -> list[Plan]:
        """The storm's cases."""
        return self._told(storm)[0]

    def missions(self, storm: Storm) -> list[Mission]:
        return self._told(storm)[1]

    def fix(self, unit: Unit, time: int) -> Fix:
        """Where a unit is at `time`, on a mission or on its round."""
        for storm in reversed(self.water.story.storms(time - AFTERMATH, time)):
            for task in reversed(self.missions(storm)):
                if task.unit == unit.id and task.ordered <= time < task.returned:
                    return task.fix(time)
        return unit.patrol(time)

    def _tell(self, storm: Storm) -> tuple[list[Plan], list[Mission]]:
        wet = [(self.water.first_reach(storm, site, _CALL_DEPTH), site) for site in self.gauges]
        calls = sorted(((at, site) for at, site in wet if at is not None), key=lambda call: (call[0], call[1].id))
        plans: list[Plan] = []
        missions: list[Mission] = []
        for at, site in calls:
            plans += self._ponding(storm, site, at, missions, len(plans))
        return plans + self._damage(storm, len(plans)), missions

    def _ponding(self, storm: Storm, site: Site, wet: int, missions: list[Mission], number: int) -> list[Plan]:
        """One to three reports of the same water; the first sends the crew."""
        chance = rng(storm.key, storm.start, site.id)
        times = sorted(wet + chance.randrange(40_000, 5 * MINUTE) for _ in range(chance.choice((1, 1, 2, 2, 3))))
        plans: list[Plan] = []
        task = None
        for n, reported in enumerate(times):
            case_id = storm_case_id(storm, reported, number + n)
            accepted = reported + chance.randrange(30_000, 2 * MINUTE)
            registered = accepted + chance.randrange(20_000, MINUTE)
            dispatched = registered + chance.randrange(20_000, 80_000)
            if task is None:
                drained = self.water.last_above(storm, site, _DRAINED)
                task = self._send(storm, site, case_id, dispatched, drained, missions)
                missions.append(task)
            handling, handled = max(task.arrives, dispatched + 1000), max(task.done, dispatched + 2000)
            checked = handled + chance.randrange(3 * MINUTE, 12 * MINUTE)
            steps = (
                (reported, "reported"), (accepted, "pending_register"), (registered, "pending_dispatch"),
                (dispatched, "pending_handle"), (handling, "handling"), (handled, "pending_check"), (checked, "pending_check"),
                (checked + chance.randrange(MINUTE, 6 * MINUTE), "closed"),
            )  # fmt: skip
            depth = self.water.depth(site, reported)
            place = self.places.near((site.at[0] + chance.gauss(0, 22), site.at[1] + chance.gauss(0, 22)), chance)
            text = PONDING.text.format(place=site.name, depth=max(5, round(depth * 100 / 5) * 5))
            extra = {"gauge": site.id, "crew": next(u.name for u in self.fleet if u.id == task.unit)}
            plans.append(Plan(
                case_id, PONDING, place, chance.choice(_CALLERS), unit_for(PONDING, place.district), text, steps,
                deadline(dispatched, PONDING.limit, PONDING.mode), checked, "积水已排除,恢复通行",
                3 if self.water.peak(storm, site) >= 0.27 else 2, extra,
            ))  # fmt: skip
        return plans

    def _send(self, storm: Storm, site: Site, case_id: str, ordered: int, drained: int, missions: list[Mission]) -> Mission:
        """The nearest unit that is free; when none is, the one that is free first."""
        busy = {task.unit: task.returned for task in missions}
        able = [unit for unit in self.fleet if unit.drains]
        free = [unit for unit in able if busy.get(unit.id, 0) <= ordered]
        if free:
            chosen = min(free, key=lambda unit: (arrival_estimate(self.city, unit, site.at, ordered), unit.id))
            return mission(self.city, chosen, case_id, site.id, site.at, ordered, drained)
        chosen = min(able, key=lambda unit: (busy[unit.id], unit.id))
        return mission(self.city, chosen, case_id, site.id, site.at, busy[chosen.id], drained)

    def _damage(self, storm: Storm, number: int) -> list[Plan]:
        """Fallen branches and overflowing drains while it rains hardest."""
        chance = rng(storm.key, storm.start, "damage")
        plans = []
        for n in range(chance.randint(9, 16)):
            row = chance.choice((TREE, DRAIN, DRAIN))
            reported = storm.start + chance.randrange(6 * MINUTE, 42 * MINUTE)
            place = self.places.pick(chance)
            plans.append(ordinary(storm_case_id(storm, reported, number + n), row, place, chance.choice(_CALLERS), reported))
        return plans


def storm_case_id(storm: Storm, time: int, number: int) -> str:
    """任务号 of a storm's case: from 9 on, parted by the storm's minute so that two storms of a day differ."""
    return f"{case_date(time)}9{storm.start // MINUTE % 1440:04d}{number:02d}"
