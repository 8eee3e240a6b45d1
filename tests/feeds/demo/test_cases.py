"""Cases: how many, what lives they lead, and when they are due."""

import datetime
from collections import Counter
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feeds.demo.story import DAY, HOUR, MINUTE
from feeds.demo.working import add_working, deadline
from hall.core.model import CASE_STATES

_ZONE = ZoneInfo("Asia/Shanghai")
_NEXT = {
    "reported": {"pending_register", "not_accepted"},
    "pending_register": {"pending_dispatch"},
    "pending_dispatch": {"pending_handle"},
    "pending_handle": {"handling", "returned"},
    "returned": {"pending_handle"},
    "handling": {"pending_check"},
    "pending_check": {"pending_check", "closed"},
}


@pytest.fixture(scope="module")
def plans(world, anchor):
    return world.cases.known(anchor + 2 * HOUR)


def test_about_three_hundred_a_day_with_a_daily_rhythm(plans, anchor):
    moments = [datetime.datetime.fromtimestamp(plan.steps[0][0] / 1000, _ZONE) for plan in plans]
    days = Counter(m.date() for m in moments)
    full = [count for day, count in sorted(days.items())[:-1]]
    assert len(full) == 8 and all(230 <= count <= 380 for count in full)
    hours = Counter(m.hour for m in moments)
    assert hours[9] > 5 * hours[3]


def test_task_numbers_are_unique_and_carry_the_local_day(plans):
    assert len({plan.case_id for plan in plans}) == len(plans)
    for plan in plans:
        day = datetime.datetime.fromtimestamp(plan.steps[0][0] / 1000, _ZONE)
        assert plan.case_id.startswith(f"{day:%Y%m%d}")


def test_every_life_goes_through_allowed_states_in_time_order(plans):
    for plan in plans:
        times, states = zip(*plan.steps, strict=True)
        assert list(times) == sorted(times)
        assert states[0] == "reported" and states[-1] in ("closed", "not_accepted")
        assert all(b in _NEXT[a] for a, b in zip(states, states[1:], strict=False))
        assert set(states) <= set(CASE_STATES)
    ends = Counter(plan.steps[-1][1] for plan in plans)
    assert 0.02 < ends["not_accepted"] / len(plans) < 0.07
    assert sum("returned" in dict((s, t) for t, s in plan.steps) for plan in plans) > 20


def test_a_document_shows_only_what_was_known_at_its_time(plans):
    for plan in plans[::17]:
        for at, state in plan.steps:
            case = plan.document("cases", at)
            assert case.state == state
            stamps = [case.stages.reported, case.stages.accepted, case.stages.registered, case.stages.dispatched,
                      case.stages.handled, case.stages.checked, case.stages.closed]  # fmt: skip
            known = [stamp for stamp in stamps if stamp is not None]
            assert known == sorted(known) and all(stamp <= at for stamp in known)
            assert (case.due is None) == (case.stages.dispatched is None) == (case.unit == "")


def test_some_are_overdue_and_most_are_not(plans):
    handled = [(dict((s, t) for t, s in reversed(plan.steps)).get("pending_check"), plan.due) for plan in plans if plan.due]
    late = sum(at > due for at, due in handled if at)
    assert 0.01 < late / len(handled) < 0.15


def _open(minute):
    moment = datetime.datetime.fromtimestamp(minute * 60, _ZONE)
    return moment.weekday() < 5 and (8 <= moment.hour < 12 or 14 <= moment.hour < 18)


@given(st.integers(1_795_000_000 // 60, 1_797_000_000 // 60), st.integers(1, 30 * 60))
def test_working_time_is_what_counting_minutes_gives(start, minutes):
    minute, left = start, minutes
    while left:
        left -= _open(minute)
        minute += 1
    assert add_working(start * MINUTE, minutes * MINUTE) == minute * MINUTE


def test_urgent_limits_run_through_the_night_and_working_days_are_eight_hours():
    friday = int(datetime.datetime(2026, 11, 20, 17, 0, tzinfo=_ZONE).timestamp() * 1000)
    monday = int(datetime.datetime(2026, 11, 23, 9, 0, tzinfo=_ZONE).timestamp() * 1000)
    assert deadline(friday, 2, "urgent") == friday + 2 * HOUR
    assert deadline(friday, 2, "work") == monday
    assert deadline(friday, 1, "days") == monday + 8 * HOUR  # 1 h on Friday, 7 h on Monday: until 17:00


def test_ponding_is_reported_near_wet_gauges_and_handled_by_the_crew_that_went_there(world, anchor):
    storm = world.story.storms(anchor, anchor + HOUR)[0]
    ponding = [plan for plan in world.flooding.plans(storm) if plan.row.sub == "道路积水"]
    sites = {site.id: site for site in world.city.sites}
    tasks = {task.site: task for task in world.flooding.missions(storm)}
    assert len({plan.extra["gauge"] for plan in ponding}) >= 12
    for plan in ponding:
        site, steps = sites[plan.extra["gauge"]], {state: at for at, state in plan.steps}
        assert world.water.depth(site, plan.steps[0][0]) > 0.1
        assert steps["handling"] >= tasks[site.id].arrives and steps["pending_check"] >= tasks[site.id].done
        assert world.water.depth(site, steps["closed"]) < 0.05
        assert plan.due == steps["pending_handle"] + 2 * HOUR


def test_steps_of_a_window_do_not_depend_on_how_it_is_cut(world, anchor):
    def told(moments):
        return [(at, plan.case_id) for a, b in zip(moments, moments[1:], strict=False) for at, plan in world.cases.steps(a, b)]

    assert told([anchor, anchor + DAY]) == told(list(range(anchor, anchor + DAY + 1, 7 * MINUTE + 200)) + [anchor + DAY])
