"""All cases of a story, by the day they were reported on and by the storm that caused them; steps in time order."""

from __future__ import annotations

import bisect
import functools
import itertools

from feeds.demo.chance import rng
from feeds.demo.city import City
from feeds.demo.classes import CLASSES, RHYTHM, SOURCES
from feeds.demo.flooding import Flooding
from feeds.demo.plans import Place, Places, Plan, ordinary
from feeds.demo.story import AFTERMATH, DAY, HISTORY_DAYS, HOUR, Storm, Story
from feeds.demo.working import case_date, day_start, is_workday, local_day

PER_DAY = 300
#: the longest limit is 5 working days; with overrun and a weekend every case is over within this
_LONGEST_DAYS = 24
_CLASS_SUMS = list(itertools.accumulate(c.weight for c in CLASSES))
_SOURCE_NAMES = [name for name, _ in SOURCES]
_SOURCE_SUMS = list(itertools.accumulate(weight for _, weight in SOURCES))


class Chapter:
    """Some plans with all their steps sorted: (ms, plan)."""

    def __init__(self, plans: list[Plan]) -> None:
        self.plans = plans
        self.steps = sorted(((at, plan) for plan in plans for at, _ in plan.steps), key=lambda step: (step[0], step[1].case_id))
        self._times = [at for at, _ in self.steps]

    def between(self, after: int, until: int) -> list[tuple[int, Plan]]:
        return self.steps[bisect.bisect_right(self._times, after) : bisect.bisect_right(self._times, until)]


class Cases:
    """What happens to cases in a window of time."""

    def __init__(self, city: City, story: Story, flooding: Flooding) -> None:
        self.city, self.story, self.flooding = city, story, flooding
        self.places = Places(city)
        self.first_day = local_day(story.anchor) - HISTORY_DAYS
        self._day = functools.lru_cache(maxsize=_LONGEST_DAYS + 4)(self._day_chapter)
        self._storm = functools.lru_cache(maxsize=24)(self._storm_chapter)

    def _day_chapter(self, day: int) -> Chapter:
        return Chapter(day_plans(self.story.seed, self.places, day))

    def _storm_chapter(self, storm: Storm) -> Chapter:
        return Chapter(self.flooding.plans(storm))

    def chapters(self, after: int, until: int) -> list[Chapter]:
        """Every chapter that may have a step in (after, until]."""
        first = max(self.first_day, local_day(after) - _LONGEST_DAYS)
        days = [self._day(day) for day in range(first, local_day(until) + 1)]
        storms = self.story.storms(after - AFTERMATH - DAY, until)
        return days + [self._storm(storm) for storm in storms]

    def steps(self, after: int, until: int) -> list[tuple[int, Plan]]:
        """(ms, plan) of every step in (after, until], in time order."""
        found = [chapter.between(after, until) for chapter in self.chapters(after, until)]
        return sorted(itertools.chain(*found), key=lambda step: (step[0], step[1].case_id))

    def known(self, now: int) -> list[Plan]:
        """Every case of the story reported up to `now`, in order of report."""
        start = day_start(self.first_day)
        plans = [plan for chapter in self.chapters(start, now) for plan in chapter.plans if plan.steps[0][0] <= now]
        return sorted(plans, key=lambda plan: (plan.steps[0][0], plan.case_id))


def day_plans(seed: int, places: Places, day: int) -> list[Plan]:
    """The everyday reports of one local day: about 300, fewer at weekends, by the rhythm of the hours."""
    chance = rng(seed, "day", day)
    count = round(PER_DAY * (1.06 if is_workday(day) else 0.84) * chance.uniform(0.93, 1.07))
    hours = chance.choices(range(24), weights=RHYTHM, k=count)
    times = sorted(day_start(day) + hour * HOUR + chance.randrange(HOUR) for hour in hours)
    date = case_date(times[0])
    plans = []
    for n, time in enumerate(times, 1):
        row = chance.choices(CLASSES, cum_weights=_CLASS_SUMS)[0]
        place: Place = places.pick(chance)
        source = chance.choices(_SOURCE_NAMES, cum_weights=_SOURCE_SUMS)[0]
        if source in ("监督员上报", "网格员上报") and not 7 <= (time - day_start(day)) // HOUR < 20:
            source = "12345热线"
        plans.append(ordinary(f"{date}{n:05d}", row, place, source, time))
    return plans
